/** Reads columns of a relation in DuckDB: numbers, texts and lists, or why a column is none of them. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import { type Column, NumberCollector, TextCollector, type UnusableColumn, type WantedColumn } from "./content.js";
import { type Connection, chunksOf } from "./duckdb.js";

const NUMBER = String.raw`(?:TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|BIGNUM|FLOAT|DOUBLE|DECIMAL(?:\(\d+,\s?\d+\))?)`;
const NUMERIC = new RegExp(`^(?:${NUMBER}|BOOLEAN)$`);
const LIST = new RegExp(String.raw`^${NUMBER}\[\d*\]$`);
const TEXT = /^(?:VARCHAR|ENUM\(.*|UUID|"NULL")$/s;

/** A column of a relation: an SQL expression, and the name of its type in DuckDB. */
export interface SqlColumn {
  readonly name: string;
  readonly sql: string;
  readonly type: string;
  /** Expression of its text as it is in the file; absent: the value as DuckDB writes it. */
  readonly text?: string;
}

/** How a wanted column is selected, and what collects its values. */
interface Selection {
  readonly sql: string;
  add(value: unknown): void;
  column(rows: number): Column;
}

/**
 * Reads the wanted columns, in the relation's order of rows.
 * @param relation what stands behind FROM
 */
export async function readColumns(
  connection: Connection,
  path: string,
  relation: string,
  columns: readonly SqlColumn[],
  wanted: readonly WantedColumn[],
): Promise<{ rows: number; columns: readonly Column[] }> {
  const selections = wanted.map(({ position, as }): Selection | UnusableColumn => {
    const column = columns[position] as SqlColumn;
    return as === "text" ? textSelection(path, column) : featureSelection(path, column);
  });
  const read = selections.filter((s): s is Selection => "sql" in s);
  const sql = `SELECT ${["1", ...read.map((s) => s.sql)].join(", ")} FROM ${relation}`;
  let rows = 0;
  for await (const chunk of chunksOf(connection, sql)) {
    rows += chunk.rowCount;
    read.forEach((selection, k) => {
      for (const value of chunk.getColumnValues(k + 1)) selection.add(value);
    });
  }
  return { rows, columns: selections.map((s) => ("sql" in s ? s.column(rows) : s)) };
}

function featureSelection(path: string, column: SqlColumn): Selection | UnusableColumn {
  const { sql, type } = column;
  if (NUMERIC.test(type)) return numberSelection(sql);
  if (TEXT.test(type)) return texts(`CAST(${sql} AS VARCHAR)`);
  if (LIST.test(type)) return listSelection(path, column);
  return unusable(type);
}

/** A column as the texts of its values; NaN is no text. */
function textSelection(path: string, { name, sql, type, text }: SqlColumn): Selection {
  if (/^(FLOAT|DOUBLE)$/.test(type) && text === undefined)
    return texts(`CASE WHEN isnan(${sql}) THEN NULL ELSE CAST(${sql} AS VARCHAR) END`);
  if (/^(STRUCT|MAP|UNION|BLOB|BIT|VARIANT|JSON)/.test(type) || type.endsWith("]")) {
    const { holds } = unusable(type);
    throw new InputError({
      code: "column-type",
      where: path,
      found: `the column ${quote(name)} holds ${holds}`,
      expected: "one text or number in each row",
    });
  }
  return texts(text ?? `CAST(${sql} AS VARCHAR)`);
}

function texts(sql: string): Selection {
  const collector = new TextCollector();
  return {
    sql,
    add: (value) => collector.add(value === null ? null : String(value)),
    column: () => collector.column(),
  };
}

function numberSelection(sql: string): Selection {
  const collector = new NumberCollector();
  return {
    sql: `CAST(${sql} AS DOUBLE)`,
    add: (value) => collector.add(value === null ? Number.NaN : (value as number)),
    column: () => ({ kind: "number", values: collector.values() }),
  };
}

/** Lists must have one length; it is known from the first that is there. */
function listSelection(path: string, { name, sql }: SqlColumn): Selection {
  const collector = new NumberCollector();
  let width = -1;
  let row = 0;
  let missing = 0;
  const fill = (count: number): void => {
    for (let i = 0; i < count; i++) collector.add(Number.NaN);
  };
  return {
    sql: `CAST(${sql} AS DOUBLE[])`,
    add: (value) => {
      row++;
      const items = value === null ? null : (value as { items: readonly (number | null)[] }).items;
      if (items === null) {
        if (width < 0) missing++;
        else fill(width);
        return;
      }
      if (width < 0) {
        width = items.length;
        fill(missing * width);
      }
      if (items.length !== width) throw unequalLists(path, name, row, items.length, width);
      for (const item of items) collector.add(item ?? Number.NaN);
    },
    column: () => ({ kind: "list", width: Math.max(width, 0), values: collector.values() }),
  };
}

const unequalLists = (path: string, name: string, row: number, found: number, expected: number): InputError =>
  new InputError({
    code: "row-invalid",
    where: path,
    found: `row ${row}, column ${quote(name)}: the list has ${noun(found, "number")}`,
    expected: `${noun(expected, "number")}, as in the rows before`,
    cure: "Make all lists equally long, or put the column under data.ignore",
  });

const LEAVE = "Put the column under data.ignore";
const KINDS: readonly (readonly [RegExp, string, string])[] = [
  [
    /^STRUCT\(.*\bbytes\b"? BLOB/s,
    "images",
    "Save them as files and use source: images, because images in tables are not supported yet",
  ],
  [
    /^BLOB/,
    "bytes, such as images",
    "Save images as files and use source: images, because images in tables are not supported yet",
  ],
  [
    /^(STRUCT|MAP|UNION|VARIANT|JSON)/,
    "records",
    "Give each of their values a column of its own, or put the column under data.ignore",
  ],
  [
    /^(DATE|TIME|INTERVAL)/,
    "dates or times",
    "Turn them into numbers (days since a fixed day, hour of the day), or put the column under data.ignore",
  ],
  [
    /\]\[\d*\]$/,
    "lists of lists",
    "Flatten them to one list of numbers in each row, or put the column under data.ignore",
  ],
  [/\]$/, "lists of something else than numbers", LEAVE],
];

function unusable(type: string): UnusableColumn {
  const [, holds, cure] = KINDS.find(([pattern]) => pattern.test(type)) ?? [null, "values of another kind", LEAVE];
  return { kind: "unusable", holds: `${holds} (${type.length > 40 ? `${type.slice(0, 40)}...` : type})`, cure };
}
