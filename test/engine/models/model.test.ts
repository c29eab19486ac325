import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { buildStep } from "../../../src/engine/compile/step.js";
import { CANONICAL_OPSET, type Graph } from "../../../src/engine/graph/types.js";
import { verifyGraph } from "../../../src/engine/graph/verify.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { type BuildOptions, buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { LayerSpec, ModelSpec } from "../../../src/engine/models/registry.js";
import { formulaInput } from "./formula.js";

ort.env.logLevel = "error";

const IMAGES: BuildOptions = { inputShape: [1, 12, 12], classes: 4, seed: 7 };
/** Every kind of layer once. */
const EVERYTHING: readonly LayerSpec[] = [
  { conv: 4, kernel: 3, stride: 1, padding: "same", activation: "leaky-relu" },
  { maxPool: 2, stride: 1, padding: "same" },
  { conv: 6, kernel: [3, 3], stride: 2, padding: 1, batchNorm: true, activation: "silu", groups: 2 },
  { batchNorm: true },
  { activation: "tanh" },
  { averagePool: 2, padding: "valid" },
  { dropout: 0.2 },
  { layerNorm: true },
  { flatten: true },
  { dense: 9, batchNorm: true, activation: "gelu" },
];
const SPECS: readonly ModelSpec[] = [
  { kind: "mlp", hidden: [] },
  { kind: "mlp", hidden: [8, 8], activation: "relu", batchNorm: true, dropout: 0.5 },
  { kind: "cnn", layers: EVERYTHING },
  { kind: "cnn", layers: [{ conv: 4 }, { globalPool: "average" }] },
  { kind: "preset", name: "keras-student" },
  { kind: "preset", name: "fashion-teacher" },
  { kind: "lenet" },
  { kind: "resnet", depth: 8, width: 0.5 },
  { kind: "mobilenet", width: 0.25, dropout: 0.2 },
  { kind: "vit", dim: 12, depth: 2, dropout: 0.1 },
  { kind: "vit", patch: 6, dim: 8, depth: 1, heads: 2, pool: "mean" },
];

const bytesOf = (graph: Graph): Uint8Array =>
  writeModel({ graph, opsets: { "": CANONICAL_OPSET }, irVersion: 10, metadata: {} });

for (const spec of SPECS) {
  test(`${JSON.stringify(spec).slice(0, 60)}: a sound graph that takes any batch`, async () => {
    const model = buildModel(spec, IMAGES);
    verifyGraph(model.graph);
    assert.deepEqual(model.graph.inputs, [{ name: "input", dtype: "float32", shape: ["batch", 1, 12, 12] }]);
    assert.deepEqual(model.graph.outputs, [{ name: "logits", dtype: "float32", shape: ["batch", 4] }]);
    for (const p of [...model.parameters, ...model.buffers])
      assert.deepEqual(model.graph.initializers.get(p.name)?.shape, p.shape);
    const session = await ort.InferenceSession.create(bytesOf(model.graph), { logSeverityLevel: 3 });
    const run = async (data: Float32Array): Promise<Float32Array> => {
      const input = new ort.Tensor("float32", data, [data.length / 144, 1, 12, 12]);
      return (await session.run({ input })).logits?.data as Float32Array;
    };
    const three = formulaInput([3, 1, 12, 12]).data as Float32Array;
    const together = await run(three);
    assert.equal(together.length, 12);
    for (let i = 0; i < 3; i++) {
      const alone = await run(three.slice(i * 144, (i + 1) * 144));
      alone.forEach((v, k) => {
        assert.ok(Number.isFinite(v) && Math.abs(v - (together[4 * i + k] as number)) < 1e-5, `sample ${i}`);
      });
    }
    await session.release();
  });

  test(`${JSON.stringify(spec).slice(0, 60)}: every parameter can be trained`, () => {
    const model = buildModel(spec, IMAGES);
    const step = buildStep({
      model: trainableModel(model),
      batch: 4,
      inputs: [{ shape: IMAGES.inputShape, dtype: "float32" }],
      classes: 4,
      objective: { studentLoss: { kind: "cross-entropy", labelSmoothing: 0 } },
    });
    assert.deepEqual(
      step.parameters.map((p) => [p.name, p.shape]),
      model.parameters.map((p) => [p.name, p.shape]),
    );
    assert.deepEqual(
      step.buffers.map((b) => b.name),
      model.buffers.map((b) => b.name),
    );
  });
}

test("the same seed gives the same weights, another seed others", () => {
  const weights = (seed: number): unknown[] =>
    [...buildModel({ kind: "mlp", hidden: [5] }, { ...IMAGES, seed }).graph.initializers].map(([, t]) => t.data);
  assert.deepEqual(weights(1), weights(1));
  assert.notDeepEqual(weights(1), weights(2));
});

test("the initialiser reaches the weights", () => {
  const spec: ModelSpec = { kind: "mlp", hidden: [300] };
  const keras = buildModel(spec, { ...IMAGES, initialiser: "keras" });
  const data = (name: string): number[] => Array.from(keras.graph.initializers.get(name)?.data as Float32Array);
  const bound = Math.sqrt(6 / (144 + 300));
  assert.ok(Math.abs(Math.max(...data("hidden1/weight")) / bound - 1) < 1e-3);
  assert.ok(data("hidden1/bias").every((v) => v === 0));
  const pytorch = buildModel(spec, IMAGES).graph.initializers.get("hidden1/bias")?.data as Float32Array;
  assert.ok(Math.max(...pytorch) > 0.95 / 12 && Math.max(...pytorch) <= 1 / 12);
});

test("a model says what it is", () => {
  const said = (spec: ModelSpec): string => buildModel(spec, IMAGES).describe;
  assert.equal(said({ kind: "mlp", hidden: [30, 30] }), "mlp 144-30-30-4, relu");
  assert.equal(said({ kind: "mlp", hidden: [], dropout: 0.5 }), "mlp 144-4");
  assert.equal(
    said({ kind: "preset", name: "keras-student" }),
    "keras-student: cnn conv 16 3x3/2 leaky-relu - max pool 2x2 - conv 32 3x3/2 - dense 4",
  );
  assert.equal(said({ kind: "resnet", depth: 8, width: 4 }), "resnet8x4");
  assert.equal(said({ kind: "lenet" }), "lenet");
  assert.equal(said({ kind: "mobilenet", width: 0.5 }), "mobilenetv2x0.5");
  assert.equal(said({ kind: "vit", patch: 2, dropout: 0.1 }), "vit 4 layers of 192, 3 heads, patches 2x2, dropout 0.1");
  const text = buildModel(
    { kind: "text-encoder", vocabulary: 9, dim: 8, paddingId: 0 },
    { ...IMAGES, inputShape: [5] },
  );
  assert.equal(text.describe, "text-encoder 2 layers of 8, 4 heads, vocabulary 9, padding 0");
});

test("layers that do not fit the samples are refused, with the field", () => {
  const refused = (spec: unknown, options: Partial<BuildOptions>, where: string, found: RegExp, rest = {}): void => {
    const fault = { name: "InputError", code: "option-invalid", where, found, ...rest };
    assert.throws(() => buildModel(spec as ModelSpec, { ...IMAGES, ...options }), fault, JSON.stringify(spec));
  };
  const shape = (spec: unknown, inputShape: number[], expected: RegExp): void => {
    const found = new RegExp(`\\[${inputShape}\\]`);
    refused(spec, { inputShape }, "model", found, { code: "model-input", expected, cure: /./ });
  };
  shape({ kind: "lenet" }, [1, 8, 8], /12x12/);
  shape({ kind: "lenet" }, [64], /12x12/);
  shape({ kind: "resnet", depth: 8 }, [64], /images/);
  shape({ kind: "mobilenet" }, [64], /images/);
  shape({ kind: "vit" }, [64], /images/);
  shape({ kind: "text-encoder", vocabulary: 9 }, [1, 12, 12], /token ids/);
  refused({ kind: "mobilenet", width: 0 }, {}, "model.width", /0/, { expected: /above 0/ });
  refused({ kind: "vit", patch: 5 }, {}, "model.patch", /5/, { expected: /12x12/ });
  refused({ kind: "vit", heads: 5 }, {}, "model.heads", /5 .* 192/);
  refused({ kind: "vit", mlpRatio: 0.001 }, {}, "model.mlp_ratio", /0\.001/);
  const padded = { kind: "text-encoder", vocabulary: 9, paddingId: 9 };
  refused(padded, { inputShape: [4] }, "model.padding_id", /9/, { expected: /below .* 9/ });
  refused({ kind: "resnet", depth: 9 }, {}, "model.depth", /9/, { expected: /8, 14, 20, 32 or 56/ });
  refused({ kind: "resnet", depth: 8, width: 0 }, {}, "model.width", /0/, { expected: /1\/16/ });
  const names = /keras-teacher, keras-student, fashion-teacher/;
  refused({ kind: "preset", name: "alexnet" }, {}, "model.name", /"alexnet"/, { expected: names });
  const conv = { kind: "cnn", layers: [{ conv: 4 }] };
  refused(conv, { inputShape: [16] }, 'layer at "input"', /convolution .*\[batch, 16\]/);
  refused({ kind: "cnn", layers: [{ pool: 4 }] }, {}, "model.layers", /\{"pool":4\}/);
  const wide = { kind: "cnn", layers: [{ conv: 4, kernel: 13, padding: "valid" }] };
  refused(wide, {}, 'node "conv1/conv" (Conv)', /13/, { code: "model-invalid" });
  refused({ kind: "mlp", hidden: [4] }, { inputShape: [0] }, "model", /\[0\]/, { code: "data-empty" });
  refused({ kind: "mlp", hidden: [4] }, { classes: 0 }, "model", /0 classes/, { code: "class-too-few" });
});
