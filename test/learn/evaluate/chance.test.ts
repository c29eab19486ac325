/** Imbalanced classes: balanced accuracy as scikit-learn's, chance as counted over random orders, and the warnings that follow. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { checkChance, hitsOfChance, isImbalanced, oneAnswer } from "../../../src/learn/evaluate/chance.js";
import { classScores, countClasses, meanRecall } from "../../../src/learn/evaluate/class-counts.js";
import { scoreOutputs, type TestScores } from "../../../src/learn/evaluate/scores.js";
import { verdictSentence } from "../../../src/learn/evaluate/sentence.js";
import { isAtChance, weaknesses } from "../../../src/learn/evaluate/weak-models.js";

interface Case {
  name: string;
  classes: number;
  labels: number[];
  answers: number[];
  balanced: number;
  precision: number[];
  recall: number[];
  f1: number[];
  support: number[];
  hits: { mean: number; deviation: number; orders: number };
}
const cases = JSON.parse(readFileSync("test/fixtures/evaluate/balanced.json", "utf8")) as Case[];

const near = (found: number, expected: number, what: string, tolerance = 1e-12): void =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${what}: ${found}, expected ${expected}`);

for (const c of cases)
  test(`as scikit-learn, and as random orders: ${c.name}`, () => {
    const counts = countClasses(c.labels, c.answers, c.classes);
    near(meanRecall(counts), c.balanced, "balanced accuracy");
    classScores(counts).forEach((score, i) => {
      for (const key of ["precision", "recall", "f1", "support"] as const)
        near(score[key], c[key][i] as number, `${key} of class ${i}`);
    });
    const { mean, deviation } = hitsOfChance(counts);
    // Five standard errors of what was counted.
    const { hits } = c;
    near(mean, hits.mean, "mean hits", (5 * hits.deviation) / Math.sqrt(hits.orders) + 1e-9);
    near(deviation, hits.deviation, "deviation", (5 * hits.deviation) / Math.sqrt(2 * hits.orders) + 1e-9);
  });

/** Scores of a model that gives these answers, [n] class indices. */
function scored(labels: readonly number[], answers: readonly number[], classes: number): TestScores {
  const values = new Float32Array(answers.length * classes);
  for (const [i, c] of answers.entries()) values[i * classes + c] = 1;
  return scoreOutputs({ kind: "logits", values }, Int32Array.from(labels), null, classes);
}

const seeds = (...all: TestScores[]) => all.map((s, seed) => ({ seed, scored: s }));

const rare = [...Array<number>(12).fill(1), ...Array<number>(1990).fill(0)];

test("12 positives of 2,002 and a model that names the other class: 99.4 %, balanced 50 %, warned with both", () => {
  const s = scored(rare, Array<number>(2002).fill(0), 2);
  near(s.scores.accuracy as number, 1990 / 2002, "accuracy");
  assert.equal(s.scores.balancedAccuracy, 0.5);
  const check = checkChance(s.counts as NonNullable<TestScores["counts"]>);
  assert.deepEqual([check?.above, check?.beatsLargest], [false, false]);
  const [warning, ...more] = weaknesses("student", seeds(s, s), ["no", "yes"]);
  assert.deepEqual(more, []);
  for (const part of [/^student: /, /"no"/, /2,002/, /99\.4 %/, /50\.0 %/, /every seed/])
    assert.match(warning ?? "", part);
});

test("the same data told apart: nothing is said; nearly all missed: below naming one class, but not chance", () => {
  assert.deepEqual(weaknesses("student", seeds(scored(rare, rare, 2)), ["no", "yes"]), []);
  // Finds eleven of twelve, and takes 100 others for one: less accurate than a constant, and far from chance.
  const keen = rare.map((label, i) => (label === 1 ? Number(i > 0) : Number(i < 112)));
  const s = scored(rare, keen, 2);
  assert.ok((s.scores.accuracy as number) < 1990 / 2002);
  const check = checkChance(s.counts as NonNullable<TestScores["counts"]>);
  assert.deepEqual([check?.above, check?.beatsLargest], [true, false]);
  const [warning] = weaknesses("teacher", seeds(s), ["no", "yes"]);
  assert.match(warning ?? "", /^teacher: .*95\.0 %.*99\.4 %.*93\.3 %/);
});

test("one rare sample found by luck, among wrong ones, is chance", () => {
  const lucky = rare.map((_, i) => Number(i === 0 || (i > 100 && i < 200)));
  const check = checkChance(countClasses(rare, lucky, 2));
  assert.equal(check?.above, false);
  const [warning] = weaknesses("baseline", seeds(scored(rare, lucky, 2)), ["no", "yes"]);
  assert.match(warning ?? "", /^baseline: .*chance.*"no".*99\.4 %/);
});

test("three even classes: one that is named alone, with one seed of two, is warned of with its seed and share", () => {
  const labels = Array.from({ length: 90 }, (_, i) => i % 3);
  const good = scored(labels, labels, 3);
  const stuck = scored(labels, Array<number>(90).fill(2), 3);
  const names = ["a", "b", "c"];
  assert.deepEqual(weaknesses("student", seeds(good, good), names), []);
  const [warning, ...more] = weaknesses("student", seeds(good, stuck), names);
  assert.deepEqual(more, []);
  for (const part of [/"c"/, /seed 1/, /33\.3 %/]) assert.match(warning ?? "", part);
  // Nearly alone: four answers of ninety are others.
  const nearly = labels.map((_, i) => (i < 4 ? (labels[i] as number) : 2));
  assert.ok(nearly.filter((c) => c !== 2).length === 3);
  const [almost] = weaknesses("student", seeds(scored(labels, nearly, 3)), names);
  assert.match(almost ?? "", /"c".*96\.7 %/);
});

test("without labels a student that names one class is held against its teacher's answers", () => {
  const teacher = Float32Array.from(Array.from({ length: 40 }, (_, i) => [i % 2, 1 - (i % 2)]).flat());
  const stuck = Float32Array.from(Array.from({ length: 40 }, () => [1, 0]).flat());
  const s = scoreOutputs({ kind: "logits", values: stuck }, null, { kind: "logits", values: teacher }, 2);
  const [warning] = weaknesses("student", seeds(s), ["x", "y"]);
  assert.match(warning ?? "", /^student: .*"x".*40 test samples/);
  const follows = scoreOutputs({ kind: "logits", values: teacher }, null, { kind: "logits", values: teacher }, 2);
  assert.deepEqual(weaknesses("student", seeds(follows), ["x", "y"]), []);
});

test("too few samples, or samples of one class, are no ground for a warning", () => {
  assert.deepEqual(weaknesses("m", seeds(scored([0, 1, 0, 1], [0, 0, 0, 0], 2)), ["a", "b"]), []);
  const same = Array<number>(50).fill(1);
  assert.deepEqual(weaknesses("m", seeds(scored(same, same, 2)), ["a", "b"]), []);
  assert.equal(oneAnswer(countClasses(same, same, 2)), null);
});

test("uneven classes: twice as many samples in one as in another, and ten or more", () => {
  assert.equal(isImbalanced([53, 55, 54]), false);
  assert.equal(isImbalanced([20, 10]), true);
  assert.equal(isImbalanced([19, 10]), false);
  assert.equal(isImbalanced([398, 2, 0]), true);
  assert.equal(isImbalanced([4, 1, 2]), false);
  assert.equal(isImbalanced([30, 0]), false);
});

test("a verdict on two models at chance says that it is none", () => {
  const none = { verdict: "no measurable difference", points: 0, low: 0, high: 0, seeds: 2, samples: 400 } as const;
  assert.match(verdictSentence(none, { blind: true }), /^Distillation cannot be judged, .*no better than chance/);
  assert.doesNotMatch(verdictSentence(none, { blind: true }), /no measurable difference/);
  const row = (...above: (boolean | null)[]) => ({
    seeds: above.map((aboveChance, seed) => ({
      ...{ seed, accuracy: 0.9, topK: null, nll: null, ece: null, agreement: null, softKL: null },
      ...{ selection: "", steps: 1, seconds: 1, aboveChance },
    })),
  });
  assert.equal(isAtChance(row(false, false)), true);
  assert.equal(isAtChance(row(false, true)), false);
  assert.equal(isAtChance(row(null)), false);
});
