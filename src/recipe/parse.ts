/** Validation of recipes and parts of them, with errors in the user's words. Nothing here is Node's. */
import type { z } from "zod";
import { InputError } from "../errors.js";
import { mostLikely, sentence } from "./issues.js";

export { recipeJsonSchema } from "./schema-at.js";
export { describe } from "./words.js";

/** Problems told of at most. */
const TOLD = 5;

/**
 * Validates parts of a recipe under the recipe's own field names and fills in their defaults.
 * @throws InputError in the same words as for a whole recipe
 */
export function parseParts<T extends z.ZodType>(schema: T, value: unknown, source: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw explain(parsed.error, value, source);
  return parsed.data;
}

/** What a failed parse found, each thing a line. */
function explain(error: z.ZodError, value: unknown, source: string): InputError {
  const issues = error.issues.flatMap((issue) => mostLikely(issue, value));
  const lines = [...new Set(issues.slice(0, TOLD).map((i) => sentence(i, value)))];
  const more = issues.length > TOLD ? `\n  and ${issues.length - TOLD} more` : "";
  return new InputError(source, lines.join("\n  ") + more);
}
