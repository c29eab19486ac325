/** Beta random numbers, of counter-based uniform ones. */
import type { Random } from "./random.js";

const TWO32 = 0x100000000;

/**
 * A number of Beta(alpha, alpha) as G1 / (G1 + G2) of two Gamma(alpha) numbers, in logarithms: with a small alpha both Gammas are
 * below what a float holds.
 * @param random a stream of which this number may use any index
 * @param alpha above 0
 */
export function symmetricBeta(random: Random, alpha: number): number {
  const [first, next] = logGamma(random, alpha, 0);
  const [second] = logGamma(random, alpha, next);
  return 1 / (1 + Math.exp(second - first));
}

/**
 * The logarithm of a Gamma(shape) number: Marsaglia and Tsang, "A simple method for generating gamma variables" (2000). Shapes below
 * 1 are Gamma(shape + 1) U^(1 / shape), their section 6.
 * @param tries how many tries the stream has seen; each uses four words
 * @returns the logarithm and the tries seen then
 */
function logGamma(random: Random, shape: number, tries: number): [log: number, tries: number] {
  const open = (word: number): number => (random.u32(word) + 0.5) / TWO32;
  const d = (shape < 1 ? shape + 1 : shape) - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (; ; tries++) {
    const x = random.normal(2 * tries);
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(open(4 * tries + 2)) >= (x * x) / 2 + d - d * v + d * Math.log(v)) continue;
    const boost = shape < 1 ? Math.log(open(4 * tries + 3)) / shape : 0;
    return [Math.log(d * v) + boost, tries + 1];
  }
}
