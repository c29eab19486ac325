/** What the doctor finds by asking, training and compiling: each mistake is planted on the digits. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  distill,
  type ExamineOptions,
  examine,
  type Finding,
  InterruptedError,
  labelData,
  parseRecipe,
  type RecipeInput,
  type RunEvent,
} from "../../src/index.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-doctor-"));
after(() => rmSync(root, { recursive: true, force: true }));
const FILE = join(root, "teacher.onnx");
const WEAK = join(root, "weak.onnx");
const STORE = join(root, "answers");
/** Parameters of 64-64-64-10. */
const TEACHER_SIZE = 64 * 64 + 64 + 64 * 64 + 64 + 64 * 10 + 10;
const schedule = { kind: "one-cycle", lr: 0.01 } as const;

const recipe = (more: object = {}): RecipeInput =>
  ({
    name: "patient",
    data: { source: "digits" },
    teacher: { file: FILE, normalise: "none", batch: 256 },
    student: { kind: "mlp", hidden: [16] },
    training: { steps: 600, batch: 32, schedule },
    objective: { distillation_loss: { kind: "kd", temperature: 4 } },
    ...more,
  }) as RecipeInput;

const find = async (check: string, more: object = {}, options: ExamineOptions = {}): Promise<Finding> => {
  const found = (await examine(recipe(more), { threads: 1, ...options })).find((f) => f.check === check);
  assert.ok(found, `no finding of "${check}"`);
  return found;
};

/** What the advice says to set, as --set takes it. */
const settings = ({ change }: Finding): string[] =>
  [...change.matchAll(/--set ('([^']+)'|(\S+))/g)].map((m) => (m[2] ?? m[3]) as string);

let weakAccuracy = Number.NaN;
before(async () => {
  const model = (hidden: number[], steps: number): object => ({
    teacher: { model: { kind: "mlp", hidden }, training: { steps, batch: 32, schedule } },
  });
  const train = async (out: string, hidden: number[], steps: number, file: string): Promise<number | null> => {
    const { accuracy } = await labelData(recipe(model(hidden, steps)), { out, threads: 1 });
    const [training] = readdirSync(join(out, "trainings"));
    copyFileSync(join(out, "trainings", training as string, "model.onnx"), file);
    return accuracy.validation;
  };
  await train(STORE, [64, 64], 600, FILE);
  weakAccuracy = (await train(join(root, "weak"), [2], 200, WEAK)) ?? Number.NaN;
});

test("a healthy recipe gives nothing to change, and every check says something", async () => {
  for (const teacher of [recipe().teacher, { label_store: STORE }]) {
    const findings = await examine(recipe({ teacher }), { threads: 1 });
    assert.deepEqual(
      findings.filter((f) => f.status !== "ok" && f.status !== "skipped"),
      [],
    );
    assert.equal(new Set(findings.map((f) => f.check)).size, 19);
    const made = findings.filter((f) => f.status === "ok").map((f) => f.check);
    assert.ok(made.includes("teacher against baseline") && made.includes("size of the student"), made.join());
  }
});

test("a teacher worse than its student's baseline", async () => {
  const teacher = { file: WEAK, normalise: "none" };
  const found = await find("teacher against baseline", { teacher });
  assert.equal(found.status, "fail", found.found);
  assert.match(found.change, /teacher\.file/);
  const [, taught = "", alone = "", points = "", low = "", high = ""] =
    / ([\d.]+) %.* ([\d.]+) %: .*?(-[\d.]+) points .*interval (-[\d.]+) to (-[\d.]+)/.exec(found.found) ?? [];
  assert.ok(Math.abs(Number(taught) / 100 - weakAccuracy) < 6e-4, `${taught} for ${weakAccuracy}`);
  assert.ok(Number(alone) > 90 && Math.abs(Number(taught) - Number(alone) - Number(points)) < 0.11, found.found);
  assert.ok(Number(low) < Number(points) && Number(points) < Number(high));
  const quick = await find("teacher against baseline", { teacher }, { quick: true });
  assert.equal(quick.status, "skipped");
});

test("a student too small: the assistant has the geometric mean of both sizes, and its recipe can be run", async () => {
  const found = await find("size of the student", { student: { kind: "mlp", hidden: [2] } });
  assert.equal(found.status, "warn", found.found);
  const [student, strategy] = settings(found);
  const { strategy: parsed } = parseRecipe(recipe(), "recipe", [strategy as string]);
  assert.ok(parsed.kind === "assistants" && parsed.models[0]?.kind === "mlp");
  const hidden = parsed.models[0].hidden[0] as number;
  const middle = Math.sqrt((75 * 2 + 10) * TEACHER_SIZE);
  assert.ok(Math.abs(Math.log((75 * hidden + 10) / middle)) < 0.05, `${75 * hidden + 10} for ${middle}`);
  assert.deepEqual(parseRecipe(recipe(), "recipe", [student as string]).student, parsed.models[0]);
});

test("a budget too small is not taken for a student too small", async () => {
  const slow = { steps: 600, batch: 32, schedule: { kind: "constant", lr: 1e-6 } };
  const found = await find("size of the student", { training: slow });
  assert.equal(found.status, "ok", found.found);
  assert.match(found.found, /size is not the cause/);
  const short = await find("size of the student", { training: { steps: 20, batch: 32, schedule } });
  assert.match(`${short.status}: ${short.found}`, /^skipped: .*too few/);
});

const fitnet = (weight: number, student = "hidden1/relu", teacher = "hidden2/relu"): object => ({
  objective: { terms: [{ kind: "fitnet", weight, layers: [{ student, teacher }] }] },
});

test("8: a feature term that does nothing, one that drowns the rest, and the weights that mend them", async () => {
  const share = ({ found }: Finding): number => Number(/fitnet ([\d.]+) %/.exec(found)?.[1]);
  assert.equal((await find("term scales", fitnet(1), { quick: true })).status, "ok");
  for (const [weight, wanted, why] of [
    [1e-6, 10, /^fitnet\b.*\bno effect/],
    [1e6, 50, /\bfitnet drowns\b/],
  ] as const) {
    const planted = await find("term scales", fitnet(weight), { quick: true });
    assert.equal(planted.status, "fail");
    assert.match(planted.why, why);
    const advised = settings(planted);
    assert.match(`${advised}`, /^objective\.terms\.0\.weight=/);
    const mended = parseRecipe(recipe(fitnet(weight)), "recipe", advised);
    const after = await find("term scales", mended, { quick: true });
    assert.equal(after.status, "ok", after.found);
    assert.ok(Math.abs(share(after) - wanted) < 3, after.found);
  }
});

test("8: weights in place of an alpha that leaves the labels nothing", async () => {
  const objective = { alpha: 0.9999, distillation_loss: { kind: "kd", temperature: 4 } };
  const planted = await find("term scales", { objective }, { quick: true });
  assert.equal(planted.status, "fail");
  const mended = parseRecipe(recipe({ objective }), "recipe", settings(planted));
  const after = await find("term scales", mended, { quick: true });
  const [, student = "0"] = /student ([\d.]+) %/.exec(after.found) ?? [];
  assert.ok(Math.abs(Number(student) - 50) < 3, after.found);
});

test("layers that are not there, on either side, and a store without them", async () => {
  const quick = { quick: true };
  assert.match((await find("layers", fitnet(1), quick)).found, /^1 pair.*hidden1\/relu - hidden2\/relu/);
  const own = await find("layers", fitnet(1, "hidden9/relu"), quick);
  assert.match(`${own.status}: ${own.found}`, /^fail: student: .*"hidden9\/relu".*"hidden1\/relu"/);
  assert.match(own.change, /objective\.terms/);
  const theirs = await find("layers", fitnet(1, "hidden1/relu", "hidden7/relu"), quick);
  assert.match(`${theirs.status}: ${theirs.found}`, /^fail: teacher .*"hidden7\/relu".*hidden2\/relu/);
  const store = await find("layers", { ...fitnet(1), teacher: { label_store: STORE } }, quick);
  assert.equal(store.status, "fail");
  assert.match(store.change, /limbeck label RECIPE --features 'hidden2\/relu'/);
});

test("5: a store whose rows were moved, whose teacher changed, or that belongs to other data", async () => {
  const store = join(root, "stale");
  await labelData(recipe({ teacher: { file: FILE, normalise: "none" } }), { out: store, threads: 1 });
  const look = (more: object = {}): Promise<Finding> =>
    find("label store", { teacher: { label_store: store }, ...more }, { quick: true });
  assert.match((await look()).found, /unchanged.*teacher\.onnx/);
  // Two rows that changed places: no accuracy shows it.
  const outputs = join(store, "outputs.bin");
  const bytes = readFileSync(outputs);
  const moved = Buffer.concat([bytes.subarray(40, 80), bytes.subarray(0, 40), bytes.subarray(80)]);
  writeFileSync(outputs, moved);
  const shuffled = await look();
  assert.match(`${shuffled.status}: ${shuffled.found}`, /^fail: .*outputs\.bin/);
  assert.match(shuffled.change, /teacher\.label_store/);
  writeFileSync(outputs, bytes);
  const teacher = readFileSync(FILE);
  try {
    copyFileSync(WEAK, FILE);
    const changed = await look();
    assert.match(`${changed.status}: ${changed.found}`, /^fail: .*its teacher .*teacher\.onnx has changed since/);
    assert.match(changed.change, /teacher\.label_store/);
    rmSync(FILE);
    assert.match((await look()).found, /no longer at .*not be compared/);
  } finally {
    writeFileSync(FILE, teacher);
  }
  const other = await look({ data: { source: "digits", limit: 900 } });
  assert.match(`${other.status}: ${other.found}`, /^fail: .*belongs to other data/);
});

test("a finished run's models are asked instead of training, its teacher too", async () => {
  const out = join(root, "run");
  const teacher = { model: { kind: "mlp", hidden: [64] }, training: { steps: 300, batch: 32, schedule } };
  const own = recipe({ teacher, evaluation: { latency_runs: 5 } });
  await distill(own, { out, threads: 1 });
  const events: RunEvent[] = [];
  const findings = await examine(own, { out, threads: 1, onEvent: (e) => events.push(e) });
  const of = (check: string): string => findings.find((f) => f.check === check)?.found ?? "";
  assert.match(of("teacher's answers"), /^teacher, 216 samples/);
  assert.match(of("teacher against baseline"), /the baseline of the finished run .*run on [\d.]+ %/);
  assert.match(of("size of the student"), /the student of .*run it is correct on [\d.]+ %/);
  assert.ok(!events.some((e) => e.kind === "training"));
  const changed = await examine({ ...own, seed: 9 }, { out, threads: 1 });
  assert.equal(changed.find((f) => f.check === "teacher's answers")?.status, "warn", "another recipe's run");
});

test("it tells how far it is, and stops when asked", async () => {
  const events: RunEvent[] = [];
  const controller = new AbortController();
  const run = examine(recipe({ training: { steps: 100_000, batch: 32, schedule } }), {
    threads: 1,
    signal: controller.signal,
    onEvent(event) {
      events.push(event);
      if (event.kind === "training") controller.abort();
    },
  });
  await assert.rejects(run, InterruptedError);
  const training = events.find((e) => e.kind === "training");
  assert.ok(training?.kind === "training" && Number.isFinite(training.progress.secondsLeft));
  assert.ok(events.some((e) => e.kind === "labelling" && e.total === 216));
  await assert.rejects(examine(recipe(), { signal: AbortSignal.abort() }), InterruptedError);
});
