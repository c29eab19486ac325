/** What can be known of a run's models before anything is trained or written. */
import { modelFile } from "../../engine/models/registry.js";
import { isSeveral, modelFileOf, teacherAtHand, trainedTeacherOf } from "../teaching/registry.js";
import { teachersOf } from "../recipe/registries.js";
import { buildStep } from "../../engine/compile/step.js";
import type { LoadedData } from "../../learn/data/types.js";
import { type FeatureInfo, matchFeatures, pairFeatures } from "../../engine/objective/features.js";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { ModelPlan } from "../recipe/schema/schema.js";
import { planBatches } from "../../learn/train/batches.js";
import type { Arm } from "../teaching/arm.js";
import { inModel } from "../students/in-model.js";
import { withRawInput } from "../students/training.js";
import { type KnownTeacher, teacherToBe } from "../teaching/known-teacher.js";
import { fileOf, type Prepared, prepareModel } from "../students/prepare.js";
import { stepOptionsOf } from "./step-options.js";
import { reusingClassifier, classifierReuse } from "../students/reused-classifier.js";

/**
 * Builds every arm's models and, where losses compare layers, the training step on both graphs' shapes: what does not fit
 * must not wait for a teacher's training.
 * @param earlier the teacher of all arms, where another run of the strategy trains it; it replaces the recipes'
 * @returns the first arm's student; null where only the teacher knows the classes
 * @throws InputError when a model does not fit the data, or layers do not go together
 */
export function checkModels(
  arms: readonly Arm[],
  loaded: LoadedData,
  folder: string,
  earlier?: () => KnownTeacher | null,
): Prepared | null {
  const { data, normalisation } = loaded;
  const classes = data.classes.length;
  // Without class names only the teacher knows how many there are.
  if (classes === 0) return null;
  const options = { folder, data, classes, seed: 0 };
  const students = arms.map((arm): Prepared => {
    const { plan } = arm;
    const built = (description: ModelPlan, field: string): Prepared =>
      inModel(field, fileOf(description, folder), () => {
        const prepared = prepareModel(description, options);
        withRawInput(prepared, loaded);
        return prepared;
      });
    const student = built(plan.student, "student");
    const fields = isSeveral(plan.teacher) ? (i: number) => `teacher.group.${i}.model` : () => "teacher.model";
    const trained = teachersOf(plan.teacher).flatMap((one, i) => {
      const model = trainedTeacherOf(one)?.model;
      return model ? [built(model, fields(i))] : [];
    });
    const teacher = (): KnownTeacher | null => {
      if (earlier) return earlier();
      const [first] = trained;
      return first ? teacherToBe(first, "teacher.model", normalisation) : teacherAtHand(plan.teacher, loaded, folder);
    };
    return inModel("student", fileOf(plan.student, folder), () => checkLayers(arm, loaded, student, teacher));
  });
  return students[0] ?? null;
}

/** Builds the step of a student whose losses compare no layers. @throws InputError for ops that cannot be trained through */
function checkStep(arm: Arm, loaded: LoadedData, student: Prepared): void {
  const { training, objective } = arm.plan;
  const { batch } = planBatches(arm.transfer.length, training.batch, training.accumulate);
  const classes = loaded.data.classes.length;
  const options = { batch, classes, objective: objectiveOf(objective), teacherKind: "logits", features: [] } as const;
  buildStep(stepOptionsOf(arm, loaded, student, options));
}

/**
 * Layers that losses compare must be there on both sides, as many, and of shapes that can be compared.
 * @returns the student that is trained: with its teacher's classifier where it ends in that
 */
function checkLayers(arm: Arm, loaded: LoadedData, student: Prepared, teacherOf: () => KnownTeacher | null): Prepared {
  const { plan } = arm;
  const objective = objectiveOf(plan.objective);
  const layers = objectiveLayers(objective);
  if (layers.length === 0) {
    // What limbeck built can be trained; of a file that shows when its step is built.
    if (modelFile(plan.student) !== null) checkStep(arm, loaded, student);
    return student;
  }
  const teacher = teacherOf();
  const own = student.model.graph.nodes.flatMap((n) =>
    n.outputs.map((name, i): FeatureInfo => ({ name, node: i === 0 ? n.name : "" })),
  );
  if (!teacher) for (const layer of layers) matchFeatures(layer.student, own, "student");
  const named = teacher
    ? layers.flatMap((l) => pairFeatures(l, own, teacher.features).map(([, theirs]) => theirs))
    : [];
  if (classifierReuse(objective) && !teacher?.classifier && modelFileOf(plan.teacher, "") !== null) return student;
  const features = (teacher?.features ?? []).flatMap((f) => (f.shape ? [{ ...f, shape: f.shape }] : []));
  const classifier = teacher?.classifier;
  const reusable = { name: "teacher", features, classifier: classifier ? () => classifier : null };
  const classes = loaded.data.classes.length;
  const whole = reusingClassifier(student, objective, reusable, loaded.data, classes, 0);
  if (!teacher || named.some((f) => !f.shape)) return whole;
  const { batch } = planBatches(arm.transfer.length, plan.training.batch, plan.training.accumulate);
  buildStep(stepOptionsOf(arm, loaded, whole, { batch, objective, classes, teacherKind: "logits", features }));
  return whole;
}
