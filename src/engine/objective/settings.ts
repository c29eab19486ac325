/** A loss's settings: its configuration, checked and completed by its schema. Fields are named as in a recipe, whoever wrote them. */
import type { z } from "zod";
import { type ErrorCode, InputError } from "../../base/errors.js";
import { jsonSchemaOf } from "../../base/json-schema.js";
import { wordsOf } from "../../base/schema-words.js";
import { checkLayers, type Layers } from "./connectors.js";
import type { LossConfig, LossEntry, LossSchema, SettingsOf } from "./entry.js";
import { fieldOf, invalidOption } from "./options.js";
import { checkSchedule, type FactorSchedule } from "./schedule.js";

/**
 * The configuration with every default filled in. What else it holds (a term's weight and name) stays.
 * @param field the loss's place in the objective
 * @throws InputError naming the field that makes no sense
 */
export function lossSettingsOf<S extends LossSchema>(
  entry: LossEntry<S>,
  config: LossConfig,
  field: string,
): SettingsOf<S> {
  const { shape } = entry.schema;
  const given: Readonly<Record<string, unknown>> = { ...config };
  if ("layers" in shape) checkLayers(given as unknown as Layers, field);
  const parsed = entry.schema.strip().safeParse(config);
  if (!parsed.success) throw problemOf(parsed.error.issues[0] as z.core.$ZodIssue, entry.schema, given, field);
  if ("temperature" in shape && given.temperature === LEFT_OPEN)
    throw invalidOption(`${field}.temperature`, LEFT_OPEN, expectedAt(entry.schema, ["temperature"]));
  if ("temperatureSchedule" in shape)
    checkSchedule(given.temperatureSchedule as FactorSchedule | undefined, fieldOf(field, "temperatureSchedule"), true);
  const settings = { ...config, ...parsed.data } as unknown as SettingsOf<S>;
  entry.check?.(settings, field);
  return settings;
}

/** In a recipe: limbeck chooses the temperature, before a loss is built. */
const LEFT_OPEN = "auto";

function problemOf(issue: z.core.$ZodIssue, schema: LossSchema, given: unknown, field: string): InputError {
  // One number of a list is told of with its list.
  const path = issue.path.slice(0, typeof issue.path.at(-1) === "number" ? -1 : undefined).map(String);
  const where = path.reduce(fieldOf, field);
  if (issue.code === "custom" && !issue.message.startsWith("expected ")) {
    const { code = "option-invalid", cure } = (issue.params ?? {}) as { code?: ErrorCode; cure?: string };
    return new InputError({ code, where, found: issue.message, ...(cure !== undefined && { cure }) });
  }
  const value = path.reduce((at: unknown, key) => (at as Readonly<Record<string, unknown>> | undefined)?.[key], given);
  return invalidOption(where, value, issue.code === "custom" ? issue.message.slice(9) : expectedAt(schema, path));
}

/** What a schema expects at a place, in words. */
function expectedAt(schema: z.core.$ZodType, path: readonly string[]): string {
  const reached = path.reduce((schemas, key) => schemas.flatMap((s) => insideOf(s, key)), alternativesOf(schema));
  return wordsOf(reached.map(jsonSchemaOf).filter((s) => s.const !== LEFT_OPEN));
}

function insideOf(schema: z.core.$ZodType, key: string): z.core.$ZodType[] {
  const { def } = schema._zod as z.core.$ZodTypes["_zod"];
  if (def.type === "array") return alternativesOf(def.element);
  const field = def.type === "object" ? def.shape[key] : undefined;
  return field ? alternativesOf(field) : [];
}

/** What a schema takes where something is given: without defaults, each alternative of a union by itself. */
function alternativesOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { def } = schema._zod as z.core.$ZodTypes["_zod"];
  if (def.type === "union") return def.options.flatMap(alternativesOf);
  return "innerType" in def ? alternativesOf(def.innerType) : [schema];
}
