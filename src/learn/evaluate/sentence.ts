/** A comparison in plain words: one sentence with the verdict, one line of advice where the figures support one. */
import type { Difference } from "./verdict.js";

/** "+2.3", "-0.4", "0.0": never "-0.0". */
export function signed(points: number, digits = 1): string {
  const text = points.toFixed(digits);
  if (Number(text) === 0) return (0).toFixed(digits);
  return points > 0 ? `+${text}` : text;
}

const NUMBERS = [
  "no",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "nine",
  "ten",
  "eleven",
  "twelve",
];

/** 5 -> "five seeds", 1 -> "one seed", 20 -> "20 seeds". */
export function countSeeds(n: number): string {
  return `${NUMBERS[n] ?? n} ${n === 1 ? "seed" : "seeds"}`;
}

export interface VerdictWords {
  /** What the student did that its baseline did not; default "Distillation". */
  readonly what?: string;
  /** Whether neither side is better than chance: then their difference says nothing. */
  readonly blind?: boolean;
}

/** "Distillation helped: +2.3 points of test accuracy (95 % confidence interval +1.6 to +3.0, five seeds)." */
export function verdictSentence(difference: Difference, words: VerdictWords = {}): string {
  const { what = "Distillation", blind = false } = words;
  const { verdict } = difference;
  if (blind)
    return `${what} cannot be judged, because student and baseline are no better than chance: ${pointsSaid(difference)}.`;
  const head = verdict === "no measurable difference" ? "made no measurable difference" : verdict;
  return `${what} ${head}: ${pointsSaid(difference)}.`;
}

/** Of any two ways: "Round 3 vs. round 1: +0.3 points of test accuracy (95 % confidence interval ...), no measurable difference." */
export function differenceSentence(what: string, difference: Difference, blind = false): string {
  const { verdict } = difference;
  return `${what}: ${pointsSaid(difference)}, ${blind ? "but both are no better than chance" : verdict}.`;
}

function pointsSaid({ points, low, high, seeds }: Difference): string {
  const seedsSaid = seeds === 1 ? "one seed; other seeds may differ" : countSeeds(seeds);
  // An end that is not zero must not read as zero: the verdict hangs on it.
  const digits = [low, high].some((end) => end !== 0 && Math.abs(end) < 0.05) ? 2 : 1;
  const [d, l, h] = [points, low, high].map((v) => signed(v, digits));
  return `${d} points of test accuracy (95 % confidence interval ${l} to ${h}, ${seedsSaid})`;
}

const NO_BASELINE = {
  "no labels": "no labels are available to train one",
  "switched off": "the recipe switches it off",
} as const;

export interface MissingBaseline {
  /** Why the student has no baseline. */
  readonly reason: keyof typeof NO_BASELINE;
  /** Mean agreement with the teacher on the test samples, in [0, 1]. */
  readonly agreement: number | null;
  /** Mean soft KL to the teacher, in nats. */
  readonly softKL: number | null;
  /** Mean cosine of the outputs with the teacher's, where it is the score. */
  readonly cosine?: number | null;
}

/** The sentence without a baseline: how well the student follows the teacher, not whether distillation helped. */
export function noBaselineSentence({ reason, agreement, softKL, cosine = null }: MissingBaseline): string {
  const kl = softKL === null ? "" : ` (soft KL ${softKL.toFixed(3)})`;
  const follows =
    cosine !== null
      ? ` The mean cosine of its outputs with the teacher's is ${cosine.toFixed(3)} on the test samples.`
      : agreement === null
        ? ""
        : ` The student agrees with its teacher on ${(100 * agreement).toFixed(1)} % of the test samples${kl}.`;
  return `No baseline, because ${NO_BASELINE[reason]}. The gain of distillation is unknown.${follows}`;
}

/** The facts behind the advice; accuracies are test means in [0, 1]. */
export interface AdviceFacts {
  readonly teacherAccuracy: number | null;
  readonly baselineAccuracy: number;
  /** Temperature of the distillation loss; null if the loss has none. */
  readonly temperature: number | null;
  /** The share of the teacher's weight in the objective, in [0, 1]. */
  readonly alpha: number;
  /** Labelled training samples the student could use. */
  readonly labelled: number;
  /** Training samples the student saw. */
  readonly seen: number;
  /** Training samples it could see with transfer.samples: all. */
  readonly available: number;
  /** Whether it learned pseudo-labels: then labels count although alpha is 1. */
  readonly pseudoLabels?: boolean;
}

/**
 * One line of advice if distillation did not help, null if the figures support none. The rules follow measurements
 * (docs/results.md). A teacher that is not better than the baseline has nothing to teach. With plenty of labels, a high
 * temperature and a high alpha cost about one point; T 2 and alpha 0.5 or, without labels, T 1 recover it. Distillation
 * gains most if labels are few or a teacher can label more data.
 */
export function advice(difference: Difference, facts: AdviceFacts): string | null {
  if (difference.verdict === "helped") return null;
  const { teacherAccuracy, baselineAccuracy, temperature, alpha, labelled, seen, available } = facts;
  if (teacherAccuracy !== null && teacherAccuracy <= baselineAccuracy)
    return `The teacher (${percent(teacherAccuracy)}) is not better than the baseline (${percent(baselineAccuracy)}). Use a better teacher.`;
  if (seen < available && labelled < available)
    return `The student saw ${seen} of ${available} training samples. Let the teacher label the others too: transfer.samples: all, objective.alpha: 1.`;
  if (difference.verdict !== "harmed") return null;
  const lowered = temperature !== null && temperature > 2;
  if (facts.pseudoLabels)
    return lowered
      ? `The temperature was ${temperature}. Try temperature 1, at which pseudo-labels count like labels.`
      : "Check the pseudo-labels: their teacher, the required confidence (min_confidence) and the number per class (balance).";
  if (alpha === 1 && seen > labelled)
    return lowered
      ? `The temperature was ${temperature} and labels were not used. Try temperature 1, or transfer.pseudo_labels, which also uses the labels of labelled samples.`
      : "Labels were not used. Try transfer.pseudo_labels, which also uses the labels of labelled samples.";
  if (alpha === 1)
    return lowered
      ? `The labels were not used (alpha 1) and the temperature was ${temperature}. Try temperature 1, or a lower alpha to use the labels.`
      : "The labels were not used (alpha 1). Try a lower alpha to use them.";
  if (lowered && alpha > 0.5)
    return `Every sample has a label. In this case, a high temperature (${temperature}) and alpha (${alpha}) cost accuracy: try temperature 2 and alpha 0.5.`;
  if (lowered)
    return `Every sample has a label. In this case, a high temperature (${temperature}) costs accuracy: try 2.`;
  return alpha > 0.5
    ? `Every sample has a label. In this case, a high alpha (${alpha}) costs accuracy: try 0.5.`
    : "Every sample has a label, and this student gains nothing from this teacher with this budget.";
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
