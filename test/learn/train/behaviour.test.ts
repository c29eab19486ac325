/** What the loop promises around the steps: selection, stopping, divergence, logs, threads. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { type DataSet, fromArrays, loadData, RunError, type TrainingProgress } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import { loadCheckpoint } from "../../../src/learn/train/checkpoint.js";
import { train } from "../../../src/learn/train/train.js";
import type { TrainingHooks, TrainingResult, TrainingSettings, TrainingTask } from "../../../src/learn/train/types.js";
import { trainingSettings } from "../../support/training.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-train-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { data, splits, normalisation } = await loadData({ source: "digits" });

const settings = trainingSettings({
  batch: 32,
  steps: 120,
  rule: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  select: "best",
});

function task(more: Partial<TrainingSettings>, rest: Partial<TrainingTask> = {}, over: DataSet = data): TrainingTask {
  const built = trainableModel(
    buildModel({ kind: "mlp", hidden: [16] }, { inputShape: over.sampleShape, classes: 10, seed: 1 }),
  );
  const sampleType = over.samples instanceof Uint8Array ? "uint8" : "float32";
  return {
    name: "student",
    model: { ...built, graph: withNormalisation(built.graph, built.inputs[0] as string, normalisation, sampleType) },
    data: over,
    train: splits.train,
    validation: splits.validation,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
    settings: { ...settings, ...more },
    directory: null,
    fingerprint: "test",
    ...rest,
  };
}

const run = (more: Partial<TrainingSettings>, rest: Partial<TrainingTask> = {}, hooks: TrainingHooks = {}) =>
  train(task(more, rest), hooks);
const flat = (result: TrainingResult): number[] => [...result.weights].sort().flatMap(([, w]) => [...w]);

test("best by validation: the chosen point has the highest score of the curve; last: the last", async () => {
  const curve = { validateEvery: 5, steps: 100, schedule: { kind: "constant", lr: 0.15, warmup: 0 } } as const;
  const best = await run({ ...curve, select: "best" });
  const scores = best.curve.map((p) => p.accuracy ?? 0);
  assert.equal(scores.length, 20);
  assert.equal(best.chosen.accuracy, Math.max(...scores));
  assert.match(best.selection, /^best .*accuracy \(\d+\.\d %\), step \d+ of 100$/);
  const last = await run({ ...curve, select: "last" });
  assert.deepEqual(last.curve, best.curve, "selection changes nothing else");
  assert.equal(last.chosen.step, 100);
  assert.match(last.selection, /^last step 100/);
  assert.notEqual(best.chosen.step, 100, "a high learning rate makes the score waver, or this test says nothing");
  assert.notDeepEqual(flat(best), flat(last));
  // A training that ends where the best one stood gives those weights.
  const there = await run({ ...curve, select: "last", steps: best.chosen.step });
  assert.deepEqual(flat(there), flat(best));
});

test("early stopping after `patience` validations without a better one", async () => {
  const result = await run({
    validateEvery: 5,
    steps: 2000,
    patience: 3,
    schedule: { kind: "constant", lr: 0.1, warmup: 0 },
  });
  assert.ok(result.steps < 2000);
  const best = result.curve.findIndex((p) => p.step === result.chosen.step);
  assert.equal(result.curve.length - 1 - best, 3);
  assert.ok(result.curve.every((p) => (p.accuracy ?? 0) <= (result.chosen.accuracy ?? 0)));
  assert.match(result.selection, /stopped early at step/);
});

test("without validation samples the last weights leave, and no score is made up", async () => {
  const result = await run({ steps: 30 }, { validation: new Uint32Array(0) });
  assert.equal(result.chosen.accuracy, null);
  assert.match(result.selection, /^last step 30/);
});

test("micro-batches: three of 8 are one of 24 for a mean loss", async () => {
  const small = { train: splits.train.slice(0, 24), validation: splits.validation };
  const whole = await run({ batch: 24, steps: 25 }, small);
  const parts = await run({ batch: 8, accumulate: 3, steps: 25 }, small);
  const [a, b] = [flat(whole), flat(parts)];
  // Sums in another order: float32 rounding, amplified by Adam's division.
  a.forEach((v, i) => {
    assert.ok(Math.abs(v - (b[i] as number)) < 2e-3, `weight ${i}: ${v} and ${b[i]}`);
  });
});

test("one thread and two give results that agree", async () => {
  const one = await run({ threads: 1, steps: 60 });
  const two = await run({ threads: 2, steps: 60 });
  const [a, b] = [flat(one), flat(two)];
  a.forEach((v, i) => {
    assert.ok(Math.abs(v - (b[i] as number)) < 2e-3, `weight ${i}: ${v} and ${b[i]}`);
  });
});

test("same seed, same bytes; the next seed shuffles otherwise", async () => {
  const [a, b, c] = [await run({ steps: 40 }), await run({ steps: 40 }), await run({ steps: 40, seed: 2 })];
  assert.deepEqual(flat(a), flat(b));
  assert.notDeepEqual(flat(a), flat(c));
});

/** Fine for half of its 64 steps; then the rate leaps to 1e36, and one update makes weights that overflow. */
const leap = {
  steps: 64,
  rule: { kind: "sgd", momentum: 0, nesterov: false, weightDecay: 0 },
  schedule: { kind: "step", lr: 0.01, gamma: 1e38, milestones: [0.5], warmup: 0 },
} as const;

const failure = (promise: Promise<unknown>): Promise<Error> =>
  promise.then(
    () => assert.fail("it went on"),
    (e: Error) => e,
  );

test("a diverging training stops with step, term and advice", async () => {
  const error = await failure(run({ ...leap, validateEvery: 64 }));
  assert.ok(error instanceof RunError);
  assert.deepEqual([error.code, error.where], ["diverged", "student"]);
  assert.match(error.found, /step 34 \(lr 1\.00e\+36\): the term "student"/);
  assert.match(`${error.cure}`, /training\.schedule\.lr.*training\.clip_norm/);
});

test("when it shows at a validation, too; the last good checkpoint stays", async () => {
  const directory = join(folder, "diverges");
  const error = await failure(run({ ...leap, validateEvery: 1 }, { directory }, { checkpointSeconds: 0 }));
  assert.ok(error instanceof RunError);
  assert.equal(error.code, "diverged");
  assert.match(error.found, /step 33: .*validation/);
  assert.ok(error.cure?.endsWith(` in ${directory}`));
  const kept = loadCheckpoint(directory);
  assert.equal(kept?.loop.step, 32);
  assert.ok(kept && [...kept.state.parameters.values()].every((w) => w.every((v) => Math.abs(v) < 100)));
});

test("metrics.jsonl: every step with loss, terms, rate and gradient norm; shares of the gradient; validations", async () => {
  const directory = join(folder, "metrics");
  const rows = Array.from({ length: data.size }, (_, i) =>
    Float32Array.from({ length: 10 }, (_, c) => Math.sin(i + c)),
  );
  await run(
    { steps: 40, diagnoseEvery: 10, schedule: { kind: "constant", lr: 0.01, warmup: 4 } },
    {
      directory,
      objective: {
        alpha: 0.3,
        studentLoss: { kind: "cross-entropy" },
        distillationLoss: { kind: "kd", temperature: 2 },
      },
      teacher: {
        kind: "logits",
        gather: (indices, out) => {
          indices.forEach((s, i) => {
            out.set(rows[s] as Float32Array, 10 * i);
          });
        },
      },
    },
  );
  type Line = {
    step: number;
    loss?: number;
    lr?: number;
    terms?: Record<string, number>;
    gradient_norm?: number;
    gradient_share?: Record<string, number>;
    validation?: { agreement: number };
  };
  const lines = readFileSync(join(directory, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((l) => JSON.parse(l) as Line);
  const steps = lines.filter((l) => l.loss !== undefined);
  assert.deepEqual(
    steps.map((l) => l.step),
    Array.from({ length: 40 }, (_, i) => i + 1),
  );
  for (const { loss, terms, gradient_norm } of steps) {
    const { student = Number.NaN, distillation = Number.NaN } = terms ?? {};
    assert.ok(Math.abs((loss as number) - (0.7 * student + 0.3 * distillation)) < 1e-4 * (loss as number));
    assert.ok((gradient_norm as number) > 0);
  }
  assert.ok((steps[0]?.lr as number) < (steps[3]?.lr as number), "warm-up");
  const shares = lines.flatMap((l) => (l.gradient_share ? [l.gradient_share] : []));
  assert.equal(shares.length, 4);
  for (const s of shares) assert.ok(Math.abs((s.student as number) + (s.distillation as number) - 1) < 1e-6);
  assert.equal(lines.filter((l) => l.validation).length, 2);
});

test("a finished training is not repeated; a checkpoint of another fingerprint is refused", async () => {
  const directory = join(folder, "finished");
  const first = await run({ steps: 20 }, { directory });
  const again: TrainingProgress[] = [];
  const second = await run({ steps: 20 }, { directory }, { resume: true, onProgress: (p) => again.push(p) });
  assert.deepEqual(flat(second), flat(first));
  assert.deepEqual(again, []);
  const other = join(folder, "other");
  const controller = new AbortController();
  const onProgress = (): void => controller.abort();
  const stopped = run({ steps: 2000 }, { directory: other }, { onProgress, signal: controller.signal });
  await assert.rejects(stopped, { name: "InterruptedError" });
  assert.ok(existsSync(join(other, "checkpoint.safetensors")));
  await assert.rejects(run({ steps: 2000 }, { directory: other, fingerprint: "changed" }, { resume: true }), {
    name: "InputError",
    code: "checkpoint-invalid",
    where: other,
    cure: /--out/,
  });
});

test("a finished training leaves no checkpoint, and resumes from its result alone", async () => {
  const directory = join(folder, "cleared");
  const checkpoint = join(directory, "checkpoint.safetensors");
  let kept = 0;
  const onProgress = (): void => {
    kept += Number(existsSync(checkpoint));
  };
  const first = await run({ steps: 200 }, { directory }, { checkpointSeconds: 0, onProgress });
  assert.ok(kept > 0, "there were checkpoints on the way");
  assert.deepEqual(readdirSync(directory).sort(), ["metrics.jsonl", "trained.safetensors"]);
  // Left by an earlier version, or by a kill right after the result was saved.
  writeFileSync(checkpoint, "");
  const second = await run({ steps: 200 }, { directory }, { resume: true });
  assert.deepEqual(flat(second), flat(first));
  assert.ok(!existsSync(checkpoint));
});

test("the test samples choose nothing (pitfall 9): other test labels, the same weights", async () => {
  const tested = new Set(splits.test);
  const labels = Array.from(data.labels ?? [], (l, i) => (tested.has(i) ? (l + 3) % 10 : l));
  const over = fromArrays({ samples: data.samples, sampleShape: data.sampleShape, labels, classes: data.classes });
  const [a, b] = [await train(task({ steps: 60 })), await train(task({ steps: 60 }, {}, over))];
  assert.deepEqual(flat(a), flat(b));
  assert.deepEqual(a.curve, b.curve);
});

test("data smaller than a batch: the batch shrinks, and a warning says so; too few for micro-batches is refused", async () => {
  const few = { train: splits.train.slice(0, 20), validation: splits.validation };
  const result = await run({ batch: 64, steps: 5 }, few);
  assert.match(result.warnings.join(), /20 samples .*\b64\b.* 20$/);
  await assert.rejects(run({ accumulate: 30, steps: 5 }, few), {
    code: "budget-invalid",
    where: "training.accumulate",
    found: /20 .* 30/,
  });
});

test("progress tells step, rate, time left and the last score", async () => {
  const seen: TrainingProgress[] = [];
  await run({ steps: 60 }, {}, { onProgress: (p) => seen.push(p) });
  const last = seen.at(-1) as TrainingProgress;
  assert.deepEqual([last.step, last.steps, last.score?.metric], [60, 60, "accuracy"]);
  assert.ok(
    seen.every((p, i) => i === 0 || p.step > (seen[i - 1] as TrainingProgress).step),
    "each step once",
  );
  assert.ok(last.rate > 0);
});
