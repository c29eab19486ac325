/** What a recipe says of a table. */
import { z } from "zod";
import { file } from "../../../../base/schema-fields.js";
import type { SourceSettings } from "../entry.js";

export const tableSchema = z.strictObject({
  source: z.literal("table").describe("CSV, TSV, Parquet or JSON"),
  path: file("Table"),
  testPath: file("Table with the test part").optional(),
  label: z.string().optional().describe("Label column"),
  features: z.array(z.string()).min(1).optional().describe("Feature columns; default: all but the label"),
  ignore: z.array(z.string()).optional().describe("Columns to ignore"),
  categorical: z.array(z.string()).optional().describe("Text columns to encode one-hot"),
  missing: z
    .enum(["error", "mean", "drop"])
    .default("error")
    .describe(
      'Missing values of features (empty, NA, NaN, null, ? and the like): "error" counts them and stops; "mean" replaces them with the mean of the training part, also in the exported model; "drop" drops their rows',
    ),
  decimal: z
    .enum([".", ","])
    .optional()
    .describe(
      'Decimal mark of numbers stored as text; the other character groups thousands. Needed only if a column is ambiguous ("1,234")',
    ),
  encoding: z
    .string()
    .min(1)
    .optional()
    .describe('Encoding of a CSV or JSON file, such as "utf-16", "windows-1252" or "latin-1"; default: "utf-8"'),
});
export type TableSettings = SourceSettings<typeof tableSchema>;
