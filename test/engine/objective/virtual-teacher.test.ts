/** The made-up teacher of Yuan et al. 2020 against its formula in float64. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateObjective } from "../../../src/engine/objective/evaluate.js";
import type { ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { reference } from "./support.js";

const logits = [
  [1.5, -0.3, 0.2, 2.1],
  [-1, 0.4, 3, 0.1],
  [0.3, 0.2, -0.7, 0.9],
];
const labels = [3, 0, 1];

const softmax = (z: readonly number[]): number[] => {
  const e = z.map((v) => Math.exp(v - Math.max(...z)));
  const sum = e.reduce((a, v) => a + v, 0);
  return e.map((v) => v / sum);
};

/** (1 - a) CE + a T^2 KL(u^T || p^T): value and its gradient (1 - a)(p - hot) + a T (p^T - u^T), over the batch. */
function expected(correct: number, t: number, a: number): { loss: number; gradient: number[][] } {
  let loss = 0;
  const gradient = logits.map((z, i) => {
    const hot = z.map((_, c) => Number(c === labels[i]));
    const u = softmax(hot.map((h) => Math.log(h ? correct : (1 - correct) / (z.length - 1)) / t));
    const [p, soft] = [softmax(z), softmax(z.map((v) => v / t))];
    const kl = u.reduce((s, v, c) => s + v * Math.log(v / (soft[c] as number)), 0);
    loss += ((1 - a) * -Math.log(p[labels[i] as number] as number) + a * t * t * kl) / logits.length;
    return z.map(
      (_, c) =>
        ((1 - a) * ((p[c] as number) - (hot[c] as number)) + a * t * ((soft[c] as number) - (u[c] as number))) /
        logits.length,
    );
  });
  return { loss, gradient };
}

const config = (correct: number, temperature: number, alpha: number): ObjectiveConfig => ({
  alpha: 0,
  studentLoss: { kind: "cross-entropy", virtualTeacher: { correct, temperature, alpha } },
});

test("value and gradient are the formula's", async () => {
  for (const [correct, t, a] of [
    [0.99, 20, 0.1],
    [0.9, 1, 1],
    [0.6, 4, 0.5],
  ] as const) {
    const found = await evaluateObjective(reference, config(correct, t, a), { studentLogits: logits, labels });
    const { loss, gradient } = expected(correct, t, a);
    assert.ok(Math.abs(found.loss - loss) < 1e-12, `${found.loss} against ${loss}`);
    gradient.flat().forEach((g, k) => {
      assert.ok(Math.abs((found.gradient.flat()[k] as number) - g) < 1e-12, `gradient ${k}`);
    });
  }
});

test("never below 0, and 0 where the student says what the made-up teacher says", async () => {
  const z = labels.map((y) => [0, 1, 2, 3].map((c) => Math.log(c === y ? 0.97 : 0.01)));
  const equal = await evaluateObjective(reference, config(0.97, 5, 1), { studentLogits: z, labels });
  assert.ok(Math.abs(equal.loss) < 1e-12, `${equal.loss}`);
  assert.ok(equal.gradient.flat().every((g) => Math.abs(g) < 1e-12));
  const other = await evaluateObjective(reference, config(0.97, 5, 1), { studentLogits: logits, labels });
  assert.ok(other.loss > 0.1);
});

test("fields that make no sense are named", async () => {
  for (const [c, field] of [
    [config(1, 20, 0.1), "correct"],
    [config(0.9, 0, 0.1), "temperature"],
    [config(0.9, 20, 1.5), "alpha"],
  ] as const)
    await assert.rejects(async () => evaluateObjective(reference, c, { studentLogits: logits, labels }), {
      name: "InputError",
      code: "option-invalid",
      where: `objective.student_loss.virtual_teacher.${field}`,
    });
});
