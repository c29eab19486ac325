/** The exported student: the logits of training, in ONNX Runtime for Node and for the web, and nothing that training left. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as web from "onnxruntime-web";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import { exportModel } from "../../../src/engine/compile/export.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import type { Normalisation } from "../../../src/engine/graph/samples.js";
import { irVersionFor, lowestOpset } from "../../../src/engine/graph/opsets.js";
import { readModel } from "../../../src/engine/graph/read.js";
import type { Model } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { Random } from "../../../src/engine/random/random.js";
import { createExecutor } from "../../../src/node/executor.js";
import { openSession } from "../../../src/node/session.js";
import type { StepRequest } from "../../../src/engine/runtime/types.js";

web.env.wasm.numThreads = 1;
web.env.logLevel = "error";

const CLASSES = ["zero", "one", "two"];
const SHAPE = [2, 12, 12];
const SIZE = 2 * 12 * 12;
const NORMALISATION: Normalisation = { scale: 1 / 255, mean: [0.3, 0.4], std: [0.2, 0.25] };

const specs: Record<string, ModelSpec> = {
  mlp: { kind: "mlp", hidden: [20], batchNorm: true, dropout: 0.3 },
  cnn: {
    kind: "cnn",
    layers: [
      { conv: 6, kernel: 3, stride: 2, padding: "same", activation: "leaky-relu" },
      { maxPool: 2, stride: 1, padding: "same" },
      { conv: 8, kernel: 3, padding: 1, batchNorm: true, activation: "gelu" },
      { averagePool: 2 },
      { dropout: 0.2 },
      { flatten: true },
      { dense: 10, activation: "silu" },
      { layerNorm: true },
    ],
  },
  resnet: { kind: "resnet", depth: 8, width: 0.25 },
  mobilenet: { kind: "mobilenet", width: 0.1, dropout: 0.2 },
  vit: { kind: "vit", dim: 12, depth: 2, mlpRatio: 2, dropout: 0.2 },
  "vit, mean": { kind: "vit", patch: 3, dim: 8, depth: 1, heads: 2, pool: "mean" },
};

const raw = new Uint8Array(7 * SIZE);
const random = new Random(3, "export");
for (let i = 0; i < raw.length; i++) raw[i] = Math.floor(256 * random.uniform(i));

/** A few real training steps, so that batch norm statistics and weights are not those of the start. */
async function trained(spec: ModelSpec) {
  const built = buildModel(spec, { inputShape: SHAPE, classes: 3, seed: 1 });
  const model = trainableModel(built);
  const graph = withNormalisation(model.graph, model.inputs[0] as string, NORMALISATION, "uint8");
  const compiled = compileTraining({
    model: { ...model, graph },
    batch: 7,
    inputs: [{ shape: SHAPE, dtype: "uint8" }],
    classes: 3,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
  });
  const weights = (names: readonly string[]) =>
    new Map(names.map((n) => [n, Float32Array.from(graph.initializers.get(n)?.data as Float32Array)]));
  const executor = await createExecutor(
    {
      step: compiled.step,
      evaluation: compiled.evaluation,
      rule: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 },
      clipNorm: 0,
      accumulate: 1,
      seed: 1,
      device: "cpu",
      threads: 1,
    },
    { step: 0, parameters: weights(model.parameters), buffers: weights(model.buffers), moments: new Map() },
  );
  try {
    const request = (): StepRequest => ({
      micro: [
        compiled.step.batch.map((b) =>
          b.dtype === "uint8" ? raw.slice() : BigInt64Array.from([0, 1, 2, 0, 1, 2, 0], BigInt),
        ),
      ],
      scalars: compiled.scalars.slice(),
      lr: 0.01,
      diagnose: false,
    });
    await executor.run([request(), request(), request()]);
    const logits = await executor.evaluate([raw.slice()], 7);
    const { parameters, buffers } = await executor.snapshot();
    return { model, logits, weights: new Map([...parameters, ...buffers]) };
  } finally {
    await executor.dispose();
  }
}

async function inNode(bytes: Uint8Array, samples: Float32Array, count: number): Promise<Float32Array> {
  const session = await openSession(bytes, { threads: 1 });
  try {
    const out = await session.run({ input: { dtype: "float32", shape: [count, ...SHAPE], data: samples } });
    return out.logits?.data as Float32Array;
  } finally {
    await session.dispose();
  }
}

async function inWeb(bytes: Uint8Array, samples: Float32Array, count: number): Promise<Float32Array> {
  const session = await web.InferenceSession.create(bytes);
  const out = await session.run({ input: new web.Tensor("float32", samples, [count, ...SHAPE]) });
  await session.release();
  return out.logits?.data as Float32Array;
}

const worst = (a: Float32Array, b: Float32Array): number => {
  assert.equal(a.length, b.length);
  return a.reduce((most, v, i) => Math.max(most, Math.abs(v - (b[i] as number)) / Math.max(1, Math.abs(v))), 0);
};

for (const [name, spec] of Object.entries(specs)) {
  test(`${name}: the logits of training in both runtimes, for any batch`, async () => {
    const { model, logits, weights } = await trained(spec);
    const exported = exportModel(model, weights, {
      normalisation: NORMALISATION,
      classes: CLASSES,
      producerVersion: "1.2.3",
    });
    const bytes = writeModel(exported);
    const floats = Float32Array.from(raw);
    for (const [where, run] of [
      ["node", inNode],
      ["web", inWeb],
    ] as const) {
      assert.ok(worst(await run(bytes, floats, 7), logits) < 1e-5, `${where}, batch 7`);
      const two = await run(bytes, floats.slice(SIZE, 3 * SIZE), 2);
      assert.ok(worst(two, logits.slice(3, 9)) < 1e-5, `${where}, batch 2`);
    }
    // Raw: whoever calls it normalises.
    const bare = writeModel(
      exportModel(model, weights, { normalisation: null, classes: CLASSES, producerVersion: "" }),
    );
    const normalised = floats.map((v, i) => {
      const c = Math.floor((i % SIZE) / 144);
      return (v / 255 - (NORMALISATION.mean[c] as number)) / (NORMALISATION.std[c] as number);
    });
    assert.ok(worst(await inNode(bare, normalised, 7), logits) < 1e-5, "raw");

    const again = writeModel(
      exportModel(model, weights, { normalisation: NORMALISATION, classes: CLASSES, producerVersion: "1.2.3" }),
    );
    assert.deepEqual(again, bytes, "the same bytes twice");
    assertClean(readModel(bytes));
  });
}

function assertClean(model: Model): void {
  const { graph } = model;
  assert.deepEqual(
    graph.inputs.map((i) => [i.name, i.dtype, i.shape?.slice(1)]),
    [["input", "float32", SHAPE]],
  );
  assert.equal(typeof graph.inputs[0]?.shape?.[0], "string", "a named free batch dimension");
  assert.deepEqual(
    graph.outputs.map((o) => [o.name, o.dtype, o.shape?.slice(1)]),
    [["logits", "float32", [3]]],
  );
  const residue = graph.nodes.filter(
    (n) =>
      n.domain !== "" ||
      /Dropout|Gradient|Random|Scatter|Shape|If|Loop/.test(n.op) ||
      (n.op === "BatchNormalization" && n.outputs.length > 1),
  );
  assert.deepEqual(
    residue.map((n) => n.op),
    [],
  );
  const used = new Set(graph.nodes.flatMap((n) => n.inputs));
  assert.deepEqual(
    [...graph.initializers.keys()].filter((n) => !used.has(n)),
    [],
    "no weight that nothing reads",
  );
  const marks = { "limbeck.samples": "raw", "limbeck.outputs": "logits" };
  assert.deepEqual(model.metadata, { classes: JSON.stringify(CLASSES), ...marks });
  assert.equal(model.producerName, "limbeck");
  assert.equal(model.opsets[""], lowestOpset(graph));
  assert.equal(model.irVersion, irVersionFor(model.opsets[""] as number));
}

test("the digits' student on disk has the same make-up", () => {
  // The opset an mlp needs is Gemm's and Relu's: any runtime of the last years takes it.
  const built = buildModel({ kind: "mlp", hidden: [4] }, { inputShape: [1, 8, 8], classes: 10, seed: 0 });
  const model = trainableModel(built);
  const weights = new Map(model.parameters.map((n) => [n, model.graph.initializers.get(n)?.data as Float32Array]));
  const exported = exportModel(model, weights, { normalisation: null, classes: [], producerVersion: "" });
  assert.ok((exported.opsets[""] as number) <= 13, `opset ${exported.opsets[""]}`);
  assert.ok(exported.irVersion <= 7, `IR ${exported.irVersion}`);
});
