/** Validation of recipes and parts of them, with errors in the user's words. Nothing here is Node's. */
import type { z } from "zod";
import { InputError, sentenceOf } from "../../base/errors.js";
import { jsonSchemaOf } from "../../base/json-schema.js";
import { noun } from "../../base/noun.js";
import { faultsOf, mostLikely } from "./issues.js";
import type { Written } from "./schema/schema-at.js";
import { spelled } from "./spelling.js";

export { describe } from "../../base/schema-words.js";

/** Problems listed at most. */
const LISTED = 50;

/**
 * Validates parts of a recipe as they are spelt and fills in their defaults.
 * @param schema of the plan: its fields are named as in code
 * @throws InputError whose details are the fields, as for a whole recipe
 */
export function parseParts<T extends z.ZodType>(schema: T, value: unknown, source: string): z.output<T> {
  const taken = spelled(schema);
  const parsed = taken.safeParse(value);
  if (!parsed.success) throw explain(parsed.error, { value, schema: jsonSchemaOf(taken) }, source);
  return parsed.data;
}

/** What a failed parse found, each thing a detail. */
function explain(error: z.ZodError, written: Written, where: string): InputError {
  const issues = error.issues.slice(0, LISTED).flatMap((issue) => mostLikely(issue, written.value));
  const all = issues.slice(0, LISTED).flatMap((issue) => faultsOf(issue, written));
  const details = [...new Map(all.map((fault) => [sentenceOf(fault), fault])).values()].slice(0, LISTED);
  const found = `${noun(details.length, "field")} cannot be used`;
  return new InputError({ code: "recipe-invalid", where, found, details });
}
