/** What the training step of a recipe's student is compiled from, without a run. */
import { stepTeacherOf } from "../../run/teaching/look-at-teacher.js";
import { jointTraining } from "../../run/strategies/registry.js";
import { firstHop } from "../../run/strategies/run-strategy.js";
import { asksNoTeacher } from "../../run/recipe/registries.js";
import type { CompileOptions } from "../../engine/compile/compile.js";
import { joinPeers } from "../../engine/compile/peers.js";
import { type ObjectiveConfig, objectiveLayers } from "../../engine/objective/objective.js";
import { mixes } from "../../learn/data/augment/config.js";
import type { LoadedData } from "../../learn/data/types.js";
import { planBatches } from "../../learn/train/batches.js";
import { expandArms } from "../../run/pipeline/arms.js";
import { stepOptionsOf } from "../../run/pipeline/step-options.js";
import { augmentationOf, baselineObjectiveOf, objectiveOf } from "../../run/recipe/resolve.js";
import type { ModelPlan, Plan } from "../../run/recipe/schema/schema.js";
import type { Prepared } from "../../run/students/foreign.js";
import { prepareModel } from "../../run/students/prepare.js";
import { reusingClassifier } from "../../run/students/reused-classifier.js";
import type { Arm } from "../../run/teaching/arm.js";
import type { StepTeacher } from "../../run/teaching/step-teacher.js";
import { viewAnswersOf } from "../../run/teaching/views.js";

export interface InspectedStepOptions {
  /** Paths of the recipe start here. */
  readonly folder: string;
  /** Of ONNX Runtime, for a teacher that is asked. */
  readonly threads: number;
}

/**
 * The step of the recipe's student in its first training by the recipe's own teacher, at start weights; of students that learn
 * together, the step of all.
 * @throws InputError when recipe, data or teacher cannot be used
 */
export async function inspectedStep(
  whole: Plan,
  loaded: LoadedData,
  { folder, threads }: InspectedStepOptions,
): Promise<CompileOptions> {
  const joint = jointTraining(whole, loaded);
  const first = firstHop(whole, loaded);
  const arm = joint?.arm ?? (expandArms(first, loaded)[0] as Arm);
  const { plan } = arm;
  const samples = joint ? arm.labelled : arm.transfer;
  const { batch } = planBatches(samples.length, plan.training.batch, plan.training.accumulate);
  const teacherless = asksNoTeacher(plan.strategy);
  const objective = joint?.objective ?? (teacherless ? baselineObjectiveOf : objectiveOf)(plan.objective);
  const layers = [...new Set(objectiveLayers(objective).map((l) => l.teacher))];
  const named = loaded.data.classes.length;
  const teacher = teacherless
    ? null
    : await stepTeacherOf(plan.teacher, { loaded, folder, classes: named, layers, threads });
  const classes = named || (teacher?.classes ?? 0);
  const student = joint
    ? jointStudent(joint.models, plan, loaded, folder)
    : studentOf(plan, objective, teacher, { loaded, folder, classes });
  const { features = [], members, weighed = false } = teacher ?? {};
  const lookedAt = { batch, classes, objective, teacherKind: kindOf(plan, teacher), features };
  return {
    ...stepOptionsOf({ plan, transfer: samples }, loaded, student, lookedAt),
    teacherMembers: members,
    teachersWeighed: weighed,
    recompute: plan.training.recompute,
  };
}

function studentOf(
  { student, seed }: Plan,
  objective: ObjectiveConfig,
  teacher: StepTeacher | null,
  { loaded: { data }, folder, classes }: { loaded: LoadedData; folder: string; classes: number },
): Prepared {
  const whole = prepareModel(student, { folder, data, classes, seed });
  return reusingClassifier(whole, objective, teacher?.reusable ?? null, data, classes, seed);
}

function jointStudent(models: readonly ModelPlan[], plan: Plan, { data }: LoadedData, folder: string): Prepared {
  const students = models.map((model, i) =>
    prepareModel(model, { folder, data, classes: data.classes.length, seed: plan.seed + i * plan.seeds }),
  );
  return { ...(students[0] as Prepared), model: joinPeers(students.map((s) => s.model)) };
}

/** Answers for the samples as they are become blends of probabilities where the student sees blends. */
function kindOf(plan: Plan, teacher: StepTeacher | null): StepTeacher["kind"] {
  const views = augmentationOf(plan.training);
  const blended = views !== null && mixes(views) && viewAnswersOf(plan) === "clean";
  return blended ? "probabilities" : (teacher?.kind ?? "logits");
}
