/** What trainings, answers and baselines are known by: what differs is never taken for the same, what is the same is shared. */
import assert from "node:assert/strict";
import { copyFileSync, cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { after, test } from "node:test";
import { distill, labelData, type RecipeInput, trainModel } from "../../src/index.js";
import { planOf } from "../../src/run/recipe/load.js";
import { contextOf } from "../../src/run/folder/context.js";
import { trainingOfRequest } from "../../src/run/students/fit.js";
import type { FitRequest } from "../../src/run/students/fitted.js";
import type { FinishedHop } from "../../src/run/strategies/hop-plan.js";
import { loadAudited } from "../../src/run/folder/load-audited.js";
import { validationScore } from "../../src/run/strategies/teacher-free.js";
import { listTrainings } from "../../src/run/folder/trainings.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-identity-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe = {
  name: "identity",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [32] }, training: { steps: 150, batch: 32 } },
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 60, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  objective: { alpha: 0.5 },
  evaluation: { latency_runs: 5 },
} satisfies RecipeInput;

test("a variant with another baseline stands beside its own; one with the same shares it", async () => {
  const variants = [
    { name: "smooth", set: { "objective.student_loss.label_smoothing": 0.2 } },
    { name: "hot", set: { "objective.distillation_loss.temperature": 8 } },
    { name: "bare", set: { "objective.alpha": 1, baseline: false } },
  ];
  const { summary } = await distill({ ...recipe, variants }, { out: join(folder, "variants"), threads: 1 });
  assert.deepEqual(
    summary.comparisons.map((c) => [c.student, c.baseline]),
    [
      ["student", "baseline"],
      ["smooth: student", "smooth: baseline"],
      ["hot: student", "baseline"],
      ["bare: student", null],
    ],
  );
  const mean = (id: string | null): number => summary.models.find((m) => m.id === id)?.accuracy?.mean ?? Number.NaN;
  const [, smooth] = summary.comparisons;
  assert.ok(
    Math.abs((smooth?.points as number) - 100 * (mean("smooth: student") - mean("smooth: baseline"))) < 1e-9,
    "the points are those of its own baseline",
  );
  assert.match(summary.models.find((m) => m.id === "student")?.trainedOn ?? "", /labels and the teacher's answers$/);
  assert.match(summary.models.find((m) => m.id === "bare: student")?.trainedOn ?? "", /the teacher's answers only$/);
});

test("what is said of the labels is what the losses look at, not alpha", async () => {
  const trainedOn = async (name: string, objective: RecipeInput["objective"]): Promise<string> => {
    const { summary } = await distill(
      { ...recipe, objective, baseline: false },
      { out: join(folder, name), threads: 1 },
    );
    return summary.models.find((m) => m.role === "student")?.trainedOn ?? "";
  };
  assert.match(await trainedOn("dkd", { alpha: 1, distillation_loss: { kind: "dkd" } }), /with labels and the teacher/);
  const weights = { student: 0, distillation: 1 };
  assert.match(await trainedOn("weights", { weights }), /with the teacher's answers only$/);
  assert.match(await trainedOn("labels", { alpha: 0 }), /samples with labels$/);
});

test("the same file read as logits and as probabilities is two teachers", async () => {
  const file = join(process.cwd(), "test", "fixtures", "teacher", "zip-map.onnx");
  const teacher = { file, outputs: "logits", normalise: "none", allow_chance: true } as const;
  // Whatever it means: the second variant must not meet the store of the first.
  const variants = [{ name: "read otherwise", set: { "teacher.outputs": "probabilities" } }];
  const { summary } = await distill({ ...recipe, teacher, variants }, { out: join(folder, "kinds"), threads: 1 });
  const students = summary.models.filter((m) => m.role === "student");
  assert.equal(students.length, 2);
  assert.notEqual(students[0]?.softKL?.mean, students[1]?.softKL?.mean);
});

test("start weights from a file are known by what is in it", async () => {
  const file = "student.onnx";
  const [before, now] = ["torchscript", "dynamo"].map((n) =>
    join(process.cwd(), "test", "fixtures", "student", `${n}.onnx`),
  );
  const parsed = planOf({ ...recipe, student: { kind: "onnx", file } });
  const context = contextOf(parsed, await loadAudited(parsed.data, { folder }), folder, { folder });
  const request: FitRequest = {
    name: "student",
    role: "baseline",
    model: parsed.student,
    training: parsed.training,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
    samples: context.loaded.splits.train,
    seed: 0,
  };
  const ids = [before, now, before].map((from) => {
    copyFileSync(from as string, join(folder, file));
    return trainingOfRequest(context, request).id;
  });
  assert.notEqual(ids[0], ids[1], "another content under the same name");
  assert.equal(ids[0], ids[2]);
});

test("random views that do not go with the data are refused before anything is written, with labels alone too", async () => {
  const training = { ...recipe.training, augment: { colour: { hue: 0.1 } } };
  for (const [name, work] of [
    ["train", (out: string) => trainModel({ ...recipe, training }, { out, threads: 1 })],
    ["mutual", (out: string) => distill({ ...recipe, training, strategy: { kind: "mutual" } }, { out, threads: 1 })],
  ] as const)
    await assert.rejects(
      work(join(folder, name)),
      { name: "InputError", code: "option-conflict", where: "training.augment.colour.hue" },
      name,
    );
});

test("what the student never sees does not keep its teacher from being trained or from labelling", async () => {
  const data = { ...recipe.data, split: { validation: 0, test: 0.3 } };
  const transfer = { omit_classes: [3], bias_correction: true };
  const bare = { ...recipe, data, transfer };
  const labelled = await labelData(bare, { out: join(folder, "store"), threads: 1 });
  assert.equal(labelled.samples, 1797);
  const { summary } = await trainModel(bare, { out: join(folder, "teacher"), model: "teacher", threads: 1 });
  assert.match(summary.models[0]?.trainedOn ?? "", /^[\d,]+ samples with labels$/);
});

test("epochs of different numbers of samples: the baseline makes as many updates as its student", async () => {
  const updates = async (name: string, changes: Partial<RecipeInput>): Promise<(number | undefined)[]> => {
    const base = { ...recipe, objective: { alpha: 1 }, ...changes };
    const { summary } = await distill(base, { out: join(folder, name), threads: 1 });
    return ["student", "baseline"].map((role) => summary.models.find((m) => m.role === role)?.seeds[0]?.steps);
  };
  const epochs = { epochs: 4, batch: 32 };
  const few = { labelled: 100, samples: "all" } as const;
  // 1,069 training samples are 33 batches of 32; four epochs of a hundred would be 12 updates.
  assert.deepEqual(await updates("epochs", { training: epochs, transfer: few }), [132, 132]);
  assert.deepEqual(
    await updates("steps", { training: { ...epochs, epochs: undefined, steps: 40 }, transfer: few }),
    [40, 40],
  );
});

test("a strategy's student is chosen by the weights that leave, corrections of biases included", () => {
  const points = [0.5, 0.9, 0.7].map((accuracy) => ({ accuracy }));
  const score = (select: "best" | "last", more: object = {}): number => {
    const own = { ...recipe, training: { ...recipe.training, select } };
    const models = [{ role: "student", curves: [{ seed: 0, points }], ...more }];
    return validationScore({
      hop: { command: "distill", plan: planOf(own) },
      summary: { models },
    } as unknown as FinishedHop);
  };
  assert.equal(score("best"), 0.9);
  assert.equal(score("last"), 0.7);
  const seeds = [{ validationAfter: 0.95 }, { validationAfter: 0.85 }];
  assert.ok(Math.abs(score("best", { omitted: { correction: { seeds } } }) - 0.9) < 1e-12);
  assert.ok(Math.abs(score("last", { omitted: { correction: { seeds } } }) - 0.9) < 1e-12);
});

test("label stores are known by what is in them, not by where they lie", async () => {
  const [store, other] = await Promise.all(
    [0, 1].map((seed) => labelData({ ...recipe, seed }, { out: join(folder, `labels-${seed}`), threads: 1 })),
  );
  const moved = join(folder, "moved");
  cpSync(store?.store as string, moved, { recursive: true });
  const studentOf = async (name: string, folders: readonly (string | undefined)[]): Promise<string | undefined> => {
    const group = folders.map((label_store) => ({ label_store: label_store as string }));
    const out = join(folder, name);
    await distill({ ...recipe, baseline: false, teacher: { group } }, { out, threads: 1 });
    return listTrainings(out).map((t) => basename(t.directory))[0];
  };
  const here = await studentOf("here", [store?.store, other?.store]);
  assert.equal(await studentOf("there", [moved, other?.store]), here);
  assert.notEqual(await studentOf("twice", [moved, moved]), here);
});
