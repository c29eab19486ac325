/** Reads the cells of one CSV column: numbers straight from the bytes, or texts. */
import { type Column, NumberCollector, TextCollector } from "./content.js";
import type { RecordScanner } from "./csv-records.js";
import { infinityOf, isMissingNumber } from "./numbers.js";

/** Powers of ten that a double holds exactly. */
const POWERS = Array.from({ length: 23 }, (_, i) => 10 ** i);
/** Decimal digits that always fit into a double's 53 bits. */
const EXACT_DIGITS = 15;

/**
 * A plain number ("12", "-0.5", "1e3") between two places, blanks around it allowed; NaN for everything else.
 * Correctly rounded: a short mantissa and an exact power of ten need a single division or product, the rest is left to
 * JavaScript.
 */
export function plainNumber(bytes: Buffer, from: number, to: number): number {
  let at = from;
  let end = to;
  while (at < end && (bytes[at] === 0x20 || bytes[at] === 0x09)) at++;
  while (end > at && (bytes[end - 1] === 0x20 || bytes[end - 1] === 0x09)) end--;
  const begin = at;
  const sign = bytes[at];
  if (sign === 0x2d || sign === 0x2b) at++;
  let mantissa = 0;
  let digits = 0;
  let scale = 0;
  const first = at;
  let byte = 0;
  for (; at < end; at++) {
    byte = (bytes[at] as number) - 0x30;
    if (byte < 0 || byte > 9) break;
    mantissa = mantissa * 10 + byte;
    if (mantissa > 0) digits++;
  }
  let seen = at - first;
  if (at < end && bytes[at] === 0x2e) {
    const point = ++at;
    for (; at < end; at++) {
      byte = (bytes[at] as number) - 0x30;
      if (byte < 0 || byte > 9) break;
      mantissa = mantissa * 10 + byte;
      if (mantissa > 0) digits++;
    }
    scale = point - at;
    seen += at - point;
  }
  if (seen === 0) return Number.NaN;
  if (at < end) {
    const exponent = exponentAt(bytes, at, end);
    if (Number.isNaN(exponent)) return Number.NaN;
    scale += exponent;
  }
  if (digits > EXACT_DIGITS || scale > 22 || scale < -22) return Number(bytes.toString("latin1", begin, end));
  const value = scale < 0 ? mantissa / (POWERS[-scale] as number) : mantissa * (POWERS[scale] as number);
  return sign === 0x2d ? -value : value;
}

/** "e-12" up to the end; NaN for anything else. */
function exponentAt(bytes: Buffer, from: number, end: number): number {
  const text = bytes.toString("latin1", from, end);
  return /^[eE][+-]?\d{1,6}$/.test(text) ? Number(text.slice(1)) : Number.NaN;
}

const isDigit = (byte: number): boolean => byte >= 0x30 && byte <= 0x39;

/** Collects one column. */
export interface CellCollector {
  add(bytes: Buffer, scanner: RecordScanner, cell: number): void;
  /** What was collected; null when there is a cell that is not a plain number and the column must be read as text. */
  column(): Column | null;
}

export class NumberCells implements CellCollector {
  readonly #numbers = new NumberCollector();
  readonly #points: boolean;
  #plain = true;
  #zeros = 0;
  #example = "";

  /** @param points whether a point marks decimals; where it does not, a number with one is not plain */
  constructor(points: boolean) {
    this.#points = points;
  }

  add(bytes: Buffer, scanner: RecordScanner, cell: number): void {
    if (!this.#plain) return;
    const [from, to] = [scanner.starts[cell] as number, scanner.ends[cell] as number];
    if (!this.#points && bytes.subarray(from, to).includes(0x2e)) this.#plain = false;
    const value = plainNumber(bytes, from, to);
    // "007" and "01234" may be codes; "0.5" and "-0" are not.
    if (bytes[from] === 0x30 && to - from > 1 && isDigit(bytes[from + 1] as number)) {
      this.#zeros++;
      if (this.#zeros === 1) this.#example = scanner.text(bytes, cell);
    }
    this.#numbers.add(Number.isNaN(value) ? this.#unusual(scanner.text(bytes, cell)) : value);
  }

  #unusual(text: string): number {
    if (isMissingNumber(text)) return Number.NaN;
    const infinity = infinityOf(text);
    if (infinity === null) this.#plain = false;
    return infinity ?? Number.NaN;
  }

  column(): Column | null {
    if (!this.#plain) return null;
    const zeros = this.#zeros > 0 ? { zeros: { count: this.#zeros, example: this.#example } } : {};
    return { kind: "number", values: this.#numbers.values(), ...zeros };
  }
}

export class TextCells implements CellCollector {
  readonly #texts = new TextCollector();

  add(bytes: Buffer, scanner: RecordScanner, cell: number): void {
    this.#texts.add(scanner.text(bytes, cell));
  }

  column(): Column {
    return this.#texts.column();
  }
}
