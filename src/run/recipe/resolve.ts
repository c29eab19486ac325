/** From recipe fields to the configurations the layers below take. */

import { type Augmentation, augments } from "../../learn/data/augment/config.js";
import type { ModelSpec } from "../../engine/models/spec.js";
import { type ObjectiveConfig, objectiveNeeds } from "../../engine/objective/objective.js";
import type { Schedule, UpdateRule } from "../../engine/optim/types.js";
import type { TrainingSettings } from "../../learn/train/types.js";
import type { ModelRecipe, ObjectiveRecipe, Recipe, TrainingRecipe } from "./schema/schema.js";

/** Keys in camelCase, recursively: the recipe's snake_case is for YAML, the code has its own manners. */
export function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelKeys);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, v]) => [
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelKeys(v),
    ]),
  );
}

/** The architecture without its initialiser. */
export function modelSpecOf(model: Exclude<ModelRecipe, { kind: "onnx" }>): ModelSpec {
  const { initialiser: _, ...rest } = model;
  return camelKeys(rest) as ModelSpec;
}

export function updateRuleOf(training: TrainingRecipe): UpdateRule {
  return camelKeys(training.optimizer) as UpdateRule;
}

export function scheduleOf(training: TrainingRecipe): Schedule {
  return camelKeys(training.schedule) as Schedule;
}

/** The objective of a distilled student; a temperature that is left to limbeck is the loss's usual one until it is chosen. */
export function objectiveOf(objective: ObjectiveRecipe): ObjectiveConfig {
  const usual = <L extends object>(loss: L): L =>
    "temperature" in loss && loss.temperature === "auto" ? { ...loss, temperature: undefined } : loss;
  const { distillation_loss, terms } = objective;
  const given = {
    ...objective,
    distillation_loss: usual(distillation_loss),
    ...(terms ? { terms: terms.map(usual) } : {}),
  };
  const { studentLoss, ...rest } = camelKeys(given) as ObjectiveConfig;
  return { ...rest, studentLoss };
}

/** The objective of the same student on labels alone. */
export function baselineObjectiveOf(objective: ObjectiveRecipe): ObjectiveConfig {
  const { studentLoss } = camelKeys(objective) as ObjectiveConfig;
  return { studentLoss, alpha: 0 };
}

/** Labels as they are: without smoothing and without a virtual teacher. What stands beside a student that learns from labels alone. */
export function plainLabelsOf(objective: ObjectiveRecipe): ObjectiveConfig {
  const { virtualTeacher: _, ...studentLoss } = baselineObjectiveOf(objective).studentLoss;
  return { studentLoss: { ...studentLoss, labelSmoothing: 0 }, alpha: 0 };
}

/** Whether the student asks no teacher: smoothed labels, a virtual teacher, or labels as they are. */
export function asksNobody({ objective, transfer }: Recipe): boolean {
  return !objectiveNeeds(objectiveOf(objective)).teacher && transfer.pseudo_labels === undefined;
}

/** The random views of a training; null where it sees the samples as they are. */
export function augmentationOf({ augment }: TrainingRecipe): Augmentation | null {
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
export function withBudgetOf(training: TrainingRecipe, samples: number, own: number): TrainingRecipe {
  if (training.steps !== undefined || samples === own) return training;
  const { steps } = settingsOf(training, samples, 0, { threads: 1, device: "cpu" });
  return { ...training, epochs: undefined, steps };
}

/**
 * @param samples training samples, to turn epochs into steps
 * @param seed of this training
 */
export function settingsOf(
  training: TrainingRecipe,
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
    clipNorm: training.clip_norm,
    accumulate: training.accumulate,
    recompute: training.recompute,
    average: training.ema,
    seed,
    augmentation: augmentationOf(training),
    select: training.select,
    patience: training.early_stopping?.patience ?? null,
    validateEvery: training.validate_every ?? null,
    diagnoseEvery: training.gradient_shares_every,
    ...execution,
  };
}
