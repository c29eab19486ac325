/** The table of rules: each entry is broken by one recipe and kept by the digits, and every command says the same. */
import "../../src/run/entries.js";
import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { refusalOf, starterRecipe } from "../../src/app/commands/starter-recipe.js";
import { labelData } from "../../src/app/commands/label.js";
import { examine } from "../../src/app/doctor/doctor.js";
import { sweep } from "../../src/app/sweep/sweep.js";
import { InputError } from "../../src/base/errors.js";
import { loadData } from "../../src/learn/data/load.js";
import { loadRecipe, planOf } from "../../src/run/recipe/load.js";
import type { RecipeInput } from "../../src/run/recipe/schema/schema.js";
import { distill } from "../../src/run/strategies/distill.js";
import { allRules, runOf } from "../../src/run/strategies/rules.js";
import { type DataFacts, factsOf } from "../../src/run/teaching/rules/facts.js";
import { brokenRule, type SeenFacts } from "../../src/run/teaching/rules/rule.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-rules-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const MODEL = { model: { kind: "mlp", hidden: [16] }, training: { steps: 5 } } as const;
const FILE = { file: "big.onnx" } as const;
const STORE = { label_store: "answers" } as const;
const URL = { url: "http://127.0.0.1:9/answers", answers: "logits" } as const;
const BASE = {
  name: "rules",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: MODEL,
  student: { kind: "mlp", hidden: [8] },
  training: { steps: 5, batch: 32 },
} as const;
const MIXUP = { mixup: { alpha: 1 } } as const;
const LAYERS = [{ kind: "fitnet", layers: [{ student: "hidden1/relu", teacher: "hidden1/relu" }] }] as const;

const loaded = await loadData(planOf(BASE).data, { folder: process.cwd() });
const digits = factsOf(loaded);
const seen: SeenFacts = { student: { samples: 100, labelled: 100 }, teacher: 100 };

interface Case {
  /** What the recipe says besides the base's fields. */
  readonly set: Record<string, unknown>;
  readonly data?: Partial<DataFacts>;
  readonly seen?: SeenFacts;
  readonly code: string;
  readonly where: string;
}

const conflict = (where: string, set: Case["set"], data?: Partial<DataFacts>): Case => ({
  ...{ code: "option-conflict", where, set },
  ...(data && { data }),
});
const group = (more: object, members: readonly object[] = [MODEL, FILE]): Case["set"] => ({
  teacher: { group: members, ...more },
});
const views = (answers: object, more: Case["set"] = {}): Case["set"] => ({
  training: { ...BASE.training, augment: { flip: true } },
  transfer: { views: answers },
  ...more,
});
const pseudo = (transfer: object, more: Case["set"] = {}): Case["set"] => ({
  objective: { alpha: 1 },
  transfer: { samples: "all", pseudo_labels: {}, ...transfer },
  ...more,
});

const CASES: Readonly<Record<string, Case>> = {
  "variants of one name": conflict("variants", {
    variants: [
      { name: "a", set: {} },
      { name: "a", set: { "objective.alpha": 1 } },
    ],
  }),
  "variants of what a run shares": conflict('variants "b"', { variants: [{ name: "b", set: { seeds: 2 } }] }),
  "teacher missing": { set: { teacher: { none: true } }, code: "teacher-missing", where: "teacher" },
  "teacher of part of the classes": {
    set: { teacher: { ...FILE, classes: ["0", "1", "2"] } },
    code: "class-unknown",
    where: "teacher.classes",
  },
  "group member without classes": {
    set: group({ combine: "merge" }, [MODEL, { ...FILE, classes: ["9", "ten"] }]),
    code: "class-too-few",
    where: "teacher.group.1.classes",
  },
  "group member to train without labels": {
    set: group({ combine: "merge" }, [{ ...MODEL, classes: ["0", "1"] }, FILE]),
    data: { labels: null },
    code: "labels-missing",
    where: "teacher.group.0.classes",
  },
  "merged teachers know all classes": {
    set: group({ combine: "merge" }, [
      { ...FILE, classes: ["0", "1"] },
      { ...FILE, classes: ["1", "2"] },
    ]),
    code: "class-unknown",
    where: "teacher.group",
  },
  "part of the classes without merge": conflict(
    "teacher.combine",
    group({ combine: "mean-logits" }, [MODEL, { ...FILE, classes: ["0", "1"] }]),
  ),
  "a weight for each teacher": {
    set: group({ weights: [1, 2, 3] }),
    code: "array-mismatch",
    where: "teacher.weights",
  },
  "weights by confidence with one weight per teacher": conflict(
    "teacher.weights",
    group({ combine: "draw", weights: "confidence" }),
  ),
  "weights by confidence with losses over batches": conflict("objective", {
    ...group({ combine: "mean-losses", weights: "confidence" }),
    objective: { distillation_loss: { kind: "dist" } },
  }),
  "trained teachers see the same samples": conflict(
    "teacher.group",
    group({}, [MODEL, { ...MODEL, train_on: "labelled" }]),
  ),
  "trained teacher without labels": {
    set: {},
    seen: { ...seen, teacher: 0 },
    code: "labels-missing",
    where: "teacher",
  },
  "labelling without a teacher": { set: { teacher: { none: true } }, code: "teacher-missing", where: "teacher" },
  "labelling with a label store": { set: { teacher: STORE }, code: "option-invalid", where: "teacher.label_store" },
  "labelling with a group": conflict("teacher.group", group({})),
  "the objectives of student and baseline": conflict("objective.student_loss", {
    objective: { alpha: 1, student_loss: { kind: "cross-entropy", label_smoothing: 0.1 } },
  }),
  "class weights for every class": {
    set: { objective: { student_loss: { kind: "cross-entropy", class_weights: [1, 2] } } },
    code: "array-mismatch",
    where: "objective.student_loss.class_weights",
  },
  "layers of several teachers": conflict("objective.terms", { ...group({}), objective: { terms: LAYERS } }),
  "one classifier to reuse": conflict("objective.terms", {
    objective: { terms: [0, 1].map(() => ({ ...LAYERS[0], kind: "simkd" })) },
  }),
  "classes to omit and to keep": conflict("transfer.only_classes", {
    transfer: { omit_classes: ["1"], only_classes: ["2", "3"] },
  }),
  "bias without omitted classes": conflict("transfer.bias_correction", { transfer: { bias_correction: true } }),
  "omitted classes without labels": {
    set: { transfer: { only_classes: ["1", "2"] } },
    data: { labels: null },
    code: "labels-missing",
    where: "transfer.only_classes",
  },
  "omitted classes are known": {
    set: { transfer: { omit_classes: ["ten"] } },
    code: "class-unknown",
    where: "transfer.omit_classes",
  },
  "all classes named": {
    set: { transfer: { only_classes: digits.classes } },
    code: "class-too-few",
    where: "transfer.only_classes",
  },
  "one class left": {
    set: { transfer: { omit_classes: digits.classes.slice(1) } },
    code: "class-too-few",
    where: "transfer.omit_classes",
  },
  "bias without labelled validation samples": {
    set: { transfer: { omit_classes: ["1"], bias_correction: true } },
    data: { validation: { samples: 100, labelled: 0 } },
    code: "budget-invalid",
    where: "transfer.bias_correction",
  },
  "pseudo-labels without a sample to label": conflict("transfer.pseudo_labels", pseudo({})),
  "balanced pseudo-labels of omitted classes": conflict(
    "transfer.pseudo_labels.balance",
    pseudo({ omit_classes: ["1"] }),
  ),
  "pseudo-labels beside labels": conflict("transfer.pseudo_labels", pseudo({}, { objective: { alpha: 0.5 } })),
  "pseudo-labels of each teacher": conflict("transfer.pseudo_labels", pseudo({}, group({ combine: "draw" }))),
  "labels for all samples of a loss that reads them": {
    set: {},
    seen: { ...seen, student: { samples: 100, labelled: 20 } },
    code: "labels-missing",
    where: "objective.alpha",
  },
  "answers for views without views": conflict("transfer.views", { transfer: { views: { answers: "clean" } } }),
  "count of views that are not replayed": conflict("transfer.views.count", views({ answers: "online", count: 3 })),
  "views for a teacher that cannot answer": conflict("transfer.views.answers", views({}, { teacher: STORE })),
  "views online from an endpoint": conflict("transfer.views.answers", views({ answers: "online" }, { teacher: URL })),
  "pseudo-labels for views": conflict("transfer.views.answers", {
    ...views({}),
    ...pseudo({ views: { answers: "online" } }),
  }),
  "layers of unchanged samples": conflict(
    "transfer.views.answers",
    views({ answers: "clean" }, { objective: { terms: LAYERS } }),
  ),
  "blends with a mean of losses": conflict("training.augment", {
    ...views({ answers: "clean" }, group({ combine: "mean-losses" })),
    training: { ...BASE.training, augment: MIXUP },
  }),
  "blends with a loss that needs one class": conflict("training.augment", {
    training: { ...BASE.training, augment: MIXUP },
    objective: { distillation_loss: { kind: "dkd" } },
  }),
  "the student's views go with the data": conflict(
    "training.augment.flip",
    { training: { ...BASE.training, augment: { flip: true } } },
    { sampleShape: [64] },
  ),
  "a teacher's views go with the data": {
    set: group({}, [FILE, { ...MODEL, training: { steps: 5, augment: { shift: 8 } } }]),
    code: "option-invalid",
    where: "teacher.group.1.training.augment.shift",
  },
  "corruptions of images": conflict(
    "evaluation.robustness",
    { evaluation: { robustness: true } },
    { sampleShape: [64] },
  ),
  "corruptions without labels": {
    set: { evaluation: { robustness: true } },
    data: { test: { samples: 50, labelled: 49 } },
    code: "labels-missing",
    where: "evaluation.robustness",
  },
  "one distillation without test samples": {
    set: {},
    data: { test: { samples: 0, labelled: 0 } },
    code: "budget-invalid",
    where: "data.split.test",
  },
  "sweep without validation samples": {
    set: {},
    data: { validation: { samples: 0, labelled: 0 } },
    code: "budget-invalid",
    where: "data.split.validation",
  },
  "training without labels": { set: {}, data: { labels: null }, code: "labels-missing", where: "data" },
  "training of a teacher that is not trained": { set: { teacher: FILE }, code: "option-missing", where: "teacher" },
  "variants of a strategy": conflict("variants", {
    strategy: { kind: "born-again" },
    variants: [{ name: "a", set: {} }],
  }),
  "strategy without test samples": {
    set: { strategy: { kind: "born-again" } },
    data: { test: { samples: 0, labelled: 0 } },
    code: "budget-invalid",
    where: "data.split.test",
  },
  "sweep of a strategy": conflict("strategy.kind", { strategy: { kind: "born-again" } }),
  "mutual: students and models": conflict("strategy.students", {
    strategy: { kind: "mutual", students: 3, models: [BASE.student] },
  }),
  "mutual: variants": conflict("variants", { strategy: { kind: "mutual" }, variants: [{ name: "a", set: {} }] }),
  "mutual: bias correction": conflict("transfer.bias_correction", {
    strategy: { kind: "mutual" },
    transfer: { omit_classes: ["1"], bias_correction: true },
  }),
  "mutual: labels": {
    set: { strategy: { kind: "mutual" } },
    seen: { ...seen, student: { samples: 100, labelled: 0 } },
    code: "labels-missing",
    where: "data",
  },
  "teacher-free: no baseline": conflict("baseline", { strategy: { kind: "teacher-free" }, baseline: false }),
  "ladder: neither models nor widths": {
    set: { strategy: { kind: "ladder" } },
    code: "option-missing",
    where: "strategy",
  },
  "ladder: models and widths": conflict("strategy", {
    strategy: { kind: "ladder", models: [BASE.student], widths: [1] },
  }),
  "ladder: students that have a width": conflict("strategy.widths", {
    strategy: { kind: "ladder", widths: [1] },
    student: { kind: "preset", name: "keras-student" },
  }),
  "consistent: losses that read labels": conflict("objective", {
    strategy: { kind: "consistent" },
    objective: { distillation_loss: { kind: "dkd" } },
  }),
  "noisy-student: a model for each round": {
    set: { strategy: { kind: "noisy-student", rounds: 2, models: [BASE.student] } },
    code: "array-mismatch",
    where: "strategy.models",
  },
  "noisy-student: further terms": conflict("objective.terms", {
    strategy: { kind: "noisy-student" },
    objective: { terms: [{ kind: "dist" }] },
  }),
};

const recipeWith = (set: Case["set"]): RecipeInput => ({ ...BASE, ...set }) as unknown as RecipeInput;

test("every rule has its own name and a recipe that breaks it, with code and field", () => {
  deepEqual(
    allRules().map((r) => r.name),
    [...new Set(allRules().map((r) => r.name))],
    "two rules of one name",
  );
  deepEqual(
    Object.keys(CASES).sort(),
    allRules()
      .map((r) => r.name)
      .sort(),
  );
  for (const rule of allRules()) {
    const { set, data, seen: own = seen, code, where } = CASES[rule.name] as Case;
    const error = rule.broken({ plan: planOf(recipeWith(set)), data: { ...digits, ...data }, seen: own });
    ok(error instanceof InputError, `${rule.name}: kept`);
    deepEqual([error.code, error.where], [code, where], rule.name);
    ok(
      error.found !== "" && (error.expected !== undefined || error.cure !== undefined),
      `${rule.name}: ${error.message}`,
    );
  }
});

test("the digits recipe and all others that come with limbeck break no rule", async () => {
  const base = planOf(recipeWith({}));
  for (const rule of allRules().filter((r) => ![r.of].flat().includes("sweep")))
    equal(rule.broken({ plan: base, data: digits, seen }), null, rule.name);
  for (const name of readdirSync("recipes").filter((f) => f.endsWith(".yaml"))) {
    const plan = planOf(loadRecipe(join("recipes", name)).recipe);
    const data = name === "digits.yaml" ? factsOf(await loadData(plan.data, { folder: process.cwd() })) : undefined;
    const broken = brokenRule(allRules(), ["recipe", runOf(plan), "sweep", "student"], { plan, ...(data && { data }) });
    equal(broken?.error.message, undefined, name);
  }
});

test("distill, sweep, doctor and init refuse the same recipe with the same code and field", async () => {
  const names = [
    "teacher missing",
    "answers for views without views",
    "classes to omit and to keep",
    "pseudo-labels beside labels",
    "weights by confidence with one weight per teacher",
    "layers of several teachers",
  ];
  for (const [i, name] of names.entries()) {
    const { set, code, where } = CASES[name] as Case;
    const recipe = recipeWith(set);
    const refusal = refusalOf(recipe);
    deepEqual([refusal?.code, refusal?.where], [code, where], `init: ${name}`);
    const refused = (place: string) => (error: unknown) => {
      ok(error instanceof InputError, `${place}: ${String(error)}`);
      equal(error.code, code, `${place}: ${name}`);
      // A sweep says for which combination.
      match(error.where, new RegExp(`(^|, )${where}$`), `${place}: ${name}`);
      equal(error.found, refusal?.found, `${place}: ${name}`);
      return true;
    };
    const out = join(folder, String(i));
    await rejects(distill(recipe, { out }), refused("distill"));
    const swept = { ...recipe, sweep: { grid: { "training.batch": [16, 32] } } } as RecipeInput;
    await rejects(sweep(swept, { out }), refused("sweep"));
    await rejects(examine(recipe, { quick: true }), refused("doctor"));
  }
  deepEqual(readdirSync(folder), [], "nothing was written");
});

test("labelling refuses what has no single teacher to ask", async () => {
  for (const name of ["labelling without a teacher", "labelling with a label store", "labelling with a group"]) {
    const { set, code, where } = CASES[name] as Case;
    await rejects(labelData(recipeWith(set), { out: join(folder, "labels") }), { code, where });
  }
});

test("init says of a commented field what a rule has against it", () => {
  const comments = (teacher: "model" | "store"): string => starterRecipe({ teacher }).replace(/\n +# /g, " ");
  match(comments("store"), /With the fields set here it is refused: replayed asks the teacher about new views/);
  ok(!comments("model").includes("asks the teacher about new views"));
});
