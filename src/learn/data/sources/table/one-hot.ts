/** One-hot encoding: a column becomes one feature for each of its different texts. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import type { TextColumn } from "./content.js";
import type { FeatureBlock, PartColumn } from "./feature-block.js";
import { isMissingLevel, parseNumber } from "./numbers.js";

/** Levels of a column at most. */
const MOST_LEVELS = 256;
/** With so few levels a column is never nearly unique. */
const FEW_LEVELS = 10;

/** Whether most texts occur in a single row, so that they tell rows apart and not kinds of rows. */
export const nearlyUnique = (levels: number, rows: number): boolean =>
  levels > MOST_LEVELS || (levels > FEW_LEVELS && levels * 2 > rows);

/**
 * Levels are the training table's, without blanks around them. A missing value is no level: all features of the column are
 * zero in its row.
 * @throws InputError for too many levels, or one that only the test table has
 */
export function oneHotFeatures(
  name: string,
  parts: readonly PartColumn[],
): { readonly block: FeatureBlock; readonly findings: readonly DataFinding[] } {
  const [train] = parts as readonly [PartColumn];
  const { codes, texts } = train.column as TextColumn;
  const levels = [...new Set(texts.filter((t) => !isMissingLevel(t)).map((t) => t.trim()))].sort();
  const missing = texts.map(isMissingLevel);
  const rows = codes.reduce((n, c) => n + Number(c >= 0 && !missing[c]), 0);
  if (nearlyUnique(levels.length, rows)) throw tooMany(name, train.path, levels, rows);
  const places = new Map(levels.map((level, i) => [level, i]));
  return {
    block: {
      column: name,
      names: levels.map((level) => `${name}=${level}`),
      parts: parts.map((part) => ({
        kind: "levels",
        levels: levelsOf(name, part, places, train.path),
        column: part.column as TextColumn,
      })),
    },
    findings: [...trimmedFinding(name, parts), ...numericFinding(name, train.path, levels)],
  };
}

function levelsOf(
  name: string,
  { path, column, placeOf }: PartColumn,
  places: ReadonlyMap<string, number>,
  train: string,
): Int32Array {
  const { codes, texts } = column as TextColumn;
  const levels = texts.map((text) => (isMissingLevel(text) ? -1 : places.get(text.trim())));
  return codes.map((code, row) => {
    const level = code < 0 ? -1 : levels[code];
    if (level === undefined)
      throw new InputError({
        code: "class-unknown",
        where: path,
        found: `${placeOf(row)}, column ${quote(name)}: ${quote(texts[code])} does not occur in ${train}`,
        expected: "only texts that the training table has",
        cure: "Correct the text, or give the training table rows with it",
      });
    return level;
  });
}

function tooMany(name: string, path: string, levels: readonly string[], rows: number): InputError {
  return new InputError({
    code: "column-type",
    where: "data.categorical",
    found: `the column ${quote(name)} of ${path} has ${noun(levels.length, "different text")} in ${noun(rows, "row")} (${levels
      .slice(0, 3)
      .map((l) => quote(l))
      .join(", ")}, ...)`,
    expected: `at most ${MOST_LEVELS} different texts, each in two rows or more on average`,
    cure: "Put the column under data.ignore, or merge texts into fewer groups in the file",
  });
}

function trimmedFinding(name: string, parts: readonly PartColumn[]): DataFinding[] {
  let count = 0;
  for (const { column } of parts) {
    const { codes, texts } = column as TextColumn;
    const padded = texts.map((t) => !isMissingLevel(t) && t.trim() !== t);
    for (const code of codes) count += Number(code >= 0 && padded[code]);
  }
  if (count === 0) return [];
  return [
    {
      code: "blanks-trimmed",
      level: "note",
      where: parts[0]?.path,
      text: `Blanks around ${noun(count, "text")} of the column ${quote(name)} were removed.`,
      count,
      examples: [name],
    },
  ];
}

/** Numbers as levels up to so many are not worth a word. */
const NUMERIC_LEVELS = 20;

function numericFinding(name: string, path: string, levels: readonly string[]): DataFinding[] {
  if (levels.length <= NUMERIC_LEVELS || !levels.every((l) => parseNumber(l, ".") !== null)) return [];
  return [
    {
      code: "numbers-one-hot",
      level: "warning",
      where: path,
      text: `The column ${quote(name)} holds ${noun(levels.length, "different number")}, and each became a feature of its own.`,
      cure: "Remove it from data.categorical if its numbers are quantities.",
      count: levels.length,
      examples: [name],
    },
  ];
}
