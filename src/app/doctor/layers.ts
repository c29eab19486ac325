/** Layers that feature losses name: whether student and teacher have them, and whether the losses can compare them. */

import { storeOf, trainedTeacherOf } from "../../run/teaching/registry.js";
import { buildStep } from "../../engine/compile/step.js";
import { noun } from "../../base/noun.js";
import { type FeatureInfo, matchFeatures, pairFeatures } from "../../engine/objective/features.js";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { expandArms } from "../../run/pipeline/arms.js";
import type { Arm } from "../../run/teaching/arm.js";
import type { Prepared } from "../../run/students/foreign.js";
import { prepareModel } from "../../run/students/prepare.js";
import { type ArmStep, stepOptionsOf } from "../../run/pipeline/step-options.js";
import { reusingClassifier, classifierReuse } from "../../run/students/reused-classifier.js";
import { orReason } from "./asked.js";
import { type Check, type Finding, fine, type Patient, skipped } from "./types.js";

const CHECK = "layers";
const BATCH = 4;

/** The names are looked up on both sides; with a teacher that can be asked, the whole step is built on them. */
export const layers: Check = (patient) => {
  const { objective, plan } = patient;
  const wanted = objectiveLayers(objective);
  if (wanted.length === 0) return [skipped(CHECK, "the recipe has no loss that compares layers")];
  const failed = (found: string, change: string): Finding[] => [
    { check: CHECK, status: "fail", found, why: "the run would stop before the student is trained", change },
  ];
  const { folder, teacher, loaded } = patient;
  const { data } = loaded;
  const classes = teacher?.classes ?? data.classes.length;
  const build = (model: typeof plan.student) => prepareModel(model, { folder, data, classes, seed: plan.seed });
  const correct = "correct objective.terms; `limbeck inspect MODEL --features` lists names and shapes";
  if (!teacher && classifierReuse(objective))
    return [skipped(CHECK, "the student uses its teacher's classifier, but the teacher is not available")];
  if (teacher?.missing)
    return failed(teacher.missing, storeOf(plan.teacher, folder) !== null ? relabel(wanted) : correct);
  let student: FeatureInfo[] = [];
  const own = orReason(() => {
    student = featuresOf(studentOf(patient, classes).model.graph.nodes);
    for (const layer of wanted) matchFeatures(layer.student, student, "student");
  });
  if (own) return failed(own, correct);
  const trained = trainedTeacherOf(plan.teacher);
  const theirs = teacher?.features ?? (trained ? featuresOf(build(trained.model).model.graph.nodes) : undefined);
  if (!theirs) return [fine(CHECK, "the student has the layers; the teacher's are not available")];
  const pairs: string[] = [];
  const apart = orReason(() => {
    for (const layer of wanted)
      for (const [s, t] of pairFeatures(layer, student, theirs)) pairs.push(`${s.name} - ${t.name}`);
    if (teacher) stepWith(patient, BATCH);
  });
  if (apart) return failed(apart, correct);
  return [fine(CHECK, `${noun(pairs.length, "pair")} of student and teacher: ${pairs.slice(0, 6).join(", ")}`)];
};

/** The student that is trained, which may end in its teacher's classifier. @throws InputError when it cannot */
function studentOf({ plan, objective, folder, loaded: { data }, teacher }: Patient, classes: number): Prepared {
  const whole = prepareModel(plan.student, { folder, data, classes, seed: plan.seed });
  return reusingClassifier(whole, objective, teacher?.reusable ?? null, data, classes, plan.seed);
}

/**
 * The step's options for a recipe whose teacher can be asked, at start weights.
 * @throws InputError when the student cannot be put together
 */
export function stepOptions(patient: Patient, batch: number): ArmStep {
  const { plan, objective, loaded, teacher } = patient;
  if (!teacher) throw new Error("the step is built for a teacher that can be asked");
  const { classes, kind, features } = teacher;
  const arm = expandArms(plan, loaded)[0] as Arm;
  const lookedAt = { batch, classes, objective, teacherKind: kind, features };
  return stepOptionsOf(arm, loaded, studentOf(patient, classes), lookedAt);
}

const stepWith = (patient: Patient, batch: number): unknown => buildStep(stepOptions(patient, batch));

function featuresOf(nodes: readonly { readonly name: string; readonly outputs: readonly string[] }[]): FeatureInfo[] {
  return nodes.flatMap((n) => n.outputs.map((name, i) => ({ name, node: i === 0 ? n.name : "" })));
}

const relabel = (wanted: readonly { readonly teacher: string }[]): string =>
  `label again with these layers: \`limbeck label RECIPE --features ${[...new Set(wanted.map((l) => `'${l.teacher}'`))].join(" ")}\`, and set teacher.label_store to the new folder`;
