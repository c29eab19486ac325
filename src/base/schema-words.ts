/** Values and what a schema expects, in words. */
import type { JsonSchema } from "./json-schema.js";
import { quote } from "./quote.js";

/** A value in words, for messages. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return "nothing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : `a list of ${value.length}`;
  if (typeof value === "object") return "a mapping";
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  return quote(value);
}

/** Fields of a mapping, and kinds of one, named at most. */
const NAMED = 8;
const MOST_KINDS = 10;

/** What fits any of these: "auto" or a whole number of at least 1. */
export function wordsOf(schemas: readonly JsonSchema[]): string {
  const flat = schemas.flatMap((s) => s.anyOf ?? s.oneOf ?? [s]);
  const values = flat.flatMap((s) => (s.const !== undefined ? [s.const] : (s.enum ?? [])));
  const objects = flat.filter((s) => s.properties);
  const rest = flat.filter((s) => s.const === undefined && !s.enum && !s.properties).map(wordOf);
  const said = [...values.map(String), ...rest, ...(objects.length > 0 ? [mapping(objects)] : [])];
  return oneOf([...new Set(said)]);
}

/** "a, b or c". */
export function oneOf(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "") : `${words.slice(0, -1).join(", ")} or ${words[words.length - 1]}`;
}

function wordOf(s: JsonSchema): string {
  switch (s.type) {
    case "integer":
      return `a whole number${range(s)}`;
    case "number":
      return `a number${range(s)}`;
    case "string":
      return "text";
    case "boolean":
      return "true or false";
    case "array":
      return listWords(s);
    case "object":
      return "a mapping of fields";
    case "null":
      return "null";
    default:
      return s.anyOf || s.oneOf ? wordsOf([s]) : "another value";
  }
}

function listWords({ items, prefixItems, minItems = 0, maxItems }: JsonSchema): string {
  if (prefixItems) return `a list [${prefixItems.map((p) => wordsOf([p])).join(", ")}]`;
  const count = minItems > 0 && maxItems === minItems ? `${minItems}` : minItems > 0 ? `at least ${minItems}` : "";
  const each = items && !Array.isArray(items) ? wordsOf([items as JsonSchema]) : "";
  return `a list${count ? ` of ${count}` : ""}${each ? `, each ${each}` : ""}`;
}

/** A mapping, by what tells its kinds apart, else by its fields: those it needs first. */
function mapping(objects: readonly JsonSchema[]): string {
  const [first] = objects as [JsonSchema];
  const tag = Object.keys(first.properties ?? {}).find((k) =>
    objects.every((o) => typeof o.properties?.[k]?.const === "string"),
  );
  if (tag && objects.length > 1) {
    const kinds = objects.map((o) => String(o.properties?.[tag]?.const));
    const named = [...new Set(kinds)];
    return `a mapping with ${tag}: ${named.length > MOST_KINDS ? `${named.slice(0, MOST_KINDS).join(", ")}, ...` : oneOf(named)}`;
  }
  if (objects.length > 1) return `a mapping with ${oneOf([...new Set(objects.map(neededOf))])}`;
  const needed = first.required ?? [];
  const fields = [...needed, ...Object.keys(first.properties ?? {}).filter((k) => !needed.includes(k))];
  const more = fields.length > NAMED ? ", ..." : "";
  return `a mapping with ${fields.length > 1 ? "the fields" : "the field"} ${fields.slice(0, NAMED).join(", ")}${more}`;
}

/** The fields a mapping cannot do without: "model and training". */
function neededOf({ required = [], properties = {} }: JsonSchema): string {
  const needed = required.filter((k) => properties[k]?.default === undefined);
  return (needed.length > 0 ? needed : Object.keys(properties).slice(0, 1)).join(" and ");
}

/** Beyond these a bound is that of the number's format, not the recipe's. */
const BEYOND = 1e15;

function range({ minimum, maximum, exclusiveMinimum, exclusiveMaximum }: JsonSchema): string {
  const low = minimum !== undefined && minimum > -BEYOND ? minimum : undefined;
  const high = maximum !== undefined && maximum < BEYOND ? maximum : undefined;
  if (low !== undefined && high !== undefined) return ` from ${low} to ${high}`;
  const below =
    high !== undefined ? `at most ${high}` : exclusiveMaximum !== undefined ? `below ${exclusiveMaximum}` : "";
  if (exclusiveMinimum !== undefined) return ` above ${exclusiveMinimum}${below ? ` and ${below}` : ""}`;
  if (low !== undefined) return below ? ` from ${low} to ${below}` : ` of at least ${low}`;
  return below ? ` ${high !== undefined ? `of ${below}` : below}` : "";
}
