/** The doctor on recipes with views, pseudo-labels, averages, banks, strategies and files: it says what their runs would do. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import {
  type ExamineOptions,
  examine,
  type Finding,
  labelData,
  loadData,
  parseRecipe,
  type RecipeInput,
} from "../../src/index.js";
import { encodeNpy } from "../support/npy.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-doctor-options-"));
after(() => rmSync(root, { recursive: true, force: true }));
const FILE = join(root, "teacher.onnx");

const recipe = (more: object = {}): RecipeInput =>
  ({
    name: "patient",
    data: { source: "digits" },
    teacher: { file: FILE, normalise: "none", batch: 256 },
    student: { kind: "mlp", hidden: [16] },
    training: { steps: 300, batch: 32 },
    objective: { distillation_loss: { kind: "kd", temperature: 4 } },
    ...more,
  }) as RecipeInput;

const look = (more: object = {}, options: ExamineOptions = { quick: true }): Promise<Finding[]> =>
  examine(recipe(more), { threads: 1, ...options });
const find = async (check: string, more: object = {}, options?: ExamineOptions): Promise<Finding> => {
  const found = (await look(more, options)).find((f) => f.check === check);
  assert.ok(found, `no finding of "${check}"`);
  return found;
};
const bad = (findings: readonly Finding[]): string[] =>
  findings.flatMap((f) => (f.status === "fail" || f.status === "warn" ? [`${f.check}: ${f.found}`] : []));

const WEAK = join(root, "weak.onnx");

before(async () => {
  const teacher = { model: { kind: "mlp", hidden: [64, 32] }, training: { steps: 600, batch: 32 } };
  await labelData(recipe({ teacher }), { out: join(root, "answers"), threads: 1 });
  const [training] = readdirSync(join(root, "answers", "trainings"));
  copyFileSync(join(root, "answers", "trainings", training as string, "model.onnx"), FILE);
  const weak = { model: { kind: "mlp", hidden: [8] }, training: { steps: 60, batch: 32 } };
  await labelData(recipe({ teacher: weak }), { out: join(root, "weak"), threads: 1 });
  const [short] = readdirSync(join(root, "weak", "trainings"));
  copyFileSync(join(root, "weak", "trainings", short as string, "model.onnx"), WEAK);
});

const alone = { alpha: 1, distillation_loss: { kind: "kd", temperature: 4 } };
const mixup = { steps: 300, batch: 32, augment: { shift: 1, mixup: { alpha: 1 } } };

test("views of every kind, averages, stochastic depth and left-out classes are nothing to complain of", async () => {
  const fine: object[] = [
    ...["replayed", "online", "clean"].map((answers) => ({
      objective: alone,
      training: mixup,
      transfer: { views: { answers } },
    })),
    { training: { steps: 300, batch: 32, ema: { decay: 0.98 } } },
    { student: { kind: "resnet", depth: 8, width: 0.25, drop_path: 0.2 } },
    { transfer: { omit_classes: [3], bias_correction: true } },
    { transfer: { only_classes: [7, 8], bias_correction: true } },
  ];
  for (const more of fine) assert.deepEqual(bad(await look(more)), [], JSON.stringify(more));
});

test("losses that end in the teacher's classifier, or keep banks of all samples, are measured", async () => {
  for (const [kind, layers] of [
    ["simkd", [{ student: "hidden1/relu", teacher: "hidden2/relu" }]],
    ["crd", [{ student: "hidden1/relu", teacher: "hidden1/relu" }]],
  ] as const) {
    const more = { objective: { ...alone, alpha: 0.9, terms: [{ kind, layers }] } };
    assert.match((await find("layers", more)).found, /^1 pair of student and teacher: hidden1\/relu/, kind);
    const { status, found } = await find("term scales", more);
    assert.equal(status, "ok", found);
    const shares = [...found.matchAll(/([\d.]+) %/g)].map((m) => Number(m[1]));
    assert.equal(shares.length, 3, found);
    assert.ok(Math.abs(shares.reduce((a, v) => a + v, 0) - 100) < 0.2 && Math.min(...shares) > 0, found);
  }
  const store = await find("layers", {
    teacher: { label_store: join(root, "answers") },
    objective: { ...alone, terms: [{ kind: "simkd", layers: [{ student: "hidden1/relu", teacher: "hidden2/relu" }] }] },
  });
  assert.equal(store.status, "fail");
});

test("a strategy is looked at as it trains its student: with its own alpha, loss and samples", async () => {
  const augment = { steps: 300, batch: 32, augment: { shift: 1 } };
  const consistent = await look({ strategy: { kind: "consistent" }, training: augment });
  assert.deepEqual(bad(consistent), []);
  assert.match(`${consistent.find((f) => f.check === "term scales")?.found}`, /one term: distillation/);
  const noisy = { strategy: { kind: "noisy-student" }, transfer: { labelled: 200, samples: "all" }, training: augment };
  assert.match((await find("soft targets", noisy)).found, /\bT 1\b/);
  assert.match((await find("temperature for the student", noisy)).found, /T 1, \d+ parameters, 200 labels/);
});

test("blended samples under a loss that wants one label, or knows samples one by one, fail before the run does", async () => {
  await assert.rejects(look({ objective: { distillation_loss: { kind: "dkd" } }, training: mixup }), {
    where: /training\.augment$/,
    found: /dkd/,
  });
  const layers = [{ student: "hidden1/relu", teacher: "hidden1/relu" }];
  const crd = await find("layers", { objective: { ...alone, terms: [{ kind: "crd", layers }] }, training: mixup });
  assert.match(`${crd.status}: ${crd.found}`, /^fail: .*mixup and cutmix.*crd/);
});

test("several teachers are not asked, and it says so; nothing else is claimed", async () => {
  const group = [
    { file: FILE, normalise: "none" },
    { file: FILE, normalise: "none" },
  ];
  for (const more of [{ combine: "draw" }, { combine: "mean-losses", weights: "confidence" }, { combine: "merge" }]) {
    const findings = await look({ teacher: { group, ...more } });
    assert.deepEqual(
      bad(findings),
      ["teacher's answers: skipped, because the recipe has several teachers"],
      more.combine,
    );
  }
});

test("a bias correction without classes left out", async () => {
  await assert.rejects(look({ transfer: { bias_correction: true } }), {
    code: "option-conflict",
    where: "transfer.bias_correction",
    cure: /omit_classes/,
  });
});

test("samples that stay in their file", async () => {
  const { data } = await loadData({ source: "digits" });
  writeFileSync(join(root, "samples.npy"), encodeNpy("|u1", [data.size, 1, 8, 8], data.samples as Uint8Array));
  writeFileSync(join(root, "labels.npy"), encodeNpy("<i4", [data.size], data.labels as Int32Array));
  const files = { source: "npy", samples: "samples.npy", label_file: "labels.npy", memory: "file" };
  const more = { data: { ...files, split: { test: 0.2 } }, teacher: { file: FILE, normalise: "none" } };
  assert.deepEqual(bad(await look(more, { quick: true, folder: root })), []);
});

/** What the advice says to set, as --set takes it. */
const advised = ({ change }: Finding): string[] => [...change.matchAll(/--set ([^\s,;]+)/g)].map((m) => m[1] as string);
const mended = (more: object, settings: readonly string[]): object => parseRecipe(recipe(more), "recipe", settings);

test("pseudo-labels of a teacher that is sure about almost nothing, and a filter that lets its mistakes through", async () => {
  const pseudo = (min_confidence: number, file = WEAK): object => ({
    teacher: { file, normalise: "none", allow_chance: true },
    objective: alone,
    transfer: { labelled: 100, samples: "all", pseudo_labels: { min_confidence } },
  });
  const nothing = await find("pseudo-labels", pseudo(0.99));
  assert.match(
    `${nothing.status}: ${nothing.found}`,
    /^warn: .* 0\.99 or more for [0-4]\.\d % of 1000 unlabelled samples/,
  );
  const [setting] = advised(nothing);
  const after = await find("pseudo-labels", mended(pseudo(0.99), [setting as string]));
  assert.equal(after.status, "ok", after.found);
  const share = Number(/for ([\d.]+) %/.exec(after.found)?.[1]);
  assert.ok(Math.abs(share - 50) < 2, after.found);
  assert.match(nothing.change, new RegExp(`keeps ${Math.round(share)} % of them`));
  const everything = await find("pseudo-labels", pseudo(0));
  assert.match(`${everything.status}: ${everything.found}`, /^warn: .*100\.0 %.*\bwrong for \d\d\.\d %/);
  const filtered = await find("pseudo-labels", pseudo(0.9, FILE));
  assert.equal(filtered.status, "ok", filtered.found);
  assert.equal((await find("pseudo-labels")).status, "skipped");
});

test("an average of the weights too slow for the steps", async () => {
  const slow = { training: { steps: 300, batch: 32, ema: { decay: 0.9999, ramp: false } } };
  const planted = await find("average of the weights", slow);
  // 0.9999^300 = 0.9704
  assert.match(`${planted.status}: ${planted.found}`, /^warn: .*\b300 steps.*\b97 %/);
  const after = await find("average of the weights", mended(slow, advised(planted).slice(0, 1)));
  assert.equal(after.status, "ok", after.found);
  assert.ok(Number(/([\d.]+) %/.exec(after.found)?.[1]) < 1, after.found);
});

test("one replayed view in many epochs is a fixed picture", async () => {
  const views = (count?: number): object => ({
    objective: alone,
    training: { epochs: 6, batch: 32, augment: { shift: 1 } },
    transfer: { views: { answers: "replayed", ...(count ? { count } : {}) } },
  });
  const planted = await find("replayed views", views(1));
  assert.match(`${planted.status}: ${planted.found}`, /^warn: 1 view of each sample in 6 epochs/);
  assert.deepEqual(advised(planted), ["transfer.views.count=6", "transfer.views.answers=online"]);
  for (const fine of [views(2), views(), mended(views(1), advised(planted).slice(0, 1))])
    assert.equal((await find("replayed views", fine)).status, "ok");
  assert.equal((await find("replayed views")).status, "skipped");
});

test("views stronger than the student can learn", async () => {
  const training = (augment: object): object => ({
    student: { kind: "mlp", hidden: [64] },
    training: { steps: 600, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 }, augment },
  });
  const strong = await find("strength of the views", training({ noise: 0.1 }), {});
  assert.equal(strong.status, "warn", strong.found);
  const [, views, unchanged] = /([\d.]+) % of new views.* ([\d.]+) % of 216 unchanged/.exec(strong.found) ?? [];
  assert.ok(Number(unchanged) - Number(views) > 15, strong.found);
  // Neither views nor samples are learnt, and without the views they are.
  const turned = await find("strength of the views", training({ rotate: 180, shift: 2 }), {});
  assert.equal(turned.status, "warn", turned.found);
  const [, learnt = "", without = ""] = /([\d.]+) % of 216.*without views.* ([\d.]+) %/.exec(turned.found) ?? [];
  assert.ok(Number(without) - Number(learnt) > 15, turned.found);
  const mild = await find("strength of the views", training({ rotate: 5, mixup: { alpha: 1 } }), {});
  assert.equal(mild.status, "ok", mild.found);
  const blends = await find(
    "strength of the views",
    { training: { ...mixup, augment: { mixup: { alpha: 1 } } }, objective: alone },
    {},
  );
  assert.match(`${blends.status}: ${blends.found}`, /^skipped: training\.augment\b/);
  assert.match((await find("strength of the views", training({ shift: 1 }))).found, /quick/);
});
