/** The strategies consistent and noisy-student: what their runs are, who taught whom, and what is compared. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type DistillResult, distill, loadModelFile, type RecipeInput } from "../../src/index.js";
import { planOf } from "../../src/run/recipe/load.js";
import { consistent } from "../../src/run/strategies/consistent.js";
import { noisyStudent } from "../../src/run/strategies/noisy-student.js";
import { listTrainings } from "../../src/run/folder/trainings.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-noisy-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe = {
  name: "noisy",
  seeds: 2,
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [32] }, training: { steps: 150, batch: 32 }, train_on: "labelled" },
  student: { kind: "mlp", hidden: [48], dropout: 0.2 },
  training: { steps: 120, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 }, augment: { shift: 1 } },
  transfer: { labelled: 100 },
  evaluation: { latency_runs: 5 },
} satisfies RecipeInput;

const hopOf = ({ summary, directory }: DistillResult, title: string): string => {
  const found = summary.strategy?.hops.find((h) => h.title === title);
  assert.ok(found, `hop ${title}`);
  return join(directory, found.folder);
};

test("noisy student: each round's student teaches the next, and the ablation takes one thing away at a time", async () => {
  const strategy = { kind: "noisy-student", rounds: 2, ablation: true } as const;
  const result = await distill({ ...recipe, strategy }, { out: join(folder, "noisy"), threads: 1 });
  const { summary } = result;
  assert.deepEqual(
    summary.strategy?.hops.map((h) => h.title),
    [
      "round 1",
      "round 2",
      "without input noise",
      "without model noise",
      "without any noise",
      "with a noised teacher",
      "with hard labels",
      "without the filter",
      "without balancing",
    ],
  );
  const taught = (title: string) =>
    listTrainings(hopOf(result, title))
      .filter((t) => t.role === "student")
      .map((t) => ({ own: loadModelFile(t.file).hash, by: t.teacherHash }));
  const [first, second] = [taught("round 1"), taught("round 2")];
  assert.deepEqual(
    second.map((t) => t.by),
    first.map((t) => t.own),
    "each seed's student of round 1 teaches the same seed of round 2",
  );
  assert.equal(new Set(taught("with hard labels").map((t) => t.by)).size, 1, "the ablation has the first teacher");
  // Nobody sees more labels than the teacher.
  const recipeOf = (title: string) => readFileSync(join(hopOf(result, title), "recipe.yaml"), "utf8");
  assert.match(recipeOf("round 2"), /pseudo_labels:\s+kind: soft\s+min_confidence: 0\.3\s+balance: true/);
  assert.match(recipeOf("with hard labels"), /kind: hard/);
  assert.doesNotMatch(recipeOf("without input noise"), /shift: 1\n {2}select/);
  assert.match(recipeOf("without model noise"), /dropout: 0\n/);
  for (const c of summary.comparisons)
    if (c.variant) assert.match(c.variant, /^(round 2 vs\. round 1|round 1 vs\. the same with(out)? .+)$/);
  assert.equal(summary.comparisons.length, 9);
  assert.match(summary.strategy?.delivered.hop ?? "", /^round [12]$/);
  const round = summary.models.find((m) => m.id === "round 1")?.accuracy?.mean ?? 0;
  assert.ok(round > 0.7, `${round}`);
  assert.doesNotMatch(summary.notes.join("\n"), /smaller than its teacher/);
});

test("a noisy student that is smaller than its teacher is pointed out, round by round", async () => {
  const models = [
    { kind: "mlp", hidden: [8] },
    { kind: "mlp", hidden: [16] },
  ] as const;
  const strategy = { kind: "noisy-student", rounds: 2, models } as unknown as RecipeInput["strategy"];
  const small = { ...recipe, seeds: 1, baseline: false, training: { ...recipe.training, steps: 20 }, strategy };
  const { summary } = await distill(small as RecipeInput, { out: join(folder, "small"), threads: 1 });
  const said = summary.notes.filter((n) => n.includes("smaller than its teacher"));
  // 64 * 8 + 8 + 8 * 10 + 10 and 64 * 32 + 32 + 32 * 10 + 10; round 2 has more than its teacher, round 1.
  assert.equal(said.length, 1, said.join("\n"));
  assert.match(said[0] ?? "", /^round 1: .*\b610 parameters\b.*\b2,410\b/);
});

test("consistent: labels unused, mixup added, and the other answers beside it", async () => {
  const strategy = { kind: "consistent", count: 2, compare: ["online", "clean"] } as const;
  const result = await distill({ ...recipe, seeds: 1, strategy }, { out: join(folder, "consistent"), threads: 1 });
  const { summary } = result;
  assert.deepEqual(
    summary.models.map((m) => m.id),
    ["teacher", "student", "baseline", "student, views online", "student, clean answers"],
  );
  assert.deepEqual(
    summary.comparisons.map((c) => c.variant),
    ["", "replayed vs. online", "replayed vs. clean"],
  );
  const student = summary.models.find((m) => m.id === "student");
  assert.match(student?.trainedOn ?? "", /^1,069 samples with the teacher's answers only/);
  const stores = readdirSync(join(result.directory, "label-stores"));
  assert.equal(stores.filter((s) => s.startsWith("views-")).length, 1, "one labelling of views for all hops");
});

test("later rounds leave the teacher's half alone, as the first does", () => {
  const half = { ...recipe.teacher, train_on: "disjoint-half" } as const;
  const halved = planOf({ ...recipe, teacher: half });
  const several = planOf({ ...recipe, teacher: { group: [half, half] } });
  const strategy = { kind: "noisy-student", rounds: 2, labels: "soft", minConfidence: 0.3, balance: true } as const;
  for (const one of [halved, several]) {
    const { hops } = noisyStudent.planHops(one, { ...strategy, ablation: false }, folder);
    assert.deepEqual(
      hops.map(({ plan: { teacher, transfer } }) => ["file" in teacher, transfer.part]),
      [
        [false, "all"],
        [true, "second-half"],
      ],
      "the labels of the half that the teacher saw are not the student's",
    );
  }
});

test("a consistent student refuses losses that look at labels: it says that none is used", async () => {
  const dkd = { alpha: 1, distillation_loss: { kind: "dkd" } } as const;
  await assert.rejects(distill({ ...recipe, objective: dkd, strategy: { kind: "consistent", compare: [] } }), {
    name: "InputError",
    code: "option-conflict",
    where: "objective",
    cure: /distillation_loss/,
  });
});

test("plans: defaults where the recipe says nothing, and what makes no sense is named", async () => {
  const plain = planOf({ ...recipe, training: { steps: 10 }, student: { kind: "mlp", hidden: [8] } });
  const noisy = {
    kind: "noisy-student",
    rounds: 1,
    labels: "soft",
    minConfidence: 0,
    balance: false,
    ablation: true,
  } as const;
  const { hops } = noisyStudent.planHops(plain, noisy, folder);
  assert.deepEqual(
    hops.map((h) => h.title),
    ["round 1", "without input noise", "with a noised teacher", "with hard labels"],
    "what is not there cannot be taken away",
  );
  const several = {
    ...plain,
    teacher: planOf({ ...recipe, teacher: { group: [recipe.teacher, recipe.teacher] } }).teacher,
  };
  assert.ok(!noisyStudent.planHops(several, noisy, folder).hops.some((h) => h.title === "with a noised teacher"));
  const other = planOf({
    ...recipe,
    objective: { distillation_loss: { kind: "jsd", beta: 0.3, temperature: 2 } },
  });
  const [changed] = noisyStudent.planHops(other, { ...noisy, ablation: false }, folder).hops;
  const loss = changed?.plan.objective.distillationLoss;
  assert.deepEqual([loss?.kind, "beta" in (loss ?? {})], ["kd", false], "nothing of the recipe's own loss is left");
  assert.deepEqual(hops[0]?.plan.training.augment, { randaugment: { ops: 2, magnitude: 5 } });
  assert.equal(hops[0]?.plan.objective.alpha, 1);
  const table = noisyStudent.planHops(plain, noisy, folder, { sampleShape: [5] }).hops[0]?.plan;
  assert.deepEqual(table?.training.augment, { mixup: { alpha: 1 } }, "what goes with every kind of data");
  const [own] = consistent.planHops(
    plain,
    { kind: "consistent", answers: "replayed", compare: ["replayed"] },
    folder,
  ).hops;
  assert.deepEqual(own?.plan.training.augment?.mixup, { alpha: 1 });
  const uneven = { kind: "noisy-student", rounds: 2, models: [recipe.student] } as const;
  await assert.rejects(distill({ ...recipe, strategy: uneven }), {
    name: "InputError",
    code: "array-mismatch",
    where: "strategy.models",
    found: /1 model for 2 /,
  });
});
