/** SimKD end to end: the student that leaves ends in its teacher's classifier. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../src/base/errors.js";
import { loadModelFile } from "../../src/node/model-file.js";
import { Distiller, distill, InterruptedError, loadData, type RecipeInput } from "../../src/index.js";
import { openSession } from "../../src/node/session.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-simkd-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "simkd",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: {
    model: {
      kind: "cnn",
      layers: [
        { conv: 12, kernel: 3, padding: 1, batch_norm: true, activation: "relu" },
        { max_pool: 2 },
        { conv: 20, kernel: 3, padding: 1, batch_norm: true, activation: "relu" },
        { dropout: 0.2 },
        { global_pool: "average" },
      ],
    },
    training: { epochs: 6, batch: 32 },
  },
  student: {
    kind: "cnn",
    layers: [
      { conv: 6, kernel: 3, padding: 1, batch_norm: true, activation: "relu" },
      { conv: 9, kernel: 3, padding: 1, activation: "relu" },
      { global_pool: "average" },
    ],
  },
  training: { steps: 200, batch: 32, validate_every: 40, schedule: { kind: "one-cycle", lr: 0.02 } },
  objective: {
    weights: { student: 0, distillation: 0 },
    terms: [{ kind: "simkd", layers: [{ student: "conv2/relu", teacher: "conv2/relu" }] }],
  },
  baseline: false,
};
const options = { folder, threads: 1 };
const run = await distill(recipe, { ...options, out: join(folder, "trained") });
const bytes = readFileSync(run.student);
const teacherFile = readdirSync(join(folder, "trained", "trainings"))
  .filter((name) => name.startsWith("teacher"))
  .map((name) => join(folder, "trained", "trainings", name, "model.onnx"))[0] as string;

test("the student has its trunk, the transfer and the teacher's very classifier, and counts all of it", () => {
  const { graph } = loadModelFile(run.student).model;
  const teacher = loadModelFile(teacherFile).model.graph;
  for (const name of ["classifier/weight", "classifier/bias"])
    assert.deepEqual(graph.initializers.get(`simkd/teacher/${name}`), teacher.initializers.get(name));
  assert.ok(graph.initializers.has("conv2/weight") && !graph.initializers.has("classifier/weight"));
  const row = run.summary.models.find((m) => m.role === "student");
  // Trunk, transfer (9 -> 10 -> 10 -> 20, each with a batch norm), classifier.
  const trunk = 6 * 9 + 6 + 12 + 9 * 6 * 9 + 9;
  const transfer = 9 * 10 + 20 + 10 * 10 * 9 + 20 + 10 * 20 + 40;
  assert.equal(row?.parameters, trunk + transfer + 20 * 10 + 10);
  assert.match(row?.architecture ?? "", /up to conv2\/relu, with the classifier of teacher/);
  assert.ok((row?.macs ?? 0) > 64 * (9 * 6 + 9 * 54));
});

test("it learns to be read by that classifier without a label", () => {
  const row = run.summary.models.find((m) => m.role === "student");
  const points = row?.curves[0]?.points ?? [];
  assert.ok((points.at(-1)?.terms.simkd ?? 1) < 0.7 * (points[0]?.terms.simkd ?? 0), JSON.stringify(points));
  assert.ok((row?.accuracy?.mean ?? 0) > 0.6, `${row?.accuracy?.mean}`);
});

test("interrupted and resumed: the same bytes", async () => {
  const out = join(folder, "resumed");
  const controller = new AbortController();
  const stopped = distill(recipe, {
    ...options,
    out,
    signal: controller.signal,
    onEvent: (e) => {
      if (e.kind === "training" && e.progress.name.startsWith("student") && e.progress.step >= 40) controller.abort();
    },
  });
  await assert.rejects(stopped, InterruptedError);
  const resumed = await distill(recipe, { ...options, resume: out });
  assert.deepEqual(readFileSync(resumed.student), bytes);
});

test("the teacher as a file gives the same student, and its exported model answers as the run says", async () => {
  const file = { file: teacherFile, normalise: "none", layout: "nchw", outputs: "logits", batch: 256 } as const;
  const filed = await distill({ ...recipe, teacher: file }, { ...options, out: join(folder, "filed") });
  assert.deepEqual(readFileSync(filed.student), bytes);
  const { data, splits } = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  const session = await openSession(run.student, {});
  const shape = [splits.test.length, ...data.sampleShape];
  const size = data.samples.length / data.size;
  const samples = Float32Array.from({ length: splits.test.length * size }, (_, i) =>
    Number(data.samples[(splits.test[Math.floor(i / size)] as number) * size + (i % size)]),
  );
  const { logits } = await session.run({ input: { dtype: "float32", shape, data: samples } });
  await session.dispose();
  const answers = logits?.data as Float32Array;
  const right = splits.test.filter((sample, i) => {
    const row = [...answers.subarray(10 * i, 10 * i + 10)];
    return row.indexOf(Math.max(...row)) === data.labels?.[sample];
  });
  const row = run.summary.models.find((m) => m.role === "student");
  assert.ok(Math.abs(right.length / splits.test.length - (row?.accuracy?.mean ?? 0)) < 1e-9);
});

test("from TypeScript, where the labels may help too", async () => {
  const data = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  const distiller = new Distiller({
    teacher: { file: teacherFile, normalise: "none" },
    student: recipe.student,
    threads: 1,
  });
  distiller.compile({
    alpha: 0,
    terms: [{ kind: "simkd", layers: [{ student: "conv2/relu", teacher: "conv2/relu" }] }],
  });
  const result = await distiller.fit(data, { steps: 40, batchSize: 32 });
  assert.ok("simkd" in result.chosen.terms && "student" in result.chosen.terms);
  assert.ok([...result.weights.keys()].every((name) => !name.startsWith("simkd/teacher/")));
  assert.ok(distiller.student.parameters > 2000);
  await distiller.dispose();
});

test("what has no classifier to reuse, or does not fit, is told before anything is trained", async () => {
  const refused = (changes: Partial<RecipeInput>, code: ErrorCode, found: RegExp): Promise<void> =>
    assert.rejects(distill({ ...recipe, ...changes } as RecipeInput, { ...options, out: join(folder, "refused") }), {
      name: "InputError",
      code,
      where: "objective.terms",
      found,
    });
  const store = join(folder, "trained", "label-stores");
  await refused(
    { teacher: { label_store: join(store, readdirSync(store)[0] as string) } },
    "teacher-missing",
    /"teacher"/,
  );
  const between = (student: string, teacher: string): Partial<RecipeInput> => ({
    objective: {
      weights: { student: 0, distillation: 0 },
      terms: [{ kind: "simkd", layers: [{ student, teacher }] }],
    },
  });
  await refused(between("pool1/flatten", "conv2/relu"), "array-mismatch", /\[9\].*\[20,4,4\]/);
  await refused(between("conv*/relu", "conv2/relu"), "array-mismatch", /"conv\*\/relu" matches 2 /);
});
