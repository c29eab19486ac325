/** Students that never see some classes: what they are trained on, and the correction of their biases. Hinton 2015, section 3. */
import assert from "node:assert/strict";
import { planOf } from "../../src/run/recipe/load.js";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../src/base/errors.js";
import { accuracy, distill, type LoadedData, loadData, type RecipeInput } from "../../src/index.js";
import { formatTable } from "../../src/learn/report/terminal.js";
import { openSession } from "../../src/node/session.js";
import { expandArms } from "../../src/run/pipeline/arms.js";
import type { Arm } from "../../src/run/teaching/arm.js";
import { labelsOf } from "../../src/run/folder/context.js";
import { answers } from "../../src/run/students/student.js";
import { listTrainings } from "../../src/run/folder/trainings.js";
import { faultLike } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-omitted-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const recipe: RecipeInput = {
  name: "omitted",
  seeds: 2,
  data: { source: "digits", split: { validation: 0.2, test: 0.3 } },
  teacher: { model: { kind: "mlp", hidden: [64] }, training: { epochs: 8, batch: 32 } },
  student: { kind: "mlp", hidden: [32] },
  training: { steps: 150, batch: 32, schedule: { kind: "one-cycle", lr: 0.01 }, select: "last" },
  objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 4 } },
  transfer: { omit_classes: [3], bias_correction: true },
  evaluation: { latency_runs: 5 },
};

const loaded: Promise<LoadedData> = loadData(recipe.data);
const arm = async (transfer: RecipeInput["transfer"], more: Partial<RecipeInput> = {}): Promise<Arm> =>
  expandArms(planOf({ ...recipe, ...more, transfer }), await loaded)[0] as Arm;
const classesIn = async (samples: Uint32Array): Promise<number[]> =>
  [...new Set(labelsOf(await loaded, samples))].sort((a, b) => a - b);

test("the transfer set lacks the classes; the teacher, validation and test have them", async () => {
  const all = await arm({});
  const without = await arm({ omit_classes: ["3"] });
  const kept = [0, 1, 2, 4, 5, 6, 7, 8, 9];
  for (const samples of [without.transfer, without.labelled]) assert.deepEqual(await classesIn(samples), kept);
  const labels = labelsOf(await loaded, all.transfer);
  assert.deepEqual(
    [...without.transfer],
    [...all.transfer].filter((_, i) => labels[i] !== 3),
  );
  assert.deepEqual(without.teacherSamples, all.teacherSamples);
  assert.deepEqual([all.available, without.available], [all.transfer.length, without.transfer.length]);
  const { validation, test: held } = (await loaded).splits;
  for (const samples of [without.teacherSamples, validation, held]) assert.equal((await classesIn(samples)).length, 10);
  const two = await arm({ only_classes: [7, "8"] });
  assert.deepEqual(await classesIn(two.transfer), [7, 8]);
  // A teacher of the labelled samples is one of all of them.
  const few = { ...recipe.teacher, train_on: "labelled" } as RecipeInput["teacher"];
  const taught = await arm({ labelled: 300, omit_classes: [3] }, { teacher: few });
  assert.equal(taught.teacherSamples.length, 300);
  assert.equal((await classesIn(taught.teacherSamples)).length, 10);
  assert.ok(taught.labelled.length < 300);
});

test("what cannot be is said with the field", async () => {
  const wrong: [RecipeInput["transfer"], ErrorCode, string, string?][] = [
    [{ omit_classes: ["33"] }, "class-unknown", "transfer.omit_classes", '"33"'],
    [{ omit_classes: [1], only_classes: [2, 3] }, "option-conflict", "transfer.only_classes"],
    [{ only_classes: [2] }, "class-too-few", "transfer.only_classes", "one class"],
    [{ only_classes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] }, "class-too-few", "transfer.only_classes", "10"],
    [{ bias_correction: true }, "option-conflict", "transfer.bias_correction"],
  ];
  for (const [transfer, code, where, found = ""] of wrong)
    await assert.rejects(arm(transfer), faultLike({ code, where, found: [found] }));
  const unknown = { ...recipe, data: { ...recipe.data, labels: "ignore" as const } };
  const bare = await loadData(unknown.data);
  assert.throws(() => expandArms(planOf({ ...unknown, teacher: { file: "t.onnx" } }), bare), {
    code: "labels-missing",
  });
  await assert.rejects(
    distill({ ...recipe, strategy: { kind: "mutual" } }, { out: join(folder, "mutual"), threads: 1 }),
    { code: "option-conflict", where: "transfer.bias_correction", found: /mutual/ },
  );
});

for (const [name, transfer, shifted] of [
  ["one class", { omit_classes: [3], bias_correction: true }, [3]],
  ["two classes only", { only_classes: [7, 8], bias_correction: true }, [7, 8]],
] as const)
  test(`${name}: the correction is in the exported model, chosen on validation, and reported before and after`, async () => {
    const out = join(folder, name.replaceAll(" ", "-"));
    const { summary, directory } = await distill({ ...recipe, transfer }, { out, threads: 1 });
    const { data, splits } = await loaded;
    const [testLabels, validationLabels] = [splits.test, splits.validation].map((s) => {
      return Int32Array.from(s, (i) => data.labels?.[i] as number);
    }) as [Int32Array, Int32Array];
    const ask = async (file: string, samples: Uint32Array): Promise<Float32Array> => {
      const session = await openSession(file, { threads: 1 });
      return answers(session, data, samples).finally(() => session.dispose());
    };
    for (const role of ["student", "baseline"] as const) {
      const row = summary.models.find((m) => m.role === role);
      const omitted = row?.omitted;
      assert.ok(row?.accuracy && omitted?.accuracy && omitted.correction, role);
      const { correction } = omitted;
      assert.deepEqual(correction.classes.map(Number), shifted);
      const own = listTrainings(directory).filter((t) => t.role === role);
      assert.equal(own.length, 2);
      const scores = { before: 0, after: 0, omittedBefore: 0, omittedAfter: 0 };
      const hidden = omitted.classes.map(Number);
      const recall = (values: Float32Array): number => {
        const rows = [...testLabels.keys()].filter((i) => hidden.includes(testLabels[i] as number));
        return rows.filter((i) => topOf(values, i) === testLabels[i]).length / rows.length;
      };
      for (const training of own) {
        const plain = join(training.directory, "model-uncorrected.onnx");
        const [a, b] = [await ask(plain, splits.test), await ask(training.file, splits.test)];
        const seed = correction.seeds.find((s) => s.seed === training.seed);
        assert.ok(seed);
        for (const [i, v] of a.entries()) {
          const expected = v + ((shifted as readonly number[]).includes(i % 10) ? seed.offset : 0);
          assert.ok(Math.abs((b[i] as number) - expected) < 1e-4 * Math.max(1, Math.abs(expected)));
        }
        scores.before += accuracy(a, testLabels, 10) / 2;
        scores.after += accuracy(b, testLabels, 10) / 2;
        scores.omittedBefore += recall(a) / 2;
        scores.omittedAfter += recall(b) / 2;
        assert.equal(seed.validationAfter, accuracy(await ask(training.file, splits.validation), validationLabels, 10));
        assert.equal(seed.validationBefore, accuracy(await ask(plain, splits.validation), validationLabels, 10));
        assert.ok(seed.validationAfter >= seed.validationBefore);
      }
      near(row.accuracy.mean, scores.after);
      near(correction.before.accuracy?.mean, scores.before);
      near(omitted.accuracy.mean, scores.omittedAfter);
      near(correction.before.omitted?.mean, scores.omittedBefore);
    }
    const student = summary.models.find((m) => m.role === "student");
    const baseline = summary.models.find((m) => m.role === "baseline");
    // What the paper found: with the right bias the student knows what it never saw, from the teacher's answers to other samples.
    assert.ok(student?.omitted?.accuracy && baseline?.omitted?.accuracy && student.omitted.correction);
    assert.ok((student.omitted.correction.before.omitted?.mean ?? 1) < student.omitted.accuracy.mean);
    assert.ok(student.omitted.accuracy.mean > baseline.omitted.accuracy.mean + 0.2);
    assert.equal(Math.sign(student.omitted.correction.offset.mean), name === "one class" ? 1 : -1);
    assert.match(formatTable(summary, { color: false }), /before the bias correction of [+-]\d/);
    assert.match(readFileSync(join(directory, "report.html"), "utf8"), /<section id="omitted">/);
    const exported = readFileSync(join(directory, "student.onnx"));
    assert.ok(own(directory).some((file) => readFileSync(file).equals(exported)));
  });

const own = (directory: string): string[] =>
  listTrainings(directory)
    .filter((t) => t.role === "student")
    .map((t) => t.file);

function topOf(values: Float32Array, row: number): number {
  const own = [...values.subarray(row * 10, (row + 1) * 10)];
  return own.indexOf(Math.max(...own));
}

const near = (a: number | undefined, b: number): void =>
  assert.ok(a !== undefined && Math.abs(a - b) < 1e-9, `${a}, ${b}`);

test("without correction the share of the omitted class is still said, and the weights are the same", async () => {
  const { summary, directory } = await distill(
    { ...recipe, seeds: 1, transfer: { omit_classes: [3] } },
    { out: join(folder, "plain"), threads: 1 },
  );
  const student = summary.models.find((m) => m.role === "student");
  assert.equal(student?.omitted?.correction, null);
  assert.match(student?.trainedOn ?? "", /, without class 3$/);
  const corrected = listTrainings(join(folder, "one-class")).find((t) => t.role === "student" && t.seed === 0);
  const [file] = own(directory);
  assert.ok(
    readFileSync(join(corrected?.directory as string, "model-uncorrected.onnx")).equals(readFileSync(file as string)),
  );
});
