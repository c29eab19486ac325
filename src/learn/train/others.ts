/** Samples outside a batch, drawn. */
import type { Random } from "../../engine/random/random.js";

/**
 * Numbers from 0 to total - 1 that are not among `rows`, with replacement: those of a draw are the next `count` of the stream.
 * @param rows of a batch, not all of them
 */
export function drawOthers(
  random: Random,
  rows: Uint32Array,
  total: number,
  count: number,
  draw: number,
): BigInt64Array<ArrayBuffer> {
  // The k-th number outside the sorted rows is k plus as many rows as lie before it.
  const before = Uint32Array.from(new Set(rows))
    .sort()
    .map((row, i) => row - i);
  const left = total - before.length;
  return BigInt64Array.from({ length: count }, (_, i) => {
    const k = Math.floor(random.uniform(draw * count + i) * left);
    let [low, high] = [0, before.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((before[middle] as number) <= k) low = middle + 1;
      else high = middle;
    }
    return BigInt(k + low);
  });
}
