/** From YAML text or a plain object to a validated recipe, with errors that name the field. */
import { dirname, resolve } from "node:path";
import { stringify } from "yaml";
import { InputError } from "../../base/errors.js";
import { type JsonSchema, jsonSchemaOf } from "../../base/json-schema.js";
import { quote } from "../../base/quote.js";
import { MASK, maskSecrets, rememberSecretsOf } from "../../base/secrets.js";
import { describe, parseParts } from "./parse.js";
import { readText } from "./read-text.js";
import { fromHere } from "./paths.js";
import { type Plan, planSchema, type Recipe, recipeSchema } from "./schema/schema.js";
import { spell } from "./spelling.js";
import { parseYaml, yamlValue } from "./yaml-value.js";

export { parseParts } from "./parse.js";

export interface LoadedRecipe {
  /** As it is spelt, with every default filled in. */
  readonly recipe: Recipe;
  /** What it is resolved to. */
  readonly plan: Plan;
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
  const plan = planOf(readYaml(path), path, overrides);
  return { recipe: recipeOf(plan), plan, folder: dirname(resolve(path)), source: path };
}

/** The content of a recipe file, not yet validated. @throws InputError when it cannot be read or is not YAML */
export function readYaml(path: string): unknown {
  return parseYaml(readText(path), path);
}

/** Validates a recipe object, fills in every default and names its fields as the code does. */
export function planOf(value: unknown, source = "recipe", overrides: readonly string[] = []): Plan {
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
  return parseParts(planSchema(), written, source);
}

/** Validates a recipe object and fills in every default; the fields keep their names. @throws InputError naming the field */
export function parseRecipe(value: unknown, source?: string, overrides?: readonly string[]): Recipe {
  return recipeOf(planOf(value, source, overrides));
}

/** A plan as a recipe: what is written into a run's folder. */
export function recipeOf(plan: Plan): Recipe {
  return spell(planSchema(), plan) as Recipe;
}

/** A plan that was put together by code, checked as a recipe is. @param source what it is the plan of, for messages */
export function checkedPlan(plan: Plan, source: string): Plan {
  return planOf(recipeOf(plan), source);
}

/** A copy with `path=value` pairs, as --set takes them, applied. @param folder the recipe's own */
export function withOverrides(value: object, overrides: readonly string[], folder: string): Record<string, unknown> {
  const changed = structuredClone(value) as Record<string, unknown>;
  for (const [path, value] of overrides.map(splitOverride))
    setPath(changed, path, typedValue(changed, path, value, folder));
  return changed;
}

/** The value that is typed for a field of a recipe: a file's name is the working folder's (paths.ts). @param folder the recipe's own */
export function typedValue(recipe: object, path: string, value: unknown, folder: string): unknown {
  if (value === null) return null;
  const changed = structuredClone(recipe) as Record<string, unknown>;
  setPath(changed, path, value);
  return fromHere(changed, path.split("."), folder);
}

/** A copy of the plan with fields changed, validated again: what a variant is. @param changes by their path in a recipe */
export function withChanges(plan: Plan, changes: Readonly<Record<string, unknown>>, source: string): Plan {
  return parseChanged(recipeOf(plan), changes, source);
}

/** The plan of a recipe, as it was written, with fields changed. @param changes by their path in a recipe */
export function parseChanged(recipe: object, changes: Readonly<Record<string, unknown>>, source: string): Plan {
  const changed = structuredClone(recipe) as Record<string, unknown>;
  for (const [path, value] of Object.entries(changes)) setPath(changed, path, structuredClone(value));
  return planOf(changed, source);
}

/** The recipe's JSON Schema. */
export const recipeJsonSchema = (): JsonSchema => jsonSchemaOf(recipeSchema());

/** A recipe as YAML text, without its secrets. */
export function recipeToYaml(recipe: Recipe): string {
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
