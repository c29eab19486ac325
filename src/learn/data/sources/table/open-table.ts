/** Opens a table by its file's ending. The path means exactly this file, whatever characters it holds. */
import { InputError } from "../../../../base/errors.js";
import { checkFile } from "../files.js";
import { decoderOf } from "./bytes.js";
import type { TableReader } from "./content.js";
import { type CsvOptions, openCsv } from "./csv.js";
import { openJson } from "./json.js";
import { openParquet } from "./parquet.js";

/**
 * Opens a table; its rows are read later.
 * @throws InputError naming the file, and the line where there is one
 */
export async function openTable(options: CsvOptions): Promise<TableReader> {
  const { path, encoding } = options;
  const plain = path.toLowerCase().replace(/\.gz$/, "");
  const kind = /\.(?:(parquet|pq)|(json|jsonl|ndjson)|(csv|tsv|txt|data))$/.exec(plain);
  const { size } = checkFile(path, "a table");
  if (!kind)
    throw new InputError({
      code: "file-type",
      where: path,
      found: "its ending says nothing about what kind of table it is",
      expected: ".csv, .tsv, .parquet, .json or .jsonl",
      cure: "Rename the file, or export the table in one of these formats",
    });
  if (encoding !== undefined) decoderOf(encoding);
  if (!kind[1]) return kind[2] ? openJson(options) : openCsv(options);
  if (encoding !== undefined)
    throw new InputError({
      code: "option-conflict",
      where: "data.encoding",
      found: `${path} is a Parquet file, whose texts are always UTF-8`,
      cure: "Remove data.encoding",
    });
  return openParquet(path, size);
}
