/** The pitfalls of methods.md that belong to the objective, by their numbers there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { gradientShares, negligibleTerms } from "../../../src/engine/objective/gradient-shares.js";
import { CE, evaluate, kdAt, matrix, norm, softmax } from "./support.js";

const zs = matrix(6, 5, 0);
const zt = matrix(6, 5, 9, 4);
const sum = (values: readonly number[]): number => values.reduce((a, v) => a + v, 0);

/** KL(p || q) of two distributions. */
const kl = (p: readonly number[], q: readonly number[]): number =>
  sum(p.map((v, c) => v * Math.log(v / (q[c] as number))));

const loss = async (student: number[][], teacher: number[][], temperature: number): Promise<number> =>
  (await evaluate(kdAt(temperature), { studentLogits: student, teacherLogits: teacher })).loss;

test("1: the mean is over the batch, not over batch and classes", async () => {
  const rows = zs.map((row, i) => kl(softmax(zt[i] as number[]), softmax(row)));
  assert.ok(Math.abs((await loss(zs, zt, 1)) - sum(rows) / rows.length) < 1e-12);
  // A class that neither side believes in changes C and nothing else: a mean over classes would shrink by 5/6.
  const wider = (m: number[][]): number[][] => m.map((row) => [...row, -700]);
  assert.ok(Math.abs((await loss(wider(zs), wider(zt), 1)) - (await loss(zs, zt, 1))) < 1e-12);
  // Twice the same batch has the same loss.
  assert.ok(Math.abs((await loss([...zs, ...zs], [...zt, ...zt], 3)) - (await loss(zs, zt, 3))) < 1e-12);
});

test("2: T^2 is in the loss, once, at every temperature", async () => {
  for (const t of [0.5, 1, 1.0001, 2, 3, 4, 8, 20, 100]) {
    const rows = zs.map((row, i) => kl(softmax(zt[i] as number[], t), softmax(row, t)));
    const expected = (t * t * sum(rows)) / rows.length;
    assert.ok(Math.abs((await loss(zs, zt, t)) - expected) < 1e-10 * Math.max(1, expected), `T ${t}`);
  }
});

test("2: with T^2 the gradient is T (p_s - p_t) / B and keeps its size as T grows", async () => {
  for (const t of [1, 4, 20]) {
    const { gradient } = await evaluate(kdAt(t), { studentLogits: zs, teacherLogits: zt });
    gradient.forEach((row, i) => {
      const [ps, pt] = [softmax(zs[i] as number[], t), softmax(zt[i] as number[], t)];
      row.forEach((g, c) => {
        const expected = (t * ((ps[c] as number) - (pt[c] as number))) / zs.length;
        assert.ok(Math.abs(g - expected) < 1e-12);
      });
    });
  }
  const at = async (t: number): Promise<number> =>
    norm((await evaluate(kdAt(t), { studentLogits: zs, teacherLogits: zt })).gradient);
  assert.ok(Math.abs((await at(200)) / (await at(100)) - 1) < 0.02);
});

test("3: KL is never negative and zero for equal distributions", async () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const t of [0.5, 1, 4]) assert.ok((await loss(matrix(3, 4, seed), matrix(3, 4, seed + 50), t)) > 0);
  }
  assert.ok(Math.abs(await loss(zs, zs, 4)) < 1e-14);
  const { gradient } = await evaluate(kdAt(4), { studentLogits: zs, teacherLogits: zs });
  assert.ok(norm(gradient) < 1e-14);
});

test("3: adding a constant to a sample's logits, on either side, changes nothing", async () => {
  for (const t of [1, 4]) {
    const plain = await evaluate(kdAt(t), { studentLogits: zs, teacherLogits: zt });
    for (const shift of [10, -10, 1000]) {
      const shifted = (m: number[][]): number[][] => m.map((row, i) => row.map((z) => z + shift + i));
      for (const values of [
        { studentLogits: shifted(zs), teacherLogits: zt },
        { studentLogits: zs, teacherLogits: shifted(zt) },
      ]) {
        const found = await evaluate(kdAt(t), values);
        assert.ok(found.loss >= 0);
        assert.ok(Math.abs(found.loss - plain.loss) < 1e-10);
        found.gradient.flat().forEach((g, k) => {
          assert.ok(Math.abs(g - (plain.gradient.flat()[k] as number)) < 1e-10);
        });
      }
    }
  }
});

test("3: a teacher's probabilities say the same as its logits, at every temperature", async () => {
  for (const t of [0.5, 1, 2.5, 4, 20]) {
    const logits = await evaluate(kdAt(t), { studentLogits: zs, teacherLogits: zt });
    const probabilities = await evaluate(kdAt(t), {
      studentLogits: zs,
      teacherProbabilities: zt.map((row) => softmax(row)),
    });
    assert.ok(Math.abs(logits.loss - probabilities.loss) < 1e-10);
    logits.gradient.flat().forEach((g, k) => {
      assert.ok(Math.abs(g - (probabilities.gradient.flat()[k] as number)) < 1e-10);
    });
  }
});

test("3: logits in the place of probabilities are refused, and no softmax is taken of probabilities", async () => {
  await assert.rejects(evaluate(kdAt(4), { studentLogits: zs, teacherProbabilities: zt }), {
    code: "row-invalid",
    where: "teacherProbabilities",
    cure: /teacherLogits/,
  });
  // Softmax of a probability is nearly uniform: that mistake would make this loss small.
  const sure = zt.map(() => [0, 0, 0, 0, 1]);
  const right = await evaluate(kdAt(1), { studentLogits: zs, teacherProbabilities: sure });
  const expected = sum(zs.map((row) => -Math.log(softmax(row)[4] as number))) / zs.length;
  assert.ok(Math.abs(right.loss - expected) < 1e-9, "KL of a one-hot teacher is the cross-entropy");
});

test("4: teacher and student are not interchangeable, and each is where it belongs", async () => {
  const forward = await loss(zs, zt, 2);
  const swapped = await loss(zt, zs, 2);
  assert.ok(Math.abs(forward - swapped) > 0.1);
  // Asymmetry with a known side: a teacher sure of one class against an even student is log C, the reverse is large.
  const even = [[0, 0, 0, 0]];
  const sure = [[60, 0, 0, 0]];
  assert.ok(Math.abs((await loss(even, sure, 1)) - Math.log(4)) < 1e-9);
  assert.ok((await loss(sure, even, 1)) > 40);
});

test("4: the loss compares student with teacher: both of them change it", async () => {
  const other = matrix(6, 5, 77);
  const base = await loss(zs, zt, 4);
  assert.ok(Math.abs((await loss(other, zt, 4)) - base) > 1e-3);
  assert.ok(Math.abs((await loss(zs, other, 4)) - base) > 1e-3);
});

test("8: gradient shares show a term whose weight does nothing, though its loss is not small", async () => {
  const labels = [0, 1, 2, 3, 4, 0];
  const values = { studentLogits: zs, teacherLogits: zt, labels };
  const gradientOf = async (weights: { student: number; distillation: number }): Promise<number> =>
    norm(
      (await evaluate({ weights, studentLoss: CE, distillationLoss: { kind: "kd", temperature: 4 } }, values)).gradient,
    );
  const shares = gradientShares({
    student: await gradientOf({ student: 1, distillation: 0 }),
    distillation: await gradientOf({ student: 0, distillation: 1e-3 }),
  });
  assert.ok(Math.abs(sum(Object.values(shares)) - 1) < 1e-12);
  assert.deepEqual(negligibleTerms(shares), ["distillation"]);
  assert.deepEqual(gradientShares({ student: 3, distillation: 1 }), { student: 0.75, distillation: 0.25 });
  assert.deepEqual(negligibleTerms({ student: 0.75, distillation: 0.25 }), []);
  assert.deepEqual(gradientShares({ student: 0, distillation: 0 }), { student: 0, distillation: 0 });
});
