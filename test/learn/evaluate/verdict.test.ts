import assert from "node:assert/strict";
import { test } from "node:test";
import { meanInterval, meanIntervalOf, studentT975 } from "../../../src/learn/evaluate/interval.js";
import { advice, noBaselineSentence, signed, verdictSentence } from "../../../src/learn/evaluate/sentence.js";
import { compare, type Difference } from "../../../src/learn/evaluate/verdict.js";
import { Random } from "../../../src/engine/random/random.js";

const near = (found: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found}, expected ${expected} within ${tolerance}`);

/** Bernoulli(p) for each sample; the same stream index gives the same uniform number on both sides, as a pairing. */
function right(p: number, seed: number, samples: number, stream = "right"): Uint8Array {
  const random = new Random(seed, stream);
  return Uint8Array.from({ length: samples }, (_, i) => Number(random.uniform(i) < p));
}

test("Student's t quantiles are those of the tables", () => {
  // scipy.stats.t.ppf(0.975, [1, 2, 3, 4, 9, 29, 120])
  const table: [number, number][] = [
    [1, 12.706204736432095],
    [2, 4.302652729696142],
    [3, 3.182446305284263],
    [4, 2.7764451051977987],
    [9, 2.2621571627409915],
    [29, 2.045229642132703],
    [120, 1.9799304050824413],
  ];
  for (const [degrees, t] of table) near(studentT975(degrees), t, 1e-9);
});

test("the interval over seeds is Student's", () => {
  const { mean, low, high, n } = meanInterval([90, 91, 92, 93, 94]);
  assert.equal(mean, 92);
  assert.equal(n, 5);
  near((high as number) - (low as number), 2 * 2.7764451051977987 * Math.sqrt(2.5 / 5), 1e-9);
  near(((high as number) + (low as number)) / 2, 92, 1e-12);
});

test("one seed has a mean and no interval; a missing value takes the figure away", () => {
  assert.deepEqual(meanInterval([0.9]), { mean: 0.9, low: null, high: null, n: 1 });
  assert.equal(meanIntervalOf([0.9, null]), null);
  assert.equal(meanIntervalOf([]), null);
  assert.throws(() => meanInterval([]), RangeError);
});

test("a constant gain on a quarter of the samples: the interval is the binomial one", () => {
  // All seeds agree, so only samples vary: d_i is 1 for 100 of 400, sd of the mean sqrt(.25 * .75 / 400).
  const student = new Uint8Array(400).fill(1);
  const baseline = student.map((_, i) => Number(i >= 100));
  const found = compare([student, student, student], [baseline, baseline, baseline], { resamples: 4000 });
  assert.equal(found.verdict, "helped");
  assert.equal(found.points, 25);
  const half = 196 * Math.sqrt((0.25 * 0.75) / 400);
  near(found.low, 25 - half, 0.5);
  near(found.high, 25 + half, 0.5);
  const reversed = compare([baseline, baseline, baseline], [student, student, student], { resamples: 4000 });
  assert.equal(reversed.verdict, "harmed");
  near(reversed.high, -25 + half, 0.5);
});

test("seeds that differ widen the interval: every sample of a seed moves together", () => {
  // Seed gains +10, -10 points and so on: samples hardly matter, seeds do.
  const samples = 2000;
  const baseline = new Uint8Array(samples).map((_, i) => Number(i % 2));
  const shifted = (share: number): Uint8Array =>
    baseline.map((v, i) => (share > 0 ? (i % 10 < share * 20 && v === 0 ? 1 : v) : i % 10 < -share * 20 && v ? 0 : v));
  const students = [0.1, -0.1, 0.1, -0.1].map(shifted);
  const found = compare(
    students,
    students.map(() => baseline),
  );
  near(found.points, 0, 1e-9);
  assert.equal(found.verdict, "no measurable difference");
  // Unbiased sd of the seeds is 10 sqrt(4/3) points, of their mean half of it: +-11.3 points.
  near(found.high - found.low, 2 * 1.96 * 10 * Math.sqrt(4 / 3) * 0.5, 3);
  const one = compare(students.slice(0, 1), [baseline]);
  assert.ok(one.high - one.low < (found.high - found.low) / 4, "one seed knows nothing of other seeds");
});

test("under no difference, at most about one verdict in twenty is wrong", () => {
  const trials = 120;
  let wrong = 0;
  for (let trial = 0; trial < trials; trial++) {
    const seeds = [0, 1, 2, 3].map((s) => trial * 10 + s);
    const student = seeds.map((s) => right(0.85, s, 250, "a"));
    const baseline = seeds.map((s) => right(0.85, s, 250, "b"));
    if (compare(student, baseline, { resamples: 300 }).verdict !== "no measurable difference") wrong++;
  }
  assert.ok(wrong / trials <= 0.08, `${wrong} of ${trials}`);
});

test("a true gain of four points is found", () => {
  const seeds = [1, 2, 3, 4, 5];
  const student = seeds.map((s) => right(0.89, s, 2000));
  const baseline = seeds.map((s) => right(0.85, s, 2000));
  const found = compare(student, baseline);
  assert.equal(found.verdict, "helped");
  assert.ok(found.low < 4 && 4 < found.high, `${found.low} to ${found.high}`);
});

test("the same inputs give the same interval; another seed a slightly different one", () => {
  const student = [right(0.9, 1, 500), right(0.9, 2, 500)];
  const baseline = [right(0.88, 3, 500), right(0.88, 4, 500)];
  assert.deepEqual(compare(student, baseline), compare(student, baseline));
  const other = compare(student, baseline, { seed: 1 });
  const low = [0, 1, 2, 3].map((seed) => compare(student, baseline, { seed, resamples: 100 }).low);
  assert.ok(new Set(low).size > 1, `${low}`);
  near(other.low, compare(student, baseline).low, 1.5);
});

test("models that answer alike have no difference at all", () => {
  const same = [right(0.9, 1, 50)];
  const found = compare(same, same);
  assert.deepEqual([found.verdict, found.points, found.low, found.high], ["no measurable difference", 0, 0, 0]);
});

test("what is not paired is refused", () => {
  const a = new Uint8Array(5);
  assert.throws(() => compare([a, a], [a]), { code: "array-mismatch", where: "seeds", found: /2 .* 1 / });
  assert.throws(() => compare([a], [new Uint8Array(6)]), { code: "array-mismatch", where: "test", found: /6 and 5/ });
  assert.throws(() => compare([], []), { code: "data-empty", where: "test" });
});

const difference = (over: Partial<Difference>): Difference => ({
  verdict: "helped",
  points: 2.31,
  low: 1.6,
  high: 3.02,
  seeds: 5,
  samples: 360,
  ...over,
});

test("the verdict in plain words", () => {
  assert.equal(
    verdictSentence(difference({})),
    "Distillation helped: +2.3 points of test accuracy (95 % confidence interval +1.6 to +3.0, five seeds).",
  );
  assert.equal(
    verdictSentence(difference({ verdict: "harmed", points: -1.1, low: -1.8, high: -0.4, seeds: 3 })),
    "Distillation harmed: -1.1 points of test accuracy (95 % confidence interval -1.8 to -0.4, three seeds).",
  );
  assert.equal(
    verdictSentence(difference({ verdict: "no measurable difference", points: 0.2, low: -0.5, high: 0.9, seeds: 1 })),
    "Distillation made no measurable difference: +0.2 points of test accuracy (95 % confidence interval -0.5 to +0.9, one seed; other seeds may differ).",
  );
  // An interval that just misses zero does not read as if it held it.
  assert.match(verdictSentence(difference({ points: 0.5, low: 0.02, high: 1 })), /\+0\.02 to \+1\.00/);
  assert.equal(signed(-0.04), "0.0");
});

test("without a baseline nothing is claimed", () => {
  const unlabelled = noBaselineSentence({ reason: "no labels", agreement: 0.931, softKL: 0.1234 });
  assert.match(unlabelled, /^No baseline\b.*\bunknown\b.* 93\.1 % .*\(soft KL 0\.123\)\.$/);
  assert.match(noBaselineSentence({ reason: "switched off", agreement: null, softKL: null }), /unknown\.$/);
});

test("advice follows the measurements, and keeps quiet where there are none", () => {
  const facts = {
    teacherAccuracy: 0.93,
    baselineAccuracy: 0.892,
    temperature: 4,
    alpha: 0.9,
    labelled: 54_000,
    seen: 54_000,
    available: 54_000,
  };
  const harmed = difference({ verdict: "harmed", points: -1, low: -1.5, high: -0.5 });
  const neither = difference({ verdict: "no measurable difference", low: -1 });
  assert.equal(advice(difference({}), facts), null);
  assert.match(advice(harmed, facts) ?? "", /temperature \(4\) and alpha \(0\.9\).*try temperature 2 and alpha 0\.5/);
  assert.match(advice(harmed, { ...facts, alpha: 1 }) ?? "", /alpha 1\b.*temperature 1/);
  const unlabelled = { ...facts, alpha: 1, labelled: 3000 };
  assert.match(advice(harmed, unlabelled) ?? "", /temperature 1, or transfer\.pseudo_labels/);
  const pseudo = { ...unlabelled, temperature: 1, pseudoLabels: true };
  assert.doesNotMatch(advice(harmed, pseudo) ?? "", /alpha/, "it must stay 1");
  assert.match(advice(harmed, pseudo) ?? "", /min_confidence/);
  assert.match(advice(harmed, { ...facts, temperature: 1 }) ?? "", /high alpha \(0\.9\)/);
  assert.match(advice(harmed, { ...facts, temperature: null, alpha: 0.5 }) ?? "", /gains nothing/);
  assert.match(advice(harmed, { ...facts, teacherAccuracy: 0.889 }) ?? "", /teacher \(88\.9 %\).*better teacher/);
  assert.match(advice(neither, { ...facts, labelled: 3000, seen: 3000 }) ?? "", /3000 of 54000.*label the others/);
  assert.equal(advice(neither, facts), null);
});
