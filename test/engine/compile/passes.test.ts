/** Each pass leaves a graph that computes the same, and does what it is there for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { commonSubexpressions } from "../../../src/engine/compile/passes/common-subexpressions.js";
import { deadNodes } from "../../../src/engine/compile/passes/dead-nodes.js";
import { dropIdentities } from "../../../src/engine/compile/passes/identities.js";
import { int } from "../../../src/engine/graph/attributes.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph } from "../../../src/engine/graph/types.js";
import { verifyGraph } from "../../../src/engine/graph/verify.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";

const feeds = new Map([["x", tensor("float32", [0.5, -1, 2, 3, -0.25, 1], [2, 3])]]);

/** Identities in every place, the same product twice, a branch nobody reads. */
function sample(): Graph {
  const b = createBuilder("sample");
  const x = b.input("x", "float32", [2, 3]);
  const w = b.initializer("w", tensor("float32", [1, 2, 3], [3]));
  b.initializer("unused", tensor("float32", [1], [1]));
  const same = b.op("Identity", [x]);
  const first = b.op("Mul", [same, w]);
  const second = b.op("Mul", [x, w]);
  b.op("Exp", [first]);
  const sum = b.op("Add", [b.op("Identity", [b.op("Relu", [first])]), b.op("Relu", [second])]);
  b.output(b.op("Identity", [sum]), "sum");
  b.output(b.op("Identity", [x]), "copy");
  b.output(b.op("Softmax", [sum], { axis: int(-1) }), "soft");
  return b.build();
}

async function assertSame(before: Graph, after: Graph): Promise<void> {
  verifyGraph(after);
  assert.deepEqual(
    after.outputs.map((o) => o.name),
    before.outputs.map((o) => o.name),
  );
  const [a, b] = [await runInOnnxRuntime(before, feeds), await runInOnnxRuntime(after, feeds)];
  for (const { name } of before.outputs)
    assert.deepEqual([...(a.get(name)?.data ?? [])], [...(b.get(name)?.data ?? [])], name);
}

const count = (graph: Graph, op: string): number => graph.nodes.filter((n) => n.op === op).length;

test("identities go, but for the one from an input straight to an output", async () => {
  const [before, after] = [sample(), dropIdentities(sample())];
  await assertSame(before, after);
  assert.ok(count(before, "Identity") >= 4);
  assert.equal(count(after, "Identity"), 1);
});

test("nodes and initialisers that no output depends on go", async () => {
  const after = deadNodes(sample());
  await assertSame(sample(), after);
  assert.equal(count(after, "Exp"), 0);
  assert.ok(!after.initializers.has("unused") && after.initializers.has("w"));
});

test("what is computed twice is computed once", async () => {
  const after = deadNodes(commonSubexpressions(dropIdentities(sample())));
  await assertSame(sample(), after);
  assert.deepEqual([count(after, "Mul"), count(after, "Relu")], [1, 1]);
});

test("lowering leaves no abstract op and keeps the outputs' names", () => {
  const b = createBuilder("abstract");
  const x = b.input("x", "float32", [4, 2, 3, 3]);
  const at = (name: string): ReturnType<typeof b.initializer> => b.initializer(name, tensor("float32", [1, 1], [2]));
  const [y] = b.ops("BatchNormalizationTraining", [x, at("s"), at("b"), at("m"), at("v")], {}, { domain: "limbeck" });
  b.output(y as NonNullable<typeof y>, "y");
  const graph = b.build();
  assert.ok(graph.nodes.some((n) => n.domain === "limbeck"));
  const lowered = lowerGraph(graph);
  assert.ok(lowered.nodes.every((n) => n.domain === ""));
  assert.deepEqual(
    lowered.outputs.map((o) => o.name),
    ["y"],
  );
});
