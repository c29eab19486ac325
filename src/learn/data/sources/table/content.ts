/** What the readers of tables give: named columns of numbers, texts or lists, and where a row stands in its file. */
import type { DataFinding } from "../../findings.js";

export interface LeadingZeros {
  readonly count: number;
  readonly example: string;
}

export interface NumberColumn {
  readonly kind: "number";
  /** One a row; NaN where the value is missing. */
  readonly values: Float64Array;
  /** Of a text file: how many numbers begin with a zero before another digit, and one of them. */
  readonly zeros?: LeadingZeros;
}

export interface TextColumn {
  readonly kind: "text";
  /** Index into `texts` of each row; -1 where the file has nothing at all (null). */
  readonly codes: Int32Array;
  /** Different texts, as they are in the file. */
  readonly texts: readonly string[];
}

export interface ListColumn {
  readonly kind: "list";
  /** Numbers in each list. */
  readonly width: number;
  /** [rows, width]; NaN where a number or a whole list is missing. */
  readonly values: Float64Array;
}

/** A column that cannot be a feature. */
export interface UnusableColumn {
  readonly kind: "unusable";
  /** What it holds: "dates (DATE)". */
  readonly holds: string;
  readonly cure: string;
}

export type Column = NumberColumn | TextColumn | ListColumn | UnusableColumn;

/** A column that is wanted: as a feature, whatever it holds, or as the texts in the file. */
export interface WantedColumn {
  /** Place in `TableReader.names`. */
  readonly position: number;
  readonly as: "feature" | "text";
}

export interface TableContent {
  readonly rows: number;
  /** In the order of what was wanted. */
  readonly columns: readonly Column[];
  /** What was left out while the rows were read. */
  readonly findings: readonly DataFinding[];
  /** Where a row (from 0) is in the file: "row 3 (line 4)". */
  readonly placeOf: (row: number) => string;
}

/** An open table: its columns are known, its rows are not read yet. */
export interface TableReader {
  readonly path: string;
  readonly names: readonly string[];
  /** Places of columns that the file itself declares to be an index (pandas writes so into Parquet). */
  readonly declaredIndex: ReadonlySet<number>;
  /** Places of columns without a name of their own in the file's header. */
  readonly unnamed: ReadonlySet<number>;
  /** What was left out or decided when the file was opened. */
  readonly findings: readonly DataFinding[];
  read(wanted: readonly WantedColumn[]): Promise<TableContent>;
  /** Frees what the reader holds. */
  close(): void;
}

/** Texts of a column as they are found, each different one kept once. */
export class TextCollector {
  readonly #places = new Map<string, number>();
  readonly #texts: string[] = [];
  #codes = new Int32Array(1024);
  #length = 0;

  add(text: string | null): void {
    if (this.#length === this.#codes.length) this.#codes = grown(this.#codes, new Int32Array(2 * this.#length));
    this.#codes[this.#length++] = text === null ? -1 : this.#codeOf(text);
  }

  #codeOf(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  column(): TextColumn {
    return { kind: "text", codes: this.#codes.slice(0, this.#length), texts: this.#texts };
  }
}

/** Numbers of a column as they are found. */
export class NumberCollector {
  #values = new Float64Array(1024);
  #length = 0;

  add(value: number): void {
    if (this.#length === this.#values.length) this.#values = grown(this.#values, new Float64Array(2 * this.#length));
    this.#values[this.#length++] = value;
  }

  values(): Float64Array {
    return this.#values.slice(0, this.#length);
  }
}

function grown<A extends Int32Array | Float64Array>(from: A, to: A): A {
  to.set(from as never);
  return to;
}
