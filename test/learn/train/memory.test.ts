/** Losses that remember samples (crd): what is drawn, what becomes of the banks, checkpoints, resuming. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { InterruptedError, loadData } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { CrdConfig } from "../../../src/engine/objective/losses/crd.js";
import { Random } from "../../../src/engine/random/random.js";
import { type Checkpoint, loadCheckpoint } from "../../../src/learn/train/checkpoint.js";
import { drawOthers } from "../../../src/learn/train/others.js";
import { train } from "../../../src/learn/train/train.js";
import type { TrainingHooks, TrainingResult, TrainingSettings, TrainingTask } from "../../../src/learn/train/types.js";
import { trainingSettings } from "../../support/training.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-memory-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const { data, splits, normalisation } = await loadData({ source: "digits" });

test("others: every number outside the batch equally often, none of the batch, a function of the draw", () => {
  const rows = Uint32Array.of(6, 0, 3, 4);
  const [total, count, draws] = [11, 7, 2000];
  const seen = Array<number>(total).fill(0);
  for (let draw = 0; draw < draws; draw++)
    for (const number of drawOthers(new Random(3, "others"), rows, total, count, draw))
      seen[Number(number)] = (seen[Number(number)] as number) + 1;
  const expected = (draws * count) / (total - rows.length);
  seen.forEach((times, number) => {
    if (rows.includes(number)) assert.equal(times, 0, `${number} is in the batch`);
    // Five standard deviations of a binomial.
    else assert.ok(Math.abs(times - expected) < 5 * Math.sqrt(expected), `${number}: ${times}, expected ${expected}`);
  });
  const twice = drawOthers(new Random(3, "others"), Uint32Array.of(6, 6, 0, 3, 4, 0), total, 50, 1);
  assert.ok([...twice].every((number) => !rows.includes(Number(number)) && number < total));
  const draw = (stream: string, k: number): bigint[] => [...drawOthers(new Random(3, stream), rows, total, count, k)];
  assert.deepEqual(draw("others", 5), draw("others", 5));
  assert.notDeepEqual(draw("others", 5), draw("others", 6));
  assert.notDeepEqual(draw("others", 5), draw("another", 5));
});

const settings = trainingSettings({
  steps: 12,
  rule: { kind: "adamw", beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  validateEvery: 4,
  diagnoseEvery: 5,
});
const WIDTH = 8;

/** A teacher whose layer is 6 sines of the class and the sample: samples of a class are near each other. */
function featureOf(sample: number, i: number): number {
  return Math.sin(1 + i * 3 * (data.labels?.[sample] ?? 0)) + 0.3 * Math.sin(sample * (i + 1));
}

function task(more: Partial<TrainingSettings>, directory: string | null, crd: Partial<CrdConfig> = {}): TrainingTask {
  const built = trainableModel(
    buildModel({ kind: "mlp", hidden: [12] }, { inputShape: data.sampleShape, classes: 10, seed: 1 }),
  );
  return {
    name: "student",
    model: { ...built, graph: withNormalisation(built.graph, built.inputs[0] as string, normalisation, "uint8") },
    data,
    train: splits.train,
    validation: splits.validation.slice(0, 60),
    objective: {
      alpha: 0,
      studentLoss: { kind: "cross-entropy" },
      terms: [
        {
          kind: "crd",
          weight: 0.8,
          dimension: WIDTH,
          negatives: 50,
          layers: [{ student: "hidden1/relu", teacher: "layer" }],
          ...crd,
        },
      ],
    },
    teacher: {
      kind: "logits",
      gather(indices, out) {
        out.fill(0, 0, 10 * indices.length);
      },
      features: [
        {
          name: "layer",
          node: "",
          shape: [6],
          gather(indices, out) {
            for (const [k, sample] of indices.entries())
              for (let i = 0; i < 6; i++) out[6 * k + i] = featureOf(sample, i);
          },
        },
      ],
    },
    settings: { ...settings, ...more },
    directory,
    fingerprint: "memory test",
  };
}

let runs = 0;
async function run(
  more: Partial<TrainingSettings> = {},
  hooks: TrainingHooks = {},
  directory = join(folder, `run-${++runs}`),
): Promise<{ result: TrainingResult; checkpoint: Checkpoint }> {
  const result = await train(task(more, directory), { checkpointSeconds: 0, keepCheckpoint: true, ...hooks });
  return { result, checkpoint: loadCheckpoint(directory) as Checkpoint };
}

const bankOf = ({ state }: Checkpoint, side: string): Float32Array =>
  state.buffers.get(`step/state/crd/0/${side}/bank`) as Float32Array;
const rowsOf = (bank: Float32Array): Float32Array[] =>
  Array.from({ length: bank.length / WIDTH }, (_, i) => bank.subarray(i * WIDTH, (i + 1) * WIDTH));

const whole = await run();

test("rows of the samples seen have moved and are 1 long; the others are as they were drawn", async () => {
  const { checkpoint } = whole;
  const before = await run({ steps: 1, validateEvery: 1 });
  for (const side of ["student", "teacher"]) {
    const [first, last] = [rowsOf(bankOf(before.checkpoint, side)), rowsOf(bankOf(checkpoint, side))];
    assert.equal(last.length, splits.train.length);
    const unit = (row: Float32Array): boolean => Math.abs(Math.hypot(...row) - 1) < 1e-5;
    assert.equal(first.filter(unit).length, 16, `${side}: after one step`);
    assert.equal(last.filter(unit).length, 12 * 16, `${side}: after twelve`);
    const same = last.filter((row, i) => row.every((v, j) => v === first[i]?.[j]));
    // No sample comes twice in an epoch: those of the first step are where they were.
    assert.equal(same.length, splits.train.length - 11 * 16);
    // Uniform with variance 1 / width.
    const rest = last.filter((row) => !unit(row)).flatMap((row) => [...row]);
    const variance = rest.reduce((sum, v) => sum + v * v, 0) / rest.length;
    assert.ok(Math.abs(variance * WIDTH - 1) < 0.1, `${variance}`);
  }
});

test("the normaliser is the first batch's, and no part of it all leaves with the student", async () => {
  const { checkpoint, result } = whole;
  const before = await run({ steps: 1, validateEvery: 1 });
  for (const side of ["student", "teacher"]) {
    const name = `step/state/crd/0/${side}/normaliser`;
    const [z] = checkpoint.state.buffers.get(name) ?? [];
    assert.deepEqual(checkpoint.state.buffers.get(name), before.checkpoint.state.buffers.get(name));
    // n times a mean of exp(cosine / tau), whose cosines are of random directions and cancel to about 0.
    assert.ok((z as number) > splits.train.length, `${z}`);
  }
  assert.deepEqual([...result.weights.keys()].sort(), [
    "classifier/bias",
    "classifier/weight",
    "hidden1/bias",
    "hidden1/weight",
  ]);
});

test("stopped and resumed: the same student, banks and all, to the byte", async () => {
  for (const accumulate of [1, 2]) {
    const more = { accumulate, steps: 20, validateEvery: 4 };
    const straight = await run(more);
    const directory = join(folder, `stopped-${accumulate}`);
    const controller = new AbortController();
    const onProgress: TrainingHooks["onProgress"] = (p) => {
      if (p.step >= 8) controller.abort();
    };
    await assert.rejects(run(more, { signal: controller.signal, onProgress }, directory), InterruptedError);
    const at = (loadCheckpoint(directory) as Checkpoint).loop.step;
    assert.ok(at >= 8 && at < 20, `stopped at ${at}`);
    const resumed = await run(more, { resume: true }, directory);
    assert.deepEqual(resumed.result.weights, straight.result.weights);
    assert.deepEqual(resumed.checkpoint.state, straight.checkpoint.state);
  }
});

test("beside averaged weights the banks stay as they are, and a resumed training is the same to the byte", async () => {
  const average = { decay: 0.9, ramp: false };
  const straight = await run({ average });
  const own = ["classifier/bias", "classifier/weight", "hidden1/bias", "hidden1/weight"];
  assert.deepEqual([...straight.result.weights.keys()].sort(), own);
  assert.deepEqual(straight.checkpoint.state.buffers, whole.checkpoint.state.buffers);
  assert.deepEqual(straight.checkpoint.state.parameters, whole.checkpoint.state.parameters);
  const averages = straight.checkpoint.state.averages ?? new Map();
  assert.deepEqual([...averages.keys()].sort(), [...whole.checkpoint.state.parameters.keys()].sort());
  for (const name of own) assert.deepEqual(straight.result.weights.get(name), averages.get(name));
  assert.notDeepEqual(straight.result.weights, whole.result.weights);
  const directory = join(folder, "averaged");
  const controller = new AbortController();
  const onProgress: TrainingHooks["onProgress"] = (p) => {
    if (p.step >= 4) controller.abort();
  };
  await assert.rejects(run({ average }, { signal: controller.signal, onProgress }, directory), InterruptedError);
  const resumed = await run({ average }, { resume: true }, directory);
  assert.deepEqual(resumed.result.weights, straight.result.weights);
  assert.deepEqual(resumed.checkpoint.state, straight.checkpoint.state);
});

test("the contrast is learnt: the term falls, and its share of the gradient is measured", async () => {
  const { result } = await run({ steps: 400, validateEvery: 50 });
  const terms = result.curve.map((p) => p.terms.crd as number);
  assert.ok((terms.at(-1) as number) < 0.8 * (terms[0] as number), terms.join(" "));
  assert.ok(result.gradientShares.every((g) => (g.shares.crd ?? 0) > 0.01));
});

test("samples blended of two have no row to remember", async () => {
  const views: TrainingTask["views"] = {
    blends: true,
    render: () => assert.fail("nothing is trained"),
    answers: () => assert.fail("nobody is asked"),
  };
  await assert.rejects(train({ ...task({}, null), views }), {
    code: "option-conflict",
    where: "training.augment",
    found: /crd/,
  });
});

test("a teacher's layers for the unchanged samples are not compared with the student's for their views", async () => {
  await assert.rejects(train(task({ augmentation: { flip: true } }, null)), {
    code: "option-conflict",
    where: "training.augment",
    found: /layers/,
  });
});

test("a batch that holds every sample leaves none to draw from", async () => {
  await assert.rejects(train({ ...task({}, null), train: splits.train.slice(0, 16) }), {
    code: "budget-invalid",
    where: "training.batch",
    found: /16 .* 16 /,
    expected: /crd/,
  });
});
