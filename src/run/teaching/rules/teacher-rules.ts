import { isAbsent, isSeveral, knownClassesOf, storeOf, trainedTeacherOf, trainedTeachersOf } from "../registry.js";
import type { TeacherOf } from "../teacher-entry.js";
import { asksNoTeacher } from "../../recipe/registries.js";
import { checkSampleWeights } from "../../../engine/objective/objective.js";
import { fixedWeights } from "../../../learn/teacher/group/group.js";
import { checkCover } from "../../../learn/teacher/group/merge.js";
import { objectiveOf } from "../../recipe/resolve.js";
import type { TeacherPlan } from "../../recipe/schema/schema.js";
import { noTeacher } from "../teacher-group.js";
import type { DataFacts } from "./facts.js";
import { passedOn, rule } from "./rule.js";

const groupOf = (teacher: TeacherPlan): TeacherOf<"group"> | null => ("group" in teacher ? teacher : null);

/** A group whose weights differ from sample to sample. */
const byConfidence = (teacher: TeacherPlan): TeacherOf<"group"> | null =>
  "group" in teacher && teacher.weights === "confidence" ? teacher : null;

/** A member of a group and the classes it knows; absent where it knows all. */
interface Member {
  readonly name: string;
  readonly place: number;
  readonly trained: boolean;
  readonly knows?: readonly number[];
}

/** @throws InputError for classes that the data does not have */
function membersOf(teacher: TeacherPlan, { classes }: DataFacts): Member[] {
  if (!("group" in teacher) || classes.length === 0) return [];
  return teacher.group.map((member, place) => {
    const knows = knownClassesOf(member, { classes });
    const trained = trainedTeacherOf(member) !== null;
    return { name: `teacher ${place + 1}`, place, trained, ...(knows ? { knows } : {}) };
  });
}

export const teacherRules = [
  rule({
    name: "teacher missing",
    of: "recipe",
    reads: "recipe",
    code: "teacher-missing",
    when: ({ plan: { teacher, strategy } }) => isAbsent(teacher) && !asksNoTeacher(strategy) && strategy.kind,
    field: "teacher",
    says: (strategy) => noTeacher(`the strategy ${strategy}`),
  }),
  rule({
    name: "teacher of part of the classes",
    of: "student",
    reads: "data",
    code: "class-unknown",
    when({ plan: { teacher }, data }) {
      if (data.classes.length === 0) return null;
      return knownClassesOf(teacher, data);
    },
    field: "teacher.classes",
    says: (known, { data }) => ({
      found: `it knows ${known.length} of the ${data.classes.length} classes`,
      expected: "a teacher that knows all of them",
      cure: "Put it into a teacher.group with combine: merge",
    }),
  }),
  rule({
    name: "group member without classes",
    of: "student",
    reads: "data",
    code: "class-too-few",
    when: ({ plan, data }) => membersOf(plan.teacher, data).find(({ knows }) => knows && knows.length < 2),
    field: ({ place }) => `teacher.group.${place}.classes`,
    says: ({ name, knows = [] }) => ({
      found: `${name} knows ${knows.length} of the data's classes`,
      expected: "at least 2",
    }),
  }),
  rule({
    name: "group member to train without labels",
    of: "student",
    reads: "data",
    code: "labels-missing",
    when: ({ plan, data }) =>
      data.labels === null && membersOf(plan.teacher, data).find(({ knows, trained }) => knows && trained),
    field: ({ place }) => `teacher.group.${place}.classes`,
    says: ({ name }) => ({
      found: `the data has no labels to train ${name} on`,
      cure: "Add labels, or give a file",
    }),
  }),
  passedOn({
    name: "merged teachers know all classes",
    of: "student",
    reads: "data",
    check({ plan: { teacher }, data }) {
      const members = membersOf(teacher, data);
      if (members.length > 0 && groupOf(teacher)?.combine === "merge")
        checkCover(members, data.classes.length, data.classes);
    },
  }),
  rule({
    name: "part of the classes without merge",
    of: "student",
    reads: "data",
    code: "option-conflict",
    when: ({ plan: { teacher }, data }) =>
      groupOf(teacher)?.combine !== "merge" && membersOf(teacher, data).find(({ knows }) => knows),
    field: "teacher.combine",
    says: ({ name, knows = [] }, { plan, data }) => ({
      found: `${name} knows ${knows.length} of the ${data.classes.length} classes, and ${groupOf(plan.teacher)?.combine} would take the others for impossible`,
      cure: "Set combine: merge",
    }),
  }),
  passedOn({
    name: "a weight for each teacher",
    of: "student",
    reads: "recipe",
    check({ plan: { teacher } }) {
      const group = groupOf(teacher);
      if (group && group.weights !== "confidence") fixedWeights(group.weights, group.group.length);
    },
  }),
  rule({
    name: "weights by confidence with one weight per teacher",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when({ plan: { teacher } }) {
      const combine = byConfidence(teacher)?.combine;
      return (combine === "draw" || combine === "merge") && combine;
    },
    field: "teacher.weights",
    says: (combine) => ({
      found: `weights by confidence differ from sample to sample, and ${combine} has one weight per teacher`,
      cure: "Set combine to mean-losses, mean-probabilities or mean-logits",
    }),
  }),
  passedOn({
    name: "weights by confidence with losses over batches",
    of: "student",
    reads: "recipe",
    check({ plan: { teacher, objective } }) {
      if (byConfidence(teacher)?.combine === "mean-losses") checkSampleWeights(objectiveOf(objective));
    },
  }),
  rule({
    name: "trained teachers see the same samples",
    of: "student",
    reads: "recipe",
    code: "option-conflict",
    when({ plan: { teacher } }) {
      const all = new Set(trainedTeachersOf(teacher).map(({ trainOn }) => trainOn));
      return all.size > 1 && [...all];
    },
    field: "teacher.group",
    says: (all) => ({
      found: `its teachers see different samples (train_on: ${all.join(", ")})`,
      cure: "Give all of them the same train_on",
    }),
  }),
  rule({
    name: "trained teacher without labels",
    of: "samples",
    reads: "samples",
    code: "labels-missing",
    when: ({ plan, seen }) => seen.teacher === 0 && trainedTeachersOf(plan.teacher).length > 0,
    field: "teacher",
    says: () => ({
      found: "its training samples have no labels",
      cure: "Add labels, or set teacher.file to an ONNX model that knows the classes",
    }),
  }),
  rule({
    name: "labelling without a teacher",
    of: "label",
    reads: "recipe",
    code: "teacher-missing",
    when: ({ plan }) => isAbsent(plan.teacher),
    field: "teacher",
    says: () => noTeacher("labelling"),
  }),
  rule({
    name: "labelling with a label store",
    of: "label",
    reads: "recipe",
    code: "option-invalid",
    when: ({ plan }) => storeOf(plan.teacher, "") !== null,
    field: "teacher.label_store",
    says: () => ({
      found: "this teacher is already a label store",
      expected: "a teacher that can be asked",
      cure: "Set teacher.file or teacher.model",
    }),
  }),
  rule({
    name: "labelling with a group",
    of: "label",
    reads: "recipe",
    code: "option-conflict",
    when: ({ plan }) => isSeveral(plan.teacher),
    field: "teacher.group",
    says: () => ({
      found: "a label store belongs to one teacher, and this group has several",
      cure: "Label with each of them, and give the stores to the group",
    }),
  }),
];
