/** What a graph goes through before it is trained: constants in one form, tensors of their own, gradients of the branch taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { asModel } from "../../../src/engine/compile/compile.js";
import { importGraph } from "../../../src/engine/compile/import-graph.js";
import { weightsOf } from "../../../src/engine/compile/weights.js";
import { int } from "../../../src/engine/graph/attributes.js";
import type { GraphBuilder, Value } from "../../../src/engine/graph/builder.js";
import { int64s, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Node } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { openSession } from "../../../src/node/session.js";

const node = (op: string, inputs: string[], output: string, more: Partial<Node> = {}): Node => ({
  name: `n/${output}`,
  op,
  domain: "",
  inputs,
  outputs: [output],
  attributes: {},
  ...more,
});

const imported = (graph: Graph, tied?: (name: string) => boolean) =>
  importGraph(asModel(graph), "m.onnx", tied ? { tied } : {});

/** d sum(f(x) * seed) / dx, of the graph as it is imported. */
async function gradientOf(
  x: readonly number[],
  shape: readonly number[],
  f: (b: GraphBuilder, x: Value) => Value,
): Promise<{ values: number[]; gradient: number[] }> {
  const forward = createBuilder("forward");
  forward.output(f(forward, forward.input("x", "float32", shape)), "y");
  const { graph } = imported(forward.build());
  const b = createBuilder("gradient");
  const input = b.input("x", "float32", shape);
  const y = b.inline(graph, new Map([["x", input]])).get("y") as Value;
  const seed = b.constant(
    tensor(
      "float32",
      x.map((_, i) => 1 + i),
      y.shape,
    ),
  );
  const loss = b.op("ReduceSum", [b.op("Mul", [y, seed])], { keepdims: int(0) });
  const [gradient] = backward(b, (call) => opOf(call).gradient, loss, [input]);
  b.output(y, "y");
  b.output(gradient as Value, "dx");
  const session = await openSession(writeModel(asModel(b.build())), { threads: 1 });
  const out = await session.run({ x: tensor("float32", x, shape) });
  await session.dispose();
  return { values: Array.from(out.y?.data as Float32Array), gradient: Array.from(out.dx?.data as Float32Array) };
}

const near = (a: readonly number[], b: readonly number[]): void => {
  assert.equal(a.length, b.length);
  for (const [i, v] of a.entries()) assert.ok(Math.abs(v - (b[i] as number)) < 1e-5, `${a} is not ${b}`);
};

test("Where(x > 0, log x, 0): the gradient at x <= 0 is 0, not 0 times infinity", async () => {
  const { values, gradient } = await gradientOf([0, 2, -1, 4], [4], (b, x) => {
    const zero = b.constant(scalar(0));
    return b.op("Where", [b.op("Greater", [x, zero]), b.op("Log", [x]), zero]);
  });
  near(values, [0, Math.log(2), 0, Math.log(4)]);
  near(gradient, [0, 2 / 2, 0, 4 / 4]);
});

test("a quotient and a root behind other operators, in either branch", async () => {
  const { values, gradient } = await gradientOf([0, 4, 1, 0], [4], (b, x) => {
    const [zero, one] = [b.constant(scalar(0)), b.constant(scalar(1))];
    const inner = b.op("Add", [b.op("Div", [one, b.op("Sqrt", [x])]), one]);
    return b.op("Where", [b.op("Equal", [x, zero]), zero, inner]);
  });
  near(values, [0, 1.5, 2, 0]);
  // d/dx x^(-1/2) = -1/2 x^(-3/2)
  near(gradient, [0, 2 * -0.5 * 4 ** -1.5, 3 * -0.5, 0]);
});

test("a softmax whose row is masked as a whole: zeros out, zeros back, and the other rows as ever", async () => {
  const rows = [-Infinity, -Infinity, 0.5, -0.25];
  const { values, gradient } = await gradientOf(rows, [2, 2], (b, x) => {
    const p = b.op("Softmax", [x], { axis: int(-1) });
    return b.op("Where", [b.op("IsNaN", [p]), b.constant(scalar(0)), p]);
  });
  const p = 1 / (1 + Math.exp(-0.75));
  near(values, [0, 0, p, 1 - p]);
  // Seeds 3 and 4: dx0 = p (3 - (3 p + 4 (1 - p))).
  const mean = 3 * p + 4 * (1 - p);
  near(gradient, [0, 0, p * (3 - mean), (1 - p) * (4 - mean)]);
});

test("branches without risk stay as they are", () => {
  const b = createBuilder("plain");
  const x = b.input("x", "float32", [2]);
  b.output(b.op("Where", [b.op("Greater", [x, b.constant(scalar(0))]), x, b.op("Neg", [x])]), "y");
  const graph = b.build();
  assert.deepEqual(
    imported(graph).graph.nodes.map((n) => n.op),
    graph.nodes.map((n) => n.op),
  );
});

/** Two norms whose scales an exporter stored once, and a dense layer with its weight in a Constant node. */
function shared(): Graph {
  const ones = tensor("float32", [1, 1], [2]);
  const weight = tensor("float32", [1, 2, 3, 4], [2, 2]);
  return {
    name: "shared",
    inputs: [{ name: "x", dtype: "float32", shape: ["batch", 2] }],
    outputs: [{ name: "y", dtype: "float32", shape: ["batch", 2] }],
    initializers: new Map([["layers.0.norm.weight", ones]]),
    nodes: [
      node("Identity", ["layers.0.norm.weight"], "layers.1.norm.weight"),
      node("Constant", [], "/layers.0/Constant_output_0", { attributes: { value: { kind: "tensor", value: weight } } }),
      node("LayerNormalization", ["x", "layers.0.norm.weight"], "a"),
      node("MatMul", ["a", "/layers.0/Constant_output_0"], "b"),
      node("LayerNormalization", ["b", "layers.1.norm.weight"], "y"),
    ],
  };
}

test("what a Constant node holds is a weight as any other", () => {
  const { graph } = imported(shared());
  assert.equal(weightsOf(graph).weights.get("/layers.0/Constant_output_0"), "dense");
  assert.ok(!graph.nodes.some((n) => n.op === "Constant"));
});

test("an Identity with another layer's name: two tensors, unless they shall stay tied", () => {
  const own = imported(shared());
  assert.deepEqual([...own.untied], [["layers.1.norm.weight", "layers.0.norm.weight"]]);
  assert.deepEqual([...weightsOf(own.graph).weights.keys()].sort(), [
    "/layers.0/Constant_output_0",
    "layers.0.norm.weight",
    "layers.1.norm.weight",
  ]);
  const tied = imported(shared(), (name) => name.startsWith("layers.1"));
  assert.equal(tied.untied.size, 0);
  const { weights, shared: readers } = weightsOf(tied.graph);
  assert.deepEqual([...weights.keys()].sort(), ["/layers.0/Constant_output_0", "layers.0.norm.weight"]);
  assert.equal(readers.get("layers.0.norm.weight"), 2);
});

test("scales, masks, tables of positions and pixels' means are constants; learnt positions and tokens are weights", () => {
  const b = createBuilder("mixed");
  const c = (shape: readonly number[], values: readonly number[], name: string): Value => {
    const value = b.constant(tensor("float32", values, shape));
    names.set(value.name, name);
    return value;
  };
  const names = new Map<string, string>();
  const x = b.input("x", "float32", [1, 2, 3]);
  const centred = b.op("Sub", [x, c([3], [0.5, 0.4, 0.3], "means")]);
  const hidden = b.op("MatMul", [centred, c([3, 2], [1, 2, 3, 4, 5, 6], "weight")]);
  const biased = b.op("Add", [hidden, c([2], [1, 2], "bias")]);
  const placed = b.op("Add", [biased, c([1, 2, 2], [1, 2, 3, 4], "positions")]);
  const turned = b.op("Mul", [placed, c([1, 2, 2], [1, 0, 0, 1], "rotary")]);
  const scores = b.op("MatMul", [turned, b.op("Transpose", [turned], { perm: { kind: "ints", value: [0, 2, 1] } })]);
  const scaled = b.op("Mul", [scores, c([1], [0.7], "scale")]);
  const masked = b.op("Add", [scaled, c([2, 2], [0, -10000, 0, 0], "mask")]);
  const token = b.op("Concat", [c([1, 1, 2], [1, 2], "token"), b.op("MatMul", [masked, placed])], { axis: int(1) });
  b.output(b.op("ReduceMean", [token, b.constant(int64s([1]))]), "y");
  const { weights, constants } = weightsOf(b.build());
  const named = (list: Iterable<string>): string[] => [...list].map((n) => names.get(n) ?? n).sort();
  assert.deepEqual(named(weights.keys()), ["bias", "positions", "token", "weight"]);
  assert.deepEqual(named(constants), ["mask", "means", "rotary"]);
});
