/** What is written differently for WebGPU computes the same; run here on the CPU, whose plain forms are the reference. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { padChannels } from "../../../src/engine/compile/passes/pad-channels.js";
import { int, ints, text } from "../../../src/engine/graph/attributes.js";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import type { Attributes, Graph, Tensor } from "../../../src/engine/graph/types.js";
import { verifyGraph } from "../../../src/engine/graph/verify.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { Random } from "../../../src/engine/random/random.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";

/** An op with its gradient for a random weighting of its first output. */
function withGradient(op: string, shape: readonly number[], attributes: Attributes): Graph {
  const b = createBuilder("tested");
  const x = b.input("x", "float32", shape);
  const y = b.op(op, [x], attributes);
  const weights = b.input("w", "float32", y.shape);
  const axes = { keepdims: int(0) };
  const loss = b.op("ReduceSum", [b.op("Mul", [y, weights])], axes);
  b.output(y, "y");
  b.output(backward(b, (call) => opOf(call).gradient, loss, [x])[0] ?? x, "dx");
  return b.build();
}

function values(shape: readonly number[], stream: string): Float32Array {
  const random = new Random(1, stream);
  return Float32Array.from({ length: sizeOf(shape) }, (_, i) => random.uniform(i) * 4 - 2);
}

async function assertEqual(graph: Graph, x: Tensor): Promise<Graph> {
  const lowered = lowerGraph(graph, "webgpu");
  verifyGraph(lowered);
  const shape = graph.inputs[1]?.shape as number[];
  const feeds = new Map([
    ["x", x],
    ["w", tensor("float32", values(shape, "weights"), shape)],
  ]);
  const [plain, found] = [await runInOnnxRuntime(lowerGraph(graph), feeds), await runInOnnxRuntime(lowered, feeds)];
  for (const name of ["y", "dx"]) {
    const [a, b] = [plain.get(name)?.data as Float64Array, found.get(name)?.data as Float64Array];
    assert.equal(b.length, a.length);
    for (let i = 0; i < a.length; i++)
      assert.ok(Math.abs((a[i] as number) - (b[i] as number)) < 2e-6, `${name}[${i}]: ${b[i]}, plain ${a[i]}`);
  }
  return lowered;
}

const windows: readonly [readonly number[], Attributes][] = [
  [[2, 2, 6, 6], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }],
  [[1, 2, 7, 5], { kernel_shape: ints([3, 3]), strides: ints([2, 1]), pads: ints([1, 1, 1, 0]) }],
  [[2, 1, 5, 5], { kernel_shape: ints([2, 2]), strides: ints([1, 1]), auto_pad: text("SAME_UPPER") }],
  [[1, 1, 6, 6], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) }],
  [[1, 2, 9, 8], { kernel_shape: ints([2, 3]), strides: ints([3, 2]), dilations: ints([2, 1]) }],
  [[2, 2, 9], { kernel_shape: ints([3]), strides: ints([2]) }],
];

for (const [shape, attributes] of windows) {
  test(`MaxPool's gradient without indices, [${shape}] ${JSON.stringify(attributes)}`, async () => {
    const graph = withGradient("MaxPool", shape, attributes);
    const lowered = await assertEqual(graph, tensor("float32", values(shape, "x"), shape));
    for (const node of lowered.nodes) assert.ok(node.op !== "MaxPool" || node.outputs.length === 1, "indices are gone");
    // After ReLU many windows are all zero: a tie counts once, for the first of its places.
    const ties = values(shape, "x").map((v) => Math.max(0, Math.round(v)));
    await assertEqual(graph, tensor("float32", ties, shape));
  });
}

test("a convolution that WebGPU gets wrong is padded with zero channels and gives the same", async () => {
  for (const [inputs, outputs, padded] of [
    [6, 8, 2],
    [9, 4, 3],
    [3, 8, 0],
    [12, 8, 0],
    [6, 5, 0],
  ] as const) {
    const b = createBuilder("conv");
    const [shape, weight] = [
      [2, inputs, 5, 5],
      [outputs, inputs, 3, 3],
    ];
    const [x, w] = [b.input("x", "float32", shape), b.input("w", "float32", weight)];
    b.output(b.op("Conv", [x, w], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) }), "y");
    const graph = b.build();
    const changed = padChannels(graph);
    verifyGraph(changed);
    assert.equal(changed.nodes.filter((n) => n.op === "Pad").length, padded > 0 ? 2 : 0);
    const feeds = new Map([
      ["x", tensor("float32", values(shape, "x"), shape)],
      ["w", tensor("float32", values(weight, "w"), weight)],
    ]);
    const [a, c] = [await runInOnnxRuntime(graph, feeds), await runInOnnxRuntime(changed, feeds)];
    const found = c.get("y")?.data as Float64Array;
    for (const [i, v] of (a.get("y")?.data as Float64Array).entries())
      assert.ok(Math.abs(v - (found[i] as number)) < 1e-5);
  }
});

test("LogSoftmax is composed, large logits included", async () => {
  const shape = [4, 5];
  for (const axis of [-1, 0]) {
    const graph = withGradient("LogSoftmax", shape, { axis: int(axis) });
    const large = values(shape, "x").map((v, i) => (i < 5 ? 1000 * v : v));
    const lowered = await assertEqual(graph, tensor("float32", values(shape, "x"), shape));
    assert.ok(!lowered.nodes.some((n) => n.op === "LogSoftmax"));
    const feeds = new Map([
      ["x", tensor("float32", large, shape)],
      ["w", tensor("float32", values(shape, "weights"), shape)],
    ]);
    const y = (await runInOnnxRuntime(lowered, feeds)).get("y")?.data as Float64Array;
    assert.ok(y.every(Number.isFinite));
  }
});
