/** 300 classes from data to report: every command says what matters, writes the rest into classes.json, and stays short. */
import assert from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { ClassTable } from "../../src/learn/evaluate/listed-classes.js";
import type { Summary } from "../../src/learn/evaluate/summary.js";
import { encodeNpy } from "../support/npy.js";
import { temporary, warmLimbeck } from "./support.js";

const { folder, remove } = temporary();
const limbeck = warmLimbeck();
const at = (name: string): string => join(folder, name);
const [CLASSES, EACH, FEATURES] = [300, 10, 8];

/** Points around one prototype a class. */
function writeData(): void {
  const rows = CLASSES * EACH;
  const samples = new Float32Array(rows * FEATURES);
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const c = row % CLASSES;
    labels[row] = c;
    for (let f = 0; f < FEATURES; f++)
      samples[row * FEATURES + f] = 3 * Math.sin(c * 78.233 + f * 12.9898) + Math.sin(row * 3.7 + f * 5.1) * 0.5;
  }
  writeFileSync(at("samples.npy"), encodeNpy("<f4", [rows, FEATURES], samples));
  writeFileSync(at("labels.npy"), Buffer.concat([encodeNpy("<i4", [rows], labels)]));
  writeFileSync(
    at("recipe.yaml"),
    `name: many
data: { source: npy, samples: samples.npy, label_file: labels.npy }
teacher: { model: { kind: mlp, hidden: [32] }, training: { steps: 150, batch: 128, schedule: { kind: constant, lr: 0.01 } } }
student: { kind: mlp, hidden: [12] }
training: { steps: 80, batch: 128, schedule: { kind: constant, lr: 0.01 } }
objective: { alpha: 0.9, distillation_loss: { kind: kd, temperature: 4 } }
evaluation: { latency_runs: 5 }
`,
  );
}

const readJson = <T>(name: string): T => JSON.parse(readFileSync(at(name), "utf8")) as T;

before(async () => {
  writeData();
  const made = await limbeck(["distill", at("recipe.yaml"), "--out", at("run")]);
  assert.equal(made.code, 0, made.stderr);
  assert.ok(made.stdout.split("\n").length < 40, "the terminal's table is short");
});
after(remove);

test("classes.json has the scores of every class, as evaluating the student again gives them", async () => {
  const summary = readJson<Summary>("run/summary.json");
  const table = readJson<ClassTable>("run/classes.json");
  assert.equal(summary.files.classes, "classes.json");
  assert.equal(table.classes.length, CLASSES);
  const listed = summary.listedClasses;
  assert.ok(listed && listed.indices.length < CLASSES);
  const found = await limbeck(["evaluate", at("run"), "--json", "--latency-runs", "0"]);
  assert.equal(found.code, 0, found.stderr);
  const own = JSON.parse(found.stdout) as {
    perClass: Record<"recall" | "precision" | "f1" | "support", number>[];
    confusion: unknown[];
    confused: { errors: number };
    accuracy: number;
    data: { samples: number };
  };
  assert.equal(own.perClass.length, CLASSES);
  const student = table.models.find((m) => m.id === "student");
  own.perClass.forEach((c, i) => {
    assert.equal(c.support, table.samples[i]);
    for (const key of ["recall", "precision", "f1"] as const)
      assert.ok(Math.abs(c[key] - (student?.[key][i] as number)) < 1e-5, `${key} of class ${i}`);
  });
  assert.deepEqual(own.confusion, []);
  const wrong = Math.round((1 - own.accuracy) * own.data.samples);
  assert.equal(own.confused.errors, wrong);
  const row = summary.models.find((m) => m.id === "student");
  assert.equal(row?.confused?.errors, wrong);
  assert.deepEqual(
    row?.perClass.map((c) => c.class),
    listed.indices.map((c) => table.classes[c]),
  );
  for (const name of ["summary.json", "report.html"]) assert.ok(statSync(at(`run/${name}`)).size < 500_000, name);
});

test("evaluate, predict, doctor and runs are as short as with few classes", async () => {
  const evaluated = await limbeck(["evaluate", at("run"), "--latency-runs", "0"]);
  assert.equal(evaluated.code, 0, evaluated.stderr);
  assert.match(evaluated.stdout, /280 of 300 classes/);
  assert.match(evaluated.stdout, /most frequent errors|no error/);
  const doctor = await limbeck(["doctor", at("recipe.yaml"), "--quick"]);
  assert.equal(doctor.code, 0, doctor.stdout + doctor.stderr);
  const runs = await limbeck(["runs", folder]);
  assert.match(runs.stdout, /many/);
  const predicted = await limbeck(["predict", at("run/student.onnx"), at("samples.npy"), "--top-k", "3", "--json"]);
  assert.equal(predicted.code, 0, predicted.stderr);
  const [first] = JSON.parse(predicted.stdout) as { top: { class: string; probability: number }[] }[];
  assert.equal(first?.top.length, 3);
  const shares = first?.top.map((t) => t.probability) ?? [];
  assert.deepEqual(
    [...shares].sort((a, b) => b - a),
    shares,
  );
  for (const { stdout, stderr } of [evaluated, doctor, runs]) {
    assert.ok(stdout.split("\n").length < 60, `${stdout.split("\n").length} lines`);
    for (const line of `${stdout}\n${stderr}`.split("\n")) assert.ok(line.length < 400, line);
  }
});

test("a strategy compares generations class by class, with classes that no generation lists alone", async () => {
  const made = await limbeck([
    "distill",
    at("recipe.yaml"),
    "--strategy",
    "born-again",
    "--out",
    at("chain"),
    "--quiet",
  ]);
  assert.equal(made.code, 0, made.stderr);
  const summary = readJson<Summary>("chain/summary.json");
  const table = readJson<ClassTable>("chain/classes.json");
  const indices: readonly number[] = summary.listedClasses?.indices ?? [];
  assert.ok(indices.length > 0 && indices.length < CLASSES);
  for (const comparison of summary.comparisons) {
    const [a, b] = [comparison.student, comparison.baseline].map((id) => table.models.find((m) => m.id === id));
    assert.ok(a && b, `${comparison.student} and ${comparison.baseline}`);
    const gains = a.recall.map((r, c) => r - (b.recall[c] as number));
    const listed = indices.map((c) => gains[c] as number);
    assert.equal(Math.max(...listed), Math.max(...gains));
    assert.equal(Math.min(...listed), Math.min(...gains));
  }
  assert.ok(summary.comparisons.length >= 2);
});
