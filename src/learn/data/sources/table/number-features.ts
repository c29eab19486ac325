/** Makes numbers of a column: as they are, or read from text by the one reading that fits all of its values. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import type { Column, LeadingZeros, ListColumn, TextColumn } from "./content.js";
import type { FeatureBlock, PartColumn, PartValues } from "./feature-block.js";
import {
  type DecimalMark,
  isMissingNumber,
  type NumberReading,
  numberReading,
  parseNumber,
  parseTruth,
  unlikeNumber,
} from "./numbers.js";
import { nearlyUnique } from "./one-hot.js";

/**
 * @param parts the column in the training table and in the test table; both are read in the same way
 * @throws InputError naming the column, a value and the cure where it does not hold numbers
 */
export function numberFeatures(
  name: string,
  parts: readonly PartColumn[],
  decimal: DecimalMark | undefined,
): { readonly block: FeatureBlock; readonly findings: readonly DataFinding[] } {
  for (const { path, column } of parts)
    if (column.kind === "unusable")
      throw new InputError({
        code: "column-type",
        where: path,
        found: `the column ${quote(name)} holds ${column.holds}`,
        expected: "numbers",
        cure: column.cure,
      });
  const lists = parts.filter((p) => p.column.kind === "list");
  if (lists.length > 0) return { block: listFeatures(name, parts), findings: [] };
  const texts = parts.flatMap((p) => (p.column.kind === "text" ? usedTexts(p.column) : []));
  const reading = numberReading([...new Set(texts)], decimal);
  if (reading.kind === "ambiguous") throw ambiguous(name, parts, reading.example);
  if (reading.kind === "text") throw notNumbers(name, parts, reading, decimal);
  const block = { column: name, names: [name], parts: parts.map((p) => numbersOf(p, reading)) };
  const read = texts.length > 0 ? readingFinding(name, parts, reading, texts) : [];
  return { block, findings: [...read, ...zerosFinding(name, parts)] };
}

/** Zip codes and other codes are no quantities, and lose their zeros as numbers. */
function zerosFinding(name: string, [train]: readonly PartColumn[]): DataFinding[] {
  const zeros = train && leadingZeros(train.column);
  if (!zeros) return [];
  return [
    {
      code: "leading-zeros",
      level: "warning",
      where: train.path,
      text: `${noun(zeros.count, "value")} of the column ${quote(name)} ${zeros.count === 1 ? "begins" : "begin"} with a zero and ${zeros.count === 1 ? "was" : "were"} read as ${zeros.count === 1 ? "a number" : "numbers"}: ${quote(zeros.example)} is ${Number(zeros.example)}.`,
      cure: "Put the column under data.categorical or data.ignore if its values are codes.",
      count: zeros.count,
      examples: [name],
    },
  ];
}

function leadingZeros(column: Column): LeadingZeros | undefined {
  if (column.kind === "number") return column.zeros;
  if (column.kind !== "text") return undefined;
  const padded = column.texts.map((text) => /^0\d+$/.test(text.trim()));
  const example = column.texts[padded.indexOf(true)];
  const count = column.codes.reduce((n, c) => n + Number(c >= 0 && padded[c]), 0);
  return example === undefined ? undefined : { count, example };
}

/** Texts that occur in rows, without missing marks. */
function usedTexts({ texts }: TextColumn): string[] {
  return texts.filter((text) => !isMissingNumber(text));
}

function numbersOf({ column }: PartColumn, reading: NumberReading): PartValues {
  if (column.kind === "number") return { kind: "numbers", values: column.values };
  const { codes, texts } = column as TextColumn;
  const parse = (text: string): number | null =>
    reading.kind === "truth"
      ? parseTruth(text)
      : reading.kind === "numbers"
        ? parseNumber(text, reading.decimal)
        : null;
  const values = texts.map((text) => (isMissingNumber(text) ? Number.NaN : (parse(text) ?? Number.NaN)));
  return { kind: "numbers", values: Float64Array.from(codes, (c) => (c < 0 ? Number.NaN : (values[c] as number))) };
}

function listFeatures(name: string, parts: readonly PartColumn[]): FeatureBlock {
  const [first] = parts.filter((p) => p.column.kind === "list");
  const { width } = (first as PartColumn).column as ListColumn;
  for (const { path, column } of parts) {
    if (column.kind === "list" && column.width === width && width > 0) continue;
    throw new InputError({
      code: "column-type",
      where: path,
      found:
        column.kind === "list"
          ? `the lists in the column ${quote(name)} have ${noun(column.width, "number")}`
          : `the column ${quote(name)} holds single values`,
      expected: width > 0 ? `lists of ${noun(width, "number")}, as in ${parts[0]?.path}` : "lists with numbers in them",
    });
  }
  return {
    column: name,
    names: Array.from({ length: width }, (_, k) => `${name}[${k}]`),
    parts: parts.map((p) => ({ kind: "numbers", values: (p.column as ListColumn).values })),
  };
}

/** The first row in which a text stands. */
function whereIs(parts: readonly PartColumn[], text: string): { path: string; place: string } {
  for (const { path, column, placeOf } of parts) {
    if (column.kind !== "text") continue;
    const row = column.codes.indexOf(column.texts.indexOf(text));
    if (row >= 0) return { path, place: placeOf(row) };
  }
  return { path: parts[0]?.path ?? "", place: "row 1" };
}

function ambiguous(name: string, parts: readonly PartColumn[], example: string): InputError {
  const { path, place } = whereIs(parts, example);
  return new InputError({
    code: "option-missing",
    where: "data.decimal",
    found: `${path}, ${place}, column ${quote(name)}: ${quote(example)} is ${parseNumber(example, ".")} or ${parseNumber(example, ",")}, and no other value of the column decides it`,
    expected: '"." or ","',
    cure: 'Set data.decimal to "." if commas group thousands, or to "," if they mark decimals',
  });
}

function notNumbers(
  name: string,
  parts: readonly PartColumn[],
  { odd, conflict }: Extract<NumberReading, { kind: "text" }>,
  decimal: DecimalMark | undefined,
): InputError {
  const { path, place } = whereIs(parts, odd);
  const at = `${place}, column ${quote(name)}`;
  const fault = (found: string, cure: string): InputError =>
    new InputError({ code: "column-type", where: path, found: `${at}: ${found}`, expected: "numbers", cure });
  if (conflict !== undefined)
    return fault(
      `${quote(odd)} has a decimal comma and ${quote(conflict)} a decimal point`,
      "Write all numbers of the column in the same way",
    );
  if (decimal !== undefined && parseNumber(odd, decimal === "." ? "," : ".") !== null)
    return fault(
      `${quote(odd)} is not a number with the decimal mark "${decimal}"`,
      "Correct the value, or data.decimal, which holds for all columns",
    );
  const unlike = unlikeNumber(odd);
  if (unlike) return fault(unlike.found, unlike.cure);
  const { rows, numbers, levels } = countTexts(parts);
  const ignore = "put the column under data.ignore";
  if (numbers * 2 > rows)
    return fault(
      `${quote(odd)} is not a number, as ${(rows - numbers).toLocaleString("en-US")} of ${noun(rows, "value")} ${rows - numbers === 1 ? "is" : "are"} not`,
      `Correct the value, or empty it and set data.missing, or ${ignore}`,
    );
  return fault(
    `it holds text (${quote(odd)})`,
    nearlyUnique(levels, rows)
      ? `Put the column under data.ignore, because ${noun(levels, "different text")} in ${noun(rows, "row")} are too many to encode one-hot`
      : "Put the column under data.categorical to encode it one-hot, or under data.ignore",
  );
}

/** How many rows of the training table have a value, how many of these are numbers, and how many different texts there are. */
function countTexts([first]: readonly PartColumn[]): { rows: number; numbers: number; levels: number } {
  if (first?.column.kind !== "text") return { rows: 0, numbers: 0, levels: 0 };
  const { codes, texts } = first.column;
  const missing = texts.map(isMissingNumber);
  const number = texts.map((t) => parseNumber(t, ".") !== null || parseNumber(t, ",") !== null);
  let [rows, numbers] = [0, 0];
  for (const code of codes) {
    if (code < 0 || missing[code]) continue;
    rows++;
    numbers += Number(number[code]);
  }
  return { rows, numbers, levels: missing.filter((m) => !m).length };
}

function readingFinding(
  name: string,
  parts: readonly PartColumn[],
  reading: NumberReading,
  texts: readonly string[],
): DataFinding[] {
  if (reading.kind !== "numbers") return [];
  const { decimal, plain } = reading;
  const unusual = texts.find((t) => !/^[+-]?[\d.]+$/.test(t.trim())) ?? (texts[0] as string);
  const example = plain ? (texts[0] as string) : unusual;
  const value = parseNumber(example, decimal);
  return [
    {
      code: plain ? "numbers-from-text" : "numbers-converted",
      level: "note",
      where: parts[0]?.path,
      text: `The texts of the column ${quote(name)} were read as numbers${plain ? "" : ` with the decimal mark "${decimal}"`}: ${quote(example)} is ${value}.`,
      count: 1,
      examples: [name],
    },
  ];
}
