/** Feature losses end to end: from a recipe with every kind of teacher, resumed, stored, exported without connectors. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadModelFile } from "../../src/node/model-file.js";
import {
  Distiller,
  distill,
  InputError,
  InterruptedError,
  labelData,
  loadData,
  type RecipeInput,
  readLabelStore,
} from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-features-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const teacherModel = {
  kind: "cnn",
  layers: [
    { conv: 12, kernel: 3, padding: 1, batch_norm: true, activation: "relu" },
    { max_pool: 2 },
    { conv: 20, kernel: 3, padding: 1, batch_norm: true, activation: "relu" },
    { global_pool: "average" },
  ],
} as const;
const student = {
  kind: "cnn",
  layers: [
    { conv: 6, kernel: 3, padding: 1, batch_norm: true, activation: "relu" },
    { conv: 9, kernel: 3, stride: 2, padding: 1, activation: "relu" },
    { global_pool: "average" },
  ],
} as const;
const last = [{ student: "conv2/relu", teacher: "conv2/relu" }];
const terms = [
  { kind: "fitnet", weight: 2, layers: [{ student: "conv1/relu", teacher: "pool1/*" }, ...last] },
  { kind: "attention", weight: 50, layers: last },
  { kind: "similarity", weight: 100, layers: [{ student: "*/global_average_pool", teacher: "pool2/flatten" }] },
  {
    kind: "review",
    weight: 5,
    schedule: { kind: "warm-up", steps: 10 },
    layers: [{ student: "conv1/relu", teacher: "pool1/*" }, ...last],
  },
  { kind: "crd", weight: 0.8, layers: [{ student: "*/global_average_pool", teacher: "pool2/flatten" }] },
] as const;
const recipe: RecipeInput = {
  name: "features",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: teacherModel, training: { epochs: 2, batch: 32 } },
  student,
  training: { steps: 60, batch: 16, validate_every: 30, gradient_shares_every: 20 },
  objective: { alpha: 0.5, terms },
  baseline: false,
};
const options = { folder, threads: 1 };

const run = await distill(recipe, { ...options, out: join(folder, "trained") });
const bytes = readFileSync(run.student);
const teacherFile = readdirSync(join(folder, "trained", "trainings"))
  .filter((name) => name.startsWith("teacher"))
  .map((name) => join(folder, "trained", "trainings", name, "model.onnx"))[0] as string;

test("every term acts, and the student leaves without connectors", () => {
  const row = run.summary.models.find((m) => m.role === "student");
  const shares = row?.gradientShares ?? [];
  assert.ok(shares.length >= 3);
  for (const name of ["fitnet", "attention", "similarity", "review", "crd"])
    assert.ok(
      shares.every((s) => (s.shares[name] ?? 0) > 1e-4),
      `${name}: ${JSON.stringify(shares)}`,
    );
  const first = row?.curves[0]?.points[0]?.terms;
  const end = row?.curves[0]?.points.at(-1)?.terms;
  assert.ok((end?.fitnet ?? 1) < (first?.fitnet ?? 0), "the hint is followed");
  const { graph } = loadModelFile(run.student).model;
  const names = [...graph.initializers.keys(), ...graph.nodes.flatMap((n) => [n.name, ...n.outputs])];
  assert.ok(!names.some((n) => n.includes("connector") || n.includes("step/")), names.join());
  assert.deepEqual(
    graph.inputs.map((i) => i.name),
    ["input"],
  );
});

test("the store keeps each feature once, row by row as the teacher has them", async () => {
  const stores = join(folder, "trained", "label-stores");
  const store = readLabelStore(join(stores, readdirSync(stores)[0] as string), null);
  assert.deepEqual(
    store.header.features?.map((f) => [f.name, f.shape]),
    [
      ["pool1/max_pool", [12, 4, 4]],
      ["conv2/relu", [20, 4, 4]],
      ["pool2/flatten", [20]],
    ],
  );
  // The last feature is what the classifier reads: its product with the weights is the answer.
  const { graph } = loadModelFile(teacherFile).model;
  const weight = graph.initializers.get("classifier/weight")?.data as Float32Array;
  const bias = graph.initializers.get("classifier/bias")?.data as Float32Array;
  const indices = Uint32Array.of(1000, 3, 517);
  const [features, answers] = [new Float32Array(3 * 20), new Float32Array(3 * 10)];
  store.features[2]?.gather(indices, features);
  store.gather(indices, answers);
  answers.forEach((answer, k) => {
    const [i, c] = [Math.floor(k / 10), k % 10];
    let sum = bias[c] as number;
    for (let j = 0; j < 20; j++) sum += (weight[c * 20 + j] as number) * (features[i * 20 + j] as number);
    assert.ok(Math.abs(sum - answer) < 1e-4, `${sum}, the store has ${answer}`);
  });
  // And the pooled mean of the one before.
  const maps = new Float32Array(3 * 20 * 16);
  store.features[1]?.gather(indices, maps);
  const mean = maps.subarray(16, 32).reduce((a, v) => a + v, 0) / 16;
  assert.ok(Math.abs(mean - (features[1] as number)) < 1e-5);
});

test("the same teacher as a file, and as a label store with features, gives the same student", async () => {
  const file = { file: teacherFile, normalise: "none", layout: "nchw", outputs: "logits", batch: 256 } as const;
  const filed = await distill({ ...recipe, teacher: file }, { ...options, out: join(folder, "filed") });
  assert.deepEqual(readFileSync(filed.student), bytes);
  const plain = { ...recipe, teacher: file, objective: {} };
  const labels = await labelData(plain, {
    ...options,
    out: join(folder, "answers"),
    features: ["pool*/*", "conv2/relu"],
  });
  assert.deepEqual(
    labels.features.map((f) => f.name),
    ["pool1/max_pool", "conv2/relu", "pool2/global_average_pool", "pool2/flatten"],
  );
  assert.ok(labels.bytes > statSync(join(folder, "answers", "feature-0.bin")).size);
  const stored = await distill(
    { ...recipe, teacher: { label_store: labels.store } },
    { ...options, out: join(folder, "stored") },
  );
  assert.deepEqual(readFileSync(stored.student), bytes);
  assert.ok(!existsSync(join(folder, "stored", "label-stores")));
});

test("a teacher of which variants keep different layers has one row, and each student stands beside its own teacher", async () => {
  const other = { model: { kind: "mlp", hidden: [24] }, training: { epochs: 2, batch: 32 } };
  const fitnet = [{ kind: "fitnet", weight: 2, layers: last }];
  const { summary } = await distill(
    {
      ...recipe,
      objective: { alpha: 0.5 },
      variants: [
        { name: "layers", set: { objective: { alpha: 0, terms: fitnet } } },
        { name: "other", set: { teacher: other } },
        { name: "warmer", set: { teacher: other, objective: { distillation_loss: { kind: "kd", temperature: 8 } } } },
      ],
    },
    { out: join(folder, "rows"), threads: 1 },
  );
  const teachers = summary.models.filter((m) => m.role === "teacher").map((m) => m.name);
  assert.deepEqual(teachers, ["teacher", "other: teacher"]);
  const beside = summary.comparisons.map((c) => c.teacher);
  assert.deepEqual(beside, ["teacher", "teacher", "other: teacher", "other: teacher"]);
});

test("interrupted and resumed, connectors go on where they were: the same bytes", async () => {
  const out = join(folder, "resumed");
  const controller = new AbortController();
  const stopped = distill(recipe, {
    ...options,
    out,
    signal: controller.signal,
    onEvent: (e) => {
      if (e.kind === "training" && e.progress.name.startsWith("student") && e.progress.step >= 30) controller.abort();
    },
  });
  await assert.rejects(stopped, InterruptedError);
  const resumed = await distill(recipe, { ...options, resume: out });
  assert.deepEqual(readFileSync(resumed.student), bytes);
});

test("an unknown layer is told with what there is near, of teacher and student", async () => {
  const wrong = (layers: { student: string; teacher: string }[]): Promise<unknown> =>
    distill(
      { ...recipe, objective: { terms: [{ kind: "fitnet", layers }] } },
      { ...options, out: join(folder, "wrong") },
    );
  await assert.rejects(wrong([{ student: "conv1/relu", teacher: "conv2/rleu" }]), {
    name: "InputError",
    code: "layer-missing",
    found: /"conv2\/rleu"/,
    cure: /"conv2\/relu"/,
  });
  await assert.rejects(wrong([{ student: "conv9/*", teacher: "conv2/relu" }]), {
    code: "layer-missing",
    where: "student",
    found: /"conv9\/\*"/,
    expected: /conv1\/relu/,
  });
});

/** The error of a recipe that must be refused before anything is trained or labelled. */
async function refusedEarly(changes: Partial<RecipeInput>): Promise<InputError> {
  const begun: string[] = [];
  const out = join(folder, "refused");
  const error: unknown = await distill({ ...recipe, ...changes } as RecipeInput, {
    ...options,
    out,
    onEvent: (e) => {
      if (e.kind === "training" || e.kind === "labelling") begun.push(e.kind);
    },
  }).then(
    () => assert.fail("not refused"),
    (e: unknown) => e,
  );
  assert.ok(error instanceof InputError, String(error));
  assert.deepEqual(begun, []);
  assert.ok(!existsSync(out) || readdirSync(out).length === 0);
  return error;
}

test("patterns of unequal numbers and layers that cannot be compared are told before the teacher is trained", async () => {
  const comparing = (kind: string, student: string, teacher: string) =>
    ({ objective: { terms: [{ kind, layers: [{ student, teacher }] }] } }) as unknown as Partial<RecipeInput>;
  const unequal = await refusedEarly(comparing("fitnet", "conv*/relu", "conv1/relu"));
  assert.deepEqual([unequal.code, unequal.where], ["array-mismatch", "objective.terms"]);
  assert.match(unequal.found, /"conv\*\/relu" matches 2 .*\(conv1\/relu, conv2\/relu\) .*"conv1\/relu" 1 /);
  const apart = await refusedEarly(comparing("attention", "conv1/relu", "pool2/flatten"));
  assert.deepEqual([apart.code, apart.where], ["array-mismatch", 'layers "conv1/relu" and "pool2/flatten"']);
  assert.match(apart.found, /\[16,6,8,8\].*\[16,20\]/);
  const file = { file: teacherFile, normalise: "none" } as const;
  const ofFile = await refusedEarly({ ...comparing("attention", "conv1/relu", "pool2/flatten"), teacher: file });
  assert.match(ofFile.found, /\[16,6,8,8\].*\[16,20\]/);
  const fewer = await refusedEarly({ ...comparing("fitnet", "conv*/relu", "conv1/relu"), teacher: file });
  assert.equal(fewer.code, "array-mismatch");
});

test("a hop whose teacher is an earlier hop's student is checked against that, before the first hop", async () => {
  const strategy = { kind: "assistants", models: [{ kind: "mlp", hidden: [24] }] } as const;
  const layers = [{ student: "*/relu", teacher: "conv2/relu" }];
  const error = await refusedEarly({
    strategy,
    student: { kind: "mlp", hidden: [12] },
    objective: { terms: [{ kind: "similarity", layers }] },
  });
  assert.deepEqual([error.code, error.where], ["layer-missing", 'hop "student", teacher']);
  assert.match(`${error.found} ${error.expected}`, /"conv2\/relu".*hidden1\/relu/);
  // The teacher's dropout is not in what it exports, so nothing of it can be compared.
  const dropping = { kind: "mlp", hidden: [24], dropout: 0.2 } as const;
  const named = [{ student: "hidden1/relu", teacher: "*dropout*" }];
  const dropped = await refusedEarly({
    teacher: { model: dropping, training: { epochs: 1 } },
    student: { kind: "mlp", hidden: [12] },
    objective: { terms: [{ kind: "fitnet", layers: named }] },
  });
  assert.deepEqual([dropped.code, dropped.where], ["layer-missing", "teacher"]);
  assert.match(dropped.found, /"\*dropout\*"/);
});

test("from TypeScript, with answers in memory or in a folder: the same student", async () => {
  const data = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  const students: Uint8Array[] = [];
  for (const labelStore of [undefined, join(folder, "ts-answers")]) {
    const distiller = new Distiller({ teacher: { file: teacherFile, normalise: "none" }, student, threads: 1 });
    distiller.compile({ alpha: 0.5, terms });
    const result = await distiller.fit(data, { steps: 40, batchSize: 16, labelStore });
    assert.ok(["fitnet", "attention", "similarity", "review", "crd"].every((t) => t in result.chosen.terms));
    assert.ok([...result.weights.keys()].every((name) => !name.includes("connector")));
    students.push(distiller.student.bytes);
    await distiller.dispose();
  }
  assert.deepEqual(students[0], students[1]);
});
