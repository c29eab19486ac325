import assert from "node:assert/strict";
import { test } from "node:test";
import { backward, zerosLike } from "../../../src/engine/autodiff/backward.js";
import { int } from "../../../src/engine/graph/attributes.js";
import { GraphBuilder, type Semantics, type Value } from "../../../src/engine/graph/builder.js";
import { scalar, tensor } from "../../../src/engine/graph/tensor.js";
import type { GradientRule } from "../../../src/engine/ops/definition.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { checkGraph } from "../ops/support/check.js";
import { evaluateReference } from "../ops/support/reference.js";

const rules = (call: Parameters<typeof opOf>[0]) => opOf(call).gradient;
const total = (b: GraphBuilder, x: Value): Value => b.op("ReduceSum", [x], { keepdims: int(0) });

/** Values of the given graph outputs with every float input fed. */
function run(
  b: GraphBuilder,
  feeds: Readonly<Record<string, readonly number[]>>,
  outputs: readonly Value[],
): number[][] {
  const names = outputs.map((o) => b.output(o).name);
  const graph = b.build();
  const fed = new Map(
    graph.inputs.map((i) => [i.name, tensor("float64", feeds[i.name] ?? [], i.shape as readonly number[])]),
  );
  const values = evaluateReference(graph, fed);
  return names.map((n) => [...(values.get(n)?.data ?? [])]);
}

test("shared sub-expressions accumulate: s * s + s with s = exp(x)", () => {
  const b = createBuilder();
  const x = b.input("x", "float64", [2]);
  const s = b.op("Exp", [x]);
  const loss = total(b, b.op("Add", [b.op("Mul", [s, s]), s]));
  const [dx] = backward(b, rules, loss, [x]);
  const [values] = run(b, { x: [0.5, -1] }, [dx as Value]);
  for (const [k, v] of [0.5, -1].entries()) {
    const expected = 2 * Math.exp(2 * v) + Math.exp(v);
    assert.ok(Math.abs((values?.[k] as number) - expected) < 1e-12);
  }
});

test("the same value as several inputs of one node counts each time", async () => {
  for (const op of ["Add", "Sub", "Mul", "Div", "Max", "Sum", "Mean"]) {
    await checkGraph({ inputs: [{ shape: [3], low: 0.5, high: 2 }], build: (b, [x]) => [b.op(op, [x, x])] });
  }
  await checkGraph({ inputs: [{ shape: [3] }], build: (b, [x]) => [b.op("Sum", [x, x, b.op("Tanh", [x]), x])] });
});

test("a value used by several nodes, at different depths and broadcast differently", async () => {
  await checkGraph({
    inputs: [{ shape: [3] }, { shape: [2, 3] }],
    build: (b, [x, y]) => {
      const product = b.op("Mul", [x, y]);
      const deep = b.op("Sigmoid", [b.op("Add", [product, x])]);
      return [b.op("Add", [deep, b.op("Mul", [x, b.op("ReduceMean", [y], { keepdims: int(0) })])]), product];
    },
  });
});

test("what the loss does not depend on has no gradient: unused inputs, unused branches, other paths", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", [2]);
  const unused = b.input("unused", "float32", [2]);
  const branch = b.input("branch", "float32", [2]);
  b.output(b.op("Exp", [branch]), "side");
  const loss = total(b, b.op("Tanh", [x]));
  const [dx, dUnused, dBranch] = backward(b, rules, loss, [x, unused, branch]);
  assert.deepEqual(dx?.shape, [2]);
  assert.equal(dUnused, undefined);
  assert.equal(dBranch, undefined);
  const other = createBuilder();
  const y = other.input("y", "float32", []);
  const z = other.input("z", "float32", []);
  assert.deepEqual(backward(other, rules, other.op("Exp", [z]), [y]), [undefined]);
});

test("no gradient is computed that nobody wants", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", [4]);
  const frozen = b.input("frozen", "float32", [4]);
  // The frozen side's own chain must not be differentiated either.
  const loss = total(b, b.op("Mul", [x, b.op("Erf", [b.op("Exp", [frozen])])]));
  const before = b.calls.length;
  backward(b, rules, loss, [x]);
  const added = b.calls.slice(before).map((c) => c.op);
  assert.deepEqual(
    added.filter((op) => op !== "Reshape" && op !== "Expand"),
    ["Mul"],
  );
});

test("ops with a zero derivative stop the gradient, and only there", () => {
  const b = createBuilder();
  const x = b.input("x", "float64", [2]);
  const y = b.input("y", "float64", [2]);
  const loss = total(b, b.op("Mul", [b.op("Floor", [x]), y]));
  const [dx, dy] = backward(b, rules, loss, [x, y]);
  assert.equal(dx, undefined);
  const [values] = run(b, { x: [1.7, -0.2], y: [1, 1] }, [dy as Value]);
  assert.deepEqual(values, [1, -1]);
});

test("a gradient does not pass integers: a cast to int64 and back", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", []);
  const there = b.op("Cast", [x], { to: int(7) });
  const back = b.op("Cast", [there], { to: int(1) });
  assert.deepEqual(backward(b, rules, b.op("Exp", [back]), [x]), [undefined]);
});

test("the gradient of an inner value, of the loss itself, and of a seed", () => {
  const b = createBuilder();
  const x = b.input("x", "float64", [2]);
  const inner = b.op("Exp", [x]);
  const loss = total(b, b.op("Mul", [inner, inner]));
  const seed = b.constant(scalar(3, "float64"));
  const [dInner, dLoss, dx] = backward(b, rules, loss, [inner, loss, x], seed);
  assert.equal(dLoss, seed);
  const [gInner, gx] = run(b, { x: [0, 1] }, [dInner as Value, dx as Value]) as [number[], number[]];
  assert.ok(Math.abs((gInner[1] as number) - 6 * Math.E) < 1e-12);
  assert.ok(Math.abs((gx[1] as number) - 6 * Math.E ** 2) < 1e-12);
});

test("gradients can be differentiated again: the second derivative of x^3 sin x", () => {
  const b = createBuilder();
  const x = b.input("x", "float64", [3]);
  const cube = b.op("Mul", [x, b.op("Mul", [x, x])]);
  const [first] = backward(b, rules, total(b, b.op("Mul", [cube, b.op("Sin", [x])])), [x]);
  const [second] = backward(b, rules, total(b, first as Value), [x]);
  const points = [-1.2, 0.3, 2];
  const [values] = run(b, { x: points }, [second as Value]);
  for (const [k, v] of points.entries()) {
    const expected = 6 * v * Math.sin(v) + 6 * v * v * Math.cos(v) - v ** 3 * Math.sin(v);
    assert.ok(Math.abs((values?.[k] as number) - expected) < 1e-12);
  }
});

test("the loss must be a scalar", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", [1]);
  assert.throws(() => backward(b, rules, x, [x]), /not a scalar but \[1\]/);
});

/** A builder of ops that only this file knows. */
const unknown: Semantics = {
  infer: (call) => [{ dtype: "float32", shape: call.inputs[0]?.shape ?? [] }],
  evaluate: () => undefined,
};

test("an op without a rule is named with its node and what to do", () => {
  const b = new GraphBuilder(unknown);
  const x = b.input("x", "float32", []);
  const y = b.op("Mystery", [x], {}, { name: "layer3/mystery", domain: "com.example" });
  assert.throws(() => backward(b, () => undefined, y, [x]), {
    name: "InputError",
    code: "gradient-missing",
    where: 'node "layer3/mystery"',
    found: /com\.example\.Mystery/,
    cure: /Freeze/,
  });
});

test("an op without a rule does no harm before the parameters or off the path to the loss", () => {
  const b = new GraphBuilder(unknown);
  const rule: GradientRule = ({ gradients }) => [gradients[0]];
  const lookup = (call: { op: string }) => (call.op === "Known" ? rule : undefined);
  const data = b.input("data", "float32", []);
  const features = b.op("Mystery", [data]);
  const parameter = b.input("parameter", "float32", []);
  const loss = b.op("Known", [parameter, features]);
  b.op("Mystery", [parameter]);
  const [d] = backward(b, lookup, loss, [parameter]);
  assert.ok(d);
});

test("a rule that gives a gradient of the wrong shape is caught", () => {
  const b = new GraphBuilder({ infer: () => [{ dtype: "float32", shape: [] }], evaluate: () => undefined });
  const x = b.input("x", "float32", [2]);
  const loss = b.op("Bad", [x]);
  assert.throws(
    () =>
      backward(
        b,
        () =>
          ({ gradients }) => [gradients[0]],
        loss,
        [x],
      ),
    /rule of Bad gave \[\].*\[2\]/,
  );
});

test("zerosLike has the value's type and shape", () => {
  const b = createBuilder();
  const zeros = zerosLike(b, b.input("x", "float64", [2, 3]));
  assert.deepEqual([zeros.dtype, zeros.shape], ["float64", [2, 3]]);
  assert.deepEqual(Array.from(b.constantOf(zeros)?.data as Float64Array), [0, 0, 0, 0, 0, 0]);
});
