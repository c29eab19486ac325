/** From YAML text or a plain object to a validated recipe, with errors that name the field. */
import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { stringify } from "yaml";
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { MASK, maskSecrets, rememberSecretsOf } from "../../base/secrets.js";
import { describe, parseParts } from "./parse.js";
import { readText } from "./read-text.js";
import { type Recipe, type RecipeInput, recipeSchema } from "./schema/schema.js";
import { parseYaml, yamlValue } from "./yaml-value.js";

export { parseParts, recipeJsonSchema } from "./parse.js";

export interface LoadedRecipe {
  readonly recipe: Recipe;
  /** Paths in the recipe are relative to this folder. */
  readonly folder: string;
  /** Where it came from, for messages. */
  readonly source: string;
}

/**
 * Reads, overrides and validates a recipe file.
 * @param overrides `path=value` pairs as --set takes them; values are YAML. A file named here is the working folder's,
 *   unless only the recipe's folder has it
 * @throws InputError naming the file and the field, with the nearest valid key for an unknown one
 */
export function loadRecipe(path: string, overrides: readonly string[] = []): LoadedRecipe {
  return { recipe: parseRecipe(readYaml(path), path, overrides), folder: dirname(resolve(path)), source: path };
}

/** The content of a recipe file, not yet validated. @throws InputError when it cannot be read or is not YAML */
export function readYaml(path: string): unknown {
  return parseYaml(readText(path), path);
}

/** Validates a recipe object and fills in every default. */
export function parseRecipe(value: unknown, source = "recipe", overrides: readonly string[] = []): Recipe {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError({
      code: "recipe-invalid",
      where: source,
      found: `found ${describe(value)}`,
      expected: "a mapping of fields",
      cure: "Run limbeck init for a recipe with every field explained",
    });
  }
  // Before anything can be said about it.
  rememberSecretsOf(value);
  const written = withOverrides(value, overrides, dirname(resolve(source)));
  rememberSecretsOf(written);
  return parseParts(recipeSchema, written, source);
}

/** A copy with `path=value` pairs, as --set takes them, applied. @param folder the recipe's own */
export function withOverrides(value: object, overrides: readonly string[], folder: string): Record<string, unknown> {
  const changed = structuredClone(value) as Record<string, unknown>;
  for (const [path, value] of overrides.map(splitOverride)) setPath(changed, path, fromHere(path, value, folder));
  return changed;
}

/** A copy of the recipe with fields changed, validated again: what a variant is. */
export function withChanges(
  recipe: RecipeInput | Recipe,
  changes: Readonly<Record<string, unknown>>,
  source: string,
): Recipe {
  const changed = structuredClone(recipe) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) setPath(changed, path, structuredClone(value));
  return parseRecipe(changed, source);
}

/** A recipe as YAML text, without its secrets. */
export function recipeToYaml(recipe: unknown): string {
  return stringify(maskSecrets(recipe), { lineWidth: 120 });
}

/** Whether `path=value` gives a header or an address. */
export const mayHoldSecret = (pair: string): boolean => /\bheaders\b|\burl\b|:\/\//.test(pair);

/** What was given in the place of `path=value`, without what may be a secret in it. */
export const shownPair = (pair: string): string =>
  mayHoldSecret(pair) ? `${/^[\w.-]*/.exec(pair)?.[0]}${MASK}` : quote(pair);

function splitOverride(pair: string): [string, unknown] {
  const at = pair.indexOf("=");
  if (at < 1)
    throw new InputError({
      code: "flag-invalid",
      where: "--set",
      found: `found ${shownPair(pair)}`,
      expected: "path=value, such as objective.temperature=2",
    });
  const text = pair.slice(at + 1);
  const read = yamlValue(text);
  if (!read)
    throw new InputError({
      code: "flag-invalid",
      where: `--set ${pair.slice(0, at)}`,
      found: `the value ${mayHoldSecret(pair) ? MASK : quote(text)} is not valid YAML`,
      cure: "Put quotes around it",
    });
  return [pair.slice(0, at), read.value];
}

/** Fields that hold the name of a file or folder. */
const FILES =
  /^data\.(path|test_path|images|label_file|test_images|test_label_file|samples|test_samples)$|\.(file|label_store)$/;

/** Whoever types a file's name at a prompt means the folder they are in, also inside a mapping. */
export function fromHere(path: string, value: unknown, folder: string): unknown {
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, fromHere(`${path}.${key}`, inner, folder)]),
    );
  if (typeof value !== "string" || value === "" || !FILES.test(path)) return value;
  const here = resolve(value);
  return existsSync(here) || !existsSync(resolve(folder, value)) ? here : value;
}

/** A copy of a recipe whose files are found from anywhere: for writing it into another folder. @param folder its own */
export function withAbsoluteFiles<T>(recipe: T, folder: string): T {
  const walk = (value: unknown, path: string): unknown => {
    if (typeof value === "string") return value !== "" && FILES.test(path) ? resolve(folder, value) : value;
    if (Array.isArray(value)) return value.map((inner, i) => walk(inner, `${path}.${i}`));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, walk(inner, path === "" ? key : `${path}.${key}`)]),
    );
  };
  return walk(recipe, "") as T;
}

function setPath(target: Record<string, unknown>, path: string, value: unknown): void {
  const keys = path.split(".");
  if (keys.some((k) => k === "" || k === "__proto__" || k === "constructor" || k === "prototype")) {
    throw new InputError({
      code: "flag-invalid",
      where: `--set ${path}`,
      found: "a field name is empty or reserved",
      expected: "field names joined by dots, such as training.schedule.lr",
    });
  }
  let at: Record<string, unknown> = target;
  for (const key of keys.slice(0, -1)) {
    const next = at[key];
    if (next === undefined || next === null) at[key] = {};
    else if (typeof next !== "object")
      throw new InputError({
        code: "flag-invalid",
        where: `--set ${path}`,
        found: `${quote(key)} is ${describe(next)}, which has no fields`,
        expected: "a field of the recipe",
      });
    at = at[key] as Record<string, unknown>;
  }
  const last = keys[keys.length - 1] as string;
  if (value === null) delete at[last];
  else at[last] = value;
}
