/** CSV and its relatives. Nothing is guessed silently: every record is read, and one that does not fit is an error with its line. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import { encodingFinding, type TextFile, utf8Pieces } from "./bytes.js";
import type { Column, TableContent, TableReader, WantedColumn } from "./content.js";
import { type CellCollector, NumberCells, TextCells } from "./csv-cells.js";
import { type Dialect, findDialect, firstRecords, separatorLine } from "./csv-dialect.js";
import { decideHeader, type HeaderDecision } from "./csv-header.js";
import type { RecordScanner } from "./csv-records.js";
import { LineNumbers, RowReader } from "./csv-rows.js";
import type { DecimalMark } from "./numbers.js";

/** Bytes that are looked at to see how a file is written. */
const SAMPLE = 1 << 20;
/** Records that are looked at to see whether the first one is a header. */
const HEADER_RECORDS = 1000;
export interface CsvOptions extends TextFile {
  /** Columns that the recipe names. */
  readonly named: readonly string[];
  /** Which sign marks decimals, as the recipe says. */
  readonly decimal?: DecimalMark | undefined;
}

/** What is known of a file before its rows are read. */
interface Layout extends Dialect {
  /** Bytes, and lines, in front of the first row. */
  readonly skip: number;
  readonly skippedLines: number;
  readonly names: readonly string[];
  /** Cells of the header; null without one. */
  readonly header: readonly string[] | null;
  readonly unnamed: ReadonlySet<number>;
  readonly findings: readonly DataFinding[];
}

/** @throws InputError naming the line that does not fit, or the encoding */
export async function openCsv(options: CsvOptions): Promise<TableReader> {
  const layout = findLayout(options, await sampleOf(options));
  return {
    path: options.path,
    names: layout.names,
    declaredIndex: new Set(),
    unnamed: layout.unnamed,
    findings: [...layout.findings, ...(await encodingFinding(options))],
    read: (wanted) => readRows(options, layout, wanted),
    close: () => {},
  };
}

async function sampleOf(file: TextFile): Promise<{ bytes: Buffer; whole: boolean }> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of utf8Pieces(file)) {
    pieces.push(piece);
    size += piece.length;
    if (size >= SAMPLE) return { bytes: Buffer.concat(pieces), whole: false };
  }
  return { bytes: Buffer.concat(pieces), whole: true };
}

function findLayout(options: CsvOptions, { bytes, whole }: { bytes: Buffer; whole: boolean }): Layout {
  const { path, named } = options;
  const declared = separatorLine(bytes);
  const sample = bytes.subarray(declared?.next ?? 0);
  const tabs = /\.tsv(\.gz)?$/i.test(path);
  const dialect = declared ? { separator: declared.separator, width: 0 } : findDialect(path, sample, whole, tabs);
  const records: { cells: string[]; start: number; next: number; line: number }[] = [];
  for (const { scanner, ...place } of firstRecords(dialect.separator, sample, whole, HEADER_RECORDS))
    records.push({ cells: scanner.texts(sample), ...place });
  const table = records.slice(commentsOf(records, dialect.width, named));
  const [first, ...rest] = table;
  if (!first) throw noRows(path);
  // Where the second record agrees with the first, these two say how long the others must be.
  const agreed = rest.length === 0 || rest[0]?.cells.length === first.cells.length;
  const width = agreed || dialect.width === 0 ? first.cells.length : dialect.width;
  if (first.cells.length !== width) throw otherWidth(path, first.line + Number(declared !== null), first.cells, width);
  const fitting = rest.filter((r) => r.cells.length === width);
  const decision = decideHeader(
    first.cells,
    fitting.map((r) => r.cells),
    named,
  );
  const { names, unnamed } = namesOf(path, decision.header ? first.cells : null, width, first.line);
  const begin = decision.header ? first.next : first.start;
  const offset = declared ? 1 : 0;
  return {
    separator: dialect.separator,
    width: names.length,
    skip: (declared?.next ?? 0) + begin,
    skippedLines: offset + (decision.header ? linesUpTo(sample, begin) : first.line - 1),
    names,
    unnamed,
    header: decision.header ? first.cells : null,
    findings: [
      ...commentFinding(path, records.length - table.length),
      ...headerFinding(path, decision, names, first.line + offset),
    ],
  };
}

/** Lines at the beginning that start with "#" and are not the header. */
function commentsOf(
  records: readonly { readonly cells: readonly string[] }[],
  width: number,
  named: readonly string[],
): number {
  const names = new Set(named.map((n) => n.trim()));
  const isHeader = ({ cells }: { cells: readonly string[] }): boolean => cells.some((c) => names.has(c.trim()));
  let count = 0;
  while (records[count]?.cells[0]?.trimStart().startsWith("#")) count++;
  if (count === 0) return 0;
  // The last of them may be the header itself: "#id,width,kind".
  const last = records[count - 1] as { cells: readonly string[] };
  const next = records[count];
  const header = last.cells.length === width && (isHeader(last) || !(next && isHeader(next)));
  return header && !/^\s*#\s/.test(last.cells[0] as string) ? count - 1 : count;
}

function linesUpTo(bytes: Buffer, end: number): number {
  let lines = 0;
  for (let at = 0; at < end; at++)
    lines += Number(bytes[at] === 0x0a || (bytes[at] === 0x0d && bytes[at + 1] !== 0x0a));
  return lines;
}

function namesOf(
  path: string,
  header: readonly string[] | null,
  width: number,
  line: number,
): { names: string[]; unnamed: Set<number> } {
  const digits = String(width - 1).length;
  const numbered = (c: number): string => `column${String(c).padStart(digits, "0")}`;
  if (!header) return { names: Array.from({ length: width }, (_, c) => numbered(c)), unnamed: new Set() };
  const names = header.map((name) => name.trim());
  const unnamed = new Set(names.flatMap((name, c) => (name === "" ? [c] : [])));
  const twice = names.find((name, c) => name !== "" && names.indexOf(name) !== c);
  if (twice !== undefined) {
    const places = names.flatMap((name, c) => (name === twice ? [c + 1] : []));
    throw new InputError({
      code: "column-duplicate",
      where: path,
      found: `line ${line} names ${places.length} columns ${quote(twice)} (columns ${places.slice(0, 8).join(", ")})`,
      expected: "a name of its own for every column",
      cure: "Rename or remove the column",
    });
  }
  return { names: names.map((name, c) => name || numbered(c)), unnamed };
}

/** The first record has another number of cells than nearly all others. */
function otherWidth(path: string, line: number, cells: readonly string[], width: number): InputError {
  const rowNames = cells.length === width - 1;
  return new InputError({
    code: "row-invalid",
    where: path,
    found: `line ${line} has ${noun(cells.length, "value")} (${quote(cells.join(", "))})`,
    expected: `${noun(width, "value")}, as in most lines`,
    cure: `Remove the line if it is not the header, or give every column a name${rowNames ? " (the other lines may begin with a row name, which needs one too)" : ""}`,
  });
}

/** Whether a record is the header once more, as in files that were put together. */
function repeats(header: readonly string[], bytes: Buffer, scanner: RecordScanner): boolean {
  const length = (scanner.ends[0] as number) - (scanner.starts[0] as number);
  // The first cell's length tells nearly all records apart.
  if (length !== Buffer.byteLength(header[0] as string) && scanner.quoted[0] !== 2) return false;
  return header.every((name, c) => scanner.text(bytes, c) === name);
}

const repeatedHeader = (path: string, line: number): InputError =>
  new InputError({
    code: "row-invalid",
    where: path,
    found: `line ${line} repeats the header`,
    expected: "one header, as the first line",
    cure: "Remove the line",
  });

const noRows = (path: string): InputError =>
  new InputError({
    code: "data-empty",
    where: path,
    found: "the table has no rows",
    expected: "at least one line of values after the header",
    cure: "Write or fetch the file again",
  });

function commentFinding(path: string, count: number): DataFinding[] {
  if (count === 0) return [];
  return [
    {
      code: "comment-lines",
      level: "note",
      where: path,
      text: `${noun(count, "comment line")} at the top (beginning with "#") ${count === 1 ? "was" : "were"} left out.`,
      count,
    },
  ];
}

function blankLineFinding(path: string, count: number): DataFinding[] {
  if (count === 0) return [];
  const text = `${noun(count, "empty line")} between rows ${count === 1 ? "was" : "were"} left out.`;
  return [{ code: "blank-lines", level: "note", where: path, text, count }];
}

function headerFinding(
  path: string,
  { header, numeric, likely }: HeaderDecision,
  names: readonly string[],
  line: number,
): DataFinding[] {
  const some = names.length > 3 ? `${names.slice(0, 2).join(", ")} ... ${names.at(-1)}` : names.join(", ");
  if (!header)
    return [
      {
        code: "header-missing",
        level: likely ? "warning" : "note",
        where: path,
        text: likely
          ? `The recipe names columns by number (${some}), so line ${line} was read as a row, but it looks like a header.`
          : `The file has no header line, so line ${line} is its first row and the columns are called ${some}.`,
        ...(likely ? { cure: "Name the columns in the recipe as the header does." } : {}),
      },
    ];
  if (!numeric) return [];
  return [
    {
      code: "header-numeric",
      level: "warning",
      where: path,
      text: `Line ${line} holds only numbers (${some}) that count upwards, so it was read as the names of the columns, not as a row.`,
      cure: "Remove the line if it is a row, or give the columns names.",
    },
  ];
}

/** Reads every record. Columns that turn out to hold more than plain numbers are read a second time, as text. */
async function readRows(options: CsvOptions, layout: Layout, wanted: readonly WantedColumn[]): Promise<TableContent> {
  const asText = wanted.map((w) => w.as === "text");
  const first = await pass(options, layout, wanted, asText);
  const columns: (Column | null)[] = first.cells.map((c) => c?.column() ?? null);
  if (columns.includes(null)) {
    const again = await pass(
      options,
      layout,
      wanted,
      columns.map((c) => c === null),
      (k) => columns[k] === null,
    );
    again.cells.forEach((c, k) => {
      if (c) columns[k] = c.column();
    });
  }
  const { lines, rows, blankLines } = first;
  return {
    rows,
    columns: columns as Column[],
    findings: blankLineFinding(options.path, blankLines),
    placeOf: (row) => `row ${row + 1} (line ${lines.at(row)})`,
  };
}

interface Pass {
  readonly rows: number;
  readonly blankLines: number;
  readonly lines: LineNumbers;
  readonly cells: readonly (CellCollector | null)[];
}

async function pass(
  options: CsvOptions,
  layout: Layout,
  wanted: readonly WantedColumn[],
  asText: readonly boolean[],
  needed: (k: number) => boolean = () => true,
): Promise<Pass> {
  const cells = wanted.map((_, k) =>
    needed(k) ? (asText[k] ? new TextCells() : new NumberCells(options.decimal !== ",")) : null,
  );
  const used = wanted.flatMap((w, k) => (cells[k] ? [{ position: w.position, cells: cells[k] as CellCollector }] : []));
  const lines = new LineNumbers();
  const reader = new RowReader(options.path, layout, (bytes, scanner, line) => {
    if (layout.header && repeats(layout.header, bytes, scanner)) throw repeatedHeader(options.path, line);
    lines.add(line);
    for (const { position, cells: collector } of used) collector.add(bytes, scanner, position);
  });
  let skip = layout.skip;
  for await (const piece of utf8Pieces(options)) {
    const cut = Math.min(skip, piece.length);
    skip -= cut;
    if (cut < piece.length) reader.push(cut > 0 ? piece.subarray(cut) : piece);
  }
  reader.end();
  if (lines.count === 0) throw noRows(options.path);
  return { rows: lines.count, blankLines: reader.blankLines, lines, cells };
}
