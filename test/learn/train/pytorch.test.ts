/** Whole trainings against PyTorch in float64 (test/fixtures/train/make.py): every loss, every gradient norm, the final weights. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { sampleTypeOf } from "../../../src/learn/data/samples.js";
import type { DataSet } from "../../../src/learn/data/types.js";
import type { Normalisation } from "../../../src/engine/graph/samples.js";
import { fromArrays } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import type { ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import type { Schedule, UpdateRule } from "../../../src/engine/optim/types.js";
import { train } from "../../../src/learn/train/train.js";
import type { TrainingSettings } from "../../../src/learn/train/types.js";
import { formulaState, noise } from "../../engine/models/formula.js";

const fixture = JSON.parse(readFileSync("test/fixtures/train/training.json", "utf8")) as {
  readonly samples: number[];
  readonly teacher: number[];
  readonly labels: number[];
  readonly tokens: number[];
  readonly cases: readonly { name: string; losses: [number, number][]; weights: Record<string, number[]> }[];
};
const folder = mkdtempSync(join(tmpdir(), "limbeck-train-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const N = 24;
const data = fromArrays({
  samples: Float32Array.from(fixture.samples),
  sampleShape: [2, 6, 6],
  labels: fixture.labels,
  classes: ["a", "b", "c"],
});
const text = fromArrays({
  samples: Int32Array.from(fixture.tokens),
  sampleShape: [8],
  labels: fixture.labels,
  classes: ["a", "b", "c"],
});
const all = Uint32Array.from({ length: N }, (_, i) => i);
const NONE: Normalisation = { scale: 1, mean: [0], std: [1] };

const cnn: ModelSpec = {
  kind: "cnn",
  layers: [
    { conv: 4, kernel: 3, padding: 1, batchNorm: true, activation: "relu" },
    { maxPool: 2 },
    { conv: 5, kernel: 3, stride: 2, padding: 1, activation: "gelu" },
    { flatten: true },
  ],
};
const mlp: ModelSpec = { kind: "mlp", hidden: [12], activation: "tanh" };
const CE = { kind: "cross-entropy" } as const;

interface Case {
  readonly spec: ModelSpec;
  readonly objective: ObjectiveConfig;
  readonly rule: UpdateRule;
  readonly schedule: Schedule;
  readonly more?: Partial<TrainingSettings>;
  readonly probabilities?: boolean;
  /** Default: the images. */
  readonly data?: DataSet;
  /** The fixture holds each weight's norm and its product with a formula instead of all its values. */
  readonly summed?: boolean;
  /** Multiplies the usual tolerances; make.py says how far PyTorch's own float32 goes. */
  readonly tolerance?: number;
}

const adam = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };
const cases: Record<string, Case> = {
  "cnn adamw one-cycle clip kd": {
    spec: cnn,
    objective: {
      alpha: 0.7,
      studentLoss: { ...CE, labelSmoothing: 0.1 },
      distillationLoss: { kind: "kd", temperature: 3 },
    },
    rule: { kind: "adamw", ...adam, weightDecay: 0.01 },
    schedule: {
      kind: "one-cycle",
      lr: 0.01,
      warmFraction: 0.2,
      divFactor: 25,
      finalDivFactor: 1e4,
      cycleMomentum: true,
      momentumMin: 0.85,
      momentumMax: 0.95,
    },
    more: { clipNorm: 0.5 },
  },
  "mlp sgd nesterov class-weights logit-mse": {
    spec: mlp,
    objective: {
      weights: { student: 0.5, distillation: 0.05 },
      studentLoss: { ...CE, classWeights: [1, 2, 1] },
      distillationLoss: { kind: "logit-mse" },
    },
    rule: { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 1e-3 },
    schedule: { kind: "constant", lr: 0.05, warmup: 0 },
  },
  "mlp adam accumulate probabilities": {
    spec: mlp,
    objective: { alpha: 1, studentLoss: CE, distillationLoss: { kind: "kd", temperature: 2 } },
    rule: { kind: "adam", ...adam, weightDecay: 0.01 },
    schedule: { kind: "constant", lr: 0.01, warmup: 0 },
    more: { batch: 8, accumulate: 3 },
    probabilities: true,
  },
  "vit adamw kd": {
    spec: { kind: "vit", patch: 3, dim: 8, depth: 2, heads: 2, mlpRatio: 2 },
    objective: { alpha: 0.5, studentLoss: CE, distillationLoss: { kind: "kd", temperature: 4 } },
    rule: { kind: "adamw", ...adam, weightDecay: 0.05 },
    schedule: { kind: "constant", lr: 0.01, warmup: 0 },
  },
  "text-encoder adamw kd": {
    spec: { kind: "text-encoder", vocabulary: 30, dim: 8, depth: 2, heads: 2, mlpRatio: 2, paddingId: 0 },
    objective: { alpha: 0.9, studentLoss: CE, distillationLoss: { kind: "kd", temperature: 4 } },
    rule: { kind: "adamw", ...adam, weightDecay: 1e-4 },
    schedule: { kind: "constant", lr: 0.002, warmup: 0 },
    more: { clipNorm: 1 },
    data: text,
  },
  "mobilenet sgd momentum": {
    spec: { kind: "mobilenet", width: 0.1, shrink: 1 },
    objective: { alpha: 0, studentLoss: CE },
    rule: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 1e-4 },
    schedule: { kind: "constant", lr: 0.0005, warmup: 0 },
    summed: true,
    tolerance: 10,
  },
};

const softmax = (row: readonly number[]): number[] => {
  const e = row.map((v) => Math.exp(v));
  const sum = e.reduce((a, v) => a + v, 0);
  return e.map((v) => v / sum);
};
const logits = Array.from({ length: N }, (_, i) => fixture.teacher.slice(3 * i, 3 * i + 3));

for (const expected of fixture.cases) {
  test(expected.name, async () => {
    const wanted = cases[expected.name] as Case;
    const { data: samples = data, tolerance = 1 } = wanted;
    const model = trainableModel(buildModel(wanted.spec, { inputShape: samples.sampleShape, classes: 3, seed: 0 }));
    const initializers = new Map(model.graph.initializers);
    for (const name of [...model.parameters, ...model.buffers])
      initializers.set(name, formulaState(name, initializers.get(name)?.shape ?? []));
    const graph = withNormalisation(
      { ...model.graph, initializers },
      model.inputs[0] as string,
      NONE,
      sampleTypeOf(samples),
    );
    const rows = wanted.probabilities ? logits.map(softmax) : logits;
    const directory = join(folder, expected.name.replaceAll(" ", "-"));
    const result = await train({
      name: expected.name,
      model: { ...model, graph },
      data: samples,
      train: all,
      validation: all,
      objective: wanted.objective,
      teacher: {
        kind: wanted.probabilities ? "probabilities" : "logits",
        gather: (indices, out) => {
          indices.forEach((sample, i) => {
            out.set(rows[sample] as number[], 3 * i);
          });
        },
      },
      settings: {
        batch: N,
        steps: 20,
        rule: wanted.rule,
        schedule: wanted.schedule,
        clipNorm: 0,
        accumulate: 1,
        seed: 5,
        augmentation: null,
        select: "last",
        patience: null,
        validateEvery: null,
        diagnoseEvery: 0,
        threads: 1,
        device: "cpu",
        ...wanted.more,
      },
      directory,
      fingerprint: "test",
    });
    const steps = readFileSync(join(directory, "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((l) => JSON.parse(l) as { loss?: number; gradient_norm: number })
      .filter((r) => r.loss !== undefined);
    assert.equal(steps.length, 20);
    expected.losses.forEach(([loss, norm], i) => {
      close(steps[i]?.loss, loss, 2e-4 * tolerance, `loss of step ${i + 1}`);
      close(steps[i]?.gradient_norm, norm, 2e-3 * tolerance, `gradient norm of step ${i + 1}`);
    });
    for (const [name, values] of Object.entries(expected.weights)) {
      // Softmax does not see a key's bias: its gradient is 0 but for rounding, which Adam blows up to steps of lr.
      if (name.endsWith("attention/key/bias")) continue;
      const trained = result.weights.get(name);
      const found = wanted.summed && trained ? summary(name, trained) : trained;
      assert.equal(found?.length, values.length, name);
      values.forEach((v, i) => {
        close(found?.[i], v, 2e-4 * tolerance, `${name}[${i}]`);
      });
    }
  });
}

/** L2 norm, and product with the formula's numbers. */
function summary(name: string, values: Float32Array): number[] {
  const probe = noise(name, values.length);
  const product = values.reduce((sum, v, i) => sum + v * (probe[i] as number), 0);
  return [Math.sqrt(values.reduce((sum, v) => sum + v * v, 0)), product];
}

/** float32 against float64 over 20 steps: relative to max(1, |expected|). */
function close(actual: number | undefined, expected: number, tolerance: number, what: string): void {
  const difference = Math.abs((actual ?? Number.NaN) - expected) / Math.max(1, Math.abs(expected));
  assert.ok(difference <= tolerance, `${what}: ${actual}, PyTorch gives ${expected}`);
}
