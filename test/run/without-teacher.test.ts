/** Recipes that leave their teacher out: what runs without one, and what says that it needs one. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill, examine, labelData, type RecipeInput, sweep, trainModel } from "../../src/index.js";
import { loadRecipe, parseRecipe } from "../../src/run/recipe/load.js";
import { faultLike, inRecipe } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-without-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

const recipe: RecipeInput = {
  name: "without",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 120, batch: 32, schedule: { kind: "one-cycle", lr: 0.02 } },
  evaluation: { latency_runs: 5 },
};

test("mutual learning, and its recipe can be read again", async () => {
  const { summary, directory } = await distill(
    { ...recipe, strategy: { kind: "mutual" } },
    { out: at("mutual"), threads: 1 },
  );
  assert.equal(summary.models.filter((m) => m.role === "student").length, 2);
  assert.ok(!summary.notes.some((n) => /\bteacher\b/.test(n)), "there was nobody to ask");
  assert.ok(existsSync(join(directory, "report.html")));
  assert.deepEqual(loadRecipe(join(directory, "recipe.yaml")).recipe, parseRecipe(summary.recipe));
});

test("teacher-free without the real teacher", async () => {
  const strategy = { kind: "teacher-free", distilled: false, methods: ["label-smoothing", "self"] } as const;
  const { summary } = await distill({ ...recipe, strategy }, { out: at("free"), threads: 1 });
  const names = summary.models.map((m) => m.name).join();
  for (const name of ["labels alone", "label smoothing", "self-taught"]) assert.ok(names.includes(name), names);
});

test("the student on labels alone", async () => {
  const { summary } = await trainModel(recipe, { out: at("alone"), threads: 1 });
  assert.ok((summary.models[0]?.accuracy?.mean ?? 0) > 0.5);
});

test("whatever needs a teacher says so, and leaves nothing behind", async () => {
  const out = at("refused");
  const missing = (who: string) => faultLike({ code: "teacher-missing", where: "teacher", found: [who] });
  const strategies = [
    { kind: "one-shot" },
    { kind: "teacher-free" },
    { kind: "born-again" },
    { kind: "ladder", widths: [1, 2] },
    { kind: "assistants", models: [{ kind: "mlp", hidden: [16] }] },
  ] as const;
  for (const strategy of strategies)
    await assert.rejects(distill({ ...recipe, strategy }, { out }), missing(`the strategy ${strategy.kind}`));
  await assert.rejects(
    sweep({ ...recipe, sweep: { grid: { "training.steps": [1, 2] } } }, { out }),
    missing("the strategy one-shot"),
  );
  await assert.rejects(labelData(recipe, { out }), missing("labelling"));
  await assert.rejects(examine(recipe), missing("the strategy one-shot"));
  await assert.rejects(
    trainModel(recipe, { out, model: "teacher" }),
    faultLike({ code: "option-missing", where: "teacher" }),
  );
  assert.ok(!existsSync(out));
  assert.throws(() => parseRecipe({ ...recipe, teacher: {} }), inRecipe("teacher", "option-invalid"));
});

test("an arm that asks no teacher stands beside plain labels, and labels alone beside nothing", async () => {
  const { summary } = await distill(
    {
      ...recipe,
      teacher: { model: { kind: "mlp", hidden: [32] }, training: { steps: 200 } },
      objective: { alpha: 0.9 },
      variants: [
        { name: "smoothed", set: { objective: { alpha: 0, student_loss: { label_smoothing: 0.2 } } } },
        { name: "labels", set: { objective: { alpha: 0 } } },
      ],
    },
    { out: at("arms"), threads: 1 },
  );
  const rows = summary.models.map((m) => m.name);
  assert.deepEqual(rows, ["teacher", "student", "baseline", "smoothed: student", "labels: student"]);
  const accuracy = (name: string): number => summary.models.find((m) => m.name === name)?.accuracy?.mean ?? Number.NaN;
  const [, smoothed, labels] = summary.comparisons;
  assert.equal(smoothed?.baseline, "baseline");
  const gain = 100 * (accuracy("smoothed: student") - accuracy("baseline"));
  assert.ok(Math.abs((smoothed?.points ?? 0) - gain) < 1e-9);
  assert.equal(smoothed?.advice, null, "there is no teacher to be advised about");
  assert.match(smoothed?.sentence ?? "", /^The label loss (helped|harmed|made no)/);
  assert.equal(labels?.baseline, null);
  assert.equal(accuracy("labels: student"), accuracy("baseline"), "the same training");
  assert.match(labels?.sentence ?? "", /learns from labels alone/);
});
