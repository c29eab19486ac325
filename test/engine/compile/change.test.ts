/** What a pass changed, in numbers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { changeBetween, countOps } from "../../../src/engine/compile/passes/change.js";
import { commonSubexpressions } from "../../../src/engine/compile/passes/common-subexpressions.js";
import { float } from "../../../src/engine/graph/attributes.js";
import type { Graph } from "../../../src/engine/graph/types.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";

/** Two equal products; the second is read twice. */
function sample(): Graph {
  const b = createBuilder("sample");
  const x = b.input("x", "float32", [2]);
  const [first, second] = [b.op("Mul", [x, x]), b.op("Mul", [x, x])];
  b.output(b.op("Add", [first, b.op("Relu", [second])]), "sum");
  b.output(b.op("Exp", [second]), "exp");
  return b.build();
}

test("of two equal products one goes, and what read it reads the other", () => {
  const before = sample();
  // An Identity gives the output its name.
  assert.deepEqual(countOps(before.nodes), { Mul: 2, Add: 1, Exp: 1, Identity: 1, Relu: 1 });
  const change = changeBetween(before, commonSubexpressions(before));
  assert.deepEqual(change, { added: {}, removed: { Mul: 1 }, rewired: 2 });
});

test("nothing, another operator under the same name, and another attribute", () => {
  const before = sample();
  assert.deepEqual(changeBetween(before, sample()), { added: {}, removed: {}, rewired: 0 });
  const [relu] = before.nodes.filter((n) => n.op === "Relu");
  const other = (change: object): Graph => ({
    ...before,
    nodes: before.nodes.map((n) => (n === relu ? { ...n, ...change } : n)),
  });
  assert.deepEqual(changeBetween(before, other({ op: "Elu", domain: "own" })), {
    added: { "own.Elu": 1 },
    removed: { Relu: 1 },
    rewired: 0,
  });
  assert.deepEqual(changeBetween(before, other({ attributes: { alpha: float(1) } })), {
    added: {},
    removed: {},
    rewired: 1,
  });
});
