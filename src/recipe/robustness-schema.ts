/** The evaluation under corruptions: the recipe's `evaluation.robustness`. */
import { z } from "zod";
import { CORRUPTION_NAMES } from "../evaluate/robustness/corruptions.js";
import { count } from "./fields.js";

const unique = (list: readonly unknown[]): boolean => new Set(list).size === list.length;

const settingsSchema = z.strictObject({
  corruptions: z
    .array(z.enum(CORRUPTION_NAMES))
    .min(1)
    .refine(unique, "each of them once")
    .default(() => [...CORRUPTION_NAMES])
    .describe("Which; default all 15"),
  severities: z
    .array(z.number().int().min(1).max(5))
    .min(1)
    .refine(unique, "each of them once")
    .default([1, 2, 3, 4, 5])
    .describe("Of 1, mild, to 5"),
  samples: count.optional().describe("So many test samples, drawn with every class's share; default all"),
  seed: z.number().int().min(0).default(0).describe("Of the corruptions; independent of the run's seed"),
});

export const robustnessSchema = z
  .union([z.literal(false), z.literal(true).transform(() => settingsSchema.parse({})), settingsSchema])
  .default(false)
  .describe(
    "The test images once more under seeded corruptions, docs/robustness.md: true for all of them, or which. Default false",
  );

/** As written: false, true, or which. */
export type RobustnessInput = z.input<typeof robustnessSchema>;
export type RobustnessRecipe = z.output<typeof settingsSchema>;
