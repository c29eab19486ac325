/** Did distillation help? A paired comparison of a student with its baseline, and the sentence that says it. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { Random } from "../../engine/random/random.js";

export type Verdict = "helped" | "harmed" | "no measurable difference";

export interface Difference {
  readonly verdict: Verdict;
  /** Mean difference in accuracy, student minus baseline, in points (1 point = 0.01 of accuracy). */
  readonly points: number;
  /** Lower end of the 95 % interval, in points. */
  readonly low: number;
  readonly high: number;
  readonly seeds: number;
  readonly samples: number;
}

export interface BootstrapOptions {
  /** Resamples; default 2000. */
  readonly resamples?: number;
  /** Seed of the resampling; default 0. Same inputs, same interval. */
  readonly seed?: number;
}

/**
 * Paired bootstrap over seeds AND test samples (crossed, the "pigeonhole" bootstrap of Owen, 2007): each resample draws
 * seeds and samples with replacement, independently, and takes the mean difference over the grid they span. Percentile
 * interval. Drawing from S seeds understates their variance by (S - 1) / S, so the seeds' own deviations are widened by
 * sqrt(S / (S - 1)). With one seed only the test samples are drawn: the interval then says nothing of other seeds.
 *
 * @param student for each seed, 1 where the student is right: [seeds][samples] (metrics.ts, `correctness`)
 * @param baseline the same of the baseline: same seeds, same samples, same order
 * @throws InputError when the two are not paired
 */
export function compare(
  student: readonly Uint8Array[],
  baseline: readonly Uint8Array[],
  options: BootstrapOptions = {},
): Difference {
  const { resamples = 2000, seed = 0 } = options;
  const samples = checkPaired(student, baseline);
  const seeds = student.length;
  const perSeed = student.map((right, s) => meanDifference(right, baseline[s] as Uint8Array));
  const mean = perSeed.reduce((a, v) => a + v, 0) / seeds;
  const widening = seeds > 1 ? Math.sqrt(seeds / (seeds - 1)) - 1 : 0;
  const extra = perSeed.map((d) => widening * (d - mean));
  const draws = resample(interleave(student, baseline), samples, extra, resamples, new Random(seed, "bootstrap"));
  const low = 100 * quantile(draws, 0.025);
  const high = 100 * quantile(draws, 0.975);
  const verdict = low > 0 ? "helped" : high < 0 ? "harmed" : "no measurable difference";
  return { verdict, points: 100 * mean, low, high, seeds, samples };
}

function checkPaired(student: readonly Uint8Array[], baseline: readonly Uint8Array[]): number {
  const samples = student[0]?.length ?? 0;
  if (samples === 0)
    throw new InputError({
      code: "data-empty",
      where: "test",
      found: "no labelled test sample is left to compare student and baseline on",
      expected: "at least 1",
    });
  if (student.length !== baseline.length)
    throw new InputError({
      code: "array-mismatch",
      where: "seeds",
      found: `found ${noun(student.length, "student")} and ${noun(baseline.length, "baseline")}`,
      expected: "as many on both sides, of the same seeds",
    });
  for (const right of [...student, ...baseline])
    if (right.length !== samples)
      throw new InputError({
        code: "array-mismatch",
        where: "test",
        found: `found ${right.length} and ${samples} test samples`,
        expected: "the same samples on both sides",
      });
  return samples;
}

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) - (b[i] as number);
  return sum / a.length;
}

/** Student minus baseline, [samples][seeds]: the seeds of a sample lie side by side. */
function interleave(student: readonly Uint8Array[], baseline: readonly Uint8Array[]): Int8Array {
  const seeds = student.length;
  const samples = (student[0] as Uint8Array).length;
  const out = new Int8Array(samples * seeds);
  for (let s = 0; s < seeds; s++) {
    const [right, other] = [student[s] as Uint8Array, baseline[s] as Uint8Array];
    for (let i = 0; i < samples; i++) out[i * seeds + s] = (right[i] as number) - (other[i] as number);
  }
  return out;
}

/** Sorted means of the resampled grids. Resample r takes the numbers from index r (seeds + samples) on. */
function resample(
  differences: Int8Array,
  samples: number,
  extra: readonly number[],
  resamples: number,
  random: Random,
): Float64Array {
  const seeds = extra.length;
  const means = new Float64Array(resamples);
  const times = new Int32Array(seeds);
  for (let r = 0; r < resamples; r++) {
    const base = r * (seeds + samples);
    times.fill(0);
    for (let k = 0; k < seeds; k++) {
      const s = Math.floor(random.uniform(base + k) * seeds);
      times[s] = (times[s] as number) + 1;
    }
    let sum = 0;
    for (let k = 0; k < samples; k++) {
      const at = Math.floor(random.uniform(base + seeds + k) * samples) * seeds;
      for (let s = 0; s < seeds; s++) sum += (times[s] as number) * (differences[at + s] as number);
    }
    const widened = extra.reduce((a, e, s) => a + e * (times[s] as number), 0);
    means[r] = (sum / samples + widened) / seeds;
  }
  return means.sort();
}

/** Linear interpolation between order statistics (numpy's default). */
function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const low = sorted[below] as number;
  return low + (at - below) * ((sorted[Math.min(below + 1, sorted.length - 1)] as number) - low);
}
