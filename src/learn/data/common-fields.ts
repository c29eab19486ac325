/** What a recipe says of data whatever their source: classes, limit, splits, normalisation. */
import { z } from "zod";
import { count, positive } from "../../base/schema-fields.js";

const split = z
  .strictObject({
    validation: z
      .union([z.number().min(0), z.literal("source")])
      .optional()
      .describe(
        'Samples that select the epoch: a fraction (below 1) or a number of samples of the training part, or "source" for the source\'s own validation part. Default: "source" if it exists, otherwise 0.15',
      ),
    test: z
      .union([z.number().min(0), z.literal("source")])
      .optional()
      .describe(
        'Test samples: a fraction or a number of samples, or "source" for the source\'s own test part. Default: "source" if it exists, otherwise 0.2',
      ),
    stratify: z.boolean().default(true).describe("Keep the class proportions in every part"),
    seed: z.number().int().min(0).default(0).describe("Seed of the split; independent of the run's seed"),
  })
  .describe("How the data is split");

const normalise = z
  .union([
    z.enum(["none", "unit", "standard"]),
    z.strictObject({ scale: z.number().default(1), mean: z.array(z.number()).min(1), std: z.array(positive).min(1) }),
  ])
  .describe(
    '"unit" maps bytes to [0,1]; "standard" is computed on the training part only, per channel or feature; or fixed numbers: (x * scale - mean) / std',
  );

/** As `className`; labels may be negative numbers. */
const labelName = z.union([z.string().min(1), z.number().int()]).transform(String);

/** What every source of samples takes beside its own fields. */
export const commonFields = {
  classes: z
    .array(labelName)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of the indices. Labels are matched by name; whole numbers that are not names are indices into the list. Default: the names found, sorted",
    ),
  limit: count
    .optional()
    .describe(
      "Number of samples to use from the source's training part, drawn with split.seed in proportion to the classes",
    ),
  labels: z.enum(["use", "ignore"]).default("use").describe('"ignore" treats labelled data as unlabelled'),
  paddingId: z
    .number()
    .int()
    .min(0)
    .optional()
    .describe("Token id that stands for padding; an attention mask that the data lacks is made from it"),
  split: split.prefault({}),
  normalise: normalise.optional().describe('Default: "unit" for images, "standard" for tables, "none" for arrays'),
};

const commonSchema = z.object(commonFields);

/** The common fields, with every default filled in. */
export type CommonSettings = z.output<typeof commonSchema>;
/** The same as they may be written: defaults may be missing. */
export type CommonFields = z.input<typeof commonSchema>;
export type SplitSettings = z.output<typeof split>;
