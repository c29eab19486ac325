/** What a schema takes, as a JSON Schema. */
import { z } from "zod";

/** The parts of a JSON schema that zod writes of schemas. */
export interface JsonSchema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly prefixItems?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
}

const written = new WeakMap<z.core.$ZodType, JsonSchema>();

/** The JSON Schema of what a schema takes: for editors, for the generated reference, for finding valid keys. */
export function jsonSchemaOf(schema: z.core.$ZodType): JsonSchema {
  const made = written.get(schema) ?? (z.toJSONSchema(schema, { io: "input", reused: "inline" }) as JsonSchema);
  written.set(schema, made);
  return made;
}
