/** The random views of a recipe's trainings, checked against the data before anything is trained. */
import { checkAugmentation } from "../data/augment/check.js";
import { type Augmentation, augments } from "../data/augment/config.js";
import { InputError } from "../errors.js";
import type { Recipe } from "../recipe/schema.js";

/**
 * @param shape of a sample
 * @param where precedes the field's name in messages
 * @throws InputError when an option does not go with the data
 */
export function checkAugmentations({ training, teacher }: Recipe, shape: readonly number[], where: string): void {
  checkTrainingViews(training.augment, shape, `${where}training.augment`);
  const teachers = "group" in teacher ? teacher.group : [teacher];
  teachers.forEach((one, i) => {
    const field = "group" in teacher ? `teacher.group.${i}` : "teacher";
    if ("training" in one) checkTrainingViews(one.training.augment, shape, `${where}${field}.training.augment`);
  });
}

/** The views of one training. */
export function checkTrainingViews(
  augment: Augmentation | null | undefined,
  shape: readonly number[],
  where: string,
): void {
  if (!augments(augment)) return;
  checkAugmentation(augment, shape, where);
  // To be taken out when trainings mix labels as well: a mixed picture under one sample's label would teach wrongly.
  for (const option of ["mixup", "cutmix"] as const)
    if (augment[option])
      throw new InputError(`${where}.${option}`, "found it, but trainings do not mix labels yet; take it out");
}
