/** The recipe's data: the sources of the registry, each with the fields that all have. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import { commonFields } from "../../../learn/data/common-fields.js";
import { type DataFields, type DataSettings, sources } from "../../../learn/data/sources/registry.js";

export const dataSchema = assembled(() => {
  const schemas = sources.entries.map(({ schema }) => schema.extend(commonFields));
  const [first, ...rest] = schemas as [(typeof schemas)[number], ...typeof schemas];
  return z.discriminatedUnion("source", [first, ...rest]).describe("The source of the samples") as unknown as z.ZodType<
    DataSettings,
    DataFields
  >;
});
