/** What a strategy's recipe leaves to limbeck, settled by its hops. */
import type { RunContext } from "../folder/context.js";
import { writeRunRecipe } from "../folder/run-directory.js";
import type { Recipe } from "../recipe/schema/schema.js";
import { leavesTemperature } from "../teaching/auto-temperature.js";
import { temperaturesOf } from "../teaching/settle.js";
import type { FinishedHop } from "./plan.js";

/** The context of a strategy whose hops are settled; where they chose alike, its recipe, in the folder too, says what. */
export async function settledByHops(context: RunContext, done: readonly FinishedHop[]): Promise<RunContext> {
  const { recipe, directory } = context;
  if (!leavesTemperature(recipe.objective)) return context;
  const own = done.flatMap(({ hop, summary }) =>
    hop.command === "distill" ? [(summary.recipe as Recipe).objective] : [],
  );
  const chosen = own.map((objective) => [...temperaturesOf(objective)]);
  const [first] = own;
  if (!first || new Set(chosen.map((c) => JSON.stringify(c))).size !== 1) return context;
  const { distillation_loss, terms } = first;
  const objective = { ...recipe.objective, distillation_loss, ...(terms ? { terms } : {}) };
  const settled = { ...recipe, objective };
  await writeRunRecipe(directory, settled);
  return { ...context, recipe: settled };
}
