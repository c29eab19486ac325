/** From recipe fields to the configurations the layers below take. */

import { type Augmentation, augments } from "../../learn/data/augment/config.js";
import { type ObjectiveConfig, objectiveNeeds, type StudentLossConfig } from "../../engine/objective/objective.js";
import { lossOf } from "../../engine/objective/registry.js";
import { lossSettingsOf } from "../../engine/objective/settings.js";
import type { Schedule, UpdateRule } from "../../engine/optim/types.js";
import type { TrainingSettings } from "../../learn/train/types.js";
import type { ObjectivePlan, Plan, TrainingPlan } from "./schema/schema.js";

export function updateRuleOf(training: TrainingPlan): UpdateRule {
  return training.optimizer;
}

export function scheduleOf(training: TrainingPlan): Schedule {
  return training.schedule;
}

/** The objective of a distilled student; a temperature that is left to limbeck is the loss's usual one until it is chosen. */
export function objectiveOf(objective: ObjectivePlan): ObjectiveConfig {
  const usual = <L extends object>(loss: L): L =>
    "temperature" in loss && loss.temperature === "auto" ? { ...loss, temperature: undefined } : loss;
  const { distillationLoss, terms } = objective;
  const given = {
    ...objective,
    distillationLoss: usual(distillationLoss),
    ...(terms ? { terms: terms.map(usual) } : {}),
  };
  const { studentLoss, ...rest } = given as ObjectiveConfig;
  return { ...rest, studentLoss };
}

/** The objective of the same student on labels alone. */
export function baselineObjectiveOf(objective: ObjectivePlan): ObjectiveConfig {
  return { studentLoss: objective.studentLoss, alpha: 0 };
}

/** Labels as they are: without smoothing and without a virtual teacher. What stands beside a student that learns from labels alone. */
export function plainLabelsOf(objective: ObjectivePlan): ObjectiveConfig {
  const { studentLoss } = objective;
  const loss = lossOf(studentLoss);
  const plain = loss.plain?.(lossSettingsOf(loss, studentLoss, "objective.student_loss")) ?? studentLoss;
  return { studentLoss: plain as StudentLossConfig, alpha: 0 };
}

/** Whether the student asks no teacher: smoothed labels, a virtual teacher, or labels as they are. */
export function asksNobody({ objective, transfer }: Plan): boolean {
  return !objectiveNeeds(objectiveOf(objective)).teacher && transfer.pseudoLabels === undefined;
}

/** The random views of a training; null where it sees the samples as they are. */
export function augmentationOf({ augment }: TrainingPlan): Augmentation | null {
  return augments(augment) ? augment : null;
}

export interface Execution {
  readonly threads: number;
  readonly device: "cpu" | "webgpu";
}

/**
 * The training with as many updates as it makes of other samples: a baseline that sees fewer samples than the student it
 * stands beside would otherwise be trained for a part of its time.
 * @param samples whose epochs count
 * @param own samples it sees itself
 */
export function withBudgetOf(training: TrainingPlan, samples: number, own: number): TrainingPlan {
  if (training.steps !== undefined || samples === own) return training;
  const { steps } = settingsOf(training, samples, 0, { threads: 1, device: "cpu" });
  return { ...training, epochs: undefined, steps };
}

/**
 * @param samples training samples, to turn epochs into steps
 * @param seed of this training
 */
export function settingsOf(
  training: TrainingPlan,
  samples: number,
  seed: number,
  execution: Execution,
): TrainingSettings {
  const perUpdate = Math.min(training.batch * training.accumulate, samples);
  const stepsPerEpoch = Math.max(1, Math.floor(samples / perUpdate));
  return {
    batch: training.batch,
    steps: training.steps ?? Math.max(1, Math.round((training.epochs as number) * stepsPerEpoch)),
    rule: updateRuleOf(training),
    schedule: scheduleOf(training),
    clipNorm: training.clipNorm,
    accumulate: training.accumulate,
    recompute: training.recompute,
    average: training.ema,
    seed,
    augmentation: augmentationOf(training),
    select: training.select,
    patience: training.earlyStopping?.patience ?? null,
    validateEvery: training.validateEvery ?? null,
    diagnoseEvery: training.gradientSharesEvery,
    ...execution,
  };
}
