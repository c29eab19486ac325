/** What a schema allows at a place of a recipe: for messages, editors and the generated reference. */
import { maxOf } from "../../../base/extremes.js";
import type { JsonSchema } from "../../../base/json-schema.js";
import { nearestOf as nearest } from "../../../engine/graph/nearest.js";

/** A recipe, or parts of one, as it was written, and what it may say. */
export interface Written {
  readonly value: unknown;
  readonly schema: JsonSchema;
}

/** Every alternative the schema allows at a path, narrowed by the discriminators the user wrote. */
export function alternatives(root: Written, path: readonly PropertyKey[]): JsonSchema[] {
  let schemas: JsonSchema[] = [root.schema];
  let { value } = root;
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
          ? [s.items]
          : (s.prefixItems?.slice(key, key + 1) ?? [])
        : s.properties?.[String(key)]
          ? [s.properties[String(key)] as JsonSchema]
          : [],
    );
    value = lookup(value, [key]);
  }
  return schemas;
}

/**
 * Valid keys at a path, and below it one level further as "key.inner".
 * @param meant of several kinds of mapping only those that know most of the keys that are there
 */
export function keysAt(root: Written, path: readonly PropertyKey[], meant = false): string[] {
  const all = alternatives(root, path);
  const here = [...new Set((meant ? likeliest(all, lookup(root.value, path)) : all).flatMap(keysOf))];
  const below = here.flatMap((key) =>
    alternatives(root, [...path, key]).flatMap((s) => Object.keys(s.properties ?? {}).map((k) => `${key}.${k}`)),
  );
  return [...here, ...new Set(below)];
}

const keysOf = (schema: JsonSchema): string[] => Object.keys(schema.properties ?? {});

function likeliest(schemas: readonly JsonSchema[], value: unknown): readonly JsonSchema[] {
  const given = value && typeof value === "object" ? value : {};
  const fit = (schema: JsonSchema): number => keysOf(schema).filter((key) => Object.hasOwn(given, key)).length;
  const best = maxOf(schemas.map(fit));
  return schemas.filter((schema) => fit(schema) === best);
}

/** The nearest key here, else the nearest one a level down (objective.temperature -> distillation_loss.temperature). */
export function nearestKey(key: string, candidates: readonly string[]): string | undefined {
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

export function choices(root: Written, path: readonly PropertyKey[], tag: string): string[] {
  const parent = path[path.length - 1] === tag ? path.slice(0, -1) : path;
  return alternatives(root, parent).flatMap((s) =>
    typeof s.properties?.[tag]?.const === "string" ? [s.properties[tag].const as string] : [],
  );
}

/** The value at a place; undefined where there is none. */
export function lookup(root: unknown, path: readonly PropertyKey[]): unknown {
  let at = root;
  for (const key of path) at = at && typeof at === "object" ? (at as Record<PropertyKey, unknown>)[key] : undefined;
  return at;
}
