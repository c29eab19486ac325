/** How much each term of an objective moves the student. */

/** A term with less than this share of the gradient has practically no effect. */
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

/** A term that carries more than this of the gradient leaves the others next to nothing. */
export const DROWNING_SHARE = 0.99;

/** Mean share of each term over several measurements, by name. */
export function meanShares(measured: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const names = [...new Set(measured.flatMap((m) => Object.keys(m)))];
  return Object.fromEntries(
    names.map((name) => [name, measured.reduce((sum, m) => sum + (m[name] ?? 0), 0) / measured.length]),
  );
}

/** A share in words, with as many digits as it takes to be on its own side of a limit of whole percents. */
export function shareInWords(share: number): string {
  for (let digits = 1; digits < 4; digits++) {
    const text = (100 * share).toFixed(digits);
    if (
      [NEGLIGIBLE_SHARE, DROWNING_SHARE].every(
        (limit) => Math.sign(Number(text) - 100 * limit) === Math.sign(share - limit),
      )
    )
      return `${text} %`;
  }
  return share < NEGLIGIBLE_SHARE ? `< ${100 * NEGLIGIBLE_SHARE} %` : `> ${100 * DROWNING_SHARE} %`;
}

/**
 * Sentences about terms that do nothing and a term that drowns the rest; none when all is well.
 * @param shares mean share of each term over the training
 */
export function shareWarnings(shares: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(shares);
  if (entries.length < 2) return [];
  const idle = negligibleTerms(shares).map(
    (name) =>
      `the term "${name}" has ${shareInWords(shares[name] as number)} of the gradient and has practically no effect; raise its weight, or remove it`,
  );
  const drowning = entries.filter(([, share]) => share > DROWNING_SHARE);
  return [
    ...idle,
    ...drowning.map(
      ([name, share]) =>
        `the term "${name}" has ${shareInWords(share)} of the gradient and drowns out the others; lower its weight`,
    ),
  ];
}

/** Names of the terms whose share is below `NEGLIGIBLE_SHARE`, to warn about: raise their weight. */
export function negligibleTerms(shares: Readonly<Record<string, number>>): string[] {
  return Object.entries(shares)
    .filter(([, share]) => share < NEGLIGIBLE_SHARE)
    .map(([name]) => name);
}
