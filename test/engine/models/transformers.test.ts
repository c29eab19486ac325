/** What the transformers and MobileNet promise beside PyTorch's numbers (models.test.ts): padding, tokens, strides, costs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as ort from "onnxruntime-node";
import { exportModel } from "../../../src/engine/compile/export.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { mobilenetStrides, roundChannels } from "../../../src/engine/models/mobilenet.js";
import { type BuiltModel, buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { runOnce } from "../../../src/node/session.js";
import { formulaInput } from "./formula.js";

ort.env.logLevel = "error";

const build = (spec: ModelSpec, inputShape: number[]): BuiltModel =>
  buildModel(spec, { inputShape, classes: 3, seed: 1 });
const exported = (model: BuiltModel): Uint8Array =>
  writeModel(
    exportModel(trainableModel(model), new Map(), { normalisation: null, classes: [], producerVersion: "test" }),
  );

const TEXT = { kind: "text-encoder", vocabulary: 40, dim: 16, depth: 2, heads: 4 } as const;
const ask = async (model: BuiltModel, rows: readonly number[][]): Promise<number[][]> => {
  const length = rows[0]?.length ?? 0;
  const input = tensor("int64", rows.flat(), [rows.length, length]);
  const logits = (await runOnce(exported(model), { input })).logits?.data as Float32Array;
  return rows.map((_, i) => [...logits.subarray(3 * i, 3 * i + 3)]);
};
const distance = (a: readonly number[] = [], b: readonly number[] = []): number =>
  Math.max(...a.map((v, i) => Math.abs(v - (b[i] ?? Number.NaN))));

test("a text encoder takes int64 ids in any batch, in training and as an exported file", async () => {
  const model = build(TEXT, [5]);
  assert.deepEqual(model.graph.inputs, [{ name: "input", dtype: "int64", shape: ["batch", 5] }]);
  const rows = [
    [1, 2, 3, 4, 5],
    [39, 0, 7, 7, 1],
    [5, 4, 3, 2, 1],
  ];
  const together = await ask(model, rows);
  for (const [i, row] of rows.entries()) assert.ok(distance((await ask(model, [row]))[0], together[i]) < 1e-5);
  assert.ok(distance(together[0], together[2]) > 1e-3, "the order of the tokens counts");
});

test("padding changes nothing: neither its length nor its embedding reaches the answer", async () => {
  const padded = build({ ...TEXT, paddingId: 0 }, [8]);
  const row = [4, 9, 30, 0, 0, 0, 0, 0];
  const [answer] = await ask(padded, [row]);
  // The same weights where the sequence ends with the sentence: positions are rows of a table.
  const positions = padded.graph.initializers.get("positions")?.data as Float32Array;
  const short = build({ ...TEXT, paddingId: 0 }, [3]);
  const initializers = new Map(padded.graph.initializers);
  initializers.set("positions", { dtype: "float32", shape: [3, 16], data: positions.slice(0, 48) });
  const weighted = { ...short, graph: { ...short.graph, initializers: withOwn(short, initializers) } };
  assert.ok(distance((await ask(weighted, [[4, 9, 30]]))[0], answer) < 1e-5);
  // Another embedding of the padding token.
  const table = Float32Array.from(padded.graph.initializers.get("embedding/weight")?.data as Float32Array);
  table.fill(7, 0, 16);
  const other = new Map(padded.graph.initializers).set("embedding/weight", {
    dtype: "float32",
    shape: [40, 16],
    data: table,
  });
  assert.deepEqual((await ask({ ...padded, graph: { ...padded.graph, initializers: other } }, [row]))[0], answer);
  // Without a padding id the same token is one like others.
  assert.ok(distance((await ask(build(TEXT, [8]), [row]))[0], answer) > 1e-3);
});

/** The short model's own constants (shapes to reshape to), with the weights of the other. */
function withOwn(model: BuiltModel, weights: BuiltModel["graph"]["initializers"]): BuiltModel["graph"]["initializers"] {
  const named = new Set(model.parameters.map((p) => p.name));
  return new Map([...model.graph.initializers].map(([n, t]) => [n, (named.has(n) && weights.get(n)) || t]));
}

test("a sample of padding alone gives finite logits: the classifier's of nothing", async () => {
  const model = build({ ...TEXT, paddingId: 0 }, [4]);
  const [nothing] = await ask(model, [[0, 0, 0, 0]]);
  assert.deepEqual(nothing, [...(model.graph.initializers.get("classifier/bias")?.data as Float32Array)]);
});

test("a vit with mean pooling knows places, and its class token stands apart from the patches", async () => {
  const spec = { kind: "vit", patch: 2, dim: 12, depth: 1, heads: 3 } as const;
  const classes = build(spec, [1, 4, 4]);
  const shapes = Object.fromEntries(classes.parameters.map((p) => [p.name, p.shape]));
  assert.deepEqual(shapes.positions, [5, 12]);
  assert.deepEqual(shapes.class_token, [1, 12]);
  assert.deepEqual(shapes["patches/weight"], [12, 4]);
  const mean = build({ ...spec, pool: "mean" }, [1, 4, 4]);
  assert.equal(classes.parameterCount - mean.parameterCount, 24, "a token and its position");
  const image = formulaInput([1, 1, 4, 4]);
  const turned = { ...image, data: (image.data as Float32Array).slice().reverse() };
  const [a, b] = [await runOnce(exported(mean), { input: image }), await runOnce(exported(mean), { input: turned })];
  assert.ok(distance([...(a.logits?.data as Float32Array)], [...(b.logits?.data as Float32Array)]) > 1e-4);
});

test("sizes that follow the batch are named after it, the others stay", () => {
  const types = build({ kind: "vit", patch: 2, dim: 12, depth: 1, heads: 3 }, [1, 4, 4]).graph.valueTypes;
  assert.deepEqual(types?.get("patches/gemm")?.shape, ["batch*4", 12]);
  assert.deepEqual(types?.get("pad")?.shape, ["batch", 5, 12]);
  assert.deepEqual(types?.get("pad_1")?.shape, [5, 12], "the class token's, which no sample reaches");
  assert.deepEqual(types?.get("layer1/attention/softmax")?.shape, ["batch", 3, 5, 5]);
});

test("start weights: PyTorch's tables are N(0, 1), Keras's U(-0.05, 0.05); vit's positions N(0, 0.02^2), its token 0", () => {
  const start = (spec: ModelSpec, name: string, initialiser?: "keras" | "he-normal"): Float32Array =>
    buildModel(spec, {
      inputShape: spec.kind === "vit" ? [1, 32, 32] : [30],
      classes: 3,
      seed: 5,
      initialiser,
    }).graph.initializers.get(name)?.data as Float32Array;
  const std = (values: Float32Array): number => Math.sqrt(values.reduce((s, v) => s + v * v, 0) / values.length);
  const large = { ...TEXT, vocabulary: 2000 };
  // Five standard errors of a deviation: 5 / sqrt(2 n).
  assert.ok(Math.abs(std(start(large, "embedding/weight")) - 1) < 5 / Math.sqrt(2 * 32_000));
  assert.ok(Math.abs(std(start(large, "positions")) - 1) < 5 / Math.sqrt(2 * 480));
  const keras = start(large, "embedding/weight", "keras");
  assert.ok(keras.every((v) => Math.abs(v) <= Math.fround(0.05)) && Math.max(...keras) > 0.0499);
  assert.ok(Math.abs(std(start(large, "embedding/weight", "he-normal")) / 0.02 - 1) < 5 / Math.sqrt(2 * 32_000));
  assert.ok(Math.abs(std(start({ kind: "vit" }, "positions")) / 0.02 - 1) < 5 / Math.sqrt(2 * 65 * 192));
  assert.ok(start({ kind: "vit" }, "class_token").every((v) => v === 0));
});

test("multiply-accumulates of transformers: dense layers at every token, scores and mixing for every pair", () => {
  const [s, d, heads] = [65, 192, 3];
  const layer = s * (4 * d * d + 2 * d * 4 * d) + 2 * heads * s * s * (d / heads);
  assert.equal(build({ kind: "vit" }, [3, 32, 32]).macs, 64 * 48 * d + 4 * layer + d * 3);
  const text = 64 * (4 * 128 ** 2 + 2 * 128 * 512) + 2 * 64 * 64 * 128;
  assert.equal(build({ kind: "text-encoder", vocabulary: 8000 }, [64]).macs, 2 * text + 128 * 3);
});

test("MobileNetV2: the first strides give way for small images; channels are multiples of 8", () => {
  assert.deepEqual(mobilenetStrides(32), [2, 1, 2, 2, 2, 1, 2, 1]);
  assert.deepEqual(mobilenetStrides(8), [1, 1, 1, 2, 2, 1, 2, 1]);
  assert.deepEqual(mobilenetStrides(1), [1, 1, 1, 1, 1, 1, 1, 1]);
  const last = (size: number, shrink?: 32): readonly unknown[] | null | undefined =>
    build({ kind: "mobilenet", width: 0.25, shrink }, [1, size, size]).graph.valueTypes?.get("features/conv")?.shape;
  const sides = [8, 16, 28, 32, 64, 128, 224].map((size) => last(size)?.[2]);
  assert.deepEqual(sides, [4, 4, 7, 4, 4, 4, 7]);
  assert.equal(last(64, 32)?.[2], 2);
  // _make_divisible(v, 8): nearest multiple, never more than a tenth below.
  const rounded = [3, 8, 11, 12, 16.8, 44.8, 33.6, 224].map(roundChannels);
  assert.deepEqual(rounded, [8, 8, 16, 16, 16, 48, 32, 224]);
});
