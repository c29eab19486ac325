/** Mutual learning as a run: who is trained how, what is compared, and that it goes on where it was stopped. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../src/base/errors.js";
import { distill, listRuns, loadModelFile, type RecipeInput, type RunEvent } from "../../src/index.js";
import { listTrainings } from "../../src/run/folder/trainings.js";
import { faultLike } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-mutual-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "mutual",
  data: { source: "digits", split: { validation: 0.15, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 5 } },
  student: { kind: "mlp", hidden: [16], batch_norm: true, dropout: 0.1 },
  training: { steps: 250, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 } },
  evaluation: { latency_runs: 5 },
};

const weights = (file: string): Map<string, Float32Array> =>
  new Map(
    [...loadModelFile(file).model.graph.initializers].flatMap(([name, t]) =>
      t.data instanceof Float32Array ? [[name, t.data] as const] : [],
    ),
  );

const largestDifference = (a: string, b: string): number => {
  const [x, y] = [weights(a), weights(b)];
  assert.deepEqual([...x.keys()], [...y.keys()]);
  return Math.max(
    ...[...x].map(([name, v]) => Math.max(...v.map((w, i) => Math.abs(w - (y.get(name)?.[i] ?? Number.NaN))))),
  );
};

test("without weight on each other each student is its own baseline, from start weights of its own", async () => {
  const out = join(folder, "apart");
  const strategy = { kind: "mutual", weight: 0 } as const;
  const training = { ...recipe.training, select: "last" } as const;
  const plain = { ...recipe, student: { kind: "mlp", hidden: [16], batch_norm: true } as const };
  await distill({ ...plain, training, strategy }, { out, threads: 1 });
  const trainings = listTrainings(out);
  const [first, second] = trainings.filter((t) => t.role === "student");
  const named = (name: string) => trainings.find((t) => t.names.includes(`${name} (mlp-16), seed 0`));
  const [alone, other] = [named("baseline 1"), named("baseline 2")];
  assert.ok(first && second && alone && other);
  assert.ok(first.names[0]?.startsWith("student 1") && second.names[0]?.startsWith("student 2"));
  assert.ok(largestDifference(first.file, alone.file) < 1e-4, "they saw the same batches");
  assert.ok(largestDifference(second.file, other.file) < 1e-4, "from the same start weights");
  assert.ok(largestDifference(second.file, alone.file) > 1e-2, "fresh weights");
});

test("three students of two kinds: rows, baselines and comparisons; the best on validation leaves", async () => {
  const out = join(folder, "three");
  const small = { kind: "mlp", hidden: [8] } as const;
  const strategy = { kind: "mutual", models: [small, small] } as const;
  const { summary, student } = await distill({ ...recipe, seeds: 2, strategy }, { out, threads: 1 });
  const names = ["student 1 (mlp-16)", "student 2 (mlp-8)", "student 3 (mlp-8)"];
  const baselines = ["baseline 1 (mlp-16)", "baseline 2 (mlp-8)", "baseline 3 (mlp-8)"];
  assert.deepEqual(
    summary.models.map((m) => m.id),
    [...names, ...baselines],
  );
  const accuracy = (id: string | null): number => summary.models.find((m) => m.id === id)?.accuracy?.mean ?? Number.NaN;
  assert.deepEqual(
    summary.comparisons.map((c) => [c.student, c.baseline]),
    [
      [names[0], baselines[0]],
      [names[1], baselines[1]],
      [names[2], baselines[2]],
    ],
  );
  for (const c of summary.comparisons)
    assert.ok(Math.abs((c.points as number) - 100 * (accuracy(c.student) - accuracy(c.baseline))) < 1e-9);
  for (const name of names) assert.ok(accuracy(name) > 0.8, `${name}: ${accuracy(name)}`);
  assert.deepEqual(Object.keys(summary.models[0]?.gradientShares[0]?.shares ?? {}), ["student", "distillation"]);
  const students = listTrainings(out).filter((t) => t.role === "student");
  assert.equal(new Set(students.map((t) => readFileSync(t.file).toString("base64"))).size, 6, "all of them differ");
  assert.ok(students.some((t) => readFileSync(t.file).equals(readFileSync(student))));
  assert.equal(listTrainings(out).filter((t) => t.role === "teacher").length, 0, "nobody asked the teacher");
  assert.equal(listRuns(out)[0]?.strategy?.kind, "mutual");
  assert.ok(existsSync(join(out, "report.html")));
});

test("classes left out of the transfer set: said, and scored by themselves", async () => {
  const chain = { ...recipe, transfer: { omit_classes: [3] }, strategy: { kind: "mutual" } as const };
  const training = { ...recipe.training, steps: 60 };
  const { summary } = await distill({ ...chain, training }, { out: join(folder, "without-3"), threads: 1 });
  for (const { role, trainedOn, omitted } of summary.models) {
    assert.match(
      trainedOn,
      role === "student" ? /^\d+ samples .* other students.*, without class 3$/ : /, without class 3$/,
    );
    assert.deepEqual(omitted?.classes, ["3"]);
    assert.equal(omitted?.accuracy?.mean, 0, "nobody told them of it");
  }
});

test("stopped and resumed: the same students", async () => {
  const training = { ...recipe.training, ema: { decay: 0.9 } };
  const chain = { ...recipe, training, baseline: false, strategy: { kind: "mutual" } as const };
  const reference = join(folder, "whole");
  await distill(chain, { out: reference, threads: 1 });
  const out = join(folder, "stopped");
  const controller = new AbortController();
  const onEvent = (e: RunEvent): void => {
    if (e.kind === "training" && e.progress.step > 60) controller.abort();
  };
  await assert.rejects(distill(chain, { out, threads: 1, signal: controller.signal, onEvent }), /stopped after step/);
  await distill(chain, { resume: out, threads: 1 });
  const models = (run: string): Buffer[] => listTrainings(run).map((t) => readFileSync(t.file));
  assert.equal(models(out).length, 2);
  assert.deepEqual(models(out), models(reference));
});

test("what makes no sense is said before anything is written", async () => {
  const model = { kind: "mlp", hidden: [8] } as const;
  const cases: [string, Partial<RecipeInput>, ErrorCode, string][] = [
    ["both", { strategy: { kind: "mutual", students: 3, models: [model] } }, "option-conflict", "strategy.students"],
    [
      "unlabelled",
      { data: { ...recipe.data, labels: "ignore" }, strategy: { kind: "mutual" } },
      "labels-missing",
      "data",
    ],
  ];
  for (const [name, changes, code, where] of cases) {
    const out = join(folder, name);
    await assert.rejects(distill({ ...recipe, ...changes } as RecipeInput, { out }), faultLike({ code, where }));
    assert.ok(!existsSync(out), name);
  }
});
