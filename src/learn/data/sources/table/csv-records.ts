/** Cuts the bytes of a CSV file into records and cells, by the rules of RFC 4180. Lines may end with LF, CRLF or CR. */

export const QUOTE = 0x22;
export const LF = 0x0a;
export const CR = 0x0d;
const SPACE = 0x20;
const TAB = 0x09;

export type RecordProblem = "unclosed-quote" | "text-after-quote";

/** Finds one record at a time. The cells of the last one stay readable until the next. */
export class RecordScanner {
  readonly #separator: number;
  /** Cells of the record. */
  count = 0;
  /** Line breaks that the record took up, its own end included. */
  lines = 0;
  /** What is wrong with the record; null: nothing. */
  problem: RecordProblem | null = null;
  starts = new Int32Array(256);
  ends = new Int32Array(256);
  /** 0: bare, 1: in quotation marks, 2: with doubled quotation marks inside. */
  quoted = new Uint8Array(256);

  constructor(separator: number) {
    this.#separator = separator;
  }

  /**
   * Scans the record that begins at `from`.
   * @param last whether the bytes end where the file does
   * @returns where the next record begins; -1 when more bytes are needed
   */
  scan(bytes: Uint8Array, from: number, last: boolean): number {
    const separator = this.#separator;
    const size = bytes.length;
    this.count = 0;
    this.lines = 0;
    this.problem = null;
    let at = from;
    for (;;) {
      const start = at;
      while (at < size && (bytes[at] === SPACE || bytes[at] === TAB) && bytes[at] !== separator) at++;
      if (at < size && bytes[at] === QUOTE) {
        at = this.#quotedCell(bytes, at + 1, last);
        if (at < 0) return -1;
        if (this.problem) return at;
      } else {
        while (at < size) {
          const byte = bytes[at];
          if (byte === separator || byte === LF || byte === CR) break;
          at++;
        }
        if (at === size && !last) return -1;
        this.#add(start, at, 0);
      }
      if (at >= size) return last ? at : -1;
      const end = bytes[at++];
      if (end === separator) continue;
      this.lines++;
      if (end === CR) {
        if (at === size && !last) return -1;
        if (bytes[at] === LF) at++;
      }
      return at;
    }
  }

  /** @returns the place of the separator or line end behind the cell; -1 when more bytes are needed */
  #quotedCell(bytes: Uint8Array, start: number, last: boolean): number {
    const size = bytes.length;
    let doubled = 1;
    let at = start;
    for (;;) {
      while (at < size && bytes[at] !== QUOTE) {
        if (bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] !== LF)) this.lines++;
        at++;
      }
      if (at >= size) {
        if (!last) return -1;
        this.problem = "unclosed-quote";
        return at;
      }
      if (at + 1 === size && !last) return -1;
      if (bytes[at + 1] !== QUOTE) break;
      doubled = 2;
      at += 2;
    }
    this.#add(start, at, doubled);
    at++;
    while (at < size && (bytes[at] === SPACE || bytes[at] === TAB) && bytes[at] !== this.#separator) at++;
    if (at === size && !last) return -1;
    const end = bytes[at];
    if (at < size && end !== this.#separator && end !== LF && end !== CR) this.problem = "text-after-quote";
    return at;
  }

  #add(start: number, end: number, quoted: number): void {
    const n = this.count++;
    if (n === this.starts.length) this.#grow();
    this.starts[n] = start;
    this.ends[n] = end;
    this.quoted[n] = quoted;
  }

  #grow(): void {
    const size = 2 * this.starts.length;
    const grown = <A extends Int32Array | Uint8Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    this.starts = grown(this.starts, new Int32Array(size));
    this.ends = grown(this.ends, new Int32Array(size));
    this.quoted = grown(this.quoted, new Uint8Array(size));
  }

  /** Whether the record is a line with nothing but blanks in it. */
  blank(bytes: Uint8Array): boolean {
    if (this.count !== 1 || this.quoted[0] !== 0) return false;
    for (let i = this.starts[0] as number; i < (this.ends[0] as number); i++)
      if (bytes[i] !== SPACE && bytes[i] !== TAB) return false;
    return true;
  }

  /** A cell's text as it is in the file, without its quotation marks. */
  text(bytes: Buffer, cell: number): string {
    const text = bytes.toString("utf8", this.starts[cell], this.ends[cell]);
    return this.quoted[cell] === 2 ? text.replaceAll('""', '"') : text;
  }

  texts(bytes: Buffer): string[] {
    return Array.from({ length: this.count }, (_, c) => this.text(bytes, c));
  }
}
