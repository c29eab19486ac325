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

/**
 * "Distillation helped: +2.3 points of test accuracy (95 % interval +1.6 to +3.0, five seeds)."
 * @param what the student did that its baseline did not
 */
export function verdictSentence(difference: Difference, what = "Distillation"): string {
  const { verdict } = difference;
  const head = verdict === "no measurable difference" ? "made no measurable difference" : verdict;
  return `${what} ${head}: ${pointsSaid(difference)}.`;
}

/** Of any two ways: "With assistants instead of directly: +0.3 points of test accuracy (95 % interval ...), no measurable difference." */
export function differenceSentence(what: string, difference: Difference): string {
  return `${what}: ${pointsSaid(difference)}, ${difference.verdict}.`;
}

function pointsSaid({ points, low, high, seeds }: Difference): string {
  const seedsSaid = seeds === 1 ? "one seed: another may differ" : countSeeds(seeds);
  // An end that is not zero must not read as zero: the verdict hangs on it.
  const digits = [low, high].some((end) => end !== 0 && Math.abs(end) < 0.05) ? 2 : 1;
  const [d, l, h] = [points, low, high].map((v) => signed(v, digits));
  return `${d} points of test accuracy (95 % interval ${l} to ${h}, ${seedsSaid})`;
}

const NO_BASELINE = {
  "no labels": "there are no labels to train one",
  "switched off": "the recipe switches it off",
} as const;

export interface MissingBaseline {
  /** Why nothing stands beside the student. */
  readonly reason: keyof typeof NO_BASELINE;
  /** Mean agreement with the teacher on the test samples, in [0, 1]. */
  readonly agreement: number | null;
  /** Mean soft KL to the teacher, in nats. */
  readonly softKL: number | null;
}

/** What can be said without a baseline: how well the student follows, not whether distillation gained anything. */
export function noBaselineSentence({ reason, agreement, softKL }: MissingBaseline): string {
  const kl = softKL === null ? "" : ` (soft KL ${softKL.toFixed(3)})`;
  const follows =
    agreement === null
      ? ""
      : `; the student agrees with its teacher on ${(100 * agreement).toFixed(1)} % of the test samples${kl}`;
  return `No baseline, because ${NO_BASELINE[reason]}, so the gain of distillation is unknown${follows}.`;
}

/** What the advice may rest on; accuracies are test means in [0, 1]. */
export interface AdviceFacts {
  readonly teacherAccuracy: number | null;
  readonly baselineAccuracy: number;
  /** Temperature of the distillation loss; null where the loss has none. */
  readonly temperature: number | null;
  /** The share of the teacher's weight in the objective, in [0, 1]. */
  readonly alpha: number;
  /** Labelled training samples the student could use. */
  readonly labelled: number;
  /** Training samples the student saw. */
  readonly seen: number;
  /** Training samples it could see with transfer.samples: all. */
  readonly available: number;
  /** Whether it learnt pseudo-labels: then labels count although alpha is 1. */
  readonly pseudoLabels?: boolean;
}

/**
 * One line of advice when distillation did not help, null when the figures support none. The rules follow measurements
 * (docs/results.md): a teacher no better than the baseline has nothing to give; with plenty of labels a high temperature
 * and a high alpha cost about a point, T 2 and alpha 0.5 or, without labels, T 1 recover it; the gain is where labels are
 * few or a teacher can label more data.
 */
export function advice(difference: Difference, facts: AdviceFacts): string | null {
  if (difference.verdict === "helped") return null;
  const { teacherAccuracy, baselineAccuracy, temperature, alpha, labelled, seen, available } = facts;
  if (teacherAccuracy !== null && teacherAccuracy <= baselineAccuracy)
    return `The teacher (${percent(teacherAccuracy)}) is no better than the baseline (${percent(baselineAccuracy)}): distil from a better teacher.`;
  if (seen < available && labelled < available)
    return `The student saw ${seen} of ${available} training samples: let the teacher label the others too (transfer.samples: all, objective.alpha: 1).`;
  if (difference.verdict !== "harmed") return null;
  const lowered = temperature !== null && temperature > 2;
  if (facts.pseudoLabels)
    return lowered
      ? `The temperature was ${temperature}: try 1, at which pseudo-labels are learnt as labels are.`
      : "Look at the pseudo-labels: their teacher, the confidence they need (min_confidence) and how many each class has (balance).";
  if (alpha === 1 && seen > labelled)
    return lowered
      ? `The temperature was ${temperature} and no label was used: try temperature 1, or transfer.pseudo_labels, beside which labelled samples keep their labels.`
      : "No label was used: try transfer.pseudo_labels, beside which labelled samples keep their labels.";
  if (alpha === 1)
    return lowered
      ? `The labels were not used (alpha 1) and the temperature was ${temperature}: try temperature 1, or a lower alpha so that labels count.`
      : "The labels were not used (alpha 1): try a lower alpha so that they count.";
  if (lowered && alpha > 0.5)
    return `Every sample has its label, and then a high temperature (${temperature}) and alpha (${alpha}) cost accuracy: try temperature 2 and alpha 0.5.`;
  if (lowered) return `Every sample has its label, and then a high temperature (${temperature}) costs accuracy: try 2.`;
  return alpha > 0.5
    ? `Every sample has its label, and then a high alpha (${alpha}) costs accuracy: try 0.5.`
    : "Every sample has its label: this student gains nothing from this teacher at this budget.";
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
