/** The blocked layout computes what the plain graph does: losses, gradients and running statistics of whole steps. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { defaultPasses, runPasses } from "../../../src/engine/compile/passes/index.js";
import type { Graph } from "../../../src/engine/graph/types.js";
import { verifyGraph } from "../../../src/engine/graph/verify.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { NCHWC_DOMAIN } from "../../../src/engine/ops/nchwc.js";
import { blockSize } from "../../../src/node/block.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { feedsOf, stepOf } from "../../support/steps.js";

const block = await blockSize();
const skip = block === undefined ? "ONNX Runtime has no blocked layout on this processor" : false;

/** Largest difference of an output, relative to the largest value of it. */
async function compare(graph: Graph, least: number): Promise<void> {
  const blocked = runPasses(lowerGraph(graph, { blocked: block as number }), defaultPasses, { verify: true });
  verifyGraph(blocked);
  const inside = blocked.nodes.filter((n) => n.domain === NCHWC_DOMAIN).length;
  assert.ok(inside >= least, `${inside} nodes in the layout, expected at least ${least}`);
  const feeds = feedsOf(graph);
  const [plain, found] = [await runInOnnxRuntime(lowerGraph(graph), feeds), await runInOnnxRuntime(blocked, feeds)];
  for (const { name } of graph.outputs) {
    const [a, b] = [plain.get(name), found.get(name)];
    assert.deepEqual(b?.shape, a?.shape, name);
    const [p, q] = [a?.data as Float64Array, b?.data as Float64Array];
    const size = p.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
    for (let i = 0; i < p.length; i++) {
      const difference = Math.abs((p[i] as number) - (q[i] as number)) / size;
      assert.ok(difference < 2e-4, `${name}[${i}]: ${q[i]}, plain ${p[i]}, largest ${size}`);
    }
  }
}

const cases: readonly [string, ModelSpec, readonly number[], number, number][] = [
  ["resnet, batch no multiple of the block", { kind: "resnet", depth: 8 }, [3, 16, 16], 6, 60],
  ["stochastic depth", { kind: "resnet", depth: 8, dropPath: 0.3 }, [3, 16, 16], 6, 60],
  ["resnet of odd size and odd width", { kind: "resnet", depth: 8, width: 1.5 }, [3, 13, 11], 16, 60],
  [
    "the Keras tutorial's student",
    {
      kind: "cnn",
      layers: [
        { conv: 16, kernel: 3, stride: 2, padding: "same", activation: "leaky-relu" },
        { maxPool: 2, stride: 1, padding: "same" },
        { conv: 32, kernel: 3, stride: 2, padding: "same" },
        { flatten: true },
      ],
    },
    [1, 28, 28],
    8,
    6,
  ],
  [
    "teacher B's kinds of layers",
    {
      kind: "cnn",
      layers: [
        { conv: 32, kernel: 3, padding: 1, batchNorm: true, activation: "relu" },
        { conv: 32, kernel: 3, padding: 1, batchNorm: true, activation: "relu" },
        { maxPool: 2 },
        { conv: 24, kernel: 3, padding: 1, batchNorm: true, activation: "hard-swish" },
        { averagePool: 2 },
        { conv: 40, kernel: 3, padding: 1, bias: true, activation: "gelu" },
        { globalPool: "average" },
      ],
    },
    [1, 14, 14],
    16,
    20,
  ],
  [
    "depthwise, strided and dilated",
    {
      kind: "cnn",
      layers: [
        { conv: 24, kernel: 3, padding: 1, batchNorm: true, activation: "relu" },
        { conv: 24, kernel: 3, padding: 1, groups: 24, batchNorm: true, activation: "relu" },
        { conv: 24, kernel: 3, stride: 2, padding: 1, groups: 24, batchNorm: true, activation: "silu" },
        { conv: 48, kernel: 1, bias: true },
        { conv: 32, kernel: 3, padding: 2, dilation: 2, activation: "tanh" },
        { conv: 16, kernel: 5, stride: 3, padding: 2, activation: "elu" },
        { conv: 16, kernel: 1, stride: 2, groups: 1, bias: false },
        { flatten: true },
      ],
    },
    [3, 15, 17],
    5,
    20,
  ],
  [
    "groups and few filters stay plain between blocked ones",
    {
      kind: "cnn",
      layers: [
        { conv: 32, kernel: 3, padding: 1, activation: "relu" },
        { conv: 32, kernel: 3, padding: 1, groups: 4, activation: "relu" },
        { conv: 4, kernel: 3, padding: 1, activation: "relu" },
        { conv: 32, kernel: [3, 2], stride: [2, 1], padding: "valid", batchNorm: true },
        { flatten: true },
      ],
    },
    [2, 9, 8],
    4,
    6,
  ],
];

for (const [name, spec, shape, batch, least] of cases)
  test(name, { skip }, () => compare(stepOf(spec, shape, batch), least));

test("features tapped in the middle of the layout come back plain, and their gradients go in again", {
  skip,
}, async () => {
  const layers = [
    { student: "conv1/conv", teacher: "a" },
    { student: "conv2/relu", teacher: "a" },
    { student: "pool1/max_pool", teacher: "b" },
  ];
  const conv = { kernel: 3, padding: 1, batchNorm: true } as const;
  const spec: ModelSpec = {
    kind: "cnn",
    layers: [
      { conv: 32, ...conv, activation: "relu" },
      { conv: 20, ...conv, activation: "relu" },
      { maxPool: 2 },
      { conv: 48, ...conv, activation: "hard-swish" },
      { globalPool: "average" },
    ],
  };
  const graph = stepOf(spec, [1, 12, 12], 6, {
    terms: [
      { kind: "fitnet", layers },
      { kind: "attention", layers },
      { kind: "similarity", layers },
      { kind: "review", layers },
    ],
    teacherFeatures: [
      { name: "a", node: "", shape: [32, 12, 12] },
      { name: "b", node: "", shape: [24, 4, 4] },
    ],
  });
  assert.ok(graph.outputs.some((o) => o.name === "step/gradient/step/connector/fitnet/1/weight"));
  await compare(graph, 20);
});

test("graphs without convolutions are left alone", () => {
  const graph = stepOf({ kind: "mlp", hidden: [16] }, [1, 4, 4], 4);
  assert.deepEqual(lowerGraph(graph, { blocked: 16 }), lowerGraph(graph));
});
