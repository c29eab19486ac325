/** How much each term of an objective moves the student. */

/** A term that carries less than this of the gradient does practically nothing (methods.md, pitfall 8). */
export const NEGLIGIBLE_SHARE = 0.01;

/**
 * Each weighted term's part of the sum of the terms' gradient norms, in [0, 1].
 * Loss values say nothing here: a term can be large and flat. All 0 when no term has a gradient.
 * @param norms global gradient norm of each weighted term, by name
 */
export function gradientShares(norms: Readonly<Record<string, number>>): Record<string, number> {
  const sum = Object.values(norms).reduce((a, v) => a + v, 0);
  return Object.fromEntries(Object.entries(norms).map(([name, norm]) => [name, sum === 0 ? 0 : norm / sum]));
}

/** Names of the terms whose share is below `NEGLIGIBLE_SHARE`, to warn about: raise their weight. */
export function negligibleTerms(shares: Readonly<Record<string, number>>): string[] {
  return Object.entries(shares)
    .filter(([, share]) => share < NEGLIGIBLE_SHARE)
    .map(([name]) => name);
}
