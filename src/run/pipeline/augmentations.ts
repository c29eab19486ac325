/** The random views of a recipe's trainings, checked against the data before anything is trained. */
import { checkAugmentation } from "../../learn/data/augment/check.js";
import { type Augmentation, augments } from "../../learn/data/augment/config.js";
import type { Plan } from "../recipe/schema/schema.js";

/**
 * @param shape of a sample
 * @throws InputError when an option does not go with the data
 */
export function checkAugmentations({ training, teacher }: Plan, shape: readonly number[]): void {
  checkTrainingViews(training.augment, shape, "training.augment");
  const teachers = "group" in teacher ? teacher.group : [teacher];
  teachers.forEach((one, i) => {
    const field = "group" in teacher ? `teacher.group.${i}` : "teacher";
    if ("training" in one) checkTrainingViews(one.training.augment, shape, `${field}.training.augment`);
  });
}

/** The views of one training. */
export function checkTrainingViews(
  augment: Augmentation | null | undefined,
  shape: readonly number[],
  where: string,
): void {
  if (augments(augment)) checkAugmentation(augment, shape, where);
}
