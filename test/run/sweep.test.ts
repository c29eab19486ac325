/** A sweep is many ordinary trainings, scored on validation samples alone. */
import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../src/base/errors.js";
import {
  distill,
  InputError,
  InterruptedError,
  listRuns,
  loadData,
  type RecipeInput,
  type RunEvent,
  type SweepRow,
  type SweepSummary,
  sweep,
} from "../../src/index.js";
import { loadRecipe, planOf } from "../../src/run/recipe/load.js";
import { overrideOf, withSweepFlags } from "../../src/run/recipe/sweep-flags.js";
import { openSession } from "../../src/node/session.js";
import { openRun } from "../../src/run/folder/runs.js";
import { combinationsOf } from "../../src/app/sweep/combinations.js";
import { rungsFor } from "../../src/app/sweep/halving.js";
import { listTrainings } from "../../src/run/folder/trainings.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-sweep-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const TEMPERATURE = "objective.distillation_loss.temperature";
const split = { validation: 0.2, test: 0.3 };
const recipe: RecipeInput = {
  name: "swept",
  seeds: 2,
  data: { source: "digits", split },
  teacher: { model: { kind: "mlp", hidden: [32] }, training: { steps: 100, batch: 32 } },
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 60, batch: 32, validate_every: 20, schedule: { kind: "one-cycle", lr: 0.01 } },
  evaluation: { latency_runs: 5 },
  sweep: { grid: { [TEMPERATURE]: [1, 4], "objective.alpha": [0, 0.5, 0.9] } },
};
const run = (name: string, changes: Partial<RecipeInput> = {}, options: Parameters<typeof sweep>[1] = {}) =>
  sweep({ ...recipe, ...changes } as RecipeInput, { out: at(name), threads: 1, ...options });

/** Rows without the seconds that they took. */
const rowsOf = ({ rows }: Pick<SweepSummary, "rows">): unknown =>
  rows.map((r) => ({ ...r, seeds: r.seeds.map(({ seconds: _, ...s }) => s) }));

const events: RunEvent[] = [];
const whole = run("whole", {}, { jobs: 1, onEvent: (e) => events.push(e) });

/** Accuracy of an exported model on the validation samples, by ONNX Runtime. */
async function validated(file: string): Promise<number> {
  const { data, splits } = await loadData({ source: "digits", split });
  const n = splits.validation.length;
  const samples = new Float32Array(n * 64);
  for (const [i, s] of splits.validation.entries()) samples.set(data.samples.subarray(s * 64, (s + 1) * 64), i * 64);
  const session = await openSession(file, { threads: 1 });
  const logits = (await session.run({ input: { dtype: "float32", shape: [n, 1, 8, 8], data: samples } })).logits
    ?.data as Float32Array;
  await session.dispose();
  const right = Array.from(splits.validation).filter((s, i) => {
    const row = Array.from(logits.subarray(i * 10, i * 10 + 10));
    return row.indexOf(Math.max(...row)) === data.labels?.[s];
  });
  return right.length / n;
}

test("every score is that of an ordinary training of the recipe with these values", async () => {
  const { summary, directory } = await whole;
  assert.equal(summary.metric, "accuracy");
  assert.equal(summary.rows.length, 6);
  for (const row of summary.rows) {
    const own = await Promise.all(row.seeds.map((s) => validated(join(directory, s.training, "model.onnx"))));
    row.seeds.forEach((s, i) => {
      assert.ok(Math.abs((s.score as number) - (own[i] as number)) < 1e-9, `${row.set} seed ${s.seed}`);
    });
    assert.ok(Math.abs((row.score?.mean as number) - own.reduce((a, v) => a + v, 0) / own.length) < 1e-12);
  }
  const means = summary.rows.map((r) => r.score?.mean as number);
  assert.deepEqual(
    means,
    [...means].sort((a, b) => b - a),
  );
  const row = summary.rows.find((r) => r.values[TEMPERATURE] === 4 && r.values["objective.alpha"] === 0.9) as SweepRow;
  const { sweep: _, ...plain } = recipe;
  await distill(
    { ...plain, baseline: false, objective: { alpha: 0.9, distillation_loss: { kind: "kd", temperature: 4 } } },
    { out: at("ordinary"), threads: 1 },
  );
  const students = listTrainings(at("ordinary")).filter((t) => t.role === "student");
  assert.deepEqual(
    students.map((t) => readFileSync(t.file)),
    row.seeds.map((s) => readFileSync(join(directory, s.training, "model.onnx"))),
  );
});

test("the teacher is trained and labels once; combinations that train the same share a training", async () => {
  const { summary, directory } = await whole;
  assert.equal(listTrainings(directory).filter((t) => t.role === "teacher").length, 1);
  assert.equal(readdirSync(join(directory, "label-stores")).length, 1);
  const starts = events.filter(
    (e) => e.kind === "training" && e.progress.name === "teacher" && e.progress.step === 100,
  );
  assert.equal(starts.length, 1);
  // With alpha 0 the temperature means nothing.
  const folders = new Set(summary.rows.flatMap((r) => r.seeds.map((s) => s.training)));
  assert.equal(listTrainings(directory).filter((t) => t.role === "student").length, folders.size);
});

test("teachers: one for each seed, and several at once, are prepared once and taught as in an ordinary run", async () => {
  const one = { model: { kind: "mlp", hidden: [16] }, training: { steps: 40, batch: 32 } } as const;
  const teachers: [string, RecipeInput["teacher"], number][] = [
    ["each", { ...one, seeds: "each" }, 2],
    ["group", { group: [one, { ...one, model: { kind: "mlp", hidden: [24] }, seeds: "each" }] }, 3],
  ];
  for (const [name, teacher, trained] of teachers) {
    const changes: Partial<RecipeInput> = { teacher, sweep: { grid: { [TEMPERATURE]: [2, 3] } } };
    const { directory, summary } = await run(name, changes);
    assert.equal(listTrainings(directory).filter((t) => t.role === "teacher").length, trained);
    const { sweep: _, ...plain } = { ...recipe, ...changes };
    const objective = { distillation_loss: { kind: "kd", temperature: 3 } } as const;
    await distill({ ...plain, baseline: false, objective }, { out: at(`${name}-ordinary`), threads: 1 });
    const row = summary.rows.find((r) => r.values[TEMPERATURE] === 3) as SweepRow;
    assert.deepEqual(
      row.seeds.map((s) => readFileSync(join(directory, s.training, "model.onnx"))),
      listTrainings(at(`${name}-ordinary`))
        .filter((t) => t.role === "student")
        .map((t) => readFileSync(t.file)),
    );
  }
});

test("the same table for one and two trainings at a time", async () => {
  const { summary, table } = await whole;
  const two = await run("two", {}, { jobs: 2 });
  assert.deepEqual(rowsOf(two.summary), rowsOf(summary));
  assert.equal(readFileSync(two.table, "utf8"), readFileSync(table, "utf8"));
});

test("an interrupted sweep goes on without repeating a training", async () => {
  const controller = new AbortController();
  const seen = new Set<string>();
  const onEvent = (e: RunEvent): void => {
    if (e.kind === "training") seen.add(e.progress.name);
    if (seen.size > 4) controller.abort();
  };
  await assert.rejects(run("stopped", {}, { jobs: 1, onEvent, signal: controller.signal }), InterruptedError);
  assert.equal(listRuns(at("stopped"))[0]?.state, "unfinished");
  const done = listTrainings(at("stopped")).map((t) => join(t.directory, "metrics.jsonl"));
  assert.ok(done.length >= 3);
  const before = done.map((f) => statSync(f).mtimeMs);
  const progress: string[] = [];
  const resumed = await sweep(recipe, {
    resume: at("stopped"),
    threads: 1,
    jobs: 1,
    onEvent: (e) => e.kind === "training" && progress.push(e.progress.name),
  });
  assert.deepEqual(
    done.map((f) => statSync(f).mtimeMs),
    before,
  );
  assert.ok(!progress.includes("teacher"), "the teacher was trained again");
  assert.deepEqual(rowsOf(resumed.summary), rowsOf((await whole).summary));
  const again: RunEvent[] = [];
  await sweep(recipe, { resume: at("stopped"), threads: 1, onEvent: (e) => again.push(e) });
  assert.deepEqual(
    again.filter((e) => e.kind === "training"),
    [],
  );
});

test("what cannot be swept is refused by the field's name before anything is trained", async () => {
  const [BAD, CONFLICT] = ["option-invalid", "option-conflict"] as const;
  const wrong: [RecipeInput["sweep"], ErrorCode, string, string?][] = [
    [{ grid: { "objective.alhpa": [0.5] } }, "option-unknown", "objective.alhpa"],
    [{ grid: { "objective.alpha": [0.5, 2] } }, BAD, "objective.alpha", "2"],
    [{ grid: { "student.hidden": [[8], 8] } }, BAD, "student.hidden", "8"],
    [{ grid: { "data.limit": [10] } }, CONFLICT, "sweep data.limit"],
    [{ grid: { seeds: [1, 2] } }, CONFLICT, "sweep seeds"],
    [
      { grid: { "objective.alpha": [0.5] }, random: { "objective.alpha": "0..1" } },
      CONFLICT,
      "sweep.random.objective.alpha",
    ],
    [{ random: { "training.schedule.lr": "log:0..1" } }, BAD, "sweep.random.training.schedule.lr", '"log:0..1"'],
    [{ random: { "training.batch": "8..64" }, draws: 3 }, BAD, "training.batch"],
    [{ grid: { "transfer.labelled": [100, 100000] } }, "budget-invalid", "transfer.labelled", "100,000"],
    [{ grid: {} }, "option-missing", "sweep"],
    [undefined, "option-missing", "sweep"],
  ];
  for (const [section, code, where, found = ""] of wrong) {
    const told: RunEvent[] = [];
    await assert.rejects(run("refused", { sweep: section }, { onEvent: (e) => told.push(e) }), (error: Error) => {
      assert.ok(error instanceof InputError, String(error));
      // Of a value that the recipe does not take, its field is a detail.
      const fault = error.details?.[0] ?? error;
      assert.equal(fault.code, code);
      assert.ok(fault.where.endsWith(where), fault.where);
      assert.ok(fault.found.includes(found), fault.found);
      return true;
    });
    assert.ok(!existsSync(at("refused")), "nothing is left behind");
    // The data is looked at first; nothing else is begun.
    assert.deepEqual(
      told.filter((e) => e.kind !== "audit"),
      [],
    );
  }
  await assert.rejects(run("refused", { strategy: { kind: "born-again" } }), {
    name: "InputError",
    code: CONFLICT,
    where: "strategy.kind",
    found: /"born-again"/,
  });
});

test("draws: inside their ranges, the same each time, independent of other fields", () => {
  const of = (random: Record<string, string | unknown[]>, draws = 200): Record<string, unknown>[] => {
    const input: RecipeInput = { ...recipe, sweep: { random, draws } };
    return combinationsOf(input, planOf(input)).combinations.map((c) => ({ ...c.values }));
  };
  const lr = "training.schedule.lr";
  const rates = of({ [lr]: "log:1e-4..1e-2" }).map((v) => v[lr] as number);
  assert.ok(rates.every((v) => v >= 1e-4 && v <= 1e-2));
  // Evenly in the logarithm: half of them below the geometric mean, 1e-3, with 4 standard deviations of slack.
  const low = rates.filter((v) => v < 1e-3).length / rates.length;
  assert.ok(Math.abs(low - 0.5) < 4 * Math.sqrt(0.25 / rates.length), `${low} below`);
  const both = of({ "training.batch": "log-int:8..64", [lr]: "log:1e-4..1e-2" });
  assert.deepEqual([...new Set(both.map((v) => v[lr]))], rates);
  const batches = both.map((v) => v["training.batch"] as number);
  assert.ok(batches.every((b) => Number.isInteger(b) && b >= 8 && b <= 64));
  const whole = new Set(of({ "training.batch": "int:8..10" }).map((v) => v["training.batch"]));
  assert.deepEqual([...whole].sort(), [10, 8, 9]);
  assert.equal(of({ "student.activation": ["relu", "tanh"] }).length, 2, "drawn twice is tried once");
});

test("a value may change the kind: the defaults of the other kind are not in the way", () => {
  const input: RecipeInput = {
    ...recipe,
    sweep: { grid: { "objective.distillation_loss.kind": ["kd", "dkd", "jsd"] } },
  };
  const kinds = combinationsOf(input, planOf(input)).combinations.map((c) => c.plan.objective.distillationLoss.kind);
  assert.deepEqual(kinds, ["kd", "dkd", "jsd"]);
});

test("a combination that diverges is the last row, not the end of the sweep", async () => {
  const changes: Partial<RecipeInput> = {
    seeds: 1,
    training: { steps: 60, batch: 32, optimizer: { kind: "sgd" }, schedule: { kind: "constant", lr: 0.05 } },
    sweep: { grid: { "training.schedule.lr": [1e30, 0.05] } },
  };
  const { summary, best } = await run("diverged", changes);
  assert.equal(best.values["training.schedule.lr"], 0.05);
  const last = summary.rows[1] as SweepRow;
  assert.equal(last.score, null);
  assert.match(last.error ?? "", /diverged|not finite|NaN|infinit/i);
});

test("successive halving: the best of each rung go on with a larger budget", async () => {
  assert.deepEqual(
    rungsFor(27, 3).map((r) => r.combinations),
    [27, 9, 3, 1],
  );
  assert.deepEqual(rungsFor(8, 3), [
    { budget: 1 / 3, combinations: 8 },
    { budget: 1, combinations: 2 },
  ]);
  const changes: Partial<RecipeInput> = {
    seeds: 1,
    sweep: { grid: { "training.schedule.lr": [1e-5, 1e-4, 1e-2, 2e-2] }, halving: 2 },
  };
  const { summary } = await run("halving", changes);
  assert.deepEqual(
    summary.rows.map((r) => [r.rung, r.seeds[0]?.steps]),
    [
      [3, 60],
      [2, 30],
      [1, 15],
      [1, 15],
    ],
  );
  // Each budget by itself, as a sweep without halving: who is best there is who went on.
  const first = await run("rung-1", {
    ...changes,
    training: { ...recipe.training, steps: 15, validate_every: 5 } as RecipeInput["training"],
    sweep: { grid: { "training.schedule.lr": [1e-5, 1e-4, 1e-2, 2e-2] } },
  });
  const survivors = first.summary.rows.slice(0, 2).map((r) => r.values["training.schedule.lr"]);
  assert.deepEqual(new Set(summary.rows.slice(0, 2).map((r) => r.values["training.schedule.lr"])), new Set(survivors));
  assert.deepEqual(rowsOf({ rows: summary.rows.slice(2) }), rowsOf({ rows: first.summary.rows.slice(2) }));
});

/** The digits as a table, the last of them as a test part whose labels are turned by some classes. */
async function tables(name: string, turn: number): Promise<RecipeInput["data"]> {
  const { data } = await loadData({ source: "digits" });
  const head = `${Array.from({ length: 64 }, (_, i) => `p${i}`).join()},digit`;
  const line = (s: number, label: number): string =>
    `${Array.from(data.samples.subarray(s * 64, s * 64 + 64)).join()},d${label}`;
  const label = (s: number): number => data.labels?.[s] as number;
  const own = Array.from({ length: 600 }, (_, s) => line(s, label(s)));
  const test = Array.from({ length: 200 }, (_, s) => line(600 + s, (label(600 + s) + turn) % 10));
  mkdirSync(at(name));
  writeFileSync(join(at(name), "own.csv"), [head, ...own].join("\n"));
  writeFileSync(join(at(name), "test.csv"), [head, ...test].join("\n"));
  return {
    source: "table",
    path: join(name, "own.csv"),
    test_path: join(name, "test.csv"),
    label: "digit",
    split: { validation: 0.2 },
  };
}

test("the test samples' labels change nothing; best.yaml runs from anywhere", async () => {
  const results = [];
  for (const turn of [0, 3]) {
    const data = await tables(`data-${turn}`, turn);
    results.push(await run(`table-${turn}`, { data, seeds: 1 }, { folder }));
  }
  const [straight, turned] = results as [(typeof results)[number], (typeof results)[number]];
  const scores = (s: SweepSummary) => s.rows.map((r) => [r.set, r.score, r.tie]);
  assert.deepEqual(scores(turned.summary), scores(straight.summary));
  const loaded = loadRecipe(straight.bestRecipe);
  const { alpha, distillation_loss } = loaded.recipe.objective;
  assert.deepEqual(straight.best.values, {
    [TEMPERATURE]: (distillation_loss as { temperature: number }).temperature,
    "objective.alpha": alpha,
  });
  assert.equal(loaded.recipe.sweep, undefined);
  await distill({ ...loaded.recipe, baseline: false }, { out: at("best"), folder: loaded.folder, threads: 1 });
  const [student] = listTrainings(at("best")).filter((t) => t.role === "student");
  assert.deepEqual(
    readFileSync(student?.file ?? ""),
    readFileSync(join(straight.directory, straight.best.seeds[0]?.training ?? "", "model.onnx")),
  );
});

test("without labels the score is the agreement with the teacher, and teachers are not compared", async () => {
  const { directory } = await whole;
  const [teacher] = listTrainings(directory).filter((t) => t.role === "teacher");
  const bare: Partial<RecipeInput> = {
    seeds: 1,
    data: { source: "digits", split, labels: "ignore" },
    teacher: { file: teacher?.file ?? "", normalise: "none", outputs: "logits" },
    objective: { alpha: 1 },
    sweep: { grid: { [TEMPERATURE]: [1, 4] } },
  };
  const { summary } = await run("bare", bare);
  assert.equal(summary.metric, "agreement");
  assert.ok(summary.rows.every((r) => r.score && r.score.mean > 0.1));
  await assert.rejects(
    run("bare-teachers", { ...bare, sweep: { grid: { "teacher.precision": ["float32", "float16"] } } }),
    { name: "InputError", code: "labels-missing", where: "sweep teacher.precision" },
  );
});

test("a sweep is listed among the runs, but is no model to go on with", async () => {
  const { directory } = await whole;
  const [listed] = listRuns(directory);
  assert.deepEqual([listed?.kind, listed?.state, listed?.name], ["sweep", "done", "swept-sweep"]);
  assert.throws(
    () => openRun(directory),
    (e: unknown) => e instanceof InputError && e.code === "run-mismatch" && e.where === directory,
  );
});

test("the report has the map of the two fields, with every figure in its cell", async () => {
  const { report, summary } = await whole;
  const html = readFileSync(report, "utf8");
  assert.ok(!html.includes("<script"));
  const map = html.slice(html.indexOf('id="map"'), html.indexOf('id="fields"'));
  for (const row of summary.rows) {
    const figure = (100 * (row.score?.mean as number)).toFixed(1);
    assert.ok(map.includes(`>${figure}</text>`), `${row.set}: ${figure}`);
  }
  assert.equal(map.match(/stroke-width="2.5"/g)?.length, 1, "the best cell has a frame");
});

test("flags take the place of the recipe's own fields", () => {
  const own = { sweep: { grid: { a: [1], b: [2] }, random: { c: "0..1" }, draws: 5 } };
  const flags = { grid: ["c=x,[1, 2],null", "d={kind: kd}"], random: ["b=log:1..2", "e=1,2"], halving: 3 };
  assert.deepEqual(withSweepFlags(own, flags, folder).sweep, {
    grid: { a: [1], c: ["x", [1, 2], null], d: [{ kind: "kd" }] },
    random: { b: "log:1..2", e: [1, 2] },
    draws: 5,
    halving: 3,
  });
  assert.throws(() => withSweepFlags({}, { grid: ["alpha"], random: [] }, folder), {
    code: "flag-invalid",
    where: "--grid",
    found: /"alpha"/,
  });
  assert.throws(() => withSweepFlags({}, { grid: ["a=[1"], random: [] }, folder), {
    code: "flag-invalid",
    where: "--grid a",
    found: /"\[1"/,
  });
  const values = [0.5, "relu", "no", "1", null, [1, 2], { kind: "kd" }];
  assert.deepEqual(
    values.map((v) => overrideOf("a", v)),
    ["a=0.5", "a=relu", "a=no", 'a="1"', "a=null", "a=[1,2]", 'a={"kind":"kd"}'],
  );
});
