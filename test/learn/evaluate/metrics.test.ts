import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  accuracy,
  agreement,
  type ClassScore,
  calibrationError,
  confusionMatrix,
  correctness,
  logProbabilities,
  negativeLogLikelihood,
  perClass,
  predictions,
  softKL,
  topK,
} from "../../../src/learn/evaluate/metrics.js";

interface Case {
  name: string;
  classes: number;
  student: number[];
  teacher: number[];
  teacherProbabilities: number[];
  labels: number[];
  accuracy: number;
  k: number;
  topK: number;
  nll: number;
  nllOfProbabilities: number;
  ece: number;
  agreement: number;
  softKL: number[];
  softKLOfProbabilities: number[];
  confusion: number[][];
  perClass: ClassScore[];
}

const fixture = JSON.parse(readFileSync("test/fixtures/evaluate/metrics.json", "utf8")) as {
  temperatures: number[];
  cases: Case[];
};

const close = (found: number, expected: number, what: string, tolerance = 1e-12): void =>
  assert.ok(
    Math.abs(found - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${what}: ${found}, ${expected}`,
  );

for (const c of fixture.cases) {
  test(`metrics equal PyTorch's and NumPy's in float64: ${c.name}`, () => {
    const { classes } = c;
    const student = Float32Array.from(c.student);
    const teacher = Float32Array.from(c.teacher);
    const probabilities = Float32Array.from(c.teacherProbabilities);
    const labels = Int32Array.from(c.labels);
    close(accuracy(student, labels, classes), c.accuracy, "accuracy");
    close(topK(student, labels, classes, c.k), c.topK, "top-k");
    close(negativeLogLikelihood(student, labels, classes), c.nll, "NLL");
    close(negativeLogLikelihood(probabilities, labels, classes, "probabilities"), c.nllOfProbabilities, "NLL of p");
    close(calibrationError(student, labels, classes), c.ece, "ECE");
    close(agreement(student, teacher, classes), c.agreement, "agreement");
    fixture.temperatures.forEach((temperature, i) => {
      close(softKL(teacher, student, classes, { temperature }), c.softKL[i] as number, `soft KL, T ${temperature}`);
      const options = { temperature, teacherKind: "probabilities" } as const;
      close(
        softKL(probabilities, student, classes, options),
        c.softKLOfProbabilities[i] as number,
        `of p, T ${temperature}`,
      );
    });
    const confusion = confusionMatrix(student, labels, classes);
    assert.deepEqual(confusion, c.confusion);
    perClass(confusion).forEach((score, i) => {
      const expected = c.perClass[i] as ClassScore;
      for (const key of ["precision", "recall", "f1", "support"] as const) close(score[key], expected[key], key);
    });
  });
}

const f32 = (...values: number[]): Float32Array => Float32Array.from(values);
const i32 = (...values: number[]): Int32Array => Int32Array.from(values);

test("uniform outputs have closed forms", () => {
  const flat = new Float32Array(4 * 5);
  close(negativeLogLikelihood(flat, i32(0, 1, 2, 3), 5), Math.log(5), "NLL");
  // Ties go to class 0, so one in four is right at confidence 1/5.
  close(calibrationError(flat, i32(0, 1, 2, 3), 5), 1 / 4 - 1 / 5, "ECE");
  assert.equal(accuracy(flat, i32(0, 1, 2, 3), 5), 1 / 4);
  assert.equal(topK(flat, i32(0, 1, 2, 3), 5, 2), 2 / 4);
  assert.equal(topK(flat, i32(0, 1, 2, 3), 5, 5), 1);
});

test("soft KL: zero for equal outputs, blind to a shift of the logits, not symmetric, of the known value", () => {
  const a = f32(2, -1, 0.5, 0, 3, 1);
  assert.equal(softKL(a, a, 3), 0);
  close(
    softKL(
      a,
      a.map((v) => v + 10),
      3,
    ),
    0,
    "shifted",
    1e-6,
  );
  const p = f32(0.5, 0.5);
  const q = f32(0.9, 0.1);
  const both = { teacherKind: "probabilities", studentKind: "probabilities" } as const;
  const expected = 0.5 * Math.log(0.5 / 0.9) + 0.5 * Math.log(0.5 / 0.1);
  close(softKL(p, q, 2, both), expected, "KL(p || q)", 1e-6);
  assert.ok(Math.abs(softKL(q, p, 2, both) - expected) > 0.1, "teacher and student are not interchangeable");
});

test("a probability of exactly 0 is floored at 2^-126, in either place", () => {
  const row = f32(1, 0);
  close(logProbabilities(row, 0, 2, "probabilities")[1] as number, -126 * Math.LN2, "log of the floor");
  const both = { teacherKind: "probabilities", studentKind: "probabilities" } as const;
  close(softKL(row, f32(0, 1), 2, both), 126 * Math.LN2, "finite for contradicting certainties");
});

test("huge logits neither overflow nor lose the small ones", () => {
  const log = logProbabilities(f32(1e30, 0, -1e30), 0, 3);
  assert.equal(log[0], 0);
  assert.ok(Number.isFinite(log[1]));
  close(logProbabilities(f32(1000, 999), 0, 2)[1] as number, -Math.log(1 + Math.E), "log-softmax");
});

test("a class the teacher rules out adds nothing to soft KL", () => {
  const withMask = softKL(f32(1, 2, Number.NEGATIVE_INFINITY), f32(0, 1, -50), 3);
  close(withMask, softKL(f32(1, 2), f32(0, 1), 2), "as without the class", 1e-12);
});

test("ties go to the lowest index on both sides of agreement", () => {
  assert.deepEqual([...predictions(f32(1, 1, 0, 0, 2, 2), 3)], [0, 1]);
  assert.equal(agreement(f32(1, 1, 0), f32(5, 0, 0), 3), 1);
  assert.deepEqual([...correctness(f32(1, 1, 0, 0, 2, 2), i32(1, 1), 3)], [0, 1]);
});

test("confidences on a bin's edge belong to the bin below, as in (low, high]", () => {
  // Confidence 1 is in the last bin; 8/15 of the way is in bin 8 with 0.53, not in the next.
  const edge = 8 / 15;
  const p = f32(edge, 1 - edge, 0.54, 0.46);
  const found = calibrationError(p, i32(0, 1), 2, "probabilities");
  const [a, b] = [p[0] as number, p[2] as number];
  const separate = (Math.abs(1 - a / (a + (p[1] as number))) + Math.abs(0 - b / (b + (p[3] as number)))) / 2;
  const inOneBin = Math.abs(1 - a - b) / 2;
  const expected = a / (a + (p[1] as number)) <= edge ? separate : inOneBin;
  close(found, expected, "ECE", 1e-6);
});

test("outputs that are not numbers are errors that name sample and class", () => {
  const bad = f32(0, 1, 2, Number.NaN);
  const labels = i32(0, 1);
  const message = /sample 1, class 1 is NaN/;
  assert.throws(() => accuracy(bad, labels, 2), message);
  assert.throws(() => topK(bad, labels, 2, 1), message);
  assert.throws(() => negativeLogLikelihood(bad, labels, 2), message);
  assert.throws(() => calibrationError(bad, labels, 2), message);
  assert.throws(() => confusionMatrix(bad, labels, 2), message);
  assert.throws(() => agreement(f32(1, 2, 3, 4), bad, 2), message);
  assert.throws(() => softKL(bad, f32(1, 2, 3, 4), 2), message);
  assert.throws(() => softKL(f32(1, 2, 3, Number.POSITIVE_INFINITY), f32(1, 2, 3, 4), 2), /Infinity/);
});

test("lengths and labels that do not fit are refused", () => {
  assert.throws(() => accuracy(f32(1, 2, 3), i32(0), 2), RangeError);
  assert.throws(() => accuracy(f32(1, 2, 3, 4), i32(0), 2), RangeError);
  assert.throws(() => accuracy(f32(1, 2, 3, 4), i32(0, 2), 2), /label 2/);
  assert.throws(() => negativeLogLikelihood(f32(1, 2), i32(-1), 2), /label -1/);
  assert.throws(() => softKL(f32(1, 2), f32(1, 2, 3, 4), 2), RangeError);
});
