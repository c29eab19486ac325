/** Finds out how a CSV file is written: its separator, and comment lines in front of the table. */
import { InputError } from "../../../../base/errors.js";
import { CR, LF, RecordScanner } from "./csv-records.js";
import { parseNumber } from "./numbers.js";

const CANDIDATES = ["\t", ";", "|", ","] as const;
/** Records that are looked at to find the separator. */
const LOOKED_AT = 200;
/** Share of those that must have the same number of cells. */
const AGREE = 0.5;

export interface Dialect {
  readonly separator: string;
  /** Cells of nearly every record. */
  readonly width: number;
}

interface Trial extends Dialect {
  /** Share of records with this width. */
  readonly share: number;
  /** Whether the first record has this width. */
  readonly first: boolean;
  /** Share of cells that no other separator could cut. */
  readonly clean: number;
}

/**
 * The separator that gives most records the same number of cells.
 * @param sample the beginning of the file, or all of it
 * @param whole whether the sample is the whole file
 * @param tabs whether the file's name promises tabs
 */
export function findDialect(path: string, sample: Buffer, whole: boolean, tabs: boolean): Dialect {
  const trials = CANDIDATES.map((separator) => tryOut(separator, sample, whole)).filter(
    (t) => t.width > 1 && t.share >= AGREE,
  );
  const rank = (t: Trial): number[] => [
    Number(tabs && t.separator === "\t"),
    Math.round(t.share * LOOKED_AT),
    Number(t.first),
    Math.round(t.clean * 100),
    -CANDIDATES.indexOf(t.separator as ","),
  ];
  const [best] = trials.sort((a, b) => compare(rank(b), rank(a)));
  if (best) return { separator: best.separator, width: best.width };
  refuseBlanks(path, sample, whole);
  return { separator: ",", width: 1 };
}

function compare(a: readonly number[], b: readonly number[]): number {
  const i = a.findIndex((v, k) => v !== b[k]);
  return i < 0 ? 0 : (a[i] as number) - (b[i] as number);
}

function tryOut(separator: string, sample: Buffer, whole: boolean): Trial {
  const counts = new Map<number, number>();
  let cells = 0;
  let clean = 0;
  let first = 0;
  let records = 0;
  for (const { scanner } of firstRecords(separator, sample, whole, LOOKED_AT)) {
    if (records++ === 0) first = scanner.count;
    counts.set(scanner.count, (counts.get(scanner.count) ?? 0) + 1);
    for (let c = 0; c < scanner.count; c++) {
      cells++;
      clean += Number(scanner.quoted[c] !== 0 || isClean(scanner.text(sample, c), separator));
    }
  }
  const [width = 1, most = 0] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [];
  return { separator, width, share: most / Math.max(records, 1), first: first === width, clean: clean / cells };
}

function isClean(text: string, separator: string): boolean {
  return (
    !CANDIDATES.some((c) => c !== separator && text.includes(c)) ||
    parseNumber(text, ".") !== null ||
    parseNumber(text, ",") !== null
  );
}

export interface FoundRecord {
  /** Holds the record's cells until the next one. */
  readonly scanner: RecordScanner;
  readonly start: number;
  /** Where the next record begins. */
  readonly next: number;
  /** Of its first line, from 1. */
  readonly line: number;
}

/** The first whole records of a file that are not blank. Ends where the file is not written in this way. */
export function* firstRecords(separator: string, sample: Buffer, whole: boolean, most: number): Generator<FoundRecord> {
  const scanner = new RecordScanner(separator.charCodeAt(0));
  let line = 1;
  for (let at = 0, found = 0; at < sample.length && found < most; ) {
    const next = scanner.scan(sample, at, whole);
    if (next < 0 || scanner.problem) return;
    if (!scanner.blank(sample)) {
      found++;
      yield { scanner, start: at, next, line };
    }
    line += scanner.lines;
    at = next;
  }
}

/** Columns parted by blanks look like a single column. */
function refuseBlanks(path: string, sample: Buffer, whole: boolean): void {
  const widths = new Set<number>();
  let records = 0;
  for (const { scanner } of firstRecords(",", sample, whole, LOOKED_AT)) {
    widths.add(scanner.text(sample, 0).trim().split(/\s+/).length);
    records++;
  }
  const [width = 1] = widths;
  if (records < 2 || widths.size !== 1 || width < 2) return;
  throw new InputError({
    code: "file-type",
    where: path,
    found: `its lines hold ${width} values parted by blanks`,
    expected: "values parted by commas, semicolons, tabs or bars",
    cure: "Save the table with commas",
  });
}

/** Excel's first line "sep=;", as the separator and where the table begins; null where there is none. */
export function separatorLine(sample: Buffer): { separator: string; next: number } | null {
  const found = /^sep=(.)(\r\n|\r|\n)/i.exec(sample.toString("latin1", 0, 16));
  return found ? { separator: found[1] as string, next: (found[0] as string).length } : null;
}

/** Where the line after this place begins. */
export function nextLine(bytes: Buffer, from: number): number {
  for (let at = from; at < bytes.length; at++) {
    if (bytes[at] === LF) return at + 1;
    if (bytes[at] === CR) return bytes[at + 1] === LF ? at + 2 : at + 1;
  }
  return bytes.length;
}
