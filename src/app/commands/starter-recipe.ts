/** The recipe that `limbeck init` writes, checked against the table of rules. */
import { InputError } from "../../base/errors.js";
import { planOf } from "../../run/recipe/load.js";
import type { RecipeInput } from "../../run/recipe/schema/schema.js";
import { type StarterOptions, starterText } from "../../run/recipe/starter-recipe.js";
import { allRules, runOf } from "../../run/strategies/rules.js";
import { brokenRule } from "../../run/teaching/rules/rule.js";

export type { StarterOptions } from "../../run/recipe/starter-recipe.js";

/**
 * The text of a commented recipe (YAML). It parses as it stands; with the digits and a model to train it also runs. A field
 * that is commented out says so where a rule refuses it beside the fields that are set.
 */
export function starterRecipe(options: StarterOptions = {}): string {
  return starterText(options, refusalOf);
}

/** What a run would refuse of a recipe before it reads the data; null for nothing. */
export function refusalOf(recipe: object): InputError | null {
  try {
    const plan = planOf(recipe as RecipeInput);
    return brokenRule(allRules(), ["recipe", runOf(plan), "student"], { plan })?.error ?? null;
  } catch (error) {
    // Of two fields that stand for each other (epochs, steps) the schema takes one; their descriptions say so.
    if (error instanceof InputError) return null;
    throw error;
  }
}
