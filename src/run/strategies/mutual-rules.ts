/** What students that learn from each other exclude. */
import { rulesOf } from "./strategy-rule.js";

const rule = rulesOf("mutual");

export const mutualRules = [
  rule({
    name: "mutual: students and models",
    reads: "recipe",
    code: "option-conflict",
    when: ({ students, models }) => students !== undefined && models !== undefined,
    field: "strategy.students",
    says: () => ({
      found: "students and models are both given",
      cure: "Give only one of them: models are the students beside the recipe's student",
    }),
  }),
  rule({
    name: "mutual: variants",
    reads: "recipe",
    code: "option-conflict",
    when: (_, { plan }) => plan.variants.length > 0,
    field: "variants",
    says: () => ({
      found: "the strategy mutual takes no variants",
      cure: "Remove them (--set variants=[])",
    }),
  }),
  rule({
    name: "mutual: bias correction",
    reads: "recipe",
    code: "option-conflict",
    when: (_, { plan }) => plan.transfer.biasCorrection,
    field: "transfer.bias_correction",
    says: () => ({
      found: "the strategy mutual trains all students as one and corrects no biases",
      cure: "Switch it off, or use another strategy",
    }),
  }),
  rule({
    name: "mutual: labels",
    reads: "samples",
    code: "labels-missing",
    when: (_, { seen }) => seen.student.labelled === 0,
    field: "data",
    says: () => ({
      found: "it has no labels, and students that learn from each other need them",
      cure: "Add labels, or use another strategy",
    }),
  }),
];
