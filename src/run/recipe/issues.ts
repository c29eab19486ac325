/** What a validation found, as faults: field, what was found, what was expected, what to do. Nothing here is Node's. */
import type { z } from "zod";
import type { Fault } from "../../base/errors.js";
import type { JsonSchema } from "../../base/json-schema.js";
import { nearestOf as nearest } from "../../engine/graph/nearest.js";
import { alternatives, choices, keysAt, lookup, nearestKey, type Written } from "./schema/schema-at.js";
import { describe, oneOf, wordsOf } from "../../base/schema-words.js";

export type Issue = z.core.$ZodIssue;

const INIT = "Run limbeck init for a recipe with every field explained";
/** Keys of a mapping shown at most. */
const SHOWN_KEYS = 8;
/** Unknown keys of one mapping told of at most. */
const MOST_KEYS = 50;

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

/** A fault for each thing that is wrong; several for several unknown keys. */
export function faultsOf(issue: Issue, root: Written): Fault[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.slice(0, MOST_KEYS).map((key) => unknownKey(issue.path, key, root));
  if (issue.code === "invalid_union" && issue.discriminator)
    return [unknownKind(issue.path, issue.discriminator, root)];
  const where = fieldOf(issue.path);
  const found = lookup(root.value, issue.path);
  // What the recipe's own schema says.
  if (issue.code === "custom" || (issue.code === "invalid_format" && !/^Invalid /.test(issue.message)))
    return [{ where, ...ofSchema(issue, found) }];
  const schemas = alternatives(root, issue.path);
  const words = wordsOf(schemas) || fromIssue(issue);
  const expected = found === "" && words === "text" ? "text that is not empty" : words;
  if (found === undefined) return [{ code: "option-missing", where, found: "missing", expected }];
  const what = issue.code === "invalid_union" && isMapping(found) ? keysOf(found) : describe(found);
  if (issue.code === "too_big" && Number(issue.maximum) >= Number.MAX_SAFE_INTEGER)
    return [{ code: "option-invalid", where, found: `found ${what}, which is too large a number` }];
  const cure = advice(found, schemas, issue.path);
  return [{ code: "option-invalid", where, found: `found ${what}`, expected, ...(cure && { cure }) }];
}

/** A field as the user writes it: "training.schedule.lr". */
const fieldOf = (path: readonly PropertyKey[]): string => path.map(shown).join(".") || "recipe";

/** A key of the user's, which may be anything. */
function shown(key: PropertyKey): string {
  const text = String(key);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/**
 * A check of the recipe's own schema: its message is what was expected ("expected letters"), or what is wrong with several
 * fields together; `params` then has the code and the cure.
 */
function ofSchema(issue: Issue, found: unknown): Omit<Fault, "where"> {
  const { message } = issue;
  if (message.startsWith("expected "))
    return { code: "option-invalid", found: `found ${describe(found)}`, expected: message.slice("expected ".length) };
  const params: Partial<Fault> = (issue.code === "custom" && issue.params) || {};
  return { code: params.code ?? "option-invalid", found: message, ...(params.cure && { cure: params.cure }) };
}

function unknownKey(path: readonly PropertyKey[], key: string, root: Written): Fault {
  const where = fieldOf([...path, key]);
  const known = keysAt(root, path);
  if (known.includes(key)) return misplaced(path, key, root);
  const unknown = { code: "option-unknown", where, found: "unknown key" } as const;
  const meant = keysAt(root, path, true);
  // Whoever wrote a hundred characters did not mistype a name.
  const near = key.length > 80 ? undefined : (nearestKey(key, meant) ?? nearestKey(key, known));
  if (near) return { ...unknown, cure: `Did you mean "${near}"?` };
  const here = meant.filter((k) => !k.includes("."));
  if (path.length > 0 && here.length > 0) return { ...unknown, expected: `one of ${here.join(", ")}` };
  return { ...unknown, cure: INIT };
}

/** A key of another kind of the same thing: teacher.train_on beside teacher.file. */
function misplaced(path: readonly PropertyKey[], key: string, root: Written): Fault {
  const given = lookup(root.value, path);
  const beside = Object.keys(given && typeof given === "object" ? given : {}).find((k) => k !== key);
  const found = `it cannot be used with ${fieldOf(beside === undefined ? path : [...path, beside])}`;
  const cure = "Remove one of them; docs/recipe.md lists the fields of each kind";
  return { code: "option-conflict", where: fieldOf([...path, key]), found, cure };
}

function unknownKind(path: readonly PropertyKey[], tag: string, root: Written): Fault {
  const at = path[path.length - 1] === tag ? path.slice(0, -1) : path;
  const given = lookup(root.value, [...at, tag]);
  const options = choices(root, at, tag);
  const near = typeof given === "string" && given.length <= 80 ? nearest(given, options) : undefined;
  return {
    code: given === undefined ? "option-missing" : "option-invalid",
    where: fieldOf([...at, tag]),
    found: given === undefined ? "missing" : `found ${describe(given)}`,
    ...(options.length > 0 && { expected: oneOf(options) }),
    ...(near && { cure: `Did you mean "${near}"?` }),
  };
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

/** What to write instead, where that can be guessed; else "". */
function advice(found: unknown, schemas: readonly JsonSchema[], path: readonly PropertyKey[]): string {
  if (typeof found === "string" && found.length > 80) return "";
  const all = schemas.flatMap((s) => s.anyOf ?? s.oneOf ?? [s]);
  const free = all.filter((s) => s.const === undefined && !s.enum);
  const options = all.flatMap((s) => (s.const !== undefined ? [s.const] : (s.enum ?? []))).map(String);
  const types = typesOf(free);
  const objects = all.filter((s) => s.properties);
  const field = String(path[path.length - 1] ?? "");
  const near = typeof found === "string" ? nearest(found, options) : undefined;
  if (near) return `Did you mean "${near}"?`;
  if (isNumeral(found) && types.has("number")) return `Write it without quotes: ${found.trim()}`;
  if (typeof found === "string" && types.has("boolean") && /^(yes|on|no|off)$/i.test(found))
    return `Write ${/^(yes|on)$/i.test(found)}`;
  if (typeof found === "number" && types.has("string")) return `Write it with quotes: "${found}"`;
  const items = free.flatMap((s) => (s.type === "array" && s.items ? [s.items] : []));
  const scalar = typeof found === "string" || typeof found === "number";
  if (scalar && typesOf(items.flatMap((s) => s.anyOf ?? [s])).has(typeof found)) return `Write ${field}: [${found}]`;
  if (isMapping(found) && types.has("array")) return "Write a list: a dash before each entry";
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
    return `Write ${field}: { ${tag}: ${found}${more} }`;
  }
  const named = objects.some((o) => o.properties?.file) && /\.onnx$/i.test(found);
  return named ? `Write ${field}: { file: ${found} }` : "";
}

const isMapping = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function keysOf(value: object): string {
  const keys = Object.keys(value);
  if (keys.length === 0) return "an empty mapping";
  return `a mapping with ${keys.slice(0, SHOWN_KEYS).map(shown).join(", ")}${keys.length > SHOWN_KEYS ? ", ..." : ""}`;
}
