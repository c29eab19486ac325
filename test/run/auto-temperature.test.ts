/** `temperature: auto`: chosen once from the teacher's answers, a number in the run's recipe, the same after a resume. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { faultOf } from "../../src/base/errors.js";
import { Distiller, distill, InterruptedError, loadData, type RecipeInput } from "../../src/index.js";
import { parseRecipe, readYaml } from "../../src/run/recipe/load.js";
import { examine } from "../../src/app/doctor/doctor.js";
import { starterRecipe } from "../../src/app/commands/starter-recipe.js";
import { chooseTemperature } from "../../src/learn/teacher/temperature.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-auto-"));
after(() => rmSync(folder, { recursive: true, force: true }));
/** A random forest of scikit-learn's (test/fixtures/sklearn/make.py): a fifth of its answers are exactly 0. */
const FOREST = join(process.cwd(), "test", "fixtures", "sklearn", "digits-forest.onnx");
/** A linear classifier that gives logits. */
const LINEAR = join(process.cwd(), "test", "fixtures", "teacher", "plain.onnx");
const FIELD = "objective.distillation_loss.temperature";

const recipe = (temperature: number | "auto", more: Partial<RecipeInput> = {}): RecipeInput => ({
  name: "votes",
  data: { source: "digits", split: { validation: 0.15, test: 0.2 } },
  teacher: { file: FOREST },
  student: { kind: "mlp", hidden: [10] },
  seeds: 2,
  training: { epochs: 30, batch: 32, schedule: { kind: "one-cycle", lr: 0.005 } },
  objective: { alpha: 0.9, distillation_loss: { kind: "kd", temperature } },
  ...more,
});
const temperatureIn = (value: unknown): unknown =>
  (value as { objective: { distillation_loss: { temperature: unknown } } }).objective.distillation_loss.temperature;

test("the rule: logits get the usual temperature, votes 1, other probabilities the lowest that softens them", () => {
  const of = (kind: "logits" | "probabilities", rows: number[][], usual = 4): number =>
    chooseTemperature({ kind, values: Float32Array.from(rows.flat()), classes: rows[0]?.length ?? 0 }, usual)
      .temperature;
  assert.equal(of("logits", [[9, 0, 0]]), 4);
  assert.equal(of("logits", [[9, 0, 0]], 1), 1);
  assert.equal(of("probabilities", [[0.9, 0.1, 0]]), 1, "a vote that nobody gave");
  assert.equal(of("probabilities", [[0.9, 0.06, 0.04]]), 1, "soft already");
  // sqrt(0.995, 0.0025, 0.0025) = 0.9975, 0.05, 0.05: 9 % to the others at T 2, 0.5 % at T 1.
  assert.equal(of("probabilities", [[0.995, 0.0025, 0.0025]]), 2);
  // At T 2 0.0002 of (1, 1e-4, 1e-4), at T 4 0.02 of (1, 1e-2, 1e-2).
  assert.equal(of("probabilities", [[1, 1e-8, 1e-8]]), 4);
  assert.equal(of("probabilities", [[1, 1e-8, 1e-8]], 1), 1, "never above the usual one");
});

test("a forest: auto stays within 3 points of the labels alone, T 4 loses more; the run's recipe has the number", async () => {
  const out = join(folder, "auto");
  const infos: string[] = [];
  const options = { threads: 1, onEvent: (e: { kind: string; text?: string }) => void infos.push(e.text ?? "") };
  const { summary } = await distill(recipe("auto"), { out, ...options });
  const mean = (s: typeof summary, role: string): number => s.models.find((m) => m.role === role)?.accuracy?.mean ?? 0;
  const baseline = mean(summary, "baseline");
  assert.ok(mean(summary, "student") > baseline - 0.03, `${mean(summary, "student")} against ${baseline}`);
  const four = await distill(recipe(4), { out: join(folder, "four"), threads: 1 });
  assert.ok(mean(four.summary, "student") < mean(summary, "student") - 0.02, `T 4: ${mean(four.summary, "student")}`);

  const said = new RegExp(`${FIELD}: auto is 1, because 1\\d % of the teacher's probabilities are exactly 0`);
  assert.ok(
    infos.some((text) => said.test(text)),
    "printed",
  );
  assert.match(summary.notes.join("\n"), said);
  assert.equal(temperatureIn(summary.recipe), 1);
  assert.equal(temperatureIn(readYaml(join(out, "recipe.yaml"))), 1);
  assert.equal(temperatureIn(readYaml(join(folder, "four", "recipe.yaml"))), 4);
  // The same trainings as with the number written.
  const one = join(folder, "one");
  await distill(recipe(1), { out: one, threads: 1 });
  const students = (run: string): string[] =>
    readdirSync(join(run, "trainings"))
      .filter((f) => f.startsWith("student"))
      .sort();
  assert.deepEqual(students(out), students(one));
  for (const id of students(out))
    assert.deepEqual(
      readFileSync(join(out, "trainings", id, "metrics.jsonl")),
      readFileSync(join(one, "trainings", id, "metrics.jsonl")),
    );
});

test("a stopped run goes on with auto, and not with another temperature", async () => {
  const out = join(folder, "resumed");
  const controller = new AbortController();
  const onEvent = (e: { kind: string }): void => {
    if (e.kind === "training") controller.abort();
  };
  await assert.rejects(
    distill(recipe("auto"), { out, threads: 1, signal: controller.signal, onEvent }),
    InterruptedError,
  );
  await assert.rejects(distill(recipe(4), { out, resume: true, threads: 1 }), (e) => {
    assert.equal(faultOf(e)?.where, "--resume");
    assert.match((e as Error).message, /objective\.distillation_loss\.temperature: "auto" in the run, 4 in the recipe/);
    return true;
  });
  const { summary } = await distill(recipe("auto"), { out, resume: true, threads: 1 });
  assert.equal(temperatureIn(summary.recipe), 1);
  assert.ok(existsSync(join(out, "student.onnx")));
  // What was chosen is not a difference between the recipes; the seeds are.
  await assert.rejects(distill(recipe("auto", { seeds: 3 }), { out, resume: true, threads: 1 }), (e) => {
    assert.match((e as Error).message, /seeds: 2 in the run, 3 in the recipe/);
    assert.doesNotMatch((e as Error).message, /temperature/);
    return true;
  });
});

test("variants: each has what its own teacher needs, and the run's recipe says so", async () => {
  const variants = [
    { name: "linear", set: { "teacher.file": LINEAR } },
    { name: "fixed", set: { [FIELD]: 3 } },
  ];
  const short = { seeds: 1, baseline: false, training: { steps: 20, batch: 32 }, variants };
  const { directory } = await distill(recipe("auto", short), { out: join(folder, "variants"), threads: 1 });
  const written = readYaml(join(directory, "recipe.yaml")) as {
    variants: { name: string; set: Record<string, unknown> }[];
  };
  assert.equal(temperatureIn(written), 1);
  assert.deepEqual(
    written.variants.map((v) => v.set[FIELD]),
    [4, 3],
  );
});

test("a strategy of several runs: each is settled, and its recipe has the number where they chose alike", async () => {
  const strategy = { kind: "born-again", generations: 2 } as const;
  const short = { seeds: 1, baseline: false, training: { steps: 20, batch: 32 }, strategy };
  const { directory, summary } = await distill(recipe("auto", short), { out: join(folder, "strategy"), threads: 1 });
  const hops = readdirSync(join(directory, "hops")).sort();
  const each = hops.map((hop) => temperatureIn(readYaml(join(directory, "hops", hop, "recipe.yaml"))));
  // The forest teaches the first generation, which gives logits to the next.
  assert.deepEqual(each, [1, 4]);
  assert.equal(temperatureIn(summary.recipe), "auto");
  assert.match(summary.notes.join("\n"), /auto is 1, because/);
});

test("the doctor looks at the temperature that a run would choose", async () => {
  const findings = await examine(recipe("auto"), { quick: true, threads: 1 });
  assert.match(findings.find((f) => f.check === "soft targets")?.found ?? "", /^at T 1, /);
});

test("from TypeScript too", async () => {
  const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.2 } });
  const fit = async (temperature: number | "auto"): Promise<{ bytes: Uint8Array; said: string }> => {
    const distiller = new Distiller({ teacher: FOREST, student: { kind: "mlp", hidden: [4] }, threads: 1 });
    distiller.compile({ temperature });
    const { warnings } = await distiller.fit(digits, { steps: 20 });
    const { bytes } = distiller.student;
    await distiller.dispose();
    return { bytes, said: warnings.join("\n") };
  };
  const [auto, one, four] = [await fit("auto"), await fit(1), await fit(4)];
  assert.deepEqual(auto.bytes, one.bytes);
  assert.notDeepEqual(auto.bytes, four.bytes);
  assert.match(auto.said, /auto is 1, because/);
});

test("init writes auto where the answers come from elsewhere", () => {
  for (const [teacher, temperature] of [
    ["file", "auto"],
    ["store", "auto"],
    ["model", 4],
  ] as const)
    assert.match(
      starterRecipe({ teacher }),
      new RegExp(`distillation_loss: \\{ kind: kd, temperature: ${temperature} \\}`),
    );
  assert.throws(
    () => parseRecipe(recipe("automatic" as "auto")),
    (e) => faultOf(e) !== null && /distillation_loss\.temperature/.test((e as Error).message),
  );
});
