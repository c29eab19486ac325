/** Statistics of every feature column, collected row by row. */
import type { SampleArray } from "../../../engine/graph/samples.js";

export class ColumnStatistics {
  readonly low: Float64Array;
  readonly high: Float64Array;
  readonly missing: Uint32Array;
  /** 1 while all values are whole numbers. */
  readonly whole: Uint8Array;
  /** Steps from one row to the next that go up, and that go down. */
  readonly rises: Uint32Array;
  readonly falls: Uint32Array;
  /** Of the values minus the first one. */
  readonly #sum: Float64Array;
  readonly #squares: Float64Array;
  readonly #first: Float64Array;
  readonly #last: Float64Array;
  rows = 0;

  constructor(readonly width: number) {
    const zeros = (): Float64Array => new Float64Array(width);
    this.low = zeros().fill(Number.POSITIVE_INFINITY);
    this.high = zeros().fill(Number.NEGATIVE_INFINITY);
    this.missing = new Uint32Array(width);
    this.whole = new Uint8Array(width).fill(1);
    this.rises = new Uint32Array(width);
    this.falls = new Uint32Array(width);
    this.#sum = zeros();
    this.#squares = zeros();
    this.#first = zeros().fill(Number.NaN);
    this.#last = zeros().fill(Number.NaN);
  }

  /** Adds `count` rows. */
  add(values: SampleArray, count: number): void {
    const { width, low, high, whole, rises, falls } = this;
    const [sum, squares, first, last] = [this.#sum, this.#squares, this.#first, this.#last];
    for (let row = 0, at = 0; row < count; row++)
      for (let c = 0; c < width; c++, at++) {
        const v = values[at] as number;
        if (Number.isNaN(v)) {
          this.missing[c] = (this.missing[c] as number) + 1;
          continue;
        }
        if (v < (low[c] as number)) low[c] = v;
        if (v > (high[c] as number)) high[c] = v;
        const before = last[c] as number;
        if (v > before) rises[c] = (rises[c] as number) + 1;
        else if (v < before) falls[c] = (falls[c] as number) + 1;
        else if (Number.isNaN(before)) first[c] = v;
        last[c] = v;
        if (Math.floor(v) !== v) whole[c] = 0;
        const from = v - (first[c] as number);
        sum[c] = (sum[c] as number) + from;
        squares[c] = (squares[c] as number) + from * from;
      }
    this.rows += count;
  }

  /** Rows that have a value. */
  known(c: number): number {
    return this.rows - (this.missing[c] as number);
  }

  mean(c: number): number {
    return (this.#first[c] as number) + (this.#sum[c] as number) / this.known(c);
  }

  variance(c: number): number {
    const n = this.known(c);
    const mean = (this.#sum[c] as number) / n;
    return Math.max(0, (this.#squares[c] as number) / n - mean * mean);
  }

  /** Over all columns. */
  overall(): { low: number; high: number; missing: number } {
    let [low, high, missing] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0];
    for (let c = 0; c < this.width; c++) {
      low = Math.min(low, this.low[c] as number);
      high = Math.max(high, this.high[c] as number);
      missing += this.missing[c] as number;
    }
    return { low, high, missing };
  }
}
