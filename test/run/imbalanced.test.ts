/** Runs whose accuracy misleads: one class alone is answered, and that is said everywhere; of even classes nothing is said. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill, evaluateModel, loadData, type RecipeInput, sweep, trainModel } from "../../src/index.js";
import { formatTable } from "../../src/learn/report/terminal.js";
import type { RunEvent } from "../../src/run/folder/events.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-imbalanced-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** @param classOf the class of a row; its first feature says it as clearly as `signal` */
function writeTable(
  name: string,
  rows: number,
  classOf: (row: number) => string,
  signal: (row: number) => number,
): string {
  const noise = (row: number, k: number): number => Math.sin(1 + row * 12.9898 + k * 78.233) * 2;
  const lines = Array.from({ length: rows }, (_, row) =>
    [signal(row) + noise(row, 0), noise(row, 1), noise(row, 2), classOf(row)].join(","),
  );
  const path = join(folder, name);
  writeFileSync(path, `a,b,c,label\n${lines.join("\n")}\n`);
  return path;
}

const training = { steps: 200, batch: 64, schedule: { kind: "one-cycle", lr: 0.02 } } as const;

const recipeOf = (path: string): RecipeInput => ({
  name: "imbalanced",
  seeds: 2,
  data: { source: "table", path, label: "label" },
  teacher: { model: { kind: "mlp", hidden: [8] }, training },
  student: { kind: "mlp", hidden: [4] },
  training,
  objective: { alpha: 0.9, distillation_loss: { kind: "kd", temperature: 4 } },
});

const rare = writeTable(
  "rare.csv",
  2002,
  (row) => (row % 166 === 0 && row < 1992 ? "fraud" : "fine"),
  () => 0,
);

test("12 positives of 2,002: teacher, student and baseline are warned of, and the verdict says that there is none", async () => {
  const events: RunEvent[] = [];
  const { summary, report, summaryFile, directory } = await distill(recipeOf(rare), {
    out: join(folder, "rare"),
    threads: 1,
    onEvent: (event) => events.push(event),
  });
  const early = events.findIndex((e) => e.kind === "warning");
  const [said] = events.slice(early) as [RunEvent];
  assert.match(said.kind === "warning" ? said.text : "", /^teacher: .*"fine".* validation samples/);
  const trained = events.findIndex((e) => e.kind === "training" && /student/.test(e.progress.name));
  assert.ok(early >= 0 && early < trained, "the teacher is warned of before its students are trained");
  // 20 % of 2,002 for the test part, drawn class by class: 398 and 2.
  assert.equal(summary.data.largestClass?.class, "fine");
  const positives = summary.models[0]?.perClass.find((c) => c.class === "fraud")?.support as number;
  const share = 1 - positives / summary.data.counts.test;
  assert.equal(summary.data.largestClass?.share, share);
  for (const role of ["teacher", "student", "baseline"] as const) {
    const row = summary.models.find((m) => m.role === role);
    assert.ok(Math.abs((row?.accuracy?.mean ?? 0) - share) < 1e-12, role);
    assert.equal(row?.balancedAccuracy?.mean, 0.5);
    assert.deepEqual(row?.seeds.map((s) => [s.topAnswer, s.aboveChance, s.balancedAccuracy])[0], [
      { class: "fine", share: 1 },
      false,
      0.5,
    ]);
    assert.deepEqual(
      row?.perClass.map((c) => c.recall),
      [1, 0],
    );
    const own = summary.warnings.filter((w) => w.startsWith(`${role}: `));
    assert.equal(own.length, 1, role);
    assert.ok(own[0]?.includes('"fine"') && own[0].includes("50.0 %"), own[0]);
  }
  const [comparison] = summary.comparisons;
  assert.equal(comparison?.points, 0);
  assert.equal(comparison?.verdict, null);
  assert.doesNotMatch(comparison?.sentence ?? "", /no measurable difference/);
  assert.match(comparison?.sentence ?? "", /chance/);
  // The same in the file, the terminal and the report.
  assert.deepEqual(JSON.parse(readFileSync(summaryFile, "utf8")).warnings, summary.warnings);
  const lines = formatTable(summary, { color: false }).split("\n");
  assert.match(lines[0] as string, / accuracy +balanced /);
  assert.ok(
    lines.some((l) => /^ *fraud +2( +0\.0 %){3}$/.test(l)),
    "recall by class",
  );
  const html = readFileSync(report, "utf8");
  assert.match(html, /Balanced accuracy/);
  for (const warning of summary.warnings) assert.ok(html.includes(warning.replaceAll('"', "&#34;")), warning);

  const loaded = await loadData({ source: "table", path: rare, label: "label" });
  const found = await evaluateModel(join(directory, "student.onnx"), loaded, { latencyRuns: 0 });
  assert.equal(found.balancedAccuracy, 0.5);
  assert.equal(found.warnings.length, 1);
  assert.match(found.warnings[0] as string, /^model: .*"fine"/);
});

test("a sweep whose best combination is no better than a constant answer says so", async () => {
  const swept = { ...recipeOf(rare), seeds: 1, sweep: { grid: { "objective.alpha": [0.5, 0.9] } } };
  const { summary, report } = await sweep(swept, { out: join(folder, "sweep"), threads: 1 });
  const own = summary.warnings.filter((w) => w.includes("constant"));
  assert.equal(own.length, 1);
  assert.match(own[0] as string, /"fine"/);
  assert.doesNotMatch(readFileSync(report, "utf8"), /&#60;{7}|<{7}/);
});

test("a model trained alone is warned of as well", async () => {
  const { summary } = await trainModel(recipeOf(rare), { out: join(folder, "alone"), threads: 1 });
  assert.equal(summary.warnings.filter((w) => w.startsWith("student: ")).length, 1);
  assert.equal(summary.models[0]?.balancedAccuracy?.mean, 0.5);
});

test("three classes and a student that cannot leave one: it is warned of, the teacher is not", async () => {
  const names = ["x", "y", "z"];
  const path = writeTable(
    "three.csv",
    600,
    (row) => names[row % 3] as string,
    (row) => 8 * (row % 3),
  );
  // Weights that hardly move from where all classes are alike: the first of equal ones is answered.
  const still = { steps: 1, batch: 8, schedule: { kind: "constant", lr: 1e-12 } } as const;
  const recipe: RecipeInput = { ...recipeOf(path), seeds: 1, training: still, student: { kind: "mlp", hidden: [1] } };
  const { summary } = await distill(recipe, { out: join(folder, "three"), threads: 1 });
  const student = summary.models.find((m) => m.role === "student");
  const answer = student?.seeds[0]?.topAnswer;
  assert.deepEqual(
    summary.warnings.filter((w) => w.startsWith("teacher")),
    [],
  );
  assert.ok(answer && student?.accuracy);
  assert.ok(answer.share > 0.9 && student.accuracy.mean < 0.45, `${answer.share} ${student.accuracy.mean}`);
  const [warning] = summary.warnings.filter((w) => w.startsWith("student: "));
  assert.ok(warning?.includes(`"${answer.class}"`), warning);
  // Even classes: accuracy says enough, and the table stays as it is.
  assert.doesNotMatch(formatTable(summary, { color: false }), /balanced/);
});

test("even classes that are told apart: no warning, and balanced accuracy is the mean recall all the same", async () => {
  const path = writeTable(
    "even.csv",
    400,
    (row) => (row % 2 ? "p" : "q"),
    (row) => 8 * (row % 2),
  );
  const { summary } = await distill(recipeOf(path), { out: join(folder, "even"), threads: 1 });
  assert.deepEqual(
    summary.warnings.filter((w) => /^(teacher|student|baseline): /.test(w)),
    [],
  );
  for (const m of summary.models) {
    const recall = m.perClass.reduce((a, c) => a + c.recall, 0) / m.perClass.length;
    assert.ok(Math.abs((m.balancedAccuracy?.mean ?? 0) - recall) < 1e-12);
    assert.deepEqual(new Set(m.seeds.map((s) => s.aboveChance)), new Set([true]));
  }
  assert.match(summary.comparisons[0]?.sentence ?? "", /^Distillation (helped|harmed|made no measurable difference)/);
});
