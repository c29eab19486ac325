/**
 * Whether a model tells classes apart at all: the one rule that runs, the doctor and the check of a teacher ask.
 *
 * Accuracy alone does not say it: where 99 of 100 samples are of one class, naming that class alone is right in 99 %. So hits
 * are held against those of a model with the same answers in random order, which knows nothing: mean and variance of the
 * diagonal of a table with these margins (hypergeometric). One that always names one class has exactly that mean.
 */
import { type ClassCounts, meanRecall } from "./class-counts.js";

/** Standard deviations above the mean of chance that chance does not explain (one in 160). */
const DEVIATIONS = 2.5;
/** Fewer samples say nothing. */
export const FEWEST_SAMPLES = 20;
/** Answers for all classes but one, as a share of the samples of all others: fewer mean that one class is named alone. */
const NEARLY_NONE = 0.1;

export interface ChanceCheck {
  /** Whether more of its answers are right than chance explains. */
  readonly above: boolean;
  /** Whether it is right more often than always naming the largest class would be. */
  readonly beatsLargest: boolean;
  readonly accuracy: number;
  /** Mean recall of the classes that have samples. */
  readonly balanced: number;
  /** The class with the most samples, and its share. */
  readonly largest: number;
  readonly largestShare: number;
}

/** @returns null where there are too few samples, or all are of one class: nothing could be told apart */
export function checkChance(counts: ClassCounts, fewest = FEWEST_SAMPLES): ChanceCheck | null {
  const { samples: n, labels, hits } = counts;
  const largest = mostOf(labels);
  const most = labels[largest] as number;
  if (n < fewest || most === n) return null;
  const right = hits.reduce((a, v) => a + v, 0);
  const { mean, deviation } = hitsOfChance(counts);
  return {
    // Hits come in whole numbers; the correction for that keeps one lucky hit of a rare class from counting as knowledge.
    above: right - mean - 1 > DEVIATIONS * deviation,
    beatsLargest: right > most,
    accuracy: right / n,
    balanced: meanRecall(counts),
    largest,
    largestShare: most / n,
  };
}

/** Mean and standard deviation of the hits where answers and labels are as frequent as these, and independent. */
export function hitsOfChance({ samples: n, labels, answers }: ClassCounts): { mean: number; deviation: number } {
  let [sum, squares, spread] = [0, 0, 0];
  for (const [c, a] of labels.entries()) {
    const b = answers[c] as number;
    sum += a * b;
    squares += (a * b) ** 2;
    spread += a * b * (n - a) * (n - b);
  }
  const variance = (spread + sum ** 2 - squares) / (n ** 2 * (n - 1));
  return { mean: sum / n, deviation: Math.sqrt(Math.max(0, variance)) };
}

export interface OneAnswer {
  /** The class, and its share of the answers. */
  readonly class: number;
  readonly share: number;
  /** Share of the samples that are of that class. */
  readonly labelled: number;
}

/** The class that a model names alone, or nearly so, although the samples are of others too; null where it names several. */
export function oneAnswer({ samples: n, labels, answers }: ClassCounts): OneAnswer | null {
  const top = mostOf(answers);
  const [said, own] = [answers[top] as number, labels[top] as number];
  if (n < FEWEST_SAMPLES || own === n || n - said > NEARLY_NONE * (n - own)) return null;
  return { class: top, share: said / n, labelled: own / n };
}

/** Whether one class has at least twice as many samples as another that has any: then accuracy alone misleads. */
export function isImbalanced(supports: Iterable<number>): boolean {
  let [least, most] = [Number.POSITIVE_INFINITY, 0];
  for (const support of supports) {
    if (support <= 0) continue;
    least = Math.min(least, support);
    most = Math.max(most, support);
  }
  return most >= 10 && most >= 2 * least;
}

/** Index of the largest; the lowest of equal ones. */
export function mostOf(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if ((values[i] as number) > (values[best] as number)) best = i;
  return best;
}
