/** An even share of the rows, column by column and sorted: for what needs the values side by side. */
import { samplePieces } from "../read.js";
import type { DataSet } from "../types.js";

/** Rows to take, and values to hold in all. */
const MOST_ROWS = 5000;
const LEAST_ROWS = 200;
const MOST_VALUES = 2_000_000;

export class ColumnProfiles {
  /** Values of each column in the order of the rows, and sorted. */
  readonly #values: readonly Float32Array[];
  readonly #sorted: (Float32Array | undefined)[] = [];

  constructor(
    /** Sample indices of the rows. */
    readonly rows: Uint32Array,
    values: readonly Float32Array[],
  ) {
    this.#values = values;
  }

  get width(): number {
    return this.#values.length;
  }

  values(c: number): Float32Array {
    return this.#values[c] as Float32Array;
  }

  /** Ascending, without missing values. */
  sorted(c: number): Float32Array {
    this.#sorted[c] ??= this.values(c)
      .filter((v) => !Number.isNaN(v))
      .sort();
    return this.#sorted[c] as Float32Array;
  }

  distinct(c: number): number {
    const sorted = this.sorted(c);
    let count = 0;
    for (let i = 0; i < sorted.length; i++) if (i === 0 || sorted[i] !== sorted[i - 1]) count++;
    return count;
  }
}

/** @param indices samples to choose from, ascending @param width features of a sample */
export function profileColumns(data: DataSet, indices: Uint32Array, width: number): ColumnProfiles {
  const count = Math.min(indices.length, MOST_ROWS, Math.max(LEAST_ROWS, Math.floor(MOST_VALUES / width)));
  const rows = Uint32Array.from(
    { length: count },
    (_, i) => indices[Math.floor((i * indices.length) / count)] as number,
  );
  const values = Array.from({ length: width }, () => new Float32Array(count));
  let at = 0;
  for (const { indices: part, samples } of samplePieces(data, rows)) {
    for (let row = 0; row < part.length; row++)
      for (let c = 0; c < width; c++) (values[c] as Float32Array)[at + row] = samples[row * width + c] as number;
    at += part.length;
  }
  return new ColumnProfiles(rows, values);
}
