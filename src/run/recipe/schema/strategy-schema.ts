/** The strategies a recipe may name: what their entries (src/run/strategies) say of their fields. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import { type StrategyInput, type StrategySettings, strategies } from "../registries.js";

export const strategySchema = assembled(
  () =>
    z
      .discriminatedUnion("kind", strategies.entries.map((entry) => entry.schema()) as [z.ZodObject, ...z.ZodObject[]])
      .describe(
        "The schedule of complete training runs; docs/strategies.md explains when to use which",
      ) as unknown as z.ZodType<StrategySettings, StrategyInput>,
);
