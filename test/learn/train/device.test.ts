/** Whole trainings on WebGPU, through the worker thread, next to the same ones on the CPU. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { loadData } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import type { UpdateRule } from "../../../src/engine/optim/types.js";
import { loadCheckpoint } from "../../../src/learn/train/checkpoint.js";
import { train } from "../../../src/learn/train/train.js";
import type { TrainingHooks, TrainingResult, TrainingSettings, TrainingTask } from "../../../src/learn/train/types.js";
import { withoutDevice } from "../../support/device.js";

const options = { skip: withoutDevice };
const folder = mkdtempSync(join(tmpdir(), "limbeck-device-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { data, splits, normalisation } = await loadData({ source: "digits" });

const adam: UpdateRule = { kind: "adam", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-3 };
const sgd: UpdateRule = { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 1e-3 };
const settings: TrainingSettings = {
  batch: 16,
  steps: 1,
  rule: sgd,
  schedule: { kind: "constant", lr: 0.05, warmup: 0 },
  clipNorm: 1,
  accumulate: 1,
  seed: 1,
  augmentation: null,
  select: "last",
  patience: null,
  validateEvery: null,
  diagnoseEvery: 1,
  threads: 1,
  device: "cpu",
};

const mlp: ModelSpec = {
  kind: "mlp",
  hidden: [16],
  activation: "relu",
  leakySlope: 0.2,
  batchNorm: false,
  dropout: 0.2,
};
const conv = { conv: 6, kernel: 3, stride: 1, padding: 1, dilation: 1, groups: 1, bias: false } as const;
const cnn: ModelSpec = {
  kind: "cnn",
  leakySlope: 0.2,
  layers: [
    { ...conv, batchNorm: true, activation: "relu" },
    { maxPool: 2, padding: "valid" },
    { ...conv, conv: 8, stride: 2, batchNorm: true, activation: "relu" },
    { maxPool: 2, stride: 1, padding: "valid" },
    { flatten: true },
  ],
};
const resnet: ModelSpec = { kind: "resnet", depth: 8, width: 0.25, dropPath: 0.4 };

/** Deterministic answers, as a teacher's: no model is needed to check a step. */
const teacher: TrainingTask["teacher"] = {
  kind: "logits",
  gather(indices, out) {
    indices.forEach((sample, i) => {
      for (let c = 0; c < 10; c++) out[10 * i + c] = 3 * Math.sin(sample * 1.7 + c);
    });
  },
};

function task(
  spec: ModelSpec,
  more: Partial<TrainingSettings>,
  directory: string | null = null,
  alpha = 0.7,
): TrainingTask {
  const built = trainableModel(buildModel(spec, { inputShape: data.sampleShape, classes: 10, seed: 1 }));
  return {
    name: "student",
    model: { ...built, graph: withNormalisation(built.graph, built.inputs[0] as string, normalisation, "uint8") },
    data,
    train: splits.train,
    validation: splits.validation.slice(0, 60),
    objective: {
      alpha,
      studentLoss: { kind: "cross-entropy" },
      distillationLoss: { kind: "kd", temperature: 3 },
    },
    teacher,
    settings: { ...settings, ...more },
    directory,
    fingerprint: "device test",
  };
}

const run = (
  spec: ModelSpec,
  more: Partial<TrainingSettings>,
  hooks: TrainingHooks = {},
  directory: string | null = null,
) => train(task(spec, more, directory), hooks);

/** Every tensor within a tolerance relative to its own largest element. */
function assertSame(found: TrainingResult, expected: TrainingResult, tolerance: number): void {
  const [p, q] = [found.curve[0], expected.curve[0]];
  assert.ok(
    Math.abs((p?.loss ?? 0) - (q?.loss ?? 9)) < tolerance * (q?.loss ?? 0),
    `loss ${p?.loss}, on the CPU ${q?.loss}`,
  );
  // The validation is an evaluation on the device.
  assert.ok(Math.abs((p?.nll ?? 0) - (q?.nll ?? 9)) < 1e-4, `validation ${p?.nll}, on the CPU ${q?.nll}`);
  for (const [name, values] of expected.weights) {
    const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
    const own = found.weights.get(name) as Float32Array;
    for (const [i, v] of values.entries())
      assert.ok(Math.abs((own[i] as number) - v) <= tolerance * largest, `${name}[${i}]: ${own[i]}, on the CPU ${v}`);
  }
}

for (const [name, spec] of Object.entries({ mlp, cnn, resnet })) {
  for (const [rule, accumulate] of [
    [sgd, 1],
    [adam, 2],
  ] as const) {
    test(`one step of ${name} with ${rule.kind}, ${accumulate} micro-batches`, options, async () => {
      // A large epsilon: where a gradient is all rounding, Adam's first step is its sign.
      const more = { rule: rule.kind === "sgd" ? rule : { ...rule, epsilon: 1e-3 }, accumulate };
      assertSame(await run(spec, { ...more, device: "webgpu" }), await run(spec, more), 1e-5);
    });
  }
}

test("a short training learns what it learns on the CPU", options, async () => {
  const constant = { kind: "constant", lr: 0.01, warmup: 0 } as const;
  const more = { steps: 200, rule: adam, schedule: constant, diagnoseEvery: 0 };
  const onLabels = (device: "cpu" | "webgpu") => train(task(mlp, { ...more, device }, null, 0.1));
  const [a, b] = [await onLabels("webgpu"), await onLabels("cpu")];
  const [p, q] = [a.curve[a.curve.length - 1], b.curve[b.curve.length - 1]];
  assert.ok(Math.abs((p?.loss ?? 0) - (q?.loss ?? 9)) < 0.01 * (q?.loss ?? 0), `${p?.loss}, on the CPU ${q?.loss}`);
  assert.ok((p?.accuracy ?? 0) > 0.6, `accuracy ${p?.accuracy}`);
});

test("a training stopped on the device goes on to the same bytes", options, async () => {
  const more = { steps: 20, rule: adam, device: "webgpu", accumulate: 2, validateEvery: 4 } as const;
  const whole = await run(mlp, more);
  const directory = join(folder, "stopped");
  const controller = new AbortController();
  const stopped = run(
    mlp,
    more,
    { signal: controller.signal, onProgress: ({ step }) => step >= 8 && controller.abort() },
    directory,
  );
  await assert.rejects(stopped, { name: "InterruptedError" });
  const checkpoint = loadCheckpoint(directory);
  assert.match(checkpoint?.environment ?? "", /device webgpu/);
  assert.ok((checkpoint?.state.step ?? 0) >= 8 && (checkpoint?.state.step ?? 0) < 20);
  const resumed = await run(mlp, more, { resume: true }, directory);
  assert.deepEqual(resumed.weights, whole.weights);
  assert.ok(existsSync(join(directory, "trained.safetensors")));
});

test(
  "a loss that remembers samples keeps its banks on the device, and they are not averaged with the weights",
  options,
  async () => {
    const layer = {
      name: "layer",
      node: "",
      shape: [6],
      gather(indices: Uint32Array, out: Float32Array): void {
        for (const [k, sample] of indices.entries())
          for (let i = 0; i < 6; i++) out[6 * k + i] = Math.sin(sample * (i + 1));
      },
    };
    const crd = {
      kind: "crd",
      dimension: 8,
      negatives: 40,
      layers: [{ student: "hidden1/relu", teacher: "layer" }],
    } as const;
    const average = { decay: 0.9, ramp: false };
    const states = await Promise.all(
      (["webgpu", "cpu"] as const).map(async (device) => {
        const directory = join(folder, `crd-${device}`);
        const base = task(mlp, { steps: 3, accumulate: 2, device, average }, directory);
        const taught = { ...(teacher as NonNullable<typeof teacher>), features: [layer] };
        await train(
          { ...base, objective: { ...base.objective, terms: [crd] }, teacher: taught },
          { checkpointSeconds: 0, keepCheckpoint: true },
        );
        const { buffers, averages = new Map() } = loadCheckpoint(directory)?.state ?? assert.fail("no checkpoint");
        assert.ok(averages.has("hidden1/weight"));
        assert.ok([...averages.keys()].every((name) => !buffers.has(name)));
        return buffers;
      }),
    );
    const [found, expected] = states as [(typeof states)[0], (typeof states)[0]];
    assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort());
    assert.ok(expected.has("step/state/crd/0/teacher/bank"));
    for (const [name, values] of expected) {
      const largest = values.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
      const own = found.get(name);
      assert.equal(own?.length, values.length, name);
      for (const [i, v] of values.entries())
        assert.ok(Math.abs((own?.[i] as number) - v) <= 1e-4 * largest, `${name}[${i}]: ${own?.[i]}, on the CPU ${v}`);
    }
  },
);
