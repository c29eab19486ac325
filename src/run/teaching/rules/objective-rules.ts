/** What objectives exclude. */
import { isSeveral } from "../registry.js";
import { noun } from "../../../base/noun.js";
import { objectiveLayers } from "../../../engine/objective/objective.js";
import { baselineObjectiveOf, objectiveOf } from "../../recipe/resolve.js";
import { classifierReuse } from "../../students/reused-classifier.js";
import { passedOn, rule } from "./rule.js";

export const objectiveRules = [
  passedOn({
    name: "the objectives of student and baseline",
    of: "student",
    reads: "recipe",
    check({ plan }) {
      objectiveLayers(objectiveOf(plan.objective));
      objectiveLayers(baselineObjectiveOf(plan.objective));
    },
  }),
  rule({
    name: "class weights for every class",
    of: ["student", "strategy"],
    reads: "data",
    code: "array-mismatch",
    when({ plan, data: { classes } }) {
      const { classWeights } = plan.objective.studentLoss;
      return classes.length > 0 && classWeights && classWeights.length !== classes.length && classWeights;
    },
    field: "objective.student_loss.class_weights",
    says: (weights, { data: { classes } }) => ({
      found: `found ${noun(weights.length, "weight")}`,
      expected: `${classes.length}, one per class in the order ${classes.slice(0, 8).join(", ")}${classes.length > 8 ? ", ..." : ""}`,
    }),
  }),
  rule({
    name: "layers of several teachers",
    of: ["student", "strategy"],
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => isSeveral(plan.teacher) && objectiveLayers(objectiveOf(plan.objective)).length > 0,
    field: "objective.terms",
    says: () => ({
      found: "losses between layers need one teacher, and teacher.group has several",
      cure: "Give one teacher, or remove these terms",
    }),
  }),
  passedOn({
    name: "one classifier to reuse",
    of: "student",
    reads: "recipe",
    check: ({ plan }) => void classifierReuse(objectiveOf(plan.objective)),
  }),
];
