/** Medians, ratios and their spread. */

/** The middle value; the mean of the middle two of an even number. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear interpolation between order statistics (Hyndman and Fan's type 7, numpy's default). */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new Error("no values to take a quantile of");
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const low = Math.floor(at);
  const below = sorted[low] as number;
  const above = sorted[Math.min(low + 1, sorted.length - 1)] as number;
  return below + (above - below) * (at - low);
}

export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) throw new Error("no values to take a mean of");
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

/** A median with the smallest and the largest value seen. */
export interface Spread {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), low: Math.min(...values), high: Math.max(...values) };
}

/**
 * How many times as long `theirs` takes, round by round: values of one round were measured under the same conditions, so their
 * ratio is freer of drift than the ratio of medians.
 */
export function pairedRatio(theirs: readonly number[], ours: readonly number[]): Spread {
  if (theirs.length !== ours.length) throw new Error(`${theirs.length} rounds against ${ours.length}`);
  return spreadOf(theirs.map((t, i) => t / (ours[i] as number)));
}

/** Largest relative difference of two loss curves: |a - b| / max(|b|, 1). */
export function lossDifference(found: readonly number[], expected: readonly number[]): number {
  if (found.length !== expected.length) return Number.POSITIVE_INFINITY;
  return found.reduce((most, a, i) => {
    const b = expected[i] as number;
    const difference = Math.abs(a - b) / Math.max(Math.abs(b), 1);
    // NaN must not look like agreement.
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
}
