/** Weights of the student and the distillation loss: from alpha, or given. */
import { InputError } from "../../base/errors.js";
import type { ObjectiveConfig } from "./config.js";
import { checkNumber, conflict, FRACTION, FROM_ZERO, invalidOption } from "./options.js";
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
    throw conflict(
      "objective",
      "both alpha and weights are given, and alpha means the weights 1 - alpha and alpha",
      "Give only one of them",
    );
  if (alpha !== undefined && !(alpha >= 0 && alpha <= 1)) {
    throw invalidOption("objective.alpha", alpha, FRACTION, "Use weights for two weights that do not sum to 1");
  }
  for (const [name, weight] of Object.entries(weights ?? {})) {
    checkNumber("objective.weights", name, weight, FROM_ZERO);
  }
  const share = alpha ?? (distillationLoss ? DEFAULT_ALPHA : 0);
  const found = weights ?? { student: 1 - share, distillation: share };
  if (found.student === 0 && found.distillation === 0 && !terms.some(({ weight }) => weight !== 0))
    throw conflict("objective.weights", "both weights are 0, so nothing is learnt", "Raise one of them");
  if (found.distillation > 0 && !distillationLoss) {
    throw new InputError({
      code: "option-missing",
      where: weights ? "objective.weights.distillation" : "objective.alpha",
      found: `the distillation term has weight ${found.distillation} and no loss`,
      expected: "objective.distillation_loss",
      cure: "Name a distillation loss, or set the weight to 0",
    });
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
  checkSchedule(schedule, "objective.alpha_schedule");
  if (schedule && config.weights)
    throw conflict(
      "objective.alpha_schedule",
      "it belongs to alpha, and weights are given",
      "Give alpha instead of weights",
    );
  if (!schedule || schedule.kind === "constant")
    return {
      ...(student > 0 ? { student: { initial: student } } : {}),
      ...(distillation > 0 ? { distillation: { initial: distillation } } : {}),
    };
  const most = "to" in schedule || "from" in schedule ? Math.max(schedule.from ?? 0, schedule.to ?? 1) : 1;
  if (most * distillation > 1 + 1e-12 || (schedule.kind === "step" && schedule.gamma > 1))
    throw new InputError({
      code: "option-invalid",
      where: "objective.alpha_schedule",
      found: "it raises alpha above 1",
      expected: "alpha from 0 to 1 in the whole training",
      cure: "Lower its numbers, or alpha",
    });
  if (isAlwaysZero(schedule) || distillation === 0) return { student: { initial: 1 } };
  return {
    student: { initial: student, curve: { offset: 1, gain: -distillation, schedule } },
    distillation: { initial: distillation, curve: { offset: 0, gain: distillation, schedule } },
  };
}
