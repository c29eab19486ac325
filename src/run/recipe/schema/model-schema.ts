/** The recipe's models: those of the registry. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import type { ModelSchema } from "../../../engine/models/entry.js";
import { type ModelFields, type ModelSettings, models } from "../../../engine/models/registry.js";

export const modelSchema = assembled(() => {
  const schemas = models.entries.map((entry) => entry.schema) as [ModelSchema, ...ModelSchema[]];
  return z.discriminatedUnion("kind", schemas).describe("The architecture") as unknown as z.ZodType<
    ModelSettings,
    ModelFields
  >;
});
