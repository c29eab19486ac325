/** Cuts a CSV file that comes in pieces into rows. A record that does not fit is an error with its line. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import { RecordScanner } from "./csv-records.js";

/** The longest record; beyond it a quotation mark is taken to be left open. */
const LONGEST = 1 << 26;

export interface RowLayout {
  readonly separator: string;
  /** Cells of every record. */
  readonly width: number;
  /** Lines in front of the first row. */
  readonly skippedLines: number;
}

/** Takes pieces of a file and hands on its records one by one. Lines with nothing in them are no records. */
export class RowReader {
  readonly #path: string;
  readonly #layout: RowLayout;
  readonly #row: (bytes: Buffer, scanner: RecordScanner, line: number) => void;
  readonly #scanner: RecordScanner;
  #rest: Buffer = Buffer.alloc(0);
  #line: number;
  #blanks = 0;
  /** Lines with nothing in them that were passed over between rows. */
  blankLines = 0;

  constructor(path: string, layout: RowLayout, row: (bytes: Buffer, scanner: RecordScanner, line: number) => void) {
    this.#path = path;
    this.#layout = layout;
    this.#row = row;
    this.#scanner = new RecordScanner(layout.separator.charCodeAt(0));
    this.#line = layout.skippedLines + 1;
  }

  push(piece: Buffer): void {
    const bytes = this.#rest.length > 0 ? Buffer.concat([this.#rest, piece]) : piece;
    this.#rest = bytes.subarray(this.#take(bytes, false));
    if (this.#rest.length > LONGEST) throw this.#invalid("a quotation mark is opened and not closed", CLOSE);
  }

  end(): void {
    this.#take(this.#rest, true);
  }

  /** @returns where the first record begins that is not whole yet */
  #take(bytes: Buffer, last: boolean): number {
    const scanner = this.#scanner;
    const { width } = this.#layout;
    let at = 0;
    while (at < bytes.length) {
      const next = scanner.scan(bytes, at, last);
      if (next < 0) return at;
      if (scanner.problem === "unclosed-quote") throw this.#invalid("a quotation mark is opened and not closed", CLOSE);
      if (scanner.problem) throw this.#afterQuote(bytes);
      if (scanner.blank(bytes)) this.#blanks++;
      else {
        if (scanner.count !== width) throw this.#ragged(bytes);
        this.blankLines += this.#blanks;
        this.#blanks = 0;
        this.#row(bytes, scanner, this.#line);
      }
      this.#line += scanner.lines;
      at = next;
    }
    return at;
  }

  #ragged(bytes: Buffer): InputError {
    const { count } = this.#scanner;
    const text = this.#scanner.texts(bytes).join(this.#layout.separator);
    return new InputError({
      code: "row-invalid",
      where: this.#path,
      found: `line ${this.#line} has ${noun(count, "value")} (${quote(text)})`,
      expected: `${noun(this.#layout.width, "value")}, one for each column`,
      cure: "Complete or remove the line, or put a value that holds a separator in quotation marks",
    });
  }

  #afterQuote(bytes: Buffer): InputError {
    const cell = this.#scanner.text(bytes, this.#scanner.count - 1);
    return this.#invalid(
      `text follows the closing quotation mark of ${quote(cell)}`,
      "Write a quotation mark inside a quoted value twice",
    );
  }

  #invalid(problem: string, cure: string): InputError {
    return new InputError({
      code: "row-invalid",
      where: this.#path,
      found: `in the record that begins on line ${this.#line}, ${problem}`,
      cure,
    });
  }
}

const CLOSE = "Close it, or write a quotation mark that belongs to a value twice";

/** Lines at which rows begin. Rows that follow each other line by line cost nothing. */
export class LineNumbers {
  count = 0;
  /** Row and line wherever the difference between them changes. */
  readonly #jumps: [row: number, line: number][] = [];
  #expected = -1;

  add(line: number): void {
    if (line !== this.#expected) this.#jumps.push([this.count, line]);
    this.#expected = line + 1;
    this.count++;
  }

  at(row: number): number {
    const [from, line] = this.#jumps.findLast(([first]) => first <= row) ?? [0, 1];
    return line + row - from;
  }
}
