/** Means with their 95 % intervals over seeds. */

/** A figure over seeds. */
export interface Aggregate {
  /** Mean over the seeds. */
  readonly mean: number;
  /** Lower end of the 95 % interval of the mean; null with one seed, which has no spread. */
  readonly low: number | null;
  /** Upper end. */
  readonly high: number | null;
  /** Seeds. */
  readonly n: number;
}

/**
 * Mean and 95 % interval over seeds: mean +- t s / sqrt(n), s the unbiased standard deviation, t Student's 0.975 quantile
 * with n - 1 degrees of freedom. It says where the mean over ALL seeds lies, for this one test set.
 */
export function meanInterval(values: readonly number[]): Aggregate {
  const n = values.length;
  if (n === 0) throw new RangeError("no values to average");
  const mean = values.reduce((a, v) => a + v, 0) / n;
  if (n === 1) return { mean, low: null, high: null, n };
  const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / (n - 1);
  const half = studentT975(n - 1) * Math.sqrt(variance / n);
  return { mean, low: mean - half, high: mean + half, n };
}

/**
 * The two values behind a mean of two, the lower first; null for another number of them. Student's interval of two values is
 * 12.7 times as wide as their range, so it covers nearly everything and says nothing: people are shown the range.
 */
export function rangeOfTwo({ low, high, n }: Aggregate): readonly [number, number] | null {
  if (n !== 2 || low === null || high === null) return null;
  // t s / sqrt(2) with s = |a - b| / sqrt(2): the interval is t times the range, about the same mean.
  const [middle, half] = [(low + high) / 2, (high - low) / (2 * studentT975(1))];
  return [middle - half, middle + half];
}

/** As `meanInterval`, null when a value is missing. */
export function meanIntervalOf(values: readonly (number | null | undefined)[]): Aggregate | null {
  const known = values.filter((v): v is number => v !== null && v !== undefined);
  return known.length === values.length && known.length > 0 ? meanInterval(known) : null;
}

/** The 0.975 quantile of Student's t with `degrees` degrees of freedom (1 or more), by bisection of its distribution. */
export function studentT975(degrees: number): number {
  let low = 1.9;
  let high = 13;
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (centralMass(middle, degrees) < 0.95) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(|t| <= x), the finite sums for whole degrees of freedom: Abramowitz and Stegun 26.7.3 and 26.7.4. */
function centralMass(x: number, degrees: number): number {
  const angle = Math.atan(x / Math.sqrt(degrees));
  const cos2 = Math.cos(angle) ** 2;
  const even = degrees % 2 === 0;
  let term = even ? 1 : Math.cos(angle);
  let sum = degrees === 1 ? 0 : term;
  for (let k = even ? 2 : 3; k <= degrees - 2; k += 2) {
    term *= (cos2 * (k - 1)) / k;
    sum += term;
  }
  return even ? Math.sin(angle) * sum : (2 / Math.PI) * (angle + Math.sin(angle) * sum);
}
