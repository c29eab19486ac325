/** Several teachers as one: against the formulas, and from a recipe to a report. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { int64s, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import {
  Distiller,
  distill,
  groupTeacher,
  InputError,
  loadData,
  type RecipeInput,
  type Teacher,
} from "../../../src/index.js";
import { buildObjective, type ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { listTrainings } from "../../../src/run/folder/trainings.js";
import { combineAnswers, confidenceWeights } from "../../../src/learn/teacher/group/group.js";
import { readLabelStore } from "../../../src/learn/teacher/store/store.js";
import { CE, evaluate, matrix, reference, softmax } from "../../engine/objective/support.js";
import { faultLike, inRecipe } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-group-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const close = (a: number | undefined, b: number | undefined, tolerance: number, what: string): void =>
  assert.ok(Math.abs((a as number) - (b as number)) <= tolerance, `${what}: ${a} against ${b}`);

const [first, second] = [matrix(4, 3, 1), matrix(4, 3, 2)];
const logits = (m: readonly (readonly number[])[]) => ({
  kind: "logits" as const,
  values: Float32Array.from(m.flat()),
});
const probabilities = (m: readonly (readonly number[])[]) => ({
  kind: "probabilities" as const,
  values: Float32Array.from(m.flatMap((r) => softmax(r))),
});

test("mean of probabilities and mean of logits are two things, each by its formula", () => {
  const weights = [0.25, 0.75];
  const mean = (rows: number[][][]): number[] =>
    (rows[0] as number[][]).flatMap((r, i) =>
      r.map((_, c) => rows.reduce((s, m, k) => s + (weights[k] as number) * (m[i]?.[c] as number), 0)),
    );
  const p = combineAnswers([logits(first), probabilities(second)], "mean-probabilities", weights, 3);
  mean([first, second].map((m) => m.map((r) => softmax(r)))).forEach((v, i) => {
    close(p[i], v, 1e-6, `probability ${i}`);
  });
  const z = combineAnswers([logits(first), logits(second)], "mean-logits", weights, 3);
  mean([first, second]).forEach((v, i) => {
    close(z[i], v, 1e-6, `logit ${i}`);
  });
  assert.throws(() => combineAnswers([logits(first), probabilities(second)], "mean-logits", weights, 3), {
    code: "option-conflict",
    where: "teacher 2 of the group",
    cure: /mean-probabilities/,
  });
});

test("weights by confidence are CA-MKD's: (1 - softmax of the cross-entropies) / (K - 1), and alike without a label", () => {
  const third = matrix(4, 3, 5);
  const labels = [0, 2, -1, 1];
  const found = confidenceWeights([logits(first), probabilities(second), logits(third)], labels, 3);
  labels.forEach((label, i) => {
    const own = Array.from(found.subarray(3 * i, 3 * i + 3));
    close(
      own.reduce((a, v) => a + v, 0),
      1,
      1e-12,
      "sum",
    );
    const losses = [first, second, third].map((m) => -Math.log(softmax(m[i] as number[])[label] ?? 1));
    const expected = label < 0 ? [1 / 3, 1 / 3, 1 / 3] : softmax(losses).map((s) => (1 - s) / 2);
    expected.forEach((w, k) => {
      close(own[k], w, 1e-6, `sample ${i}, teacher ${k}`);
    });
    // The teacher that knows the label best weighs most.
    if (label >= 0) assert.equal(own.indexOf(Math.max(...own)), losses.indexOf(Math.min(...losses)));
  });
});

test("mean of losses: value and gradient are the means over the teachers, for losses in and outside the KL family", async () => {
  const student = matrix(4, 3, 9);
  const labels = [0, 2, 1, 1];
  for (const config of [
    { alpha: 0.7, studentLoss: CE, distillationLoss: { kind: "kd", temperature: 3 } },
    { alpha: 1, studentLoss: CE, distillationLoss: { kind: "dist", temperature: 1, rowWeight: 1, columnWeight: 2 } },
    { alpha: 0.5, studentLoss: CE, distillationLoss: { kind: "reverse-kl", temperature: 2 } },
  ] as ObjectiveConfig[]) {
    const b = createBuilder("mean_of_losses");
    const input = (name: string): Value => b.input(name, "float64", [4, 3]);
    const studentLogits = input("student");
    const members = [
      { values: input("one"), kind: "logits" as const, weight: 0.3 },
      { values: input("two"), kind: "probabilities" as const, weight: 0.7 },
    ];
    const built = buildObjective(
      {
        builder: b,
        studentLogits,
        teacher: { ...(members[0] as (typeof members)[number]), members },
        labels: b.input("labels", "int64", [4]),
        scalar: (name) => b.input(name, "float64", []),
        features: () => [],
        parameter: (name: string, shape: readonly number[]) => b.input(name, "float32", shape),
      },
      config,
    );
    const [gradient] = backward(b, (call) => opOf(call).gradient, built.total, [studentLogits]);
    b.output(built.total, "loss");
    b.output(gradient as Value, "gradient");
    const rows = (m: readonly (readonly number[])[]) => tensor("float64", m.flat(), [4, 3]);
    const feeds = new Map([
      ["student", rows(student)],
      ["one", rows(first)],
      ["two", rows(second.map((r) => softmax(r)))],
      ["labels", int64s(labels)],
      ...built.scalars.map((s) => [s.name, scalar(s.initial, "float64")] as const),
    ]);
    const found = await reference(b.build(), feeds);
    const one = await evaluate(config, { studentLogits: student, teacherLogits: first, labels });
    const two = await evaluate(config, {
      studentLogits: student,
      teacherProbabilities: second.map((r) => softmax(r)),
      labels,
    });
    close(found.get("loss")?.data[0] as number, 0.3 * one.loss + 0.7 * two.loss, 1e-9, "loss");
    Array.from(found.get("gradient")?.data ?? [], Number).forEach((g, i) => {
      close(
        g,
        0.3 * (one.gradient.flat()[i] as number) + 0.7 * (two.gradient.flat()[i] as number),
        1e-9,
        `gradient ${i}`,
      );
    });
  }
});

const recipe: RecipeInput = {
  name: "group",
  seeds: 1,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 4, batch: 32 } },
  student: { kind: "mlp", hidden: [10] },
  training: { steps: 100, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  objective: { alpha: 0.5, distillation_loss: { kind: "kd", temperature: 2 } },
  evaluation: { latency_runs: 5 },
};
const member = recipe.teacher as Extract<RecipeInput["teacher"], { model: unknown }>;

test("from a recipe: teachers of one kind begin differently, have a label store each, and stand in the report", async () => {
  const results = [];
  for (const combine of ["mean-probabilities", "mean-logits", "mean-losses"] as const) {
    const out = join(folder, combine);
    const { summary } = await distill(
      { ...recipe, teacher: { group: [member, member], combine } },
      { out, threads: 1 },
    );
    const teachers = listTrainings(out).filter((t) => t.role === "teacher");
    assert.deepEqual(
      teachers.map((t) => t.seed),
      [0, 1],
    );
    assert.deepEqual(
      summary.models.map((m) => m.name),
      ["teacher", "teacher 1", "teacher 2", "student", "baseline"],
    );
    const [whole, one, two] = summary.models;
    assert.equal(whole?.parameters, (one?.parameters ?? 0) + (two?.parameters ?? 0));
    assert.match(whole?.architecture ?? "", new RegExp(`^${combine.replace("mean-", "mean of ")} of 2 teachers`));
    // The group's accuracy from the two stores by hand.
    const { data, splits } = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
    const { readdirSync } = await import("node:fs");
    const stores = readdirSync(join(out, "label-stores")).map((f) =>
      readLabelStore(join(out, "label-stores", f), data),
    );
    assert.equal(stores.length, 2);
    const right = splits.test.filter((i) => {
      const rows = stores.map((s) => Array.from(s.outputs.subarray(10 * i, 10 * i + 10)));
      const scores = rows.map((r) => (combine === "mean-logits" ? r : softmax(r)));
      const sum = Array.from({ length: 10 }, (_, c) => scores.reduce((a, r) => a + (r[c] as number), 0));
      return sum.indexOf(Math.max(...sum)) === data.labels?.[i];
    }).length;
    close(whole?.accuracy?.mean, right / splits.test.length, 1e-9, combine);
    results.push(readFileSync(join(out, "student.onnx")));
  }
  assert.notDeepEqual(results[0], results[1]);
  assert.notDeepEqual(results[0], results[2]);
});

test("a mean over one teacher twice is that teacher", async () => {
  const alone = join(folder, "alone");
  await distill(recipe, { out: alone, threads: 1 });
  const [teacher] = listTrainings(alone).filter((t) => t.role === "teacher");
  const file = { file: teacher?.file ?? "", normalise: "none", outputs: "logits" } as const;
  const single = await distill({ ...recipe, teacher: file }, { out: join(folder, "single"), threads: 1 });
  const twice = await distill(
    { ...recipe, teacher: { group: [file, file], combine: "mean-losses" } },
    { out: join(folder, "twice"), threads: 1 },
  );
  const [a, b] = [single, twice].map((r) => r.summary.models.find((m) => m.role === "student"));
  close(a?.accuracy?.mean, b?.accuracy?.mean, 0.004, "accuracy");
  close(a?.softKL?.mean, b?.softKL?.mean, 0.01, "soft KL");
  const weighted = await distill(
    { ...recipe, teacher: { group: [file, file], combine: "mean-logits", weights: "confidence" } },
    { out: join(folder, "confidence"), threads: 1 },
  );
  assert.deepEqual(readFileSync(weighted.student), readFileSync(single.student), "equal teachers weigh alike");
});

test("what does not fit is named", async () => {
  const cases: [RecipeInput["teacher"], (error: unknown) => boolean][] = [
    [
      { group: [member, { ...member, train_on: "disjoint-half" }] },
      faultLike({ code: "option-conflict", where: "teacher.group", found: ["all, disjoint-half"] }),
    ],
    [
      { group: [member, member], weights: [1, 2, 3] },
      faultLike({ code: "array-mismatch", where: "teacher.weights", found: ["[1,2,3]", 2] }),
    ],
    [
      { group: [member, member], weights: "confidence", combine: "merge" },
      faultLike({ code: "option-conflict", where: "teacher.weights" }),
    ],
    [{ group: [member] }, inRecipe("teacher.group", "option-invalid")],
  ];
  for (const [teacher, refused] of cases)
    await assert.rejects(distill({ ...recipe, teacher }, { out: join(folder, "bad"), threads: 1 }), refused);
});

test("Distiller takes a group, and disposes its members with it", async () => {
  const loaded = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  let disposed = 0;
  const make = (shift: number): Teacher => ({
    name: `made ${shift}`,
    hash: `made ${shift}`,
    preprocessing: "",
    kind: "logits",
    classes: 10,
    batch: 64,
    parameters: 5,
    bytes: 20,
    notes: [],
    answer: async (data, indices) => {
      const out = new Float32Array(indices.length * 10);
      indices.forEach((s, i) => {
        out[i * 10 + (((data.labels?.[s] ?? 0) + shift) % 10)] = 8;
      });
      return out;
    },
    dispose: async () => void disposed++,
  });
  const group = groupTeacher([make(0), make(1)], { weights: [3, 1] });
  assert.equal(group.parameters, 10);
  const distiller = new Distiller({ teacher: group, student: { kind: "mlp", hidden: [24] }, threads: 1 });
  distiller.compile({ alpha: 1, temperature: 1, learningRate: 0.01 });
  await distiller.fit(loaded, { steps: 400, batchSize: 32 });
  const { accuracy = 0 } = await distiller.evaluate(loaded);
  // Three parts of four say the label, one says its neighbour: the label wins.
  assert.ok((accuracy as number) > 0.85, `${accuracy}`);
  await distiller.dispose();
  await group.dispose();
  assert.equal(disposed, 2);
  assert.throws(() => groupTeacher([make(0)]), InputError);
});
