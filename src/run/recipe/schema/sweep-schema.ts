/** What `limbeck sweep` tries: the recipe's `sweep` section. The recipe's side of src/strategy/sweep. */
import { z } from "zod";
import { changesTo } from "../../../base/schema-fields.js";

/** "log:1e-4..1e-2": distribution, lower and upper end. */
const RANGE = /^(?:(uniform|log|int|log-int):)?([^.:,][^:,]*?)\.\.([^.:,][^:,]*)$/;

export type Distribution = "uniform" | "log" | "int" | "log-int";

/** A range to draw from. */
export interface DrawRange {
  readonly distribution: Distribution;
  readonly low: number;
  readonly high: number;
}

/** Reads "log:1e-4..1e-2"; null when it is no range, or an empty one, or one without a logarithm. */
export function parseRange(text: string): DrawRange | null {
  const [, kind = "uniform", low, high] = RANGE.exec(text.replaceAll(" ", "")) ?? [];
  if (low === undefined || high === undefined) return null;
  const range = { distribution: kind as Distribution, low: Number(low), high: Number(high) };
  const whole = kind.endsWith("int");
  if (!Number.isFinite(range.low) || !Number.isFinite(range.high) || range.low > range.high) return null;
  if (whole && !(Number.isInteger(range.low) && Number.isInteger(range.high))) return null;
  return kind.startsWith("log") && range.low <= 0 ? null : range;
}

export const sweepSchema = z
  .strictObject({
    grid: changesTo(z.array(z.unknown()).min(1))
      .default({})
      .describe("Recipe fields and the values to try in every combination: path -> list of values"),
    random: changesTo(
      z.union([
        z.string().refine((text) => parseRange(text) !== null, {
          message:
            "expected low..high, log:low..high (low above 0), int:low..high or log-int:low..high, or a list of values",
        }),
        z.array(z.unknown()).min(1),
      ]),
    )
      .default({})
      .describe(
        'Recipe fields to draw at random: path -> "low..high", "log:low..high" (uniform in the logarithm), "int:" or "log-int:" for whole numbers, or a list of values',
      ),
    draws: z.number().int().min(1).default(20).describe("Number of random draws; each is tried at every grid point"),
    seed: z.number().int().min(0).default(0).describe("Seed of the draws; independent of the run's seed"),
    halving: z
      .number()
      .int()
      .min(2)
      .optional()
      .describe(
        "Successive halving (Jamieson and Talwalkar 2016). Of n combinations, the best n / halving continue with a budget larger by this factor, until the recipe's budget is reached",
      ),
  })
  .describe("What `limbeck sweep` tries (docs/sweep.md); other commands ignore it");
