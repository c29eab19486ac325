/** Which classes, samples and labels a student sees, and what that excludes. */
import { noun } from "../../../base/noun.js";
import { objectiveNeeds } from "../../../engine/objective/objective.js";
import { objectiveOf } from "../../recipe/resolve.js";
import type { Plan } from "../../recipe/schema/schema.js";
import { classIndices, omittedClasses } from "../omission.js";
import type { DataFacts } from "./facts.js";
import { passedOn, rule } from "./rule.js";

/** Whether classes are named that the student sees or does not see. */
const namesClasses = ({ transfer }: Plan): boolean => transfer.omitClasses.length + transfer.onlyClasses.length > 0;

const classField = ({ transfer }: Plan): string =>
  transfer.onlyClasses.length > 0 ? "transfer.only_classes" : "transfer.omit_classes";

/** How many classes the student sees, and how many it does not; null where it sees all. */
function classCounts(plan: Plan, { classes }: DataFacts): { readonly seen: number; readonly omitted: number } | null {
  if (!namesClasses(plan)) return null;
  const omitted = omittedClasses(plan.transfer, classes).length;
  return { seen: classes.length - omitted, omitted };
}

const omissionRules = [
  rule({
    name: "classes to omit and to keep",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan: { transfer } }) => transfer.omitClasses.length > 0 && transfer.onlyClasses.length > 0,
    field: "transfer.only_classes",
    says: () => ({
      found: "only_classes and omit_classes are both given",
      cure: "Give the classes to omit or those to keep",
    }),
  }),
  rule({
    name: "bias without omitted classes",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => plan.transfer.biasCorrection && !namesClasses(plan),
    field: "transfer.bias_correction",
    says: () => ({
      found: "no class is omitted, so there is no bias to correct",
      cure: "Give omit_classes or only_classes, or switch it off",
    }),
  }),
  rule({
    name: "omitted classes without labels",
    of: "student",
    reads: "data",
    code: "labels-missing",
    when: ({ plan, data }) => namesClasses(plan) && data.labels === null && classField(plan),
    field: (field) => field,
    says: () => ({
      found: "the data has no labels, which tell the samples of these classes",
      cure: "Add labels, or remove the field",
    }),
  }),
  passedOn({
    name: "omitted classes are known",
    of: "student",
    reads: "data",
    check({ plan, data }) {
      const { omitClasses, onlyClasses } = plan.transfer;
      classIndices([...omitClasses, ...onlyClasses], data.classes, classField(plan));
    },
  }),
  rule({
    name: "all classes named",
    of: "student",
    reads: "data",
    code: "class-too-few",
    when({ plan, data }) {
      const counts = classCounts(plan, data);
      return counts && (counts.seen === 0 || counts.omitted === 0) && classField(plan);
    },
    field: (field) => field,
    says: (_, { data }) => ({
      found: `all ${data.classes.length} classes are named`,
      expected: "at least one class on either side",
    }),
  }),
  rule({
    name: "one class left",
    of: "student",
    reads: "data",
    code: "class-too-few",
    when: ({ plan, data }) => classCounts(plan, data)?.seen === 1 && classField(plan),
    field: (field) => field,
    says: () => ({ found: "one class is left", expected: "at least 2 for a student" }),
  }),
  rule({
    name: "bias without labelled validation samples",
    of: "student",
    reads: "data",
    code: "budget-invalid",
    when: ({ plan, data }) => plan.transfer.biasCorrection && data.validation.labelled === 0,
    field: "transfer.bias_correction",
    says: () => ({
      found: "no validation sample has a label to choose it on",
      cure: "Raise data.split.validation",
    }),
  }),
];

const pseudoLabelRules = [
  rule({
    name: "pseudo-labels without a sample to label",
    of: "samples",
    reads: "samples",
    code: "option-conflict",
    when: ({ plan: { transfer }, seen: { student } }) =>
      transfer.pseudoLabels && student.labelled > 0 && student.labelled === student.samples,
    field: "transfer.pseudo_labels",
    says: (_, { seen: { student } }) => ({
      found: `the student sees ${noun(student.samples, "sample")}, all of them with a label, so nothing is left to label`,
      cure: "Set transfer.samples to all, and transfer.labelled to the number of labels it may use",
    }),
  }),
  rule({
    name: "balanced pseudo-labels of omitted classes",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => plan.transfer.pseudoLabels?.balance && namesClasses(plan),
    field: "transfer.pseudo_labels.balance",
    says: () => ({
      found:
        "balancing would repeat the teacher's mistakes: of an omitted class it has only samples that it takes for it",
      cure: "Set it to false (strategy.balance of a noisy-student)",
    }),
  }),
  rule({
    name: "pseudo-labels beside labels",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when({ plan: { transfer, objective } }) {
      if (!transfer.pseudoLabels) return false;
      const needs = objectiveNeeds(objectiveOf(objective));
      return needs.labels || !needs.teacher;
    },
    field: "transfer.pseudo_labels",
    says: () => ({
      found: "pseudo-labels take the place of the labels, and only the loss against the teacher learns them",
      cure: "Set objective.alpha to 1",
    }),
  }),
  rule({
    name: "pseudo-labels of each teacher",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when({ plan: { transfer, teacher } }) {
      const combine = transfer.pseudoLabels && "group" in teacher && teacher.combine;
      return (combine === "mean-losses" || combine === "draw") && combine;
    },
    field: "transfer.pseudo_labels",
    says: (combine) => ({
      found: `they are one distribution per sample, and ${combine} keeps those of each teacher`,
      cure: "Set combine: mean-probabilities",
    }),
  }),
];

export const transferRules = [
  ...omissionRules,
  ...pseudoLabelRules,
  rule({
    name: "labels for all samples of a loss that reads them",
    of: "samples",
    reads: "samples",
    code: "labels-missing",
    when: ({ plan, seen: { student } }) =>
      student.samples !== student.labelled && objectiveNeeds(objectiveOf(plan.objective)).labels,
    field: "objective.alpha",
    says: (_, { seen: { student } }) => ({
      found: `the student sees ${noun(student.samples, "sample")} and may use the labels of ${student.labelled}`,
      expected: "labels for all of them, which a loss of the objective reads",
      cure: "Set objective.alpha to 1, or transfer.samples to labelled",
    }),
  }),
];
