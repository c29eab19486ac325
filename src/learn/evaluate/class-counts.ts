/** What a model takes for what, class by class: counts that grow with the classes and the samples, never with classes x classes. */
import type { ClassScore } from "./metrics.js";

/** The most classes for which a whole matrix [class][class] is kept and shown; of more classes only what matters. */
export const MOST_IN_MATRIX = 100;
/** Confused pairs that are kept of more classes. */
const MOST_PAIRS = 200;

/** Counts over the samples of one model with one seed. */
export interface ClassCounts {
  readonly samples: number;
  /** Samples of each class. */
  readonly labels: Uint32Array;
  /** Samples taken for each class. */
  readonly answers: Uint32Array;
  /** Samples of each class that were taken for it. */
  readonly hits: Uint32Array;
  /** Errors: label * classes + answer -> samples. */
  readonly errors: ReadonlyMap<number, number>;
}

/** One kind of error. */
export interface ConfusedPair {
  /** The true class, an index into the class names. */
  readonly label: number;
  /** What the model says. */
  readonly answer: number;
  /** Samples, summed over the seeds. */
  readonly count: number;
  /** Of so many samples of the true class, over the seeds. */
  readonly of: number;
}

/** The most frequent errors, and how many of all errors they are. */
export interface ConfusedPairs {
  readonly pairs: readonly ConfusedPair[];
  /** Errors that `pairs` cover, of all `errors`. */
  readonly covered: number;
  readonly errors: number;
  /** Pairs of classes with an error at all. */
  readonly kinds: number;
}

/** @param labels class index of each sample  @param answers the class each was taken for */
export function countClasses(labels: ArrayLike<number>, answers: ArrayLike<number>, classes: number): ClassCounts {
  const own = new Uint32Array(classes);
  const said = new Uint32Array(classes);
  const hits = new Uint32Array(classes);
  const errors = new Map<number, number>();
  for (let i = 0; i < labels.length; i++) {
    const [label, answer] = [labels[i] as number, answers[i] as number];
    own[label] = (own[label] as number) + 1;
    said[answer] = (said[answer] as number) + 1;
    if (label === answer) hits[label] = (hits[label] as number) + 1;
    else errors.set(label * classes + answer, (errors.get(label * classes + answer) ?? 0) + 1);
  }
  return { samples: labels.length, labels: own, answers: said, hits, errors };
}

/** Precision, recall and F1 of each class; each is 0 where it has no denominator. */
export function classScores({ labels, answers, hits }: ClassCounts): ClassScore[] {
  return Array.from(hits, (hit, c) => {
    const [support, predicted] = [labels[c] as number, answers[c] as number];
    const precision = predicted ? hit / predicted : 0;
    const recall = support ? hit / support : 0;
    return { precision, recall, f1: precision + recall ? (2 * precision * recall) / (precision + recall) : 0, support };
  });
}

/** Mean recall of the classes that have samples. */
export function meanRecall({ labels, hits }: ClassCounts): number {
  let [sum, present] = [0, 0];
  for (const [c, support] of labels.entries()) {
    if (support === 0) continue;
    sum += (hits[c] as number) / support;
    present++;
  }
  return sum / present;
}

/** Matrices [label][answer], summed over the seeds. */
export function confusionOf(seeds: readonly ClassCounts[]): number[][] {
  const classes = seeds[0]?.labels.length ?? 0;
  const matrix = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  const add = (label: number, answer: number, count: number): void => {
    const row = matrix[label] as number[];
    row[answer] = (row[answer] as number) + count;
  };
  for (const { hits, errors } of seeds) {
    for (const [c, hit] of hits.entries()) add(c, c, hit);
    for (const [key, count] of errors) add(Math.floor(key / classes), key % classes, count);
  }
  return matrix;
}

/** The most frequent errors over the seeds; of equal ones those of lower indices. */
export function confusedPairs(seeds: readonly ClassCounts[]): ConfusedPairs {
  const classes = seeds[0]?.labels.length ?? 0;
  const sums = new Map<number, number>();
  for (const { errors } of seeds) for (const [key, count] of errors) sums.set(key, (sums.get(key) ?? 0) + count);
  return mostFrequent(sums, classes, (label) => total(seeds.map((s) => s.labels[label] as number)));
}

/** The same of a matrix [label][answer]. */
export function pairsOf(confusion: readonly (readonly number[])[]): ConfusedPairs {
  const classes = confusion.length;
  const sums = new Map<number, number>();
  for (const [label, row] of confusion.entries())
    for (const [answer, count] of row.entries())
      if (count > 0 && answer !== label) sums.set(label * classes + answer, count);
  return mostFrequent(sums, classes, (label) => total(confusion[label] ?? []));
}

function mostFrequent(
  sums: ReadonlyMap<number, number>,
  classes: number,
  samplesOf: (label: number) => number,
): ConfusedPairs {
  const pairs = [...sums]
    .sort(([a, m], [b, n]) => n - m || a - b)
    .slice(0, MOST_PAIRS)
    .map(([key, count]): ConfusedPair => {
      const label = Math.floor(key / classes);
      return { label, answer: key % classes, count, of: samplesOf(label) };
    });
  return { pairs, covered: total(pairs.map((p) => p.count)), errors: total(sums.values()), kinds: sums.size };
}

function total(values: Iterable<number>): number {
  let sum = 0;
  for (const v of values) sum += v;
  return sum;
}
