/**
 * How a recipe is spelt. Schemas name their fields as code does (labelFile); YAML says them in snake_case (label_file). This
 * file is the only one that knows both: a schema as it is spelt, and a plan spelt as a recipe.
 */
import { z } from "zod";

/** "labelFile" -> "label_file". */
type Snake<Name extends string> = Name extends `${infer Head}${infer Rest}`
  ? Head extends Lowercase<Head>
    ? `${Head}${Snake<Rest>}`
    : `_${Lowercase<Head>}${Snake<Rest>}`
  : Name;

/** A value as a recipe spells it. Keys that are the user's own (of a mapping to anything) stay. */
export type Spelled<T> = T extends readonly unknown[]
  ? { [I in keyof T]: Spelled<T[I]> }
  : T extends object
    ? { [K in keyof T as K extends string ? (string extends K ? K : Snake<K>) : K]: Spelled<T[K]> }
    : T;

type AnySchema = z.core.$ZodType;
/** The definitions of all kinds that can hold another schema, and of those that cannot. */
type Definition = z.core.$ZodTypes["_zod"]["def"];

export const snakeCase = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The fields of one mapping as a recipe spells them; their values stay. */
export const spelledFields = (fields: object): Record<string, unknown> =>
  mapped(fields, (name, value) => [snakeCase(name), value]);

const known = new WeakMap<AnySchema, AnySchema>();

/** The schema of what a recipe says: it takes fields in snake_case and gives what `schema` gives. */
export function spelled<S extends z.ZodType>(schema: S): z.ZodType<z.output<S>, Spelled<z.input<S>>> {
  return respelt(schema) as z.ZodType<z.output<S>, Spelled<z.input<S>>>;
}

/** The schema itself where nothing in it is spelt otherwise. */
function respelt(schema: AnySchema): AnySchema {
  const made = known.get(schema) ?? respell(schema);
  known.set(schema, made);
  return made;
}

function respell(schema: AnySchema): AnySchema {
  const def = schema._zod.def as Definition;
  switch (def.type) {
    case "object":
      return respeltObject(schema, def);
    case "optional":
    case "nullable":
    case "nonoptional":
    case "readonly":
    case "default":
      return withInner(schema, "innerType", def.innerType);
    case "prefault": {
      const innerType = respelt(def.innerType);
      if (innerType === def.innerType) return schema;
      return copy(schema, { ...def, innerType, defaultValue: spell(def.innerType, def.defaultValue) });
    }
    case "array":
      return withInner(schema, "element", def.element);
    case "record":
      return withInner(schema, "valueType", def.valueType);
    case "pipe":
      return withInner(schema, "in", def.in);
    case "union": {
      const options = def.options.map(respelt);
      return options.every((option, i) => option === def.options[i]) ? schema : copy(schema, { ...def, options });
    }
    default:
      return schema;
  }
}

function withInner(schema: AnySchema, place: string, inner: AnySchema): AnySchema {
  const made = respelt(inner);
  return made === inner ? schema : copy(schema, { ...schema._zod.def, [place]: made });
}

/** With what is described of the original. */
function copy(schema: AnySchema, def: unknown): AnySchema {
  return z.core.clone(schema, def as typeof schema._zod.def, { parent: true });
}

/** Takes the spelt fields, then names them as the code does; checks of several fields see the code's names. */
function respeltObject(schema: AnySchema, def: z.core.$ZodObjectDef): AnySchema {
  const fields = Object.entries(def.shape).map(([name, field]) => [name, snakeCase(name), respelt(field)] as const);
  if (fields.every(([name, key, field]) => name === key && field === def.shape[name])) return schema;
  const names = new Map(fields.map(([name, key]) => [key, name]));
  const shape = Object.fromEntries(fields.map(([, key, field]) => [key, field])) as Record<string, z.ZodType>;
  // As strict as the original; its checks come after the renaming.
  const inner = z.core.clone(schema, { ...def, shape, checks: [] } as typeof schema._zod.def) as z.ZodObject;
  const taken = inner.transform((value) => mapped(value, (key, field) => [names.get(key) ?? key, field]));
  const made = taken.check(...((def.checks ?? []) as z.core.$ZodCheck<Record<string, unknown>>[]));
  const described = z.globalRegistry.get(schema);
  if (described) z.globalRegistry.add(made, described);
  return made;
}

/** A value that a schema gave, as a recipe spells it. */
export function spell(schema: AnySchema, value: unknown): unknown {
  return rebuilt(schema, value, { name: snakeCase, leaf: (_, inner) => inner });
}

export interface Rebuilding {
  /** What a field of the schema is called in the value that is made. */
  readonly name: (field: string) => string;
  /** What becomes of a value that holds no others. */
  readonly leaf: (schema: AnySchema, value: unknown) => unknown;
  /** What a field of the schema is called in the value that is given. Default: as in the schema. */
  readonly given?: (field: string) => string;
  /** What becomes of a mapping with keys of the user's own. Default: a copy with its values made along their schema. */
  readonly record?: (schema: AnySchema, value: object) => unknown;
}

/** A copy of a value, made along its schema. What the schema does not know stays as it is. */
export function rebuilt(schema: AnySchema, value: unknown, how: Rebuilding): unknown {
  const def = schema._zod.def as Definition;
  const { name, leaf, given = (field) => field } = how;
  switch (def.type) {
    case "optional":
    case "nullable":
    case "nonoptional":
    case "readonly":
    case "default":
    case "prefault":
      return rebuilt(def.innerType, value, how);
    case "pipe":
      return rebuilt(def.in, value, how);
    case "union": {
      const option = meantOf(def.options, value, given);
      return option ? rebuilt(option, value, how) : value;
    }
  }
  if (typeof value !== "object" || value === null) return leaf(schema, value);
  if (def.type === "array" && Array.isArray(value)) return value.map((inner) => rebuilt(def.element, inner, how));
  if (def.type === "record" && how.record) return how.record(schema, value);
  if (def.type === "record") return mapped(value, (key, inner) => [key, rebuilt(def.valueType, inner, how)]);
  if (def.type !== "object" || Array.isArray(value)) return value;
  const fields = new Map(Object.keys(def.shape).map((field) => [given(field), field]));
  return mapped(value, (key, inner) => {
    const field = fields.get(key);
    return field === undefined ? [key, inner] : [name(field), rebuilt(def.shape[field] as AnySchema, inner, how)];
  });
}

const mapped = (value: object, change: (key: string, inner: unknown) => [string, unknown]): Record<string, unknown> =>
  Object.fromEntries(Object.entries(value).map(([key, inner]) => change(key, inner)));

/** The alternative that a value is of: its constants agree, and of those it knows most of the keys. */
function meantOf(
  options: readonly AnySchema[],
  value: unknown,
  given: (field: string) => string,
): AnySchema | undefined {
  const flat = options.flatMap(alternatives);
  if (typeof value !== "object" || value === null)
    return flat.find((o) => !["object", "array", "record", "literal"].includes(o._zod.def.type));
  if (Array.isArray(value)) return flat.find((o) => o._zod.def.type === "array");
  const ranked = flat
    .flatMap((option) =>
      option._zod.def.type === "object" ? [{ option, unlike: unlikeness(option, value, given) }] : [],
    )
    .sort((a, b) => a.unlike - b.unlike);
  return ranked[0]?.option;
}

function alternatives(schema: AnySchema): AnySchema[] {
  const def = schema._zod.def as Definition;
  if (def.type === "union") return def.options.flatMap(alternatives);
  return def.type === "pipe" ? alternatives(def.in) : [schema];
}

/** Keys that the alternative does not know; a constant that differs counts more than all of them. */
function unlikeness(option: AnySchema, value: object, given: (field: string) => string): number {
  const { shape } = option._zod.def as z.core.$ZodObjectDef;
  const fields = new Map(Object.entries(shape).map(([field, schema]) => [given(field), schema._zod.def as Definition]));
  const odd = Object.entries(value).reduce((sum, [key, inner]) => {
    const field = fields.get(key);
    if (!field) return sum + 1;
    return sum + (field.type === "literal" && !field.values.includes(inner as never) ? 1000 : 0);
  }, 0);
  const absent = Object.entries(shape).filter(
    ([field, schema]) => !(given(field) in value) && schema._zod.optin !== "optional",
  );
  return odd + absent.length / 100;
}
