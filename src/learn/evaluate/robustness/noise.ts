/** Noise: every value of every channel by itself. Values in [0, 1]; what leaves the range is cut off afterwards. */
import type { Draws, Image } from "./image.js";

/** v + sigma n, n standard normal. */
export function gaussianNoise({ values }: Image, sigma: number, draws: Draws): Float64Array {
  return values.map((v, i) => v + sigma * draws.normal(i));
}

/** v + sigma v n: noise that grows with the light. */
export function speckleNoise({ values }: Image, sigma: number, draws: Draws): Float64Array {
  return values.map((v, i) => v + sigma * v * draws.normal(i));
}

/** Poisson(photons v) / photons: so few photons that their number shows. */
export function shotNoise({ values }: Image, photons: number, draws: Draws): Float64Array {
  return values.map((v, i) => poisson(photons * v, draws.uniform(i)) / photons);
}

/** A share of the values becomes 0 or 1, either with the same chance. */
export function impulseNoise({ values }: Image, share: number, draws: Draws): Float64Array {
  // One number decides whether and how: a value that a low severity hits, a higher one hits too.
  return values.map((v, i) => {
    const half = Math.abs(draws.uniform(i) - 0.5) * 2;
    return half < share ? Number(draws.uniform(i) < 0.5) : v;
  });
}

/** The quantile of the Poisson distribution: the smallest k whose cumulated probability reaches `share`. */
export function poisson(mean: number, share: number): number {
  let p = Math.exp(-mean);
  let sum = p;
  let k = 0;
  // Beyond this the cumulated probability no longer grows in double precision.
  const most = mean + 12 * Math.sqrt(mean) + 20;
  while (sum < share && k < most) {
    k++;
    p *= mean / k;
    sum += p;
  }
  return k;
}
