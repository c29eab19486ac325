/** Weight averaging: the recursion in float64 over the weights after every step, what it is used for, and resuming. */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { exportModel } from "../../../src/engine/compile/export.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { joinPeers } from "../../../src/engine/compile/peers.js";
import type { TrainableModel } from "../../../src/engine/graph/trainable-model.js";
import { negativeLogLikelihood } from "../../../src/learn/evaluate/metrics.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { Distiller, loadData } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import type { ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import type { WeightAverage } from "../../../src/engine/optim/types.js";
import { openSession } from "../../../src/node/session.js";
import { answers } from "../../../src/run/students/student.js";
import { initialShare } from "../../../src/learn/train/average.js";
import { loadCheckpoint } from "../../../src/learn/train/checkpoint.js";
import { train } from "../../../src/learn/train/train.js";
import type { TrainingHooks, TrainingResult, TrainingSettings, TrainingTask } from "../../../src/learn/train/types.js";
import { withoutDevice } from "../../support/device.js";
import { inRecipe } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-average-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { data, splits, normalisation } = await loadData({ source: "digits" });

const settings: TrainingSettings = {
  batch: 16,
  steps: 12,
  rule: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  schedule: { kind: "constant", lr: 0.02, warmup: 0 },
  clipNorm: 1,
  accumulate: 2,
  seed: 3,
  augmentation: null,
  select: "last",
  patience: null,
  validateEvery: 4,
  diagnoseEvery: 0,
  threads: 1,
  device: "cpu",
};

const mlp: ModelSpec = { kind: "mlp", hidden: [12], batchNorm: true, dropout: 0.2 };
const built = (seed: number): TrainableModel =>
  trainableModel(buildModel(mlp, { inputShape: data.sampleShape, classes: 10, seed }));

function task(more: Partial<TrainingSettings>, rest: Partial<TrainingTask> = {}, own = built(1)): TrainingTask {
  return {
    name: "student",
    model: { ...own, graph: withNormalisation(own.graph, own.inputs[0] as string, normalisation, "uint8") },
    data,
    train: splits.train,
    validation: splits.validation,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
    settings: { ...settings, ...more },
    directory: null,
    fingerprint: "average test",
    ...rest,
  };
}

const run = (
  more: Partial<TrainingSettings>,
  hooks: TrainingHooks = {},
  rest: Partial<TrainingTask> = {},
  own?: TrainableModel,
): Promise<TrainingResult> => train(task(more, rest, own), hooks);

type Weights = ReadonlyMap<string, ArrayLike<number>>;

const startOf = (model: TrainableModel): Weights =>
  new Map(
    [...model.parameters, ...model.buffers].map((n) => [n, model.graph.initializers.get(n)?.data as Float32Array]),
  );

/** a_t = d_t a_(t-1) + (1 - d_t) w_t in float64. @param path the initial weights, then those after each step */
function averaged(path: readonly Weights[], { decay, ramp }: WeightAverage): Map<string, Float64Array> {
  const [start, ...steps] = path as [Weights, ...Weights[]];
  const average = new Map([...start].map(([name, v]) => [name, Float64Array.from(v)]));
  for (const [i, weights] of steps.entries()) {
    const t = i + 1;
    const d = ramp ? Math.min(decay, (1 + t) / (10 + t)) : decay;
    for (const [name, a] of average) {
      const w = weights.get(name) as ArrayLike<number>;
      a.forEach((v, k) => {
        a[k] = d * v + (1 - d) * (w[k] as number);
      });
    }
  }
  return average;
}

function assertWeights(found: Weights, expected: Weights, tolerance: number, what: string): void {
  assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort(), what);
  for (const [name, values] of expected) {
    Array.from(values).forEach((v, i) => {
      const own = found.get(name)?.[i] as number;
      assert.ok(Math.abs(own - v) <= tolerance * Math.max(1, Math.abs(v)), `${what} ${name}[${i}]: ${own}, not ${v}`);
    });
  }
}

const largest = (a: Weights, b: Weights): number =>
  Math.max(...[...a].flatMap(([n, v]) => Array.from(v, (x, i) => Math.abs(x - (b.get(n)?.[i] as number)))));

/** Initial weights, then those after 1, 2, ... steps: each from a training of that length without averaging. */
async function pathOf(steps: number, rest: Partial<TrainingTask> = {}, own = built(1)): Promise<Weights[]> {
  const path: Weights[] = [startOf(own)];
  for (let k = 1; k <= steps; k++) path.push((await run({ steps: k }, {}, rest, own)).weights);
  return path;
}

const STEPS = 12;
const path = await pathOf(STEPS);

for (const average of [
  { decay: 0.7, ramp: false },
  { decay: 0.5, ramp: true },
  { decay: 0.999, ramp: true },
] as const) {
  test(`the recursion over the weights of every step, statistics included: ${JSON.stringify(average)}`, async () => {
    const { weights } = await run({ average });
    assertWeights(weights, averaged(path, average), 2e-6, "average");
    assert.ok(largest(weights, path[STEPS] as Weights) > 1e-2, "averages and weights differ");
    assert.ok(built(1).buffers.length > 0);
  });
}

test("averaging changes nothing of the training itself", async () => {
  const plain = await run({});
  const averaging = await run({ average: { decay: 0.9, ramp: true } });
  assert.deepEqual(
    averaging.curve.map((p) => p.loss),
    plain.curve.map((p) => p.loss),
  );
  assert.notDeepEqual(
    averaging.curve.map((p) => p.nll),
    plain.curve.map((p) => p.nll),
  );
  assert.match(averaging.selection, /, averaged weights$/);
  assert.ok(!/averaged/.test(plain.selection));
});

/** Negative log-likelihood of an exported model on the validation samples, by ONNX Runtime. */
async function exportedNll(weights: ReadonlyMap<string, Float32Array>): Promise<number> {
  const options = { normalisation, classes: data.classes, producerVersion: "0" };
  const session = await openSession(writeModel(exportModel(built(1), weights, options)), { threads: 1 });
  try {
    const logits = await answers(session, data, splits.validation, null);
    const labels = Int32Array.from(splits.validation, (i) => data.labels?.[i] as number);
    return negativeLogLikelihood(logits, labels, 10);
  } finally {
    await session.dispose();
  }
}

test("the averaged weights are what is validated, chosen and exported", async () => {
  const average = { decay: 0.4, ramp: true };
  const schedule = { kind: "constant", lr: 0.3, warmup: 0 } as const;
  const more = { average, schedule, steps: 60, validateEvery: 2, select: "best" } as const;
  const best = await run(more);
  assert.notEqual(best.chosen.step, 60, "the best is not the last, or this says nothing about choosing");
  assert.equal(best.chosen.accuracy, Math.max(...best.curve.map((p) => p.accuracy ?? 0)));
  assert.ok(Math.abs((await exportedNll(best.weights)) - (best.chosen.nll as number)) < 1e-5);
  const there = await run({ ...more, steps: best.chosen.step, select: "last" });
  assert.deepEqual(there.weights, best.weights);
});

async function stopAndGoOn(more: Partial<TrainingSettings>, directory: string): Promise<void> {
  const whole = await run(more);
  const controller = new AbortController();
  const onProgress = ({ step }: { step: number }): void => {
    if (step >= 8) controller.abort();
  };
  const stopped = run(more, { signal: controller.signal, onProgress }, { directory });
  await assert.rejects(stopped, { name: "InterruptedError" });
  const checkpoint = loadCheckpoint(directory);
  const done = checkpoint?.state.step ?? 0;
  assert.ok(done >= 8 && done < 20, `stopped at ${done}`);
  const { parameters = new Map(), averages = new Map() } = checkpoint?.state ?? {};
  assert.deepEqual([...averages.keys()].sort(), [...startOf(built(1)).keys()].sort());
  assert.ok(largest(parameters, averages) > 1e-3);
  const resumed = await run(more, { resume: true }, { directory });
  assert.deepEqual(resumed.weights, whole.weights);
  assert.deepEqual(resumed.curve, whole.curve);
}

test("stopped and resumed: the same averages, bit for bit", () =>
  stopAndGoOn({ steps: 20, average: { decay: 0.95, ramp: true }, select: "best" }, join(folder, "stopped")));

test("a checkpoint without averages holds none, and a training that averages starts from the weights", async () => {
  const directory = join(folder, "plain");
  await run({ steps: 4 }, { checkpointSeconds: 0, keepCheckpoint: true }, { directory });
  assert.equal(loadCheckpoint(directory)?.state.averages?.size, 0);
});

test("on WebGPU: the CPU's averages, and the same bytes after a stop", { skip: withoutDevice }, async () => {
  const average = { decay: 0.7, ramp: true };
  // SGD: Adam's first steps are signs where a gradient is all rounding.
  const rule = { kind: "sgd", momentum: 0.9, nesterov: true, weightDecay: 1e-3 } as const;
  const more = { average, rule } as const;
  const [device, cpu] = [await run({ ...more, device: "webgpu" }), await run(more)];
  assertWeights(device.weights, cpu.weights, 2e-5, "webgpu");
  assert.ok(Math.abs((device.chosen.nll as number) - (cpu.chosen.nll as number)) < 1e-4);
  await stopAndGoOn({ ...more, steps: 20, device: "webgpu" }, join(folder, "device"));
});

test("students that learn together: each one's average is that of its own weights", async () => {
  const joined = joinPeers([built(1), built(2)]);
  const objective: ObjectiveConfig = {
    studentLoss: { kind: "cross-entropy" },
    distillationLoss: { kind: "mutual", temperature: 1 },
    weights: { student: 1, distillation: 1 },
    peers: 2,
  };
  const average = { decay: 0.6, ramp: false };
  const peers = await pathOf(5, { objective }, joined);
  const { weights } = await run({ steps: 5, average }, {}, { objective }, joined);
  assertWeights(weights, averaged(peers, average), 2e-6, "peers");
});

test("an average that still holds the initial weights at the end is pointed out", async () => {
  const slow = { decay: 0.99, ramp: false };
  assert.ok(Math.abs(initialShare(slow, 12) - 0.99 ** 12) < 1e-12);
  const { warnings } = await run({ average: slow });
  assert.match(warnings.join(), /^student: .*\b12 steps\b.*\b89 %.*training\.ema\.decay/);
  assert.deepEqual((await run({ average: { ...slow, ramp: true } })).warnings, []);
  // (2 / 11) (3 / 12) (4 / 13)
  assert.ok(Math.abs(initialShare({ decay: 0.999, ramp: true }, 3) - 24 / 1716) < 1e-12);
});

test("the Distiller takes it as a recipe does", async () => {
  const distiller = new Distiller({ teacher: "none.onnx", student: { kind: "mlp", hidden: [8] } });
  distiller.compile({ alpha: 0, learningRate: 0.01, ema: { decay: 0.9 } });
  const { selection, weights } = await distiller.fit(await loadData({ source: "digits" }), { steps: 30 });
  assert.match(selection, /, averaged weights$/);
  const plain = new Distiller({ teacher: "none.onnx", student: { kind: "mlp", hidden: [8] } });
  const other = await plain
    .compile({ alpha: 0, learningRate: 0.01 })
    .fit(await loadData({ source: "digits" }), { steps: 30 });
  assert.ok(largest(weights, other.weights) > 1e-3);
  assert.throws(() => plain.compile({ ema: { decay: 1 } }), inRecipe("training.ema.decay", "option-invalid", /1/));
  await Promise.all([distiller.dispose(), plain.dispose()]);
});
