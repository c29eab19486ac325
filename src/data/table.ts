/** Tables: CSV, TSV, Parquet and JSON through an embedded DuckDB, which is loaded only here. */
import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";
import { InputError } from "../errors.js";
import { appendTo } from "../extremes.js";
import { nearestOf } from "../graph/nearest.js";
import type { TableConfig } from "./config.js";
import type { RawPart, RawSource, SourceContext } from "./source.js";

interface Column {
  readonly name: string;
  /** DuckDB's type: "DOUBLE", "VARCHAR", "DECIMAL(18,3)" ... */
  readonly type: string;
}

const NUMERIC =
  /^(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT|UTINYINT|USMALLINT|UINTEGER|UBIGINT|UHUGEINT|FLOAT|DOUBLE|DECIMAL.*|BOOLEAN)$/;

/** One feature column, or one level of a categorical column. */
interface Feature {
  readonly column: string;
  readonly level?: string;
}

export async function readTableSource(config: TableConfig, context: SourceContext): Promise<RawSource> {
  const path = resolve(context.folder, config.path);
  const testPath = config.testPath === undefined ? null : resolve(context.folder, config.testPath);
  const connection = await connect();
  try {
    const columns = await describe(connection, path);
    const chosen = chooseColumns(config, columns, path);
    const features = await featuresOf(connection, path, chosen, new Set(config.categorical ?? []));
    const train = await readRows(connection, path, features, config.label);
    if (testPath) await checkTest(connection, testPath, chosen, config.label, path);
    return {
      name: `table ${basename(path)}`,
      sampleShape: [features.length],
      train,
      test: testPath ? await readRows(connection, testPath, features, config.label) : null,
      features: features.map((f) => (f.level === undefined ? f.column : `${f.column}=${f.level}`)),
      defaultNormalise: "standard",
      unit: 1,
    };
  } finally {
    connection.closeSync();
  }
}

async function connect(): Promise<DuckDBConnection> {
  let duckdb: typeof import("@duckdb/node-api");
  try {
    duckdb = await import("@duckdb/node-api");
  } catch {
    throw new InputError(
      "data.source",
      'tables need the package @duckdb/node-api, which is not installed; run "npm install @duckdb/node-api"',
    );
  }
  // Nothing is fetched: extensions that are not built in stay out.
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  return instance.connect();
}

const name = (column: string): string => `"${column.replaceAll('"', '""')}"`;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** The table function that reads a file. Types are found from all rows, not from the first few. */
function reader(path: string): string {
  const plain = path.toLowerCase().replace(/\.gz$/, "");
  if (/\.(parquet|pq)$/.test(plain)) return `read_parquet(${literal(path)})`;
  if (/\.(json|jsonl|ndjson)$/.test(plain)) return `read_json(${literal(path)}, sample_size=-1)`;
  if (/\.(csv|tsv|txt|data)$/.test(plain)) return `read_csv(${literal(path)}, sample_size=-1)`;
  throw new InputError(path, "cannot tell what kind of table it is; expected .csv, .tsv, .parquet, .json or .jsonl");
}

/** Runs a query; what DuckDB has to say about a file becomes an error that names the file. */
async function query(connection: DuckDBConnection, path: string, sql: string) {
  try {
    return await connection.runAndReadAll(sql);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    const dialect = /sniffing file/.test(text);
    throw new InputError(
      path,
      dialect
        ? "it is no table with the same number of columns in every row; look for a row that is cut short, too long or quoted wrongly"
        : `DuckDB cannot read it: ${text.split("\n").slice(0, 2).join(" ").trim()}`,
    );
  }
}

async function describe(connection: DuckDBConnection, path: string): Promise<Column[]> {
  if (!existsSync(path)) throw new InputError(path, "no such file");
  const found = await query(connection, path, `DESCRIBE SELECT * FROM ${reader(path)}`);
  const columns = found.getRows().map(([column, type]) => ({ name: String(column), type: String(type) }));
  await refuseRagged(connection, path, columns);
  const any = await query(connection, path, `SELECT 1 FROM ${reader(path)} LIMIT 1`);
  if (any.currentRowCount === 0) throw new InputError(path, "the table has no rows");
  return columns;
}

/** Lines of different lengths make DuckDB take each line as one value; asked with a separator, it names the line. */
async function refuseRagged(connection: DuckDBConnection, path: string, columns: readonly Column[]): Promise<void> {
  const [only] = columns;
  const separator = columns.length === 1 && /[,;\t|]/.exec(only?.name ?? "")?.[0];
  if (!separator) return;
  await query(
    connection,
    path,
    `SELECT * FROM read_csv(${literal(path)}, delim=${literal(separator)}, header=true, all_varchar=true)`,
  );
}

function need(columns: readonly Column[], wanted: string, field: string, path: string): Column {
  const found = columns.find((c) => c.name === wanted);
  if (found) return found;
  const names = columns.map((c) => c.name);
  const near = nearestOf(wanted, names);
  throw new InputError(
    field,
    `${path} has no column "${wanted}"${near ? `; did you mean "${near}"?` : `; it has ${names.slice(0, 12).join(", ")}${names.length > 12 ? ", ..." : ""}`}`,
  );
}

/** The columns that become features, in the table's order unless the recipe names them. */
function chooseColumns(config: TableConfig, columns: readonly Column[], path: string): Column[] {
  if (config.label !== undefined) need(columns, config.label, "data.label", path);
  for (const c of config.ignore ?? []) need(columns, c, "data.ignore", path);
  for (const c of config.categorical ?? []) need(columns, c, "data.categorical", path);
  const left = new Set([config.label, ...(config.ignore ?? [])]);
  const chosen = config.features
    ? config.features.map((f) => need(columns, f, "data.features", path))
    : columns.filter((c) => !left.has(c.name));
  if (chosen.some((c) => c.name === config.label))
    throw new InputError("data.features", `"${config.label}" is the label; a feature would give the answer away`);
  if (chosen.length === 0) throw new InputError("data.features", `no feature column is left in ${path}`);
  const categorical = new Set(config.categorical ?? []);
  const text = chosen.find((c) => !NUMERIC.test(c.type) && !categorical.has(c.name));
  if (text)
    throw new InputError(
      path,
      `the column "${text.name}" holds ${text.type}, not numbers; put it under data.categorical (one-hot) or data.ignore`,
    );
  return chosen;
}

async function featuresOf(
  connection: DuckDBConnection,
  path: string,
  columns: readonly Column[],
  categorical: ReadonlySet<string>,
): Promise<Feature[]> {
  const features: Feature[] = [];
  for (const { name: column } of columns) {
    if (!categorical.has(column)) {
      features.push({ column });
      continue;
    }
    const sql = `SELECT DISTINCT CAST(${name(column)} AS VARCHAR) AS v FROM ${reader(path)} WHERE v IS NOT NULL ORDER BY v`;
    const levels = (await query(connection, path, sql)).getRows().map(([v]) => String(v));
    if (levels.length > 256)
      throw new InputError(
        "data.categorical",
        `"${column}" has ${levels.length} different values; expected at most 256`,
      );
    appendTo(
      features,
      levels.map((level) => ({ column, level })),
    );
  }
  return features;
}

async function checkTest(
  connection: DuckDBConnection,
  path: string,
  chosen: readonly Column[],
  label: string | undefined,
  train: string,
): Promise<void> {
  const columns = await describe(connection, path);
  for (const { name: column } of chosen) {
    const { type } = need(columns, column, "data.test_path", path);
    if (!NUMERIC.test(type) && NUMERIC.test(chosen.find((c) => c.name === column)?.type ?? ""))
      throw new InputError(path, `the column "${column}" holds ${type} here and numbers in ${train}`);
  }
  if (label !== undefined) need(columns, label, "data.test_path", path);
}

/** All rows in the file's order. */
async function readRows(
  connection: DuckDBConnection,
  path: string,
  features: readonly Feature[],
  label: string | undefined,
): Promise<RawPart> {
  const columns = [...new Set(features.map((f) => f.column))];
  const text = new Set(features.filter((f) => f.level !== undefined).map((f) => f.column));
  const selected = columns.map((c) => `CAST(${name(c)} AS ${text.has(c) ? "VARCHAR" : "DOUBLE"})`);
  if (label !== undefined) selected.push(`CAST(${name(label)} AS VARCHAR)`);
  const result = await query(connection, path, `SELECT ${selected.join(", ")} FROM ${reader(path)}`);
  const count = result.currentRowCount;
  const samples = new Float32Array(count * features.length);
  const found = result.getColumns();
  const values = new Map(columns.map((c, i) => [c, found[i] ?? []]));
  const levels = new Map(
    columns.map((c) => [
      c,
      new Set(features.flatMap((f) => (f.column === c && f.level !== undefined ? [f.level] : []))),
    ]),
  );
  for (const [column, list] of values) {
    const missing = list.indexOf(null);
    if (missing >= 0)
      throw new InputError(
        path,
        `row ${missing + 1}, column "${column}": the value is missing; fill it, or leave the row or column out`,
      );
    const known = levels.get(column) as Set<string>;
    const strange = known.size > 0 ? list.findIndex((v) => !known.has(String(v))) : -1;
    if (strange >= 0)
      throw new InputError(
        path,
        `row ${strange + 1}, column "${column}": "${list[strange]}" does not occur in the training table`,
      );
  }
  features.forEach(({ column, level }, f) => {
    const list = values.get(column) as readonly unknown[];
    for (let row = 0; row < count; row++)
      samples[row * features.length + f] =
        level === undefined ? Number(list[row]) : Number(String(list[row]) === level);
  });
  const labels = label === undefined ? null : (found[columns.length] ?? []).map((v) => (v === null ? "" : String(v)));
  return { samples, labels };
}
