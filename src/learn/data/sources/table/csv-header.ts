/** Decides whether the first record of a CSV file names its columns or is data. */
import { isMissingNumber, parseNumber } from "./numbers.js";

export interface HeaderDecision {
  readonly header: boolean;
  /** The names are numbers, as pandas writes columns without names. */
  readonly numeric: boolean;
  /** The recipe calls columns as those of a file without a header, but the first record looks like one. */
  readonly likely?: boolean;
}

const numberIn = (text: string): boolean => parseNumber(text, ".") !== null || parseNumber(text, ",") !== null;
const empty = (text: string): boolean => isMissingNumber(text);

/**
 * @param first cells of the first record
 * @param rest cells of some of the records that follow
 * @param named columns that the recipe names
 */
export function decideHeader(
  first: readonly string[],
  rest: readonly (readonly string[])[],
  named: readonly string[],
): HeaderDecision {
  const names = new Set(first.map((t) => t.trim()));
  const numeric = first.every((t) => numberIn(t) || t.trim() === "");
  // A name that is a number may as well be a value of the first row.
  if (named.some((n) => names.has(n.trim()) && !numberIn(n))) return { header: true, numeric };
  const guessed = guessHeader(first, rest, numeric);
  const numbered = named.length > 0 && named.every((n) => /^column\d+$/.test(n));
  return numbered ? { header: false, numeric: false, likely: guessed.header } : guessed;
}

function guessHeader(first: readonly string[], rest: readonly (readonly string[])[], numeric: boolean): HeaderDecision {
  const columns = first.map((cell, c) => describeColumn(cell, rest, c));
  const any = (test: (c: ColumnEvidence) => boolean): boolean => columns.some(test);
  // A text that occurs below is a value.
  if (any((c) => c.repeats)) return { header: false, numeric: false };
  if (counts(first)) return { header: true, numeric };
  const nameLike = wholeAndDifferent(first.filter(numberIn));
  // A text above numbers is a name, unless the numbers beside it are fractions or repeat: then it is a value gone wrong.
  if (any((c) => c.aboveNumbers)) return { header: nameLike, numeric: false };
  if (numeric) return { header: false, numeric: false };
  // Nothing but texts, or texts beside whole numbers: names, unless the texts below never repeat either.
  const allTexts = first.every((t) => !numberIn(t));
  return { header: allTexts || (nameLike && any((c) => c.levels)), numeric: false };
}

interface ColumnEvidence {
  /** The first cell is a text, and those below are numbers. */
  readonly aboveNumbers: boolean;
  /** The first cell is a text that occurs below, among texts. */
  readonly repeats: boolean;
  /** Below are few different texts, of which the first cell is none. */
  readonly levels: boolean;
}

function describeColumn(cell: string, rest: readonly (readonly string[])[], column: number): ColumnEvidence {
  const below = rest.map((r) => (r[column] ?? "").trim()).filter((t) => !empty(t));
  const text = !numberIn(cell) && !empty(cell);
  const numbers = below.length > 0 && below.every(numberIn);
  const different = new Set(below);
  return {
    aboveNumbers: text && numbers,
    repeats: text && different.has(cell.trim()),
    levels: text && !numbers && different.size * 2 <= below.length,
  };
}

/** 0, 1, 2 ... as pandas names columns that have no names, with an empty cell or a text before or behind at most. */
function counts(first: readonly string[]): boolean {
  const numbers = first.filter(numberIn).map(Number);
  return numbers.length >= 3 && numbers.length >= first.length - 1 && numbers.every((v, i) => v === i);
}

function wholeAndDifferent(cells: readonly string[]): boolean {
  return new Set(cells).size === cells.length && cells.every((t) => /^\d+$/.test(t.trim()));
}
