/** The main task: a recipe from data to report, whatever its strategy. */
import { type DistillOptions, type DistillResult, oneShot } from "../pipeline/one-shot.js";
import { planOf } from "../recipe/load.js";
import type { RecipeInput } from "../recipe/schema/schema.js";
import { checkRules } from "../teaching/rules/rule.js";
import { strategyEntryOf } from "./registry.js";
import { allRules, runOf } from "./rules.js";
import { runStrategy } from "./run-strategy.js";

/**
 * Runs a recipe from data to report: one distillation, or several if its strategy requires it.
 * @throws InputError if the recipe or its inputs are wrong, RunError if the run fails, InterruptedError if it is stopped
 */
export async function distill(input: RecipeInput, options: DistillOptions = {}): Promise<DistillResult> {
  const plan = planOf(input);
  checkRules(allRules(), ["recipe", runOf(plan)], { plan });
  const entry = strategyEntryOf(plan);
  return entry.run ? entry.run(plan, plan.strategy, options) : runStrategy(plan, options, oneShot);
}
