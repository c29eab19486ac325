/** Validation of recipes and parts of them, with errors in the user's words. Nothing here is Node's. */
import { z } from "zod";
import { InputError } from "../errors.js";
import { nearestOf as nearest } from "../graph/nearest.js";
import { recipeSchema } from "./schema.js";

/**
 * Validates parts of a recipe under the recipe's own field names and fills in their defaults.
 * @throws InputError in the same words as for a whole recipe
 */
export function parseParts<T extends z.ZodType>(schema: T, value: unknown, source: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw explain(parsed.error, value, source);
  return parsed.data;
}

/** The most telling issue of a failed parse as an InputError. */
function explain(error: z.ZodError, value: unknown, source: string): InputError {
  const issues = error.issues.flatMap((issue) => flatten(issue, value));
  const lines = [...new Set(issues.slice(0, 5).map((i) => sentence(i, value)))];
  const more = issues.length > 5 ? `; and ${issues.length - 5} more` : "";
  return new InputError(source, lines.join("\n  ") + more);
}

type Issue = z.core.$ZodIssue;

/** For a union, the issues of the branch the user most likely meant: the one that knows most of the keys given. */
function flatten(issue: Issue, root: unknown): Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const at = lookup(root, issue.path);
  const ranked = issue.errors
    .map((branch) => ({
      branch,
      unknown: branch.reduce(
        (n, i) =>
          n +
          (i.code === "unrecognized_keys"
            ? 10 * i.keys.length
            : (i.code === "invalid_type" || i.code === "invalid_value") && i.path.length === 0
              ? 100
              : 1),
        0,
      ),
    }))
    .sort((a, b) => a.unknown - b.unknown);
  const best = ranked[0]?.branch ?? [];
  if (typeof at !== "object" && best.length > 0) return [issue];
  return best.map((i) => ({ ...i, path: [...issue.path, ...i.path] }) as Issue).flatMap((i) => flatten(i, root));
}

function sentence(issue: Issue, root: unknown): string {
  const path = issue.path.join(".") || "recipe";
  const found = lookup(root, issue.path);
  if (issue.code === "unrecognized_keys") {
    return issue.keys
      .map((key) => {
        const full = [...issue.path, key].join(".");
        const known = keysAt(root, issue.path);
        if (known.includes(key)) return `${full}: ${misplaced(issue.path, key, root)}`;
        const near = nearestKey(key, known);
        return `${full}: unknown key${near ? `; did you mean "${near}"?` : "; `limbeck init` writes a recipe with every field explained"}`;
      })
      .join("\n  ");
  }
  if (issue.code === "invalid_union" && "discriminator" in issue && issue.discriminator) {
    const tag = String(issue.discriminator);
    const given = found && typeof found === "object" ? (found as Record<string, unknown>)[tag] : found;
    const options = choices(root, issue.path, tag);
    const near = typeof given === "string" ? nearest(given, options) : undefined;
    const hint = near ? `; did you mean "${near}"?` : options.length ? `; expected one of ${options.join(", ")}` : "";
    return `${path ? `${issue.path.filter((p) => p !== tag).join(".") || "recipe"}.` : ""}${tag}: found ${describe(given)}${hint}`;
  }
  if (issue.code === "invalid_union" && found !== undefined) {
    const values = issue.errors
      .flat()
      .flatMap((e) => (e.code === "invalid_value" && e.path.length === 0 ? e.values : []));
    if (values.length > 0 && issue.errors.every((b) => b.every((e) => e.code === "invalid_value")))
      return `${path}: found ${describe(found)}; expected ${values.map(String).join(" or ")}`;
  }
  if (found === undefined && issue.code === "invalid_type") return `${path}: missing; expected ${expected(issue)}`;
  return `${path}: found ${describe(found)}; ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
}

/** A key of another kind of the same thing: teacher.train_on beside teacher.file. */
function misplaced(path: readonly PropertyKey[], key: string, root: unknown): string {
  const given = lookup(root, path);
  const beside = Object.keys(given && typeof given === "object" ? given : {}).find((k) => k !== key);
  return `this key does not go with ${[...path, beside].join(".")}; take one of them out (docs/recipe.md says what goes together)`;
}

const expected = (issue: Issue): string => ("expected" in issue ? String(issue.expected) : issue.message);

function lookup(root: unknown, path: readonly PropertyKey[]): unknown {
  let at = root;
  for (const key of path) at = at && typeof at === "object" ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  return at;
}

/** A value in words, for messages. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object") return "a mapping";
  return JSON.stringify(value);
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
}

let jsonSchema: JsonSchema | undefined;

/** The recipe's JSON Schema: for editors, for the generated reference, for finding valid keys. */
export function recipeJsonSchema(): JsonSchema {
  jsonSchema ??= z.toJSONSchema(recipeSchema, { io: "input", reused: "inline" }) as JsonSchema;
  return jsonSchema;
}

/** Every alternative the schema allows at a path, narrowed by the discriminators the user wrote. */
function alternatives(root: unknown, path: readonly PropertyKey[]): JsonSchema[] {
  let schemas: JsonSchema[] = [recipeJsonSchema()];
  let value: unknown = root;
  for (const key of [...path, null]) {
    schemas = schemas
      .flatMap((s) => [...(s.anyOf ?? []), ...(s.oneOf ?? []), ...(s.anyOf || s.oneOf ? [] : [s])])
      .flatMap((s) => s.anyOf ?? s.oneOf ?? [s]);
    const object = value && typeof value === "object" ? (value as Record<string, unknown>) : {};
    const fitting = schemas.filter((s) =>
      Object.entries(s.properties ?? {}).every(([k, p]) => p.const === undefined || p.const === object[k]),
    );
    if (fitting.length > 0) schemas = fitting;
    if (key === null) break;
    schemas = schemas.flatMap((s) =>
      typeof key === "number"
        ? s.items
          ? [s.items as JsonSchema]
          : []
        : s.properties?.[String(key)]
          ? [s.properties[String(key)] as JsonSchema]
          : [],
    );
    value = lookup(value, [key]);
  }
  return schemas;
}

/** Valid keys at a path, and below it one level further as "key.inner". */
function keysAt(root: unknown, path: readonly PropertyKey[]): string[] {
  const here = [...new Set(alternatives(root, path).flatMap((s) => Object.keys(s.properties ?? {})))];
  const below = here.flatMap((key) =>
    alternatives(root, [...path, key]).flatMap((s) => Object.keys(s.properties ?? {}).map((k) => `${key}.${k}`)),
  );
  return [...here, ...new Set(below)];
}

/** The nearest key here, else the nearest one a level down (objective.temperature -> distillation_loss.temperature). */
function nearestKey(key: string, candidates: readonly string[]): string | undefined {
  const direct = nearest(
    key,
    candidates.filter((c) => !c.includes(".")),
  );
  if (direct) return direct;
  const last = (path: string): string => path.slice(path.indexOf(".") + 1);
  const deep = candidates.filter((c) => c.includes("."));
  const inner = nearest(key, deep.map(last));
  return deep.find((c) => last(c) === inner);
}

function choices(root: unknown, path: readonly PropertyKey[], tag: string): string[] {
  const parent = path[path.length - 1] === tag ? path.slice(0, -1) : path;
  return alternatives(root, parent).flatMap((s) =>
    typeof s.properties?.[tag]?.const === "string" ? [s.properties[tag].const as string] : [],
  );
}
