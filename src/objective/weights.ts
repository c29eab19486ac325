/** Weights of the student and the distillation loss: from alpha, or given. */
import { InputError } from "../errors.js";
import type { ObjectiveConfig } from "./objective.js";
import { checkSchedule, isAlwaysZero, type ScalarCurve } from "./schedule.js";

/** alpha where a configuration names a distillation loss and nothing else; Hinton 2015 gives the labels little weight too. */
export const DEFAULT_ALPHA = 0.9;

/** A weight: its number, and how it changes over the training if it does. */
export interface Weight {
  readonly initial: number;
  readonly curve?: ScalarCurve;
}

/** The weights of both terms after defaults; 0 is a pruned term. Checks the configuration. */
export function objectiveWeights(config: ObjectiveConfig): {
  readonly student: number;
  readonly distillation: number;
} {
  const { alpha, weights, distillationLoss, terms = [] } = config;
  if (alpha !== undefined && weights)
    throw new InputError(
      "objective",
      "give either alpha or weights, not both: alpha means weights 1 - alpha and alpha",
    );
  if (alpha !== undefined && !(alpha >= 0 && alpha <= 1)) {
    throw new InputError(
      "objective.alpha",
      `found ${alpha}; expected a number in [0, 1]. Use weights for pairs that do not sum to 1`,
    );
  }
  for (const [name, weight] of Object.entries(weights ?? {})) {
    if (!(Number.isFinite(weight) && weight >= 0))
      throw new InputError(`objective.weights.${name}`, `found ${weight}; expected a number >= 0`);
  }
  const share = alpha ?? (distillationLoss ? DEFAULT_ALPHA : 0);
  const found = weights ?? { student: 1 - share, distillation: share };
  if (found.student === 0 && found.distillation === 0 && !terms.some(({ weight }) => weight !== 0))
    throw new InputError("objective.weights", "both weights are 0, so there is nothing to learn from");
  if (found.distillation > 0 && !distillationLoss) {
    throw new InputError(
      weights ? "objective.weights.distillation" : "objective.alpha",
      `the distillation term has weight ${found.distillation}, but distillationLoss is missing; name one, or set it to 0`,
    );
  }
  return { student: found.student, distillation: found.distillation };
}

/** Both weights with their schedules; undefined is a pruned term. Checks the configuration. */
export function scheduledWeights(config: ObjectiveConfig): {
  readonly student?: Weight;
  readonly distillation?: Weight;
} {
  const { student, distillation } = objectiveWeights(config);
  const { alphaSchedule: schedule } = config;
  checkSchedule(schedule, "objective.alphaSchedule");
  if (schedule && config.weights)
    throw new InputError("objective.alphaSchedule", "it belongs to alpha, and weights are given; give alpha instead");
  if (!schedule || schedule.kind === "constant")
    return {
      ...(student > 0 ? { student: { initial: student } } : {}),
      ...(distillation > 0 ? { distillation: { initial: distillation } } : {}),
    };
  const most = "to" in schedule || "from" in schedule ? Math.max(schedule.from ?? 0, schedule.to ?? 1) : 1;
  if (most * distillation > 1 + 1e-12 || (schedule.kind === "step" && schedule.gamma > 1))
    throw new InputError("objective.alphaSchedule", "it takes alpha beyond 1; lower it, or alpha");
  if (isAlwaysZero(schedule) || distillation === 0) return { student: { initial: 1 } };
  return {
    student: { initial: student, curve: { offset: 1, gain: -distillation, schedule } },
    distillation: { initial: distillation, curve: { offset: 0, gain: distillation, schedule } },
  };
}
