/** Parquet tables through DuckDB, each column with its own name and type. */
import { closeSync, openSync, readSync } from "node:fs";
import { InputError } from "../../../../base/errors.js";
import { quote } from "../../../../base/quote.js";
import type { TableReader } from "./content.js";
import { type Connection, connect, duckdbReason, literalPath, rowsOf } from "./duckdb.js";
import { readColumns, type SqlColumn } from "./duckdb-columns.js";

/** @throws InputError for a file that is not whole */
export async function openParquet(path: string, size: number): Promise<TableReader> {
  requireMarks(path, size);
  const connection = await connect();
  try {
    const source = `read_parquet(${literalPath(path)}, hive_partitioning=false, filename=false)`;
    const columns = await describe(connection, path, source);
    const names = columns.map((c) => c.name);
    const relation = `${source} AS t(${columns.map((c) => c.sql).join(", ")})`;
    return {
      path,
      names,
      declaredIndex: await declaredIndex(connection, path, names),
      unnamed: new Set(),
      findings: [],
      read: async (wanted) => ({
        ...(await guarded(path, () => readColumns(connection, path, relation, columns, wanted))),
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

/** A Parquet file begins and ends with the same four letters. */
function requireMarks(path: string, size: number): void {
  const [start, end] = [Buffer.alloc(4), Buffer.alloc(4)];
  const file = openSync(path, "r");
  try {
    readSync(file, start, 0, 4, 0);
    readSync(file, end, 0, 4, Math.max(0, size - 4));
  } finally {
    closeSync(file);
  }
  const marked = (bytes: Buffer): boolean => /^PAR[1E]$/.test(bytes.toString("latin1"));
  if (marked(start) && marked(end)) return;
  throw new InputError({
    code: marked(start) ? "file-damaged" : "file-type",
    where: path,
    found: marked(start) ? "it does not end as a Parquet file does, so it is cut off" : "it is not a Parquet file",
    expected: 'a file that begins and ends with "PAR1"',
    cure: "Copy or export the file again",
  });
}

async function guarded<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (cause instanceof InputError) throw cause;
    throw new InputError(
      {
        code: "file-damaged",
        where: path,
        found: `DuckDB cannot read it as Parquet (${duckdbReason(cause)})`,
        cure: "Copy or export the file again",
      },
      { cause },
    );
  }
}

/** Names come from the file's own schema: DuckDB would rename those that differ only by case. */
async function describe(connection: Connection, path: string, source: string): Promise<SqlColumn[]> {
  const types = await guarded(path, () => rowsOf(connection, `DESCRIBE SELECT * FROM ${source}`));
  const schema = await guarded(path, () =>
    rowsOf(connection, `SELECT name, num_children FROM parquet_schema(${literalPath(path)})`),
  );
  const names = topLevel(schema.map(([name, children]) => ({ name: String(name), children: Number(children ?? 0) })));
  const columns = types.map(([name, type], c) => ({
    name: names.length === types.length ? (names[c] as string) : String(name),
    sql: `c${c}`,
    type: String(type),
  }));
  const twice = columns.find((column, c) => columns.findIndex((other) => other.name === column.name) !== c);
  if (twice)
    throw new InputError({
      code: "column-duplicate",
      where: path,
      found: `it has more than one column ${quote(twice.name)}`,
      expected: "a name of its own for every column",
      cure: "Rename or remove the column",
    });
  return columns;
}

interface SchemaElement {
  readonly name: string;
  readonly children: number;
}

/** The schema lists the root, then each column followed by what is inside it. */
function topLevel(elements: readonly SchemaElement[]): string[] {
  const names: string[] = [];
  const end = (at: number): number => {
    let next = at + 1;
    for (let k = 0; k < (elements[at]?.children ?? 0); k++) next = end(next);
    return next;
  };
  for (let at = 1; at < elements.length; at = end(at)) names.push((elements[at] as SchemaElement).name);
  return names;
}

/** pandas writes into the file which of its columns are the index. */
async function declaredIndex(
  connection: Connection,
  path: string,
  names: readonly string[],
): Promise<ReadonlySet<number>> {
  const found = new Set(names.flatMap((name, c) => (/^__index_level_\d+__$/.test(name) ? [c] : [])));
  const sql = `SELECT decode(value) FROM parquet_kv_metadata(${literalPath(path)}) WHERE decode(key) = 'pandas'`;
  try {
    const [[text] = []] = await rowsOf(connection, sql);
    const { index_columns: index = [] } = JSON.parse(String(text)) as { index_columns?: unknown[] };
    for (const name of index) if (typeof name === "string" && names.includes(name)) found.add(names.indexOf(name));
  } catch {
    // Files that pandas did not write have no such text.
  }
  return found;
}
