/** What a strategy's recipe leaves to limbeck, settled by its hops. */
import type { RunContext } from "../folder/context.js";
import { writeRunRecipe } from "../folder/run-directory.js";
import { z } from "zod";
import { parseParts } from "../recipe/parse.js";
import { type ObjectivePlan, objectiveSchema, type Recipe } from "../recipe/schema/schema.js";
import { leavesTemperature } from "../teaching/auto-temperature.js";
import { temperaturesOf } from "../teaching/settle.js";
import type { FinishedHop } from "./hop-plan.js";

/** The context of a strategy whose hops are settled; where they chose alike, its recipe, in the folder too, says what. */
export async function settledByHops(context: RunContext, done: readonly FinishedHop[]): Promise<RunContext> {
  const { plan, directory } = context;
  if (!leavesTemperature(plan.objective)) return context;
  const own = done.flatMap(({ hop, summary }) =>
    hop.command === "distill" ? [objectiveIn(summary.recipe, hop.title)] : [],
  );
  const chosen = own.map((objective) => [...temperaturesOf(objective)]);
  const [first] = own;
  if (!first || new Set(chosen.map((c) => JSON.stringify(c))).size !== 1) return context;
  const { distillationLoss, terms } = first;
  const objective = { ...plan.objective, distillationLoss, ...(terms ? { terms } : {}) };
  const settled = { ...plan, objective };
  await writeRunRecipe(directory, settled);
  return { ...context, plan: settled };
}

/** The objective that a hop's summary says. */
function objectiveIn(recipe: unknown, source: string): ObjectivePlan {
  const { objective } = recipe as Recipe;
  return parseParts(z.object({ objective: objectiveSchema() }), { objective }, source).objective;
}
