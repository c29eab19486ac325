/** What `Math.max(...values)` and `list.push(...values)` do, for any number of values: those overflow the stack beyond some 100,000. */

/** The largest of the values and `floor`; -Infinity of none, NaN where one is NaN, as `Math.max`. */
export function maxOf(values: Iterable<number>, floor = Number.NEGATIVE_INFINITY): number {
  let most = floor;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/** The smallest of the values and `ceiling`; Infinity of none, NaN where one is NaN, as `Math.min`. */
export function minOf(values: Iterable<number>, ceiling = Number.POSITIVE_INFINITY): number {
  let least = ceiling;
  for (const value of values) least = Math.min(least, value);
  return least;
}

/** Puts the values behind those of the list. */
export function appendTo<T>(list: T[], values: Iterable<T>): void {
  for (const value of values) list.push(value);
}
