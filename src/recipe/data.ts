/** A recipe's `data` part, by itself, as data. */
import { z } from "zod";
import type { DataConfig } from "../data/config.js";
import { loadData as load } from "../data/load.js";
import type { LoadedData } from "../data/types.js";
import { parseParts } from "./load.js";
import { camelKeys } from "./resolve.js";
import { type DataInput, dataSchema } from "./schema.js";

/**
 * Loads, checks and splits data described as in a recipe: `{ source: "digits" }`, `{ source: "idx", path: "mnist" }` ...
 * @param options.folder where relative paths start; default the working folder
 * @throws InputError naming the file or field when the data cannot be used
 */
export async function loadData(data: DataInput, options: { folder?: string } = {}): Promise<LoadedData> {
  const parsed = parseParts(z.object({ data: dataSchema }), { data }, "loadData");
  return load(camelKeys(parsed.data) as DataConfig, { folder: options.folder ?? process.cwd() });
}
