/** What random views and the rest of a recipe exclude of each other. */
import { teachersOf } from "../../recipe/registries.js";
import { isSeveral, teacherEntryOf, trainedTeacherOf } from "../registry.js";
import { objectiveLayers, refusesBlends } from "../../../engine/objective/objective.js";
import { checkAugmentation } from "../../../learn/data/augment/check.js";
import { type Augmentation, augments, mixes } from "../../../learn/data/augment/config.js";
import { augmentationOf, baselineObjectiveOf, objectiveOf } from "../../recipe/resolve.js";
import type { Plan } from "../../recipe/schema/schema.js";
import { viewAnswersOf } from "../views.js";
import { passedOn, rule } from "./rule.js";

/** Whether the student's views blend samples. */
const blends = ({ training }: Plan): boolean => {
  const augmentation = augmentationOf(training);
  return augmentation !== null && mixes(augmentation);
};

/** What the teacher answers where it is asked about views; null where it answers for unchanged samples, or not at all. */
function viewsAsked(plan: Plan): "replayed" | "online" | null {
  const answers = viewAnswersOf(plan);
  return answers === "clean" ? null : answers;
}

/** @throws InputError when an option does not go with the data */
function checkViewsOf(augment: Augmentation | null | undefined, shape: readonly number[], where: string): void {
  if (augments(augment)) checkAugmentation(augment, shape, where);
}

export const viewRules = [
  rule({
    name: "answers for views without views",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => plan.transfer.views && viewAnswersOf(plan) === null,
    field: "transfer.views",
    says: () => ({
      found: "they set what the teacher answers for random views, and there are no views",
      cure: "Set training.augment and an objective with a teacher, or remove them",
    }),
  }),
  rule({
    name: "count of views that are not replayed",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when({ plan }) {
      const answers = viewAnswersOf(plan);
      return plan.transfer.views?.count !== undefined && answers !== "replayed" && { answers };
    },
    field: "transfer.views.count",
    says: ({ answers }) => ({
      found: `views are counted where they are replayed, and answers is ${answers}`,
      cure: "Remove count, or set answers to replayed",
    }),
  }),
  rule({
    name: "views for a teacher that cannot answer",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when({ plan }) {
      const answers = viewsAsked(plan);
      const none = answers && teacherEntryOf(plan.teacher).cannotAnswerViews?.(plan.teacher);
      return none && { answers, ...none };
    },
    field: "transfer.views.answers",
    says: ({ answers, reason, cure }) => ({
      found: `${answers} asks the teacher about new views, and ${reason}`,
      cure: `${cure}, or set answers to clean`,
    }),
  }),
  rule({
    name: "views online from an endpoint",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => viewsAsked(plan) === "online" && teacherEntryOf(plan.teacher).slow === true,
    field: "transfer.views.answers",
    says: () => ({
      found: "an endpoint is too slow to be asked at every step",
      cure: "Set it to replayed, which asks once for each view",
    }),
  }),
  rule({
    name: "pseudo-labels for views",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => plan.transfer.pseudoLabels && viewsAsked(plan),
    field: "transfer.views.answers",
    says: (answers) => ({
      found: `pseudo-labels come from unchanged samples, and answers is ${answers}`,
      cure: "Set it to clean",
    }),
  }),
  rule({
    name: "layers of unchanged samples",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => viewAnswersOf(plan) === "clean" && objectiveLayers(objectiveOf(plan.objective)).length > 0,
    field: "transfer.views.answers",
    says: () => ({
      found: "losses between layers compare values of one image, and clean keeps those of the unchanged one",
      cure: "Set it to replayed or online",
    }),
  }),
  rule({
    name: "blends with a mean of losses",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) =>
      viewAnswersOf(plan) === "clean" &&
      blends(plan) &&
      "group" in plan.teacher &&
      plan.teacher.combine === "mean-losses",
    field: "training.augment",
    says: () => ({
      found: "mixup and cutmix blend the teacher's answers, and mean-losses keeps those of each teacher",
      cure: "Set combine: mean-probabilities",
    }),
  }),
  rule({
    name: "blends with a loss that needs one class",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) =>
      blends(plan) &&
      (refusesBlends(objectiveOf(plan.objective)) ?? refusesBlends(baselineObjectiveOf(plan.objective))),
    field: "training.augment",
    says: (loss) => ({
      found: `mixup and cutmix blend two samples, and ${loss} needs one right class per sample`,
      cure: "Use another loss, or remove mixup and cutmix",
    }),
  }),
  passedOn({
    name: "the student's views go with the data",
    of: ["student", "strategy", "student-training"],
    reads: "data",
    check: ({ plan, data }) => checkViewsOf(plan.training.augment, data.sampleShape, "training.augment"),
  }),
  passedOn({
    name: "a teacher's views go with the data",
    of: "student",
    reads: "data",
    check({ plan: { teacher }, data }) {
      const several = isSeveral(teacher);
      for (const [i, one] of teachersOf(teacher).entries()) {
        const field = several ? `teacher.group.${i}` : "teacher";
        const trained = trainedTeacherOf(one);
        if (trained) checkViewsOf(trained.training.augment, data.sampleShape, `${field}.training.augment`);
      }
    },
  }),
];
