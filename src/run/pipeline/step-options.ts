/** What a run's training step is compiled from, where it is only looked at: before the run, or by the doctor. */
import type { StepOptions, TeacherFeature } from "../../engine/compile/step.js";
import { mixes } from "../../learn/data/augment/config.js";
import { portsOf } from "../../learn/data/arrays.js";
import type { LoadedData } from "../../learn/data/types.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { augmentationOf } from "../recipe/resolve.js";
import type { Arm } from "../teaching/arm.js";
import type { Prepared } from "../students/foreign.js";
import { arraysFor, withRawInput } from "../students/training.js";

export interface LookedAt {
  readonly batch: number;
  readonly classes: number;
  readonly objective: ObjectiveConfig;
  readonly teacherKind: "logits" | "probabilities";
  /** The teacher's inner values that can be fed. */
  readonly features: readonly TeacherFeature[];
}

/** What `stepOptionsOf` gives. */
export type ArmStep = StepOptions & Required<Pick<StepOptions, "samples">>;

/** The step of an arm's student, at start weights. */
export function stepOptionsOf(
  { plan, transfer }: Pick<Arm, "plan" | "transfer">,
  loaded: LoadedData,
  prepared: Prepared,
  { batch, classes, objective, teacherKind, features }: LookedAt,
): ArmStep {
  const { data, reads } = arraysFor(prepared, loaded.data);
  const augmentation = augmentationOf(plan.training);
  return {
    model: withRawInput(prepared, loaded),
    batch,
    inputs: portsOf(data, reads),
    classes,
    objective,
    teacherKind,
    teacherFeatures: features,
    blended: augmentation !== null && mixes(augmentation),
    samples: () => new Set(transfer).size,
    seed: plan.seed,
  };
}
