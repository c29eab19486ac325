/** The evaluation under corruptions: the recipe's `evaluation.robustness`. */
import { z } from "zod";
import { CORRUPTION_NAMES } from "../../../learn/evaluate/robustness/corruptions.js";
import { count } from "../../../base/schema-fields.js";

const unique = (list: readonly unknown[]): boolean => new Set(list).size === list.length;

const settingsSchema = z.strictObject({
  corruptions: z
    .array(z.enum(CORRUPTION_NAMES))
    .min(1)
    .refine(unique, "expected each of them once")
    .default(() => [...CORRUPTION_NAMES])
    .describe("Corruptions to apply; default: all 15"),
  severities: z
    .array(z.number().int().min(1).max(5))
    .min(1)
    .refine(unique, "expected each of them once")
    .default([1, 2, 3, 4, 5])
    .describe("Severities to apply, from 1 (mild) to 5"),
  samples: count.optional().describe("Number of test samples, drawn in proportion to the classes; default: all"),
  seed: z.number().int().min(0).default(0).describe("Seed of the corruptions; independent of the run's seed"),
});

export const robustnessSchema = z
  .union([z.literal(false), z.literal(true).transform(() => settingsSchema.parse({})), settingsSchema])
  .default(false)
  .describe(
    "Also evaluate the test images under seeded corruptions (docs/robustness.md): true for all corruptions, or a selection. Default: false",
  );

/** As written: false, true, or a selection. */
export type RobustnessInput = z.input<typeof robustnessSchema>;
export type RobustnessPlan = z.output<typeof settingsSchema>;
