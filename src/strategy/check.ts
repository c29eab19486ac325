/** What can be known of a run's models before anything is trained or written. */
import type { DataSet } from "../data/types.js";
import { InputError } from "../errors.js";
import type { Recipe } from "../recipe/schema.js";
import type { Arm } from "./arms.js";
import { prepareModel } from "./prepare.js";

/**
 * Builds every arm's models once: a student that does not fit the data must not wait for its teacher's training.
 * @throws InputError when a model does not fit the data
 */
export function checkModels(arms: readonly Arm[], data: DataSet, folder: string): void {
  const classes = data.classes.length;
  // Without class names only the teacher knows how many there are.
  if (classes === 0) return;
  const options = { folder, data, classes, seed: 0 };
  for (const { recipe } of arms) {
    prepareModel(recipe.student, options);
    if ("model" in recipe.teacher) prepareModel(recipe.teacher.model, options);
    checkClassWeights(recipe, data);
  }
}

function checkClassWeights({ objective }: Recipe, { classes }: DataSet): void {
  const weights = objective.student_loss.class_weights;
  if (weights && weights.length !== classes.length)
    throw new InputError(
      "objective.student_loss.class_weights",
      `${weights.length} weights for ${classes.length} classes; give one a class, in the order ${classes.slice(0, 8).join(", ")}${classes.length > 8 ? ", ..." : ""}`,
    );
}
