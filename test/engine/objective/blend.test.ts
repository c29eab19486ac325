/** Blended samples (mixup, cutmix): labels count by their shares, and losses that want one label say so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import type { Value } from "../../../src/engine/graph/builder.js";
import { int64s, scalar, tensor } from "../../../src/engine/graph/tensor.js";
import { buildObjective, type ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { blendedAnswers } from "../../../src/learn/train/blends.js";
import { CE, evaluate, matrix, reference, softmax } from "./support.js";

const student = matrix(4, 3, 9);
const [labels, others] = [
  [0, 2, 1, 1],
  [1, 2, 0, 2],
];
const shares = [1, 0.5, 0.25, 0];

/** Loss and gradient of the student's logits, in float64. */
async function blended(config: ObjectiveConfig): Promise<{ loss: number; gradient: number[] }> {
  const b = createBuilder("blended");
  const studentLogits = b.input("student", "float64", [4, 3]);
  const built = buildObjective(
    {
      builder: b,
      studentLogits,
      labels: b.input("labels", "int64", [4]),
      blend: { labels: b.input("others", "int64", [4]), share: b.input("shares", "float64", [4, 1]) },
      teacher: { values: b.input("teacher", "float64", [4, 3]), kind: "logits" },
      scalar: (name) => b.input(name, "float64", []),
      features: () => [],
      parameter: (name: string, shape: readonly number[]) => b.input(name, "float32", shape),
    },
    config,
  );
  const [gradient] = backward(b, (call) => opOf(call).gradient, built.total, [studentLogits]);
  b.output(built.total, "loss");
  b.output(gradient as Value, "gradient");
  const found = await reference(
    b.build(),
    new Map([
      ["student", tensor("float64", student.flat(), [4, 3])],
      ["teacher", tensor("float64", matrix(4, 3, 2).flat(), [4, 3])],
      ["labels", int64s(labels)],
      ["others", int64s(others)],
      ["shares", tensor("float64", shares, [4, 1])],
      ...built.scalars.map((s) => [s.name, scalar(s.initial, "float64")] as const),
    ]),
  );
  return { loss: Number(found.get("loss")?.data[0]), gradient: Array.from(found.get("gradient")?.data ?? [], Number) };
}

test("cross-entropy of blends is the mean of both labels' by their shares; its gradient (p - q) / batch", async () => {
  const found = await blended({ studentLoss: CE });
  let loss = 0;
  student.forEach((row, i) => {
    const p = softmax(row);
    const share = shares[i] as number;
    const [a, c] = [labels[i] as number, others[i] as number];
    loss -= (share * Math.log(p[a] as number) + (1 - share) * Math.log(p[c] as number)) / 4;
    p.forEach((v, k) => {
      const q = share * Number(k === a) + (1 - share) * Number(k === c);
      assert.ok(Math.abs((found.gradient[3 * i + k] as number) - (v - q) / 4) < 1e-12, `gradient ${i}, ${k}`);
    });
  });
  assert.ok(Math.abs(found.loss - loss) < 1e-12);
});

test("label smoothing and class weights go on as they are: linear in the targets", async () => {
  // Class weights divide by the sum of weights, which is blended as well.
  const smoothed = { kind: "cross-entropy", labelSmoothing: 0.2 } as const;
  const each = async (own: readonly number[], i: number) =>
    (await evaluate({ studentLoss: smoothed }, { studentLogits: [student[i] as number[]], labels: [own[i] as number] }))
      .loss;
  let expected = 0;
  for (let i = 0; i < 4; i++)
    expected +=
      ((shares[i] as number) * (await each(labels, i)) + (1 - (shares[i] as number)) * (await each(others, i))) / 4;
  assert.ok(Math.abs((await blended({ studentLoss: smoothed })).loss - expected) < 1e-12);
});

test("losses that want one right class refuse blends by name", async () => {
  for (const config of [
    {
      weights: { student: 1, distillation: 1 },
      studentLoss: CE,
      distillationLoss: { kind: "nkd", temperature: 1, gamma: 1.5 },
    },
    { studentLoss: { ...CE, virtualTeacher: { correct: 0.9, temperature: 20, alpha: 0.1 } } },
  ] as ObjectiveConfig[])
    await assert.rejects(blended(config), {
      name: "InputError",
      code: "option-conflict",
      where: "training.augment",
      found: /mixup/,
    });
});

test("a teacher that only saw the samples apart answers for their blend as mixup treats labels", () => {
  const rows = matrix(3, 4, 4);
  const gather = (indices: Uint32Array, out: Float32Array): void =>
    indices.forEach((s, i) => {
      out.set(rows[s] as number[], 4 * i);
    });
  const found = blendedAnswers(
    { kind: "logits", gather },
    Uint32Array.of(0, 2),
    { partners: Uint32Array.of(1, 2), shares: Float32Array.of(0.25, 0.5) },
    4,
  );
  const [a, b, c] = rows.map((r) => softmax(r)) as [number[], number[], number[]];
  const expected = [...a.map((v, k) => 0.25 * v + 0.75 * (b[k] as number)), ...c];
  expected.forEach((v, i) => {
    assert.ok(Math.abs((found[i] as number) - v) < 1e-6, `${i}`);
  });
});
