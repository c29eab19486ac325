/** A recipe's `data` part, by itself, as data. */
import { dirname, resolve } from "node:path";
import { z } from "zod";
import { loadData as load } from "../../learn/data/load.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { rememberSecretsOf } from "../../base/secrets.js";
import { parseParts, readYaml, withOverrides } from "./load.js";
import { type RobustnessPlan, robustnessSchema } from "./schema/robustness-schema.js";
import { type DataInput, type DataPlan, dataSchema, type TeacherPlan, teacherSchema } from "./schema/schema.js";

/**
 * Loads, checks and splits data described as in a recipe: `{ source: "digits" }`, `{ source: "idx", path: "mnist" }` ...
 * @param options.folder where relative paths start; default the working folder
 * @throws InputError naming the file or field when the data cannot be used
 */
export async function loadData(data: DataInput, options: { folder?: string } = {}): Promise<LoadedData> {
  const parsed = parseParts(z.object({ data: dataSchema() }), { data }, "loadData");
  return load(parsed.data, { folder: options.folder ?? process.cwd() });
}

export interface DataFile {
  readonly data: DataPlan;
  /** The recipe's teacher, when the file has one. */
  readonly teacher?: TeacherPlan;
  /** What the file says of the evaluation under corruptions; false: nothing. */
  readonly robustness: RobustnessPlan | false;
  /** Paths in the file start here. */
  readonly folder: string;
}

/**
 * Reads the `data` part of a recipe file; a file with nothing else in it will do.
 * @param overrides `path=value` pairs as --set takes them
 * @throws InputError naming the file and the field
 */
export function loadDataFile(path: string, overrides: readonly string[] = []): DataFile {
  const value = readYaml(path);
  if (typeof value !== "object" || value === null || !("data" in value))
    throw new InputError({
      code: "option-missing",
      where: path,
      found: "it has no data",
      expected: "a recipe, or a file with data: { source: ... }",
    });
  const schema = z.object({
    data: dataSchema(),
    teacher: teacherSchema().optional(),
    evaluation: z.object({ robustness: robustnessSchema }).prefault({}),
  });
  const written = withOverrides(value, overrides, dirname(resolve(path)));
  rememberSecretsOf(written);
  const { evaluation, ...rest } = parseParts(schema, written, path);
  return {
    ...rest,
    ...evaluation,
    folder: dirname(resolve(path)),
  };
}
