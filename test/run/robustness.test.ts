/** Errors under corruptions: the figures of a run against answers asked for separately, what is refused, and how it stops. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fromArrays } from "../../src/learn/data/dataset.js";
import type { SampleArray } from "../../src/engine/graph/samples.js";
import { corrupt } from "../../src/learn/evaluate/robustness/corruptions.js";
import type { RobustnessSummary } from "../../src/learn/evaluate/robustness/types.js";
import {
  type DistillResult,
  distill,
  evaluateModel,
  InterruptedError,
  type LoadedData,
  loadData,
  type RecipeInput,
  type RunEvent,
  type Summary,
  trainModel,
} from "../../src/index.js";
import { openSession } from "../../src/node/session.js";
import { listTrainings } from "../../src/run/folder/trainings.js";
import { faultLike, inRecipe } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-robustness-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "robust",
  seeds: 2,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 5, batch: 32 } },
  student: { kind: "mlp", hidden: [16] },
  training: { steps: 200, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  objective: { alpha: 0.5, distillation_loss: { kind: "kd", temperature: 2 } },
  evaluation: {
    latency_runs: 5,
    robustness: { corruptions: ["contrast", "rotation", "gaussian-noise"], severities: [5, 2], seed: 3 },
  },
};
/** One seed, one corruption: where only who is asked matters. */
const small: RecipeInput = {
  ...recipe,
  seeds: 1,
  evaluation: { latency_runs: 5, robustness: { corruptions: ["rotation"], severities: [3], samples: 100 } },
};

let loaded: LoadedData;
let made: DistillResult;
const events: RunEvent[] = [];
before(async () => {
  loaded = await loadData(recipe.data);
  made = await distill(recipe, { out: join(folder, "run"), threads: 1, onEvent: (e) => events.push(e) });
});

const robustnessOf = (summary: Summary): RobustnessSummary => {
  assert.ok(summary.robustness);
  return summary.robustness;
};

/** Share of wrong answers of a file for raw samples, by ONNX Runtime with all samples in one call. */
async function errorOf(file: string, samples: Uint8Array): Promise<number> {
  const session = await openSession(file, { threads: 1 });
  const n = samples.length / 64;
  const [input, output] = [session.inputs[0]?.name as string, session.outputs[0]?.name as string];
  const data = session.inputs[0]?.dtype === "uint8" ? samples : Float32Array.from(samples);
  const dtype = data instanceof Uint8Array ? "uint8" : "float32";
  const feed = { dtype, shape: [n, 1, 8, 8], data } as Parameters<typeof session.run>[0][string];
  const logits = (await session.run({ [input]: feed }))[output]?.data as Float32Array;
  await session.dispose();
  let wrong = 0;
  for (let i = 0; i < n; i++) {
    const row = [...logits.subarray(10 * i, 10 * i + 10)];
    const label = loaded.data.labels?.[loaded.splits.test[i] as number];
    wrong += Number(row.indexOf(Math.max(...row)) !== label);
  }
  return wrong / n;
}

test("a run's errors are those of its exported models for the corrupted test samples", async () => {
  const { test: samples } = loaded.splits;
  const found = robustnessOf(made.summary);
  assert.deepEqual(found.severities, [2, 5]);
  assert.deepEqual([found.samples, found.range, found.reference], [samples.length, [0, 16], "baseline"]);
  assert.deepEqual(
    found.models.map((m) => m.id),
    made.summary.models.map((m) => m.id),
  );
  const clean = new Uint8Array(64 * samples.length);
  for (const [i, s] of samples.entries()) clean.set(loaded.data.samples.subarray(64 * s, 64 * s + 64), 64 * i);
  // Contrast 0.45 and 0.1, written out here.
  const contrast = (kept: number): Uint8Array =>
    clean.map((v, i) => {
      const image = clean.subarray(i - (i % 64), i - (i % 64) + 64);
      const mean = image.reduce((a, b) => a + b, 0) / 64;
      return Math.floor(mean + kept * (v - mean) + 0.5 + 1e-9);
    });
  const images = [contrast(0.45), contrast(0.1)];
  for (const corruption of ["rotation", "gaussian-noise"] as const)
    for (const severity of [2, 5])
      images.push(corrupt(loaded.data, samples, { corruption, severity, seed: 3, range: [0, 16] }) as Uint8Array);
  const trainings = listTrainings(made.directory);
  for (const { role, seeds } of found.models)
    for (const { seed, clean: error, errors } of seeds) {
      const file = trainings.find((t) => t.role === role && t.seed === seed)?.file as string;
      assert.equal(error, await errorOf(file, clean));
      const expected: number[] = [];
      for (const image of images) expected.push(await errorOf(file, image));
      assert.deepEqual(errors.flat(), expected, `${role}, seed ${seed}`);
    }
  for (const [i, row] of found.models.entries())
    assert.ok(Math.abs(row.clean.mean - 1 + (made.summary.models[i]?.accuracy?.mean as number)) < 1e-12);
});

test("report and summary.json hold it, progress was told", () => {
  const summary = JSON.parse(readFileSync(made.summaryFile, "utf8")) as Summary;
  assert.deepEqual(summary.robustness, JSON.parse(JSON.stringify(made.summary.robustness)));
  const html = readFileSync(made.report, "utf8");
  const student = robustnessOf(made.summary).models.find((m) => m.role === "student");
  assert.match(html, /<section id="robustness">/);
  assert.match(html, new RegExp(`>mCE<.*${(100 * (student?.mCE?.mean as number)).toFixed(1)} %`));
  const told = events.filter((e) => e.kind === "measuring");
  const last = told[told.length - 1];
  assert.ok(last && last.done === last.total && last.total === 7 * loaded.splits.test.length);
  assert.ok(told.length >= 14, "batches of the test set, not the whole");
});

test("off by default; a run stopped while measuring goes on and ends with the same figures", async () => {
  const out = join(folder, "stopped");
  const stop = new AbortController();
  const onEvent = (e: RunEvent): void => {
    if (e.kind === "measuring") stop.abort();
  };
  await assert.rejects(distill(recipe, { out, threads: 1, signal: stop.signal, onEvent }), InterruptedError);
  assert.ok(!existsSync(join(out, "summary.json")));
  const { summary } = await distill(recipe, { resume: out, threads: 1 });
  assert.deepEqual(summary.robustness, made.summary.robustness);
  const plain = await distill({ ...recipe, evaluation: { latency_runs: 5 } }, { out: join(folder, "off"), threads: 1 });
  assert.equal(plain.summary.robustness, undefined);
  assert.doesNotMatch(readFileSync(plain.report, "utf8"), /id="robustness"/);
});

test("a strategy measures the models of all its hops at the end, its hops none", async () => {
  const strategy = { kind: "assistants", models: [{ kind: "mlp", hidden: [32] }] } as const;
  const { summary, directory } = await distill({ ...small, strategy }, { out: join(folder, "chain"), threads: 1 });
  const found = robustnessOf(summary);
  assert.deepEqual(
    found.models.map((m) => m.id),
    summary.models.map((m) => m.id),
  );
  assert.equal(found.samples, 100);
  for (const { folder: hop } of summary.strategy?.hops ?? [])
    assert.equal(JSON.parse(readFileSync(join(directory, hop, "summary.json"), "utf8")).robustness, undefined);
  const mutual = await distill(
    { ...small, strategy: { kind: "mutual", students: 2 } },
    { out: join(folder, "mutual"), threads: 1 },
  );
  const together = robustnessOf(mutual.summary);
  assert.deepEqual(
    together.models.map((m) => [m.id, m.role]),
    mutual.summary.models.map((m) => [m.id, m.role]),
  );
  assert.match(together.reference ?? "", /^baseline 1 /);
});

test("without a baseline the teacher is the reference; a group is asked whole and one by one, a label store is not", async () => {
  const file = listTrainings(made.directory).find((t) => t.role === "teacher")?.file as string;
  const plain = { ...small, baseline: false };
  const given = await distill({ ...plain, teacher: { file } }, { out: join(folder, "given"), threads: 1 });
  const { models, reference } = robustnessOf(given.summary);
  assert.equal(reference, "teacher");
  assert.equal(models[0]?.mCE?.mean, 1);
  const group = [{ file }, { file }];
  const grouped = await distill({ ...plain, teacher: { group } }, { out: join(folder, "group"), threads: 1 });
  const rows = robustnessOf(grouped.summary).models;
  assert.deepEqual(
    rows.map((m) => m.id),
    ["teacher", "teacher 1", "teacher 2", "student"],
  );
  // The mean of two equal teachers is either of them, and the teacher of the run before.
  for (const row of rows.slice(0, 3)) assert.deepEqual(row.seeds[0]?.errors, models[0]?.seeds[0]?.errors);
  const store = join(given.directory, "label-stores");
  const label_store = join(store, readdirSync(store)[0] as string);
  const stored = await distill({ ...plain, teacher: { label_store } }, { out: join(folder, "stored"), threads: 1 });
  const own = robustnessOf(stored.summary);
  assert.deepEqual([own.models.map((m) => m.id), own.reference, own.models[0]?.mCE], [["student"], null, null]);
  assert.match(own.notes[0] ?? "", /^teacher was skipped\b/);
});

test("a training on labels alone has it too; evaluateModel compares with a reference", async () => {
  const { summary, model } = await trainModel(small, { out: join(folder, "trained"), threads: 1 });
  const trained = robustnessOf(summary);
  assert.deepEqual([trained.models[0]?.mCE, trained.reference], [null, null]);
  const settings = { corruptions: ["rotation"], severities: [3], samples: 100 } as const;
  const robustness = { ...settings, corruptions: [...settings.corruptions], severities: [...settings.severities] };
  const options = { latencyRuns: 0, threads: 1, robustness };
  const alone = await evaluateModel(model, loaded, options);
  assert.deepEqual(alone.robustness?.models[0]?.seeds[0]?.errors, trained.models[0]?.seeds[0]?.errors);
  assert.equal(alone.robustness?.reference, null);
  const student = join(made.directory, "student.onnx");
  const beside = await evaluateModel(model, loaded, { ...options, reference: student });
  const [own, other] = beside.robustness?.models.map((m) => m.seeds[0]?.errors[0]?.[0] as number) ?? [];
  assert.ok(
    Math.abs((beside.robustness?.models[0]?.mCE?.mean as number) - (own as number) / (other as number)) < 1e-12,
  );
  await assert.rejects(evaluateModel(model, loaded, { latencyRuns: 0, reference: student }), {
    code: "option-conflict",
    where: "reference",
    cure: /robustness/,
  });
  // The others are looked at before the model itself.
  await assert.rejects(
    evaluateModel(join(folder, "no-model.onnx"), loaded, { ...options, reference: join(folder, "no-reference.onnx") }),
    { code: "file-missing", where: join(folder, "no-reference.onnx") },
  );
});

test("what cannot be corrupted is refused before anything is trained", async () => {
  const rejected = (changes: Partial<RecipeInput>, holds: (error: unknown) => boolean): Promise<void> =>
    assert.rejects(distill({ ...small, ...changes }, { out: join(folder, "refused") }), holds);
  const field = "evaluation.robustness";
  const robustness = (value: unknown): Partial<RecipeInput> =>
    ({ evaluation: { robustness: value } }) as Partial<RecipeInput>;
  await rejected(
    robustness({ corruptions: ["contrast", "fog"] }),
    inRecipe(`${field}.corruptions.1`, "option-invalid", /"fog"/),
  );
  await rejected(robustness({ severities: [6] }), inRecipe(`${field}.severities.0`, "option-invalid", /6/));
  await rejected(robustness({ severities: [1, 1] }), inRecipe(`${field}.severities`, "option-invalid"));
  await rejected(robustness({ severity: [1] }), inRecipe(`${field}.severity`, "option-unknown", /./, /"severities"/));
  const table = join(folder, "table.csv");
  const lines = Array.from({ length: 60 }, (_, i) => `${i},${i % 7},${"ab"[i % 2]}`);
  writeFileSync(table, ["x,y,label", ...lines].join("\n"));
  const data = { source: "table", path: table, label: "label" } as const;
  await rejected({ data }, faultLike({ code: "option-conflict", where: field, found: ["[2]"] }));
  await rejected(
    {
      data: { source: "digits", labels: "ignore" },
      objective: { alpha: 1 },
      teacher: { file: join(made.directory, "student.onnx") },
    },
    faultLike({ code: "labels-missing", where: field, found: ["359 of 359"] }),
  );
  assert.ok(!existsSync(join(folder, "refused")));
});

test("samples made when they are asked for are corrupted like those in memory", () => {
  const samples = Uint8Array.from({ length: 2 * 64 }, (_, i) => (i * 7) % 17);
  const data = fromArrays({ name: "two", samples, sampleShape: [1, 8, 8] });
  const lazy = {
    ...data,
    samples: new Uint8Array(0),
    fill(indices: Uint32Array, out: SampleArray): void {
      for (const [i, s] of indices.entries()) out.set(samples.subarray(64 * s, 64 * s + 64), 64 * i);
    },
  };
  const how = { corruption: "elastic", severity: 4, seed: 1, range: [0, 16] } as const;
  assert.deepEqual(corrupt(lazy, Uint32Array.of(1, 0), how), corrupt(data, Uint32Array.of(1, 0), how));
});
