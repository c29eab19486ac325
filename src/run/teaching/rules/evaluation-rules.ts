/** What evaluation and training need of the data. */
import { trainedTeacherOf } from "../registry.js";
import { imageShape } from "../../../learn/evaluate/robustness/corruptions.js";
import { passedOn, rule } from "./rule.js";

/** Whoever measures under corruptions. */
const MEASURED = ["one-shot", "strategy", "student-training", "teacher-training", "evaluation"] as const;

export const evaluationRules = [
  passedOn({
    name: "corruptions of images",
    of: MEASURED,
    reads: "evaluation",
    check({ plan: { evaluation }, data }) {
      if (evaluation.robustness) imageShape(data);
    },
  }),
  rule({
    name: "corruptions without labels",
    of: MEASURED,
    reads: "evaluation",
    code: "labels-missing",
    when: ({ plan: { evaluation }, data: { test } }) =>
      evaluation.robustness && (test.samples === 0 || test.labelled < test.samples) && test,
    field: "evaluation.robustness",
    says: ({ samples, labelled }) => ({
      found:
        samples === 0 ? "there are no test samples" : `${samples - labelled} of ${samples} test samples have no label`,
      expected: "labelled test samples, against which errors are counted",
      cure: "Remove the field, or add labelled test data",
    }),
  }),
  rule({
    name: "one distillation without test samples",
    of: "one-shot",
    reads: "data",
    code: "budget-invalid",
    when: ({ data }) => data.test.samples === 0,
    field: "data.split.test",
    says: () => ({
      found: "no sample is left to compare student and baseline on",
      expected: "a fraction of the samples, such as 0.2",
    }),
  }),
  rule({
    name: "sweep without validation samples",
    of: "sweep",
    reads: "data",
    code: "budget-invalid",
    when: ({ data }) => data.validation.samples === 0,
    field: "data.split.validation",
    says: () => ({
      found: "no validation sample is left to score on",
      expected: "a fraction of the samples, such as 0.15",
    }),
  }),
  rule({
    name: "training without labels",
    of: ["student-training", "teacher-training"],
    reads: "data",
    code: "labels-missing",
    when: ({ data }) => data.labels === null,
    field: "data",
    says: () => ({
      found: "it has no labels to train on",
      cure: "Add labels, or use limbeck distill",
    }),
  }),
  rule({
    name: "training of a teacher that is not trained",
    of: "teacher-training",
    reads: "recipe",
    code: "option-missing",
    when: ({ plan }) => trainedTeacherOf(plan.teacher) === null,
    field: "teacher",
    says: () => ({
      found: "it is not a model that limbeck trains",
      expected: "teacher.model and teacher.training",
    }),
  }),
];
