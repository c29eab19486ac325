/** What a validation found, in words: field, what was found, what was expected, what to do. Nothing here is Node's. */
import type { z } from "zod";
import { nearestOf as nearest } from "../graph/nearest.js";
import { alternatives, choices, type JsonSchema, keysAt, lookup, nearestKey } from "./schema-at.js";
import { describe, oneOf, wordsOf } from "./words.js";

export type Issue = z.core.$ZodIssue;

const INIT = "`limbeck init` writes a recipe with every field explained";

/** For a union, the issues of the branch the user most likely meant: the one that knows most of the keys given. */
export function mostLikely(issue: Issue, root: unknown): Issue[] {
  if (issue.code !== "invalid_union" || issue.errors.length === 0) return [issue];
  const at = lookup(root, issue.path);
  const ranked = issue.errors
    .map((branch) => ({ branch, unlike: unlikeness(branch) }))
    .sort((a, b) => a.unlike - b.unlike);
  const best = ranked[0]?.branch ?? [];
  if (typeof at !== "object" || at === null || (!Array.isArray(at) && ofNoKind(at, best))) return [issue];
  return best.map((i) => ({ ...i, path: [...issue.path, ...i.path] }) as Issue).flatMap((i) => mostLikely(i, root));
}

/** What is wrong further inside, however much of it, says less about which branch was meant than the keys of the place itself. */
function unlikeness(branch: readonly Issue[]): number {
  const inside = branch.filter((i) => i.path.length > (i.code === "unrecognized_keys" ? 0 : 1)).length;
  const here = branch.reduce((n, issue) => n + unlikenessHere(issue), 0);
  return here + inside / (1 + inside);
}

function unlikenessHere({ path, ...issue }: Issue): number {
  if (issue.code === "unrecognized_keys") return path.length === 0 ? 10 * issue.keys.length : 0;
  if (path.length > 1) return 0;
  return (issue.code === "invalid_type" || issue.code === "invalid_value") && path.length === 0 ? 100 : 1;
}

/** Whether none of the keys given says which of several mappings is meant. */
function ofNoKind(at: object, best: readonly Issue[]): boolean {
  const unknown = best.flatMap((i) => (i.code === "unrecognized_keys" && i.path.length === 0 ? i.keys : []));
  const lacks = best.some((i) => i.path.length === 1 && lookup(at, i.path) === undefined);
  return lacks && Object.keys(at).every((key) => unknown.includes(key));
}

/** One line; several for several unknown keys. */
export function sentence(issue: Issue, root: unknown): string {
  const path = issue.path.join(".") || "recipe";
  const found = lookup(root, issue.path);
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => unknownKey(issue.path, key, root)).join("\n  ");
  if (issue.code === "invalid_union" && issue.discriminator) return unknownKind(issue.path, issue.discriminator, root);
  // A message of the recipe's own schema.
  if (issue.code === "custom" || (issue.code === "invalid_format" && !/^Invalid /.test(issue.message)))
    return `${path}: found ${describe(found)}; ${issue.message}`;
  const schemas = alternatives(root, issue.path);
  const words = wordsOf(schemas) || fromIssue(issue);
  const wanted = found === "" && words === "text" ? "text that is not empty" : words;
  if (found === undefined) return `${path}: missing; expected ${wanted}`;
  const what = issue.code === "invalid_union" && isMapping(found) ? keysOf(found) : describe(found);
  if (issue.code === "too_big" && Number(issue.maximum) >= Number.MAX_SAFE_INTEGER)
    return `${path}: found ${what}, which is too large a number`;
  return `${path}: found ${what}; expected ${wanted}${advice(found, schemas, issue.path)}`;
}

function unknownKey(path: readonly PropertyKey[], key: string, root: unknown): string {
  const full = [...path, key].join(".");
  const known = keysAt(root, path);
  if (known.includes(key)) return `${full}: ${misplaced(path, key, root)}`;
  const meant = keysAt(root, path, true);
  const near = nearestKey(key, meant) ?? nearestKey(key, known);
  if (near) return `${full}: unknown key; did you mean "${near}"?`;
  const here = meant.filter((k) => !k.includes("."));
  const listed = path.length > 0 && here.length > 0 ? `expected one of ${here.join(", ")}` : INIT;
  return `${full}: unknown key; ${listed}`;
}

/** A key of another kind of the same thing: teacher.train_on beside teacher.file. */
function misplaced(path: readonly PropertyKey[], key: string, root: unknown): string {
  const given = lookup(root, path);
  const beside = Object.keys(given && typeof given === "object" ? given : {}).find((k) => k !== key);
  return `this key does not go with ${[...path, beside].join(".")}; take one of them out (docs/recipe.md says what goes together)`;
}

function unknownKind(path: readonly PropertyKey[], tag: string, root: unknown): string {
  const at = path[path.length - 1] === tag ? path.slice(0, -1) : path;
  const given = lookup(root, [...at, tag]);
  const options = choices(root, at, tag);
  const near = typeof given === "string" ? nearest(given, options) : undefined;
  const hint = near ? `; did you mean "${near}"?` : options.length ? `; expected ${oneOf(options)}` : "";
  const found = given === undefined ? "missing" : `found ${describe(given)}`;
  return `${[...at, tag].join(".")}: ${found}${hint}`;
}

/** What is expected, where the place is none of a whole recipe. */
function fromIssue(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return wordsOf([typed(issue.expected)]);
    case "invalid_value":
      return oneOf(issue.values.map(String));
    case "too_small":
    case "too_big":
      return bounded(issue);
    case "invalid_union":
      return oneOf([...new Set(issue.errors.flat().map(fromIssue))]);
    default:
      return "another value";
  }
}

function typed(expected: string): JsonSchema {
  if (expected === "int") return { type: "integer" };
  return { type: expected === "record" ? "object" : expected };
}

function bounded(issue: Extract<Issue, { code: "too_small" | "too_big" }>): string {
  const small = issue.code === "too_small";
  const limit = Number(small ? issue.minimum : issue.maximum);
  if (issue.origin === "string") return small ? "text" : `text of at most ${limit} characters`;
  if (issue.origin === "array") return `a list of at ${small ? "least" : "most"} ${limit}`;
  const key = `${issue.inclusive === false ? "exclusiveM" : "m"}${small ? "inimum" : "aximum"}`;
  return wordsOf([{ type: issue.origin === "int" ? "integer" : "number", [key]: limit }]);
}

/** What to write instead, where that can be guessed. */
function advice(found: unknown, schemas: readonly JsonSchema[], path: readonly PropertyKey[]): string {
  const all = schemas.flatMap((s) => s.anyOf ?? s.oneOf ?? [s]);
  const free = all.filter((s) => s.const === undefined && !s.enum);
  const options = all.flatMap((s) => (s.const !== undefined ? [s.const] : (s.enum ?? []))).map(String);
  const types = typesOf(free);
  const objects = all.filter((s) => s.properties);
  const field = String(path[path.length - 1] ?? "");
  const near = typeof found === "string" ? nearest(found, options) : undefined;
  if (near) return `; did you mean "${near}"?`;
  if (isNumeral(found) && types.has("number")) return `; write it without quotes: ${found.trim()}`;
  if (typeof found === "string" && types.has("boolean") && /^(yes|on|no|off)$/i.test(found))
    return `; write ${/^(yes|on)$/i.test(found)}`;
  if (typeof found === "number" && types.has("string")) return `; write it with quotes: "${found}"`;
  const items = free.flatMap((s) => (s.type === "array" && s.items ? [s.items] : []));
  const scalar = typeof found === "string" || typeof found === "number";
  if (scalar && typesOf(items.flatMap((s) => s.anyOf ?? [s])).has(typeof found)) return `; write ${field}: [${found}]`;
  if (isMapping(found) && types.has("array")) return "; write a list: a dash before each entry";
  return typeof found === "string" ? mappingFor(found, objects, field) : "";
}

/** As JavaScript names them. */
const typesOf = (schemas: readonly JsonSchema[]): ReadonlySet<string | undefined> =>
  new Set(schemas.map((s) => (s.type === "integer" ? "number" : s.type)));

const isNumeral = (value: unknown): value is string =>
  typeof value === "string" && value.trim() !== "" && Number.isFinite(Number(value));

/** The mapping that a bare name stands for: `strategy: assistants`, `teacher: model.onnx`. */
function mappingFor(found: string, objects: readonly JsonSchema[], field: string): string {
  for (const { properties = {}, required = [] } of objects) {
    const tag = Object.keys(properties).find((key) => properties[key]?.const === found);
    if (!tag) continue;
    const more = required.some((k) => k !== tag && properties[k]?.default === undefined) ? ", ..." : "";
    return `; write ${field}: { ${tag}: ${found}${more} }`;
  }
  const named = objects.some((o) => o.properties?.file) && /\.onnx$/i.test(found);
  return named ? `; write ${field}: { file: ${found} }` : "";
}

const isMapping = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function keysOf(value: object): string {
  const keys = Object.keys(value);
  return keys.length === 0 ? "an empty mapping" : `a mapping with ${keys.join(", ")}`;
}
