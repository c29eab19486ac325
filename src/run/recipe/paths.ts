/** Fields of a recipe that name a file or folder: their schemas say so (`file` in base/schema-fields.ts). */
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { isChanges, isFile } from "../../base/schema-fields.js";
import { type Plan, planSchema } from "./schema/schema.js";
import { lookup } from "./schema/schema-at.js";
import { rebuilt, snakeCase, spell } from "./spelling.js";

/** A copy of a plan whose files are found from anywhere: for a run in another folder. @param folder its own */
export function withAbsoluteFiles(plan: Plan, folder: string): Plan {
  const change: Change = (file) => resolve(folder, file);
  const recipe = spell(planSchema(), plan) as object;
  return rebuilt(planSchema(), plan, {
    name: (field) => field,
    leaf: changing(change),
    record: (schema, value) => (isChanges(schema) ? changedFiles(recipe, value, change) : value),
  }) as Plan;
}

/**
 * The value that is typed for a place of a recipe. Whoever types a file's name at a prompt means the folder they are in, unless
 * only the recipe's folder has it.
 * @param written the recipe with the value in it: it says of which kind the field is (an archive's `samples` is a key)
 * @param path of the value, as it is spelt
 * @param folder the recipe's own
 */
export function fromHere(written: object, path: readonly string[], folder: string): unknown {
  return filesChanged(written, path, (file) => {
    const here = resolve(file);
    return existsSync(here) || !existsSync(resolve(folder, file)) ? here : file;
  });
}

type Change = (file: string) => string;

const changing =
  (change: Change) =>
  (schema: z.core.$ZodType, value: unknown): unknown =>
    isFile(schema) && typeof value === "string" && value !== "" ? change(value) : value;

/** Changes to a recipe (of a variant, of a sweep) with their files changed. */
function changedFiles(recipe: object, changes: object, change: Change): Record<string, unknown> {
  const at = (path: string, value: unknown): unknown => {
    const keys = path.split(".");
    return filesChanged(withValue(recipe, keys, value), keys, change);
  };
  // A list is the values of a sweep, or one value that is a list: either way each of them is looked at.
  return Object.fromEntries(
    Object.entries(changes).map(([path, value]) => [
      path,
      Array.isArray(value) ? value.map((inner) => at(path, inner)) : at(path, value),
    ]),
  );
}

/** The value at a place of a recipe as it is spelt, with its files changed. */
function filesChanged(recipe: object, path: readonly string[], change: Change): unknown {
  return lookup(rebuilt(planSchema(), recipe, { name: snakeCase, given: snakeCase, leaf: changing(change) }), path);
}

/** A copy of a recipe with another value at a place; mappings on the way that are not there are made. */
function withValue(recipe: object, [key, ...rest]: readonly string[], value: unknown): object {
  const copy = (Array.isArray(recipe) ? [...recipe] : { ...recipe }) as Record<string, unknown>;
  const inner = copy[key as string];
  const below = typeof inner === "object" && inner !== null ? inner : {};
  copy[key as string] = rest.length === 0 ? value : withValue(below, rest, value);
  return copy;
}
