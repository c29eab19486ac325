/** The embedded DuckDB, which reads Parquet and JSON. It is loaded only here. */
import type { DuckDBConnection, DuckDBDataChunk } from "@duckdb/node-api";
import { InputError } from "../../../../base/errors.js";

export type Connection = DuckDBConnection;

/** A database in memory that fetches nothing: extensions that are not built in stay out. */
export async function connect(): Promise<Connection> {
  let duckdb: typeof import("@duckdb/node-api");
  try {
    duckdb = await import("@duckdb/node-api");
  } catch (cause) {
    throw new InputError(
      {
        code: "package-missing",
        where: "data.source",
        found: "the package @duckdb/node-api is not installed, and Parquet and JSON tables are read with it",
        cure: 'Run "npm install @duckdb/node-api", or save the table as CSV',
      },
      { cause },
    );
  }
  const instance = await duckdb.DuckDBInstance.create(":memory:", {
    autoinstall_known_extensions: "false",
    autoload_known_extensions: "false",
  });
  return instance.connect();
}

export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/** A path as an SQL literal that means exactly this file: characters that DuckDB would match other files with are escaped. */
export const literalPath = (path: string): string => literal(path.replace(/[[*?]/g, "[$&]"));

/** All rows of a query, as lists of values. */
export async function rowsOf(connection: Connection, sql: string): Promise<unknown[][]> {
  return (await connection.runAndReadAll(sql)).getRows();
}

/** The chunks of a query, in the order of the rows. */
export async function* chunksOf(connection: Connection, sql: string): AsyncGenerator<DuckDBDataChunk> {
  const result = await connection.stream(sql);
  for (let chunk = await result.fetchChunk(); chunk && chunk.rowCount > 0; chunk = await result.fetchChunk())
    yield chunk;
}

/** The first sentence of what DuckDB says about a file, without advice about its own options. */
export function duckdbReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [first = ""] = text.split("\n");
  return first
    .replace(/^(?:\w+ )*Error: /, "")
    .replace(/ in file "[^"]*",?/, "")
    .trim();
}
