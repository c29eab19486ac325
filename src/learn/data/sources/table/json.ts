/** JSON tables through DuckDB: a list of records, or one record a line. Values keep the text they have in the file. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "../../../../base/errors.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import { encodingFinding, hasByteOrderMark, type TextFile, utf8Pieces } from "./bytes.js";
import type { TableReader } from "./content.js";
import { type Connection, connect, duckdbReason, literalPath, rowsOf } from "./duckdb.js";
import { readColumns, type SqlColumn } from "./duckdb-columns.js";

/** @throws InputError for text that is not JSON, or JSON that is not records */
export async function openJson(file: TextFile): Promise<TableReader> {
  const findings = await encodingFinding(file);
  const copy = await checkText(file);
  try {
    return await readerOf(file.path, copy?.path ?? file.path, findings);
  } finally {
    copy?.remove();
  }
}

/** @param file what DuckDB reads: the table itself, or a copy of it */
async function readerOf(path: string, file: string, findings: readonly DataFinding[]): Promise<TableReader> {
  const connection = await connect();
  try {
    await load(connection, path, file);
    const columns = await describe(connection, path, file);
    const relation = `records AS t(${columns.map((_, c) => `c${c}`).join(", ")})`;
    return {
      path,
      names: columns.map((c) => c.name),
      declaredIndex: new Set(),
      unnamed: new Set(),
      findings,
      read: async (wanted) => ({
        ...(await readColumns(connection, path, relation, columns, wanted)),
        findings: [],
        placeOf: (row) => `row ${row + 1}`,
      }),
      close: () => connection.closeSync(),
    };
  } catch (error) {
    connection.closeSync();
    throw error;
  }
}

interface Copy {
  readonly path: string;
  remove(): void;
}

/**
 * Makes sure that the file is text in which records may begin.
 * @returns a copy in plain UTF-8 where DuckDB could not read the file itself
 */
async function checkText(file: TextFile): Promise<Copy | null> {
  const { path, encoding } = file;
  const needed = encoding !== undefined || (await hasByteOrderMark(path));
  const copy = needed ? temporaryFile() : null;
  try {
    let start = "";
    for await (const piece of utf8Pieces(file)) {
      if (start.trim().length < 64) start += piece.toString("utf8", 0, 4096);
      if (copy) writeFileSync(copy.path, piece, { flag: "a" });
    }
    requireRecords(path, start.trim());
    return copy;
  } catch (error) {
    copy?.remove();
    throw error;
  }
}

function temporaryFile(): Copy {
  const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
  return { path: join(folder, "table.json"), remove: () => rmSync(folder, { recursive: true, force: true }) };
}

function requireRecords(path: string, start: string): void {
  if (start === "" || /^\[\s*\]$/.test(start))
    throw new InputError({ code: "data-empty", where: path, found: "the table has no rows", expected: "records" });
  if (!/^(?:\[\s*)?\{/.test(start)) throw notRecords(path, `it begins with ${quote(start.slice(0, 20))}`);
}

const notRecords = (path: string, found: string): InputError =>
  new InputError({
    code: "file-type",
    where: path,
    found,
    expected: 'a list of records ([{"width": 1, ...}, ...]), or one record in each line',
    cure: 'Write it as records (in pandas: to_json(orient="records"))',
  });

/** Reads the file once into memory, every value as JSON. */
async function load(connection: Connection, path: string, file: string): Promise<void> {
  const options = "maximum_depth=1, records=true, sample_size=-1, hive_partitioning=false, filename=false";
  try {
    await connection.run(`CREATE TEMP TABLE records AS SELECT * FROM read_json(${literalPath(file)}, ${options})`);
  } catch (cause) {
    throw unreadable(path, duckdbReason(cause), cause);
  }
}

function unreadable(path: string, reason: string, cause: unknown): InputError {
  const key = /has duplicate key "(.*)"/.exec(reason)?.[1];
  if (key !== undefined)
    return new InputError(
      {
        code: "column-duplicate",
        where: path,
        found: `a record has two values ${quote(key)} (${reason.slice(0, 120)})`,
        expected: "each name once in a record",
        cure: "Rename or remove one of them",
      },
      { cause },
    );
  if (/expected records/.test(reason)) return notRecords(path, "it does not hold records");
  return new InputError(
    {
      code: "file-damaged",
      where: path,
      found: `it cannot be read as JSON (${reason.slice(0, 200)})`,
      cure: "Write the file again",
    },
    { cause },
  );
}

const NUMBERS = new Set(["BIGINT", "UBIGINT", "HUGEINT", "UHUGEINT", "DOUBLE"]);

/** What each column holds, from all of its values. */
async function describe(connection: Connection, path: string, file: string): Promise<SqlColumn[]> {
  const described = (await rowsOf(connection, "DESCRIBE records")).map(([name]) => String(name));
  await refuseRenamed(connection, path, file, described);
  const aliases = described.map((_, c) => `c${c}`);
  const relation = `records AS t(${aliases.join(", ")})`;
  const kinds = aliases.map((c) => `list(DISTINCT json_type(${c}))`);
  const [row = []] = await rowsOf(connection, `SELECT count(*), ${kinds.join(", ")} FROM ${relation}`);
  const [rows, ...found] = row as [bigint, ...{ items: readonly (string | null)[] }[]];
  const types = found.map(({ items }) => new Set(items.filter((t): t is string => t !== null && t !== "NULL")));
  const nested = (t: ReadonlySet<string>): boolean => t.has("OBJECT") || t.has("ARRAY");
  if (Number(rows) === 1 && types.every(nested))
    throw notRecords(path, "it is a single record whose values are lists or records themselves");
  const columns: SqlColumn[] = [];
  for (const [c, name] of described.entries())
    columns.push(await columnOf(connection, relation, name, `c${c}`, types[c] as ReadonlySet<string>));
  return columns;
}

async function columnOf(
  connection: Connection,
  relation: string,
  name: string,
  alias: string,
  types: ReadonlySet<string>,
): Promise<SqlColumn> {
  const all = (test: (type: string) => boolean): boolean => types.size > 0 && [...types].every(test);
  const raw = `${alias}->>'$'`;
  // NaN among numbers is what Python writes for a missing one.
  const text = types.has("DOUBLE")
    ? `CASE WHEN json_type(${alias}) = 'DOUBLE' THEN nullif(${raw}, 'NaN') ELSE ${raw} END`
    : raw;
  if (all((t) => NUMBERS.has(t))) return { name, sql: alias, type: "DOUBLE", text };
  if (all((t) => t === "BOOLEAN")) return { name, sql: `CAST(${alias} AS BOOLEAN)`, type: "BOOLEAN", text };
  if (all((t) => t === "ARRAY")) return { name, sql: alias, type: await listType(connection, relation, alias) };
  if (types.has("OBJECT") || types.has("ARRAY")) return { name, sql: alias, type: "JSON" };
  return { name, sql: text, type: "VARCHAR", text };
}

async function listType(connection: Connection, relation: string, alias: string): Promise<string> {
  const sql = `SELECT DISTINCT unnest(json_type(${alias}, '$[*]')) FROM ${relation}`;
  const types = (await rowsOf(connection, sql)).map(([type]) => String(type));
  if (types.includes("ARRAY")) return "DOUBLE[][]";
  return types.every((t) => NUMBERS.has(t) || t === "NULL" || t === "null") ? "DOUBLE[]" : "VARCHAR[]";
}

/** DuckDB renames a column whose name differs from another only by case; such a file is refused. */
async function refuseRenamed(
  connection: Connection,
  path: string,
  file: string,
  names: readonly string[],
): Promise<void> {
  const lower = new Set(names.map((n) => n.toLowerCase()));
  const suspects = names.filter((n) => /_\d+$/.test(n) && lower.has(n.replace(/_\d+$/, "").toLowerCase()));
  if (suspects.length === 0) return;
  const source = `read_json(${literalPath(file)}, records=false, columns={record: 'JSON'})`;
  const keys = new Set((await rowsOf(connection, `SELECT DISTINCT unnest(json_keys(record)) FROM ${source}`)).flat());
  const renamed = suspects.find((n) => !keys.has(n));
  if (renamed === undefined) return;
  const name = renamed.replace(/_\d+$/, "");
  throw new InputError({
    code: "column-duplicate",
    where: path,
    found: `it has two columns ${quote(name)} that differ only by case`,
    expected: "names that differ by more than case",
    cure: "Rename one of them",
  });
}
