/** A few columns of many rows. */
import { sizeOf } from "../../../engine/graph/tensor.js";
import { samplePieces } from "../read.js";
import type { DataSet } from "../types.js";

/** More rows than these are read as an even share. */
const MOST_ROWS = 200_000;

/** Values by column, in the order of the rows. */
export function readColumns(
  data: DataSet,
  rows: Uint32Array,
  columns: readonly number[],
): ReadonlyMap<number, Float32Array> {
  const every = Math.max(1, Math.ceil(rows.length / MOST_ROWS));
  const chosen = every === 1 ? rows : rows.filter((_, i) => i % every === 0);
  const found = new Map(columns.map((c) => [c, new Float32Array(chosen.length)]));
  if (found.size === 0) return found;
  const width = sizeOf(data.sampleShape);
  let at = 0;
  for (const { indices, samples } of samplePieces(data, chosen)) {
    for (const [c, values] of found)
      for (let row = 0; row < indices.length; row++) values[at + row] = samples[row * width + c] as number;
    at += indices.length;
  }
  return found;
}
