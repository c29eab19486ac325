/** Tables: CSV, TSV, Parquet and JSON. Every row that is in the file is read, or the file is refused with the place. */
import { sourceEntry } from "../entry.js";
import { type TableSettings, tableSchema } from "./table-schema.js";
import { basename, resolve } from "node:path";
import { faultOf, InputError } from "../../../../base/errors.js";
import { appendTo } from "../../../../base/extremes.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import type { RawPart, RawSource, SourceContext } from "../../source.js";
import { type ChosenColumns, chooseColumns, placeOf } from "./choose-columns.js";
import type { Column, TableContent, TableReader, TextColumn } from "./content.js";
import type { FeatureBlock, PartColumn } from "./feature-block.js";
import { type Part, rowsToKeep } from "./gaps.js";
import { indexFinding, isIndex, mayBeIndex } from "./index-column.js";
import { numberFeatures } from "./number-features.js";
import { isMissingNumber } from "./numbers.js";
import { oneHotFeatures } from "./one-hot.js";
import { openTable } from "./open-table.js";
import { fillSamples, type Rounded, roundedFindings } from "./samples.js";

export const tableSource = sourceEntry({
  kind: "table",
  schema: tableSchema,
  starter: {
    lines: [
      {
        field: "path",
        value: "my-data.csv",
        note: "CHANGE: the table: CSV, TSV, Parquet or JSON; relative to this file",
      },
      { field: "label", value: "label", note: "CHANGE: the label column; omit it if the data has no labels" },
      { field: "testPath", value: "my-test-data.csv", off: true },
      { field: "features", value: ["width", "height"], off: true },
      { field: "ignore", value: ["id"], off: true },
      { field: "categorical", value: ["colour"], off: true },
      { field: "missing", value: "mean", off: true },
      { field: "decimal", value: ",", off: true },
      { field: "encoding", value: "windows-1252", off: true },
    ],
    normalise: "standard",
  },
  read: readTableSource,
});

/** A table that was read: the label and the features that were wanted, in their order. */
interface ReadTable extends Part {
  readonly reader: TableReader;
  readonly label: TextColumn | null;
  readonly features: readonly Column[];
  readonly findings: readonly DataFinding[];
}

/** @throws InputError naming the file, row and column, or the recipe's field, that cannot be used */
async function readTableSource(config: TableSettings, context: SourceContext): Promise<RawSource> {
  const path = resolve(context.folder, config.path);
  const testPath = config.testPath === undefined ? null : resolve(context.folder, config.testPath);
  const { label, features = [], ignore = [], categorical = [] } = config;
  const named = [...(label === undefined ? [] : [label]), ...features, ...ignore, ...categorical];
  const how = { encoding: config.encoding, decimal: config.decimal };
  const open: TableReader[] = [];
  try {
    const reader = await openTable({ path, named, ...how });
    open.push(reader);
    const chosen = chooseColumns(config, reader);
    const whole = await readTable(reader, chosen.label, chosen.features, chosen.categorical);
    if (whole.rows < 2) throw tooFewRows(path, whole.rows);
    const { table, places, findings } = withoutBookkeeping(whole, chosen);
    let test: ReadTable | null = null;
    if (testPath !== null) {
      const names = places.map((c) => reader.names[c] as string);
      const testReader = await openTable({ path: testPath, named: [...names, ...named], ...how });
      open.push(testReader);
      test = await readTest(testReader, reader, chosen, places);
    }
    const source = assembleTable(config, table, test, places, chosen);
    return { ...source, findings: [...chosen.findings, ...findings, ...(source.findings ?? [])] };
  } finally {
    for (const reader of open) reader.close();
  }
}

async function readTable(
  reader: TableReader,
  label: number | null,
  features: readonly number[],
  categorical: ReadonlySet<number>,
): Promise<ReadTable> {
  const wanted = features.map((position) => ({
    position,
    as: categorical.has(position) ? ("text" as const) : ("feature" as const),
  }));
  const content: TableContent = await reader.read([
    ...wanted,
    ...(label === null ? [] : [{ position: label, as: "text" as const }]),
  ]);
  return {
    reader,
    path: reader.path,
    rows: content.rows,
    placeOf: content.placeOf,
    label: label === null ? null : (content.columns.at(-1) as TextColumn),
    features: content.columns.slice(0, features.length),
    findings: [...reader.findings, ...content.findings],
  };
}

/** Leaves out an index and nameless columns with nothing in them, unless the recipe names its features. */
function withoutBookkeeping(
  table: ReadTable,
  chosen: ChosenColumns,
): { table: ReadTable; places: readonly number[]; findings: readonly DataFinding[] } {
  const { reader } = table;
  const findings: DataFinding[] = [...table.findings];
  if (chosen.explicit) return { table, places: chosen.features, findings };
  const kept = chosen.features.flatMap((position, k) => {
    const column = table.features[k] as Column;
    if (chosen.categorical.has(position)) return [k];
    if (reader.unnamed.has(position) && isEmpty(column)) findings.push(emptyFinding(reader, position));
    else if (mayBeIndex(reader, position) && isIndex(reader, position, column))
      findings.push(indexFinding(reader, position));
    else return [k];
    return [];
  });
  if (kept.length === 0)
    throw new InputError({
      code: "column-missing",
      where: "data.features",
      found: `no feature column is left in ${reader.path}, because the others are an index or empty`,
      expected: "at least one column besides the label",
      cure: "Name the columns under data.features if they are features",
    });
  const features = kept.map((k) => table.features[k] as Column);
  return { table: { ...table, features }, places: kept.map((k) => chosen.features[k] as number), findings };
}

function isEmpty(column: Column): boolean {
  if (column.kind === "text") return column.texts.every(isMissingNumber);
  return column.kind === "number" && column.values.every(Number.isNaN);
}

const emptyFinding = (reader: TableReader, position: number): DataFinding => ({
  code: "column-empty",
  level: "note",
  where: reader.path,
  text: `Column ${position + 1} has neither a name nor a value and was left out.`,
  count: 1,
});

/** The test table's columns are found by name, in whatever order they are. */
async function readTest(
  reader: TableReader,
  train: TableReader,
  { label, categorical }: ChosenColumns,
  places: readonly number[],
): Promise<ReadTable> {
  const find = (position: number): number => placeOf(reader, train.names[position] as string, "data.test_path");
  const features = places.map(find);
  const own = label === null ? null : find(label);
  const oneHot = new Set(places.flatMap((p, k) => (categorical.has(p) ? [features[k] as number] : [])));
  const table = await readTable(reader, own, features, oneHot);
  const known = new Set([...features, ...(own === null ? [] : [own])]);
  const extra = reader.names.filter((name, c) => !known.has(c) && !train.names.includes(name));
  return { ...table, findings: [...table.findings, ...extraFinding(reader.path, extra)] };
}

function extraFinding(path: string, names: readonly string[]): DataFinding[] {
  if (names.length === 0) return [];
  const some = names.slice(0, 5).map((n) => quote(n));
  return [
    {
      code: "columns-extra",
      level: "note",
      where: path,
      text: `${noun(names.length, "column")} that the training table does not have ${names.length === 1 ? "was" : "were"} left out (${some.join(", ")}${names.length > 5 ? ", ..." : ""}).`,
      count: names.length,
      examples: names.slice(0, 5),
    },
  ];
}

function assembleTable(
  config: TableSettings,
  train: ReadTable,
  test: ReadTable | null,
  places: readonly number[],
  { categorical }: ChosenColumns,
): RawSource {
  const tables = test ? [train, test] : [train];
  const findings: DataFinding[] = [...(test?.findings ?? [])];
  const blocks = forAll(places, (position, k): FeatureBlock => {
    const name = train.reader.names[position] as string;
    const parts = tables.map(
      (t): PartColumn => ({ path: t.path, column: t.features[k] as Column, placeOf: t.placeOf }),
    );
    const made = categorical.has(position) ? oneHotFeatures(name, parts) : numberFeatures(name, parts, config.decimal);
    appendTo(findings, made.findings);
    return made.block;
  });
  const choice = config.missing ?? "error";
  const { kept, findings: missing } = rowsToKeep(blocks, tables, choice);
  const rounded: Rounded = new Map();
  const parts = tables.map(
    (table, p): RawPart => ({
      samples: fillSamples(blocks, table, p, kept[p] as Uint32Array, rounded),
      labels: table.label && labelsOf(table.label, kept[p] as Uint32Array),
      from: table.path,
    }),
  );
  refuseUnlabelled(config, tables, parts);
  const names = blocks.flatMap((b) => b.names);
  return {
    name: `table ${basename(train.path)}`,
    sampleShape: [names.length],
    train: parts[0] as RawPart,
    test: parts[1] ?? null,
    features: names,
    findings: [...findings, ...missing, ...roundedFindings(train.path, rounded)],
    ...(choice === "mean" ? { fillMissing: fillsOf(blocks) } : {}),
    defaultNormalise: "standard",
    unit: 1,
  };
}

/** Columns that an error describes at most. */
const DESCRIBED = 8;

/** Makes something of every column. @throws InputError that describes all columns of which nothing can be made */
function forAll<T>(places: readonly number[], make: (position: number, k: number) => T): T[] {
  const errors: InputError[] = [];
  const made = places.flatMap((position, k) => {
    try {
      return [make(position, k)];
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      errors.push(error);
      return [];
    }
  });
  const [first] = errors;
  if (!first) return made;
  if (errors.length === 1) throw first;
  throw new InputError({
    code: first.code,
    where: first.where,
    found: `${noun(errors.length, "column")} cannot be used as they are`,
    details: errors.slice(0, DESCRIBED).flatMap((error) => faultOf(error) ?? []),
  });
}

/** What each feature gets where its value is missing: a level of a one-hot column is then absent. */
function fillsOf(blocks: readonly FeatureBlock[]): ("mean" | "zero")[] {
  return blocks.flatMap((b) => b.names.map(() => (b.parts[0]?.kind === "levels" ? "zero" : "mean")));
}

/** Texts as they are in the file; "" where there is none. */
function labelsOf({ codes, texts }: TextColumn, kept: Uint32Array): string[] {
  return Array.from(kept, (row) => texts[codes[row] as number] ?? "");
}

function refuseUnlabelled(config: TableSettings, tables: readonly ReadTable[], parts: readonly RawPart[]): void {
  if (config.label === undefined || config.labels === "ignore") return;
  if (parts.some(({ labels }) => labels?.some((l) => l.trim() !== ""))) return;
  throw new InputError({
    code: "labels-missing",
    where: tables[0]?.path ?? "data.label",
    found: `the label column ${quote(config.label)} is empty in all ${noun(
      parts.reduce((n, p) => n + (p.labels?.length ?? 0), 0),
      "row",
    )}`,
    expected: "a label in some rows",
    cure: "Name the right column under data.label, or remove data.label to learn from a teacher alone",
  });
}

const tooFewRows = (path: string, rows: number): InputError =>
  new InputError({
    code: "data-empty",
    where: path,
    found: `the table has ${rows === 0 ? "no rows" : "a single row"}`,
    expected: "at least 2 rows",
    cure: "Give a table with more rows",
  });
