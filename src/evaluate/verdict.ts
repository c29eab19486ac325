/** Intervals and verdicts: what may be concluded from a few seeds and a finite test set. */
import { Random } from "../random/random.js";

export interface Interval {
  readonly mean: number;
  /** 95 % interval; equal to the mean when there is one value only. */
  readonly low: number;
  readonly high: number;
  /** Values. */
  readonly n: number;
}

/** 97.5 % quantile of Student's t for 1 to 30 degrees of freedom. */
const T975 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/** Mean and 95 % interval of the mean by Student's t. */
export function meanInterval(values: readonly number[]): Interval {
  const n = values.length;
  const mean = values.reduce((s, v) => s + v, 0) / n;
  if (n < 2) return { mean, low: mean, high: mean, n };
  const variance = values.reduce((s, v) => s + (v - mean) ** 2, 0) / (n - 1);
  const half = (T975[n - 2] ?? 1.96) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half, n };
}

export type VerdictName = "helped" | "harmed" | "no measurable difference";

export interface Verdict {
  readonly verdict: VerdictName;
  /** Student minus baseline, in points of accuracy (percent), with its 95 % interval. */
  readonly points: number;
  readonly low: number;
  readonly high: number;
}

const RESAMPLES = 4000;

/**
 * Paired bootstrap over seeds and test samples (Efron & Tibshirani 1993): seeds and samples are drawn with replacement,
 * the same draw for student and baseline.
 * @param student for each seed, 1 where the test sample is right, else 0; @param baseline the same seeds and samples
 */
export function compareRuns(student: readonly Uint8Array[], baseline: readonly Uint8Array[], seed = 0): Verdict {
  const seeds = student.length;
  const samples = student[0]?.length ?? 0;
  if (
    seeds === 0 ||
    samples === 0 ||
    baseline.length !== seeds ||
    [...student, ...baseline].some((r) => r.length !== samples)
  ) {
    throw new RangeError("compareRuns: student and baseline must have the same seeds and test samples");
  }
  // Sums over samples are linear, so each sample's difference is needed per seed only.
  const differences = student.map((row, s) =>
    Int8Array.from(row, (v, i) => v - ((baseline[s] as Uint8Array)[i] as number)),
  );
  const point = (100 * differences.reduce((sum, d) => sum + d.reduce((a, v) => a + v, 0), 0)) / (seeds * samples);
  const random = new Random(seed, "bootstrap");
  let at = 0;
  const draws = Float64Array.from({ length: RESAMPLES }, () => {
    const rows = Array.from(
      { length: seeds },
      () => differences[Math.floor(random.uniform(at++) * seeds)] as Int8Array,
    );
    let sum = 0;
    for (let k = 0; k < samples; k++) {
      const i = Math.floor(random.uniform(at++) * samples);
      for (const row of rows) sum += row[i] as number;
    }
    return (100 * sum) / (seeds * samples);
  }).sort();
  const low = draws[Math.floor(0.025 * RESAMPLES)] as number;
  const high = draws[Math.ceil(0.975 * RESAMPLES) - 1] as number;
  return { verdict: low > 0 ? "helped" : high < 0 ? "harmed" : "no measurable difference", points: point, low, high };
}

const signed = (v: number): string => `${v > 0 ? "+" : v < 0 ? "-" : ""}${Math.abs(v).toFixed(1)}`;

/** One sentence for people. */
export function verdictSentence(v: Verdict, seeds: number): string {
  const evidence = `95 % interval ${signed(v.low)} to ${signed(v.high)}, ${seeds} seed${seeds === 1 ? "" : "s"}`;
  if (v.verdict === "helped")
    return `Distillation helped: ${signed(v.points)} points of test accuracy over the same student trained on labels alone (${evidence}).`;
  if (v.verdict === "harmed")
    return `Distillation harmed: ${signed(v.points)} points of test accuracy against the same student trained on labels alone (${evidence}). With enough labels, try a lower temperature or alpha.`;
  return `Distillation made no measurable difference: ${signed(v.points)} points of test accuracy (${evidence}).`;
}
