/** Numbers as people and programs write them in tables: missing marks, decimal commas, thousands, and what is not a number. */
import { quote } from "../../../../base/quote.js";

/** pandas' marks for a missing value, and those of other programs: UCI's "?", a dash, SAS's ".", MySQL's "\N". In lower case. */
const MISSING = new Set([
  ...["", "#n/a", "#n/a n/a", "#na", "-1.#ind", "-1.#qnan", "-nan", "1.#ind", "1.#qnan", "<na>", "n/a", "na", "nan"],
  ...["none", "null", "#null!", "?", "-", "--", ".", "\\n"],
]);
/** The same for texts that are one-hot encoded, where case matters and a dash or a dot may be a level ("+" and "-"). */
const MISSING_LEVEL = new Set([
  ...["", "#N/A", "#N/A N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"],
  ...["?", "\\N"],
]);

/** Whether a cell of a numeric column says that the value is missing. */
export const isMissingNumber = (text: string): boolean => MISSING.has(text.trim().toLowerCase());

/** Whether a cell of a one-hot column says that the value is missing. */
export const isMissingLevel = (text: string): boolean => MISSING_LEVEL.has(text.trim());

/** "inf", "-Infinity" ... as a number; null for anything else. */
export function infinityOf(text: string): number | null {
  const found = /^\s*([+-]?)inf(inity)?\s*$/i.exec(text);
  return found ? (found[1] === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY) : null;
}

/** Which sign stands before the decimals; the other one groups thousands. */
export type DecimalMark = "." | ",";

const BLANK_GROUP = "[ \\u00a0\\u2009\\u202f'\\u2019]";
const grammar = (decimal: string, group: string): RegExp =>
  new RegExp(
    `^[+\\-\\u2212]?(?=${decimal}?\\d)(?:\\d+|[1-9]\\d{0,2}(?:${group}\\d{3})+|[1-9]\\d{0,2}(?:${BLANK_GROUP}\\d{3})+)?(?:${decimal}\\d*)?(?:[eE][+-]?\\d+)?$`,
  );
const GRAMMAR: Readonly<Record<DecimalMark, RegExp>> = { ".": grammar("\\.", ","), ",": grammar(",", "\\.") };
const PLAIN = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** A number written with this decimal mark, thousands grouped or not; null when it is not one. */
export function parseNumber(text: string, decimal: DecimalMark): number | null {
  const trimmed = text.trim();
  const infinity = infinityOf(trimmed);
  if (infinity !== null) return infinity;
  if (!GRAMMAR[decimal].test(trimmed)) return null;
  const bare = trimmed.replace(
    decimal === "." ? /[, \u00a0\u2009\u202f'\u2019]/g : /[. \u00a0\u2009\u202f'\u2019]/g,
    "",
  );
  return Number(bare.replace(",", ".").replace("\u2212", "-"));
}

const TRUTH: Readonly<Record<string, number>> = { true: 1, false: 0 };

/** 1 and 0 for "true" and "false" in any case; null for anything else. */
export const parseTruth = (text: string): number | null => TRUTH[text.trim().toLowerCase()] ?? null;

export type NumberReading =
  /** One reading fits all texts. */
  | { readonly kind: "numbers"; readonly decimal: DecimalMark; readonly plain: boolean }
  | { readonly kind: "truth" }
  /** Two readings fit, and they differ for this text. */
  | { readonly kind: "ambiguous"; readonly example: string }
  /** This text fits no reading that the others leave. */
  | { readonly kind: "text"; readonly odd: string; readonly conflict?: string };

/**
 * How the texts of a column are read as numbers: by the only decimal mark that fits all of them.
 * @param texts different texts of the column, none of them a missing mark
 * @param decimal what the recipe says; absent: "." and "," are both tried
 */
export function numberReading(texts: readonly string[], decimal?: DecimalMark): NumberReading {
  if (texts.length > 0 && texts.every((t) => parseTruth(t) !== null)) return { kind: "truth" };
  const plain = texts.every((t) => PLAIN.test(t.trim()) || infinityOf(t) !== null);
  if (plain && decimal !== ",") return { kind: "numbers", decimal: ".", plain };
  const fits = (d: DecimalMark): boolean =>
    (decimal === undefined || decimal === d) && texts.every((t) => parseNumber(t, d) !== null);
  const [dot, comma] = [fits("."), fits(",")];
  if (dot && comma) {
    const example = texts.find((t) => parseNumber(t, ".") !== parseNumber(t, ","));
    return example === undefined ? { kind: "numbers", decimal: ".", plain } : { kind: "ambiguous", example };
  }
  if (dot || comma) return { kind: "numbers", decimal: dot ? "." : ",", plain };
  const none = texts.find((t) => parseNumber(t, ".") === null && parseNumber(t, ",") === null);
  if (none !== undefined) return { kind: "text", odd: none };
  const wrong = texts.find((t) => parseNumber(t, decimal ?? ".") === null) as string;
  const conflict = texts.find((t) => parseNumber(t, ",") === null);
  return { kind: "text", odd: wrong, ...(decimal === undefined && conflict !== undefined ? { conflict } : {}) };
}

export interface Unlike {
  /** A clause about the column: 'it holds percentages ("12 %")'. */
  readonly found: string;
  readonly cure: string;
}

const REMOVE = "Remove the sign in the file, or put the column under data.ignore";
const KINDS: readonly (readonly [RegExp, string, string])[] = [
  [/^[+-]?[\d.,\s]+%$/, "percentages", REMOVE],
  [
    /^[+-]?(?:\p{Sc}|[A-Z]{3}\s)\s?[+-]?[\d.,\s']+$|^[+-]?[\d.,\s']+\s?(?:\p{Sc}|[A-Z]{3})$/u,
    "amounts of money",
    REMOVE,
  ],
  [/^\([\d.,\s]+\)$/, "numbers in parentheses", "Write them with a minus sign, or put the column under data.ignore"],
  [
    /^\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([T ]\d{1,2}:.*)?$|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?$|^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$/,
    "dates or times",
    "Turn them into numbers in the file (days since a fixed day, hour of the day), or put the column under data.ignore",
  ],
  [
    /^[[(].*[\])]$/s,
    "lists written as text",
    "Save the table as Parquet or JSON with lists of numbers, or put the column under data.ignore",
  ],
  [
    /^[{].*[}]$/s,
    "records written as text",
    "Give each value a column of its own, or put the column under data.ignore",
  ],
  [/^0x[0-9a-f]+$/i, "hexadecimal numbers", "Write them as decimal numbers, or put the column under data.ignore"],
];

/** What a text that is not a number is instead, where that is plain to see; null for other texts. */
export function unlikeNumber(text: string): Unlike | null {
  const kind = KINDS.find(([pattern]) => pattern.test(text.trim()));
  return kind ? { found: `it holds ${kind[1]} (${quote(text)})`, cure: kind[2] } : null;
}
