/** Strategies are chains of ordinary runs: who taught whom, what is shared, what is compared. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../src/base/errors.js";
import {
  type DistillResult,
  distill,
  listRuns,
  loadData,
  loadModelFile,
  type RecipeInput,
  type RunEvent,
  type Summary,
  trainModel,
} from "../../src/index.js";
import { openSession } from "../../src/node/session.js";
import { listTrainings } from "../../src/run/folder/trainings.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-strategies-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "chain",
  seeds: 2,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 5, batch: 32 } },
  student: { kind: "mlp", hidden: [10] },
  training: { steps: 120, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  objective: { alpha: 0.5, distillation_loss: { kind: "kd", temperature: 2 } },
  evaluation: { latency_runs: 5 },
};

const run = (
  name: string,
  strategy: RecipeInput["strategy"],
  changes: Partial<RecipeInput> = {},
): Promise<DistillResult> => distill({ ...recipe, ...changes, strategy }, { out: join(folder, name), threads: 1 });

const hop = (result: DistillResult, title: string): string => {
  const found = result.summary.strategy?.hops.find((h) => h.title === title);
  assert.ok(found, `hop ${title}`);
  return join(result.directory, found.folder);
};

/** Hash of each seed's exported student of a hop, and of whoever taught it. */
function taught(directory: string): { own: string[]; teachers: (string | null)[] } {
  const students = listTrainings(directory).filter((t) => t.role === "student");
  return { own: students.map((t) => loadModelFile(t.file).hash), teachers: students.map((t) => t.teacherHash) };
}

const accuracyOf = (summary: Summary, id: string): number => {
  const row = summary.models.find((m) => m.id === id);
  assert.ok(row?.accuracy, `row ${id}`);
  return row.accuracy.mean;
};

/** Every comparison's points are the difference of the two rows' accuracies. */
function checkComparisons(summary: Summary): void {
  for (const c of summary.comparisons) {
    if (c.baseline === null) continue;
    const expected = 100 * (accuracyOf(summary, c.student) - accuracyOf(summary, c.baseline));
    assert.ok(Math.abs((c.points as number) - expected) < 1e-9, `${c.student} against ${c.baseline}`);
  }
}

test("assistants: each seed's student of a hop teaches the same seed of the next", async () => {
  const result = await run("assistants", {
    kind: "assistants",
    models: [
      { kind: "mlp", hidden: [32] },
      { kind: "mlp", hidden: [16] },
    ],
  });
  const { summary, directory } = result;
  const titles = ["assistant 1 (mlp-32)", "assistant 2 (mlp-16)", "student", "student, directly"];
  assert.deepEqual(
    summary.strategy?.hops.map((h) => h.title),
    titles,
  );
  const [first, second, last, direct] = titles.map((t) => taught(hop(result, t)));
  const teachers = listTrainings(directory).filter((t) => t.role === "teacher");
  assert.equal(teachers.length, 1, "the hops share one training of the teacher");
  const teacher = loadModelFile((teachers[0] as (typeof teachers)[number]).file).hash;
  assert.deepEqual(first?.teachers, [teacher, teacher]);
  assert.deepEqual(second?.teachers, first?.own);
  assert.deepEqual(last?.teachers, second?.own);
  assert.deepEqual(direct?.teachers, [teacher, teacher]);
  assert.notDeepEqual(last?.own, direct?.own);
  assert.deepEqual(readFileSync(result.student), readFileSync(join(hop(result, "student"), "student.onnx")));
  for (const title of titles) assert.ok(existsSync(join(hop(result, title), "report.html")), title);
  assert.equal(summary.comparisons[0]?.baseline, "baseline");
  assert.equal(summary.comparisons[1]?.baseline, "student, directly");
  checkComparisons(summary);
  // The last hop says of its student what the whole says.
  const own = JSON.parse(readFileSync(join(hop(result, "student"), "summary.json"), "utf8")) as Summary;
  assert.equal(accuracyOf(own, "student"), accuracyOf(summary, "student"));
  assert.equal(own.comparisons[0]?.sentence, summary.comparisons[0]?.sentence);
});

test("assistants: what the first teacher leaves to the student stays the student's part in every hop", async () => {
  const result = await run(
    "halves",
    { kind: "assistants", models: [{ kind: "mlp", hidden: [16] }], direct: false },
    {
      seeds: 1,
      teacher: { ...recipe.teacher, train_on: "disjoint-half" } as RecipeInput["teacher"],
      objective: { alpha: 1 },
      transfer: { labelled: 100, samples: "all" },
    },
  );
  const counts = ["assistant 1 (mlp-16)", "student"].map((title) => {
    const row = result.summary.models.find((m) => m.id === title);
    return Number.parseInt(row?.trainedOn ?? "", 10);
  });
  const { train } = result.summary.data.counts;
  assert.equal(counts[0], counts[1]);
  assert.ok((counts[0] as number) < 0.6 * train, `${counts[0]} of ${train}`);
});

test("born-again: fresh weights, the generation before as teacher, and the ensemble by hand", async () => {
  const result = await run("born-again", { kind: "born-again", generations: 3 });
  const { summary } = result;
  const titles = ["generation 1", "generation 2", "generation 3"];
  const generations = titles.map((t) => taught(hop(result, t)));
  const first = listTrainings(hop(result, "generation 0"));
  assert.equal(first.length, 1, "one teacher for all seeds");
  const zero = loadModelFile((first[0] as (typeof first)[number]).file).hash;
  assert.deepEqual(generations[0]?.teachers, [zero, zero]);
  assert.deepEqual(generations[1]?.teachers, generations[0]?.own);
  assert.deepEqual(generations[2]?.teachers, generations[1]?.own);
  const seeds = titles.map((t) =>
    listTrainings(hop(result, t))
      .filter((x) => x.role === "student")
      .map((x) => x.seed),
  );
  assert.deepEqual(seeds, [
    [2, 3],
    [4, 5],
    [6, 7],
  ]);
  checkComparisons(summary);

  // The mean of the generations' probabilities, from ONNX Runtime's answers.
  const { data, splits } = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  const size = 64;
  const samples = new Float32Array(splits.test.length * size);
  for (const [i, s] of splits.test.entries()) samples.set(data.samples.subarray(s * size, (s + 1) * size), i * size);
  let right = 0;
  for (const n of [1, 2]) {
    const mean = new Float64Array(splits.test.length * 10);
    for (const title of titles) {
      const session = await openSession(join(hop(result, title), "models", `student-${n}.onnx`), { threads: 1 });
      const input = { dtype: "float32", shape: [splits.test.length, 1, 8, 8], data: samples } as const;
      const logits = (await session.run({ input })).logits?.data as Float32Array;
      await session.dispose();
      for (let i = 0; i < splits.test.length; i++) {
        const row = Array.from(logits.subarray(i * 10, i * 10 + 10), Math.exp);
        const sum = row.reduce((a, v) => a + v, 0);
        row.forEach((v, c) => {
          mean[i * 10 + c] = (mean[i * 10 + c] as number) + v / sum;
        });
      }
    }
    splits.test.forEach((s, i) => {
      const row = Array.from(mean.subarray(i * 10, i * 10 + 10));
      right += Number(row.indexOf(Math.max(...row)) === data.labels?.[s]);
    });
  }
  const together = accuracyOf(summary, "ensemble of 3 generations");
  assert.ok(Math.abs(together - right / (2 * splits.test.length)) < 1e-9, `${together}`);
});

test("born-again with raw exports: every generation learns what it would have learnt without them", async () => {
  const data = { ...recipe.data, normalise: "standard" } as RecipeInput["data"];
  const strategy = { kind: "born-again", generations: 2, ensemble: false } as const;
  const accuracies = async (raw: boolean): Promise<(number | undefined)[]> => {
    const changes = { data, seeds: 1, baseline: false, export: { raw } };
    const { summary } = await run(`raw-${raw}`, strategy, changes);
    return summary.models.map((m) => m.accuracy?.mean);
  };
  const [inside, outside] = [await accuracies(false), await accuracies(true)];
  assert.equal(inside.length, 3);
  // Two ways to divide by a standard deviation differ in their last bits.
  inside.forEach((share, i) => {
    assert.ok(Math.abs((share as number) - (outside[i] as number)) < 0.02, `${inside} and ${outside}`);
  });
});

test("teacher-free: the methods are the trainings they claim to be", async () => {
  const result = await run("teacher-free", { kind: "teacher-free" }, { seeds: 1 });
  const titles = result.summary.strategy?.hops.map((h) => h.title);
  assert.deepEqual(titles, ["distilled", "label smoothing", "virtual teacher", "twin", "self-taught"]);
  const smoothed = await trainModel(
    { ...recipe, seeds: 1, objective: { student_loss: { label_smoothing: 0.1 } } },
    { out: join(folder, "smoothed"), threads: 1 },
  );
  assert.deepEqual(readFileSync(join(hop(result, "label smoothing"), "model.onnx")), readFileSync(smoothed.model));
  const models = ["label smoothing", "virtual teacher"].map((t) => readFileSync(join(hop(result, t), "model.onnx")));
  assert.notDeepEqual(models[0], models[1]);
  const [twin] = listTrainings(hop(result, "twin"));
  assert.equal(twin?.seed, 1, "the twin has a seed of its own");
  assert.deepEqual(taught(hop(result, "self-taught")).teachers, [loadModelFile(twin?.file ?? "").hash]);
  assert.equal(result.summary.comparisons.length, 7);
  checkComparisons(result.summary);
});

test("ladder: one teacher, labelled once; the smallest good student leaves", async () => {
  const events: RunEvent[] = [];
  const strategy = { kind: "ladder", widths: [0.3, 1, 3], tolerance: 0.03 } as const;
  const out = join(folder, "ladder");
  const result = await distill({ ...recipe, seeds: 1, strategy }, { out, threads: 1, onEvent: (e) => events.push(e) });
  const { summary } = result;
  assert.equal(listTrainings(out).filter((t) => t.role === "teacher").length, 1);
  assert.equal(readdirSync(join(out, "label-stores")).length, 1);
  for (const h of summary.strategy?.hops ?? []) assert.ok(!existsSync(join(out, h.folder, "label-stores")));
  const labelled = new Set(events.flatMap((e) => (e.kind === "labelling" ? [e.teacher] : [])));
  assert.equal(labelled.size, 1, "only the first hop labels");
  const hidden = [3, 10, 30];
  const parameters = hidden.map((h) => summary.models.find((m) => m.id === `mlp-${h}`)?.parameters);
  assert.deepEqual(
    parameters,
    hidden.map((h) => 64 * h + h + 10 * h + 10),
  );
  const best = (id: string): number => {
    const points = summary.models.find((m) => m.id === id)?.curves[0]?.points ?? [];
    return Math.max(...points.map((p) => p.accuracy ?? 0));
  };
  const scores = hidden.map((h) => best(`mlp-${h}`));
  const chosen = hidden[scores.findIndex((s) => s >= Math.max(...scores) - 0.03)];
  assert.equal(summary.strategy?.delivered.hop, `mlp-${chosen}`);
  assert.deepEqual(readFileSync(result.student), readFileSync(join(out, `student-mlp-${chosen}.onnx`)));
  const report = readFileSync(result.report, "utf8");
  for (const h of summary.strategy?.hops ?? []) {
    assert.ok(report.includes(`<a href="${h.folder}/report.html">${h.title}</a>`), h.title);
    assert.ok(existsSync(join(out, h.folder, "report.html")));
    const accuracy = (100 * accuracyOf(summary, h.student)).toFixed(1);
    assert.match(report, new RegExp(`${h.title}, student: ${accuracy} % at `), "the plot says its points");
  }
  assert.equal(readdirSync(out).filter((f) => /^student-mlp-\d+\.onnx$/.test(f)).length, 3);
  checkComparisons(summary);
});

test("a strategy is listed as what it is, and its hops by themselves", () => {
  const runs = listRuns(folder);
  const found = runs.find((r) => r.path.endsWith("assistants"));
  assert.deepEqual(found?.strategy, { kind: "assistants", done: 4, hops: 4 });
  assert.equal(found?.state, "done");
  assert.equal(listRuns(join(folder, "assistants", "hops")).length, 4);
});

test("interrupted in a hop: the hops before are not repeated, and the outcome is the same", async () => {
  const strategy = { kind: "assistants", models: [{ kind: "mlp", hidden: [16] }], direct: false } as const;
  const reference = await run("whole", strategy, { seeds: 1 });
  const out = join(folder, "interrupted");
  const chain = { ...recipe, seeds: 1, strategy };
  const controller = new AbortController();
  const onEvent = (e: RunEvent): void => {
    if (e.kind === "training" && e.progress.name.startsWith("hop 2/2") && e.progress.step > 20) controller.abort();
  };
  await assert.rejects(distill(chain, { out, threads: 1, signal: controller.signal, onEvent }), /stopped after step/);
  const state = listRuns(out)[0];
  assert.deepEqual([state?.state, state?.strategy], ["unfinished", { kind: "assistants", done: 1, hops: 2 }]);
  assert.ok(!existsSync(join(out, "student.onnx")));
  const before = readFileSync(join(out, "hops/1-assistant-1-mlp-16/summary.json"));
  const trained = new Set<string>();
  const resumed = await distill(chain, {
    resume: out,
    threads: 1,
    onEvent: (e) => e.kind === "training" && trained.add(e.progress.name),
  });
  assert.ok(
    [...trained].every((name) => name.startsWith("hop 2/2")),
    [...trained].join(),
  );
  assert.deepEqual(readFileSync(join(out, "hops/1-assistant-1-mlp-16/summary.json")), before);
  assert.deepEqual(readFileSync(resumed.student), readFileSync(reference.student));
});

test("what cannot work is said before anything is trained, and leaves nothing behind", async () => {
  const cases: [string, RecipeInput["strategy"], Partial<RecipeInput>, ErrorCode, string][] = [
    ["neither", { kind: "ladder" }, {}, "option-missing", "strategy"],
    ["lenet", { kind: "ladder", widths: [0.5] }, { student: { kind: "lenet" } }, "option-conflict", "strategy.widths"],
    [
      "variants",
      { kind: "born-again" },
      { variants: [{ name: "x", set: { "objective.alpha": 0 } }] },
      "option-conflict",
      "variants",
    ],
    [
      "misfit",
      { kind: "assistants", models: [{ kind: "mlp", hidden: [8] }] },
      { student: { kind: "vit", patch: 3 } },
      "option-invalid",
      'hop "student", student.patch',
    ],
    [
      "unlabelled",
      { kind: "teacher-free" },
      { data: { ...recipe.data, labels: "ignore" }, teacher: { file: "none.onnx" }, objective: { alpha: 1 } },
      "labels-missing",
      "data",
    ],
  ];
  for (const [name, strategy, changes, code, where] of cases) {
    const trained: string[] = [];
    await assert.rejects(
      distill(
        { ...recipe, ...changes, strategy },
        { out: join(folder, name), onEvent: (e) => e.kind === "training" && trained.push(e.progress.name) },
      ),
      { name: "InputError", code, where },
      name,
    );
    assert.deepEqual(trained, [], name);
    const left = existsSync(join(folder, name)) ? readdirSync(join(folder, name)) : [];
    assert.deepEqual(left, [], name);
  }
});
