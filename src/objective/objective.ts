/** What the student minimises: (1 - alpha) student loss + alpha distillation loss, or any two weights. */

import { InputError } from "../errors.js";
import type { Value } from "../graph/builder.js";
import {
  type DistillationLossConfig,
  distillationLosses,
  findLoss,
  type StudentLossConfig,
  studentLosses,
} from "./registry.js";
import type { LossConfig, LossDefinition, LossInputs } from "./types.js";

export type { DistillationLossConfig, StudentLossConfig } from "./registry.js";
export type { LossInputs, TeacherValues } from "./types.js";

/**
 * The objective as plain data.
 *
 * `alpha` is how much the student follows the teacher: (1 - alpha) student loss + alpha distillation loss; 1 needs no
 * labels. Keras's distillation tutorial means the opposite by alpha (the weight of the LABEL loss): its 0.1 is 0.9 here.
 * `weights` replaces alpha and need not sum to 1. Neither: alpha 0.9 with a distillation loss, labels alone without.
 */
export interface ObjectiveConfig {
  readonly alpha?: number;
  readonly weights?: { readonly student: number; readonly distillation: number };
  readonly studentLoss: StudentLossConfig;
  readonly distillationLoss?: DistillationLossConfig;
}

/** alpha where a configuration names a distillation loss and nothing else; Hinton 2015 gives the labels little weight too. */
export const DEFAULT_ALPHA = 0.9;

export interface ObjectiveTerm {
  /** "student" or "distillation". */
  readonly name: string;
  /** Unweighted, []. */
  readonly value: Value;
  /** The weight it has in the total, []. */
  readonly weight: Value;
}

export interface BuiltObjective {
  /** Sum of weight * value, []. */
  readonly total: Value;
  readonly terms: readonly ObjectiveTerm[];
  /** Run-time inputs asked of `LossInputs.scalar`, in order: weights ("student/weight"), the temperature ("distillation/temperature"). */
  readonly scalars: readonly { readonly name: string; readonly initial: number }[];
}

/**
 * Appends the objective to a graph. A term whose weight is zero is left out with its inputs: alpha 1 never reads the
 * labels, a baseline never reads the teacher.
 * @throws InputError when the configuration makes no sense or a term's teacher or labels are missing
 */
export function buildObjective(inputs: LossInputs, config: ObjectiveConfig): BuiltObjective {
  const { builder: b } = inputs;
  const scalars: { name: string; initial: number }[] = [];
  const terms = activeTerms(config).map((term) => {
    const scalar = (id: string, initial: number): Value => {
      const name = `${term.name}/${id}`;
      scalars.push({ name, initial });
      return inputs.scalar(name, initial);
    };
    // Getters stay getters: inputs that no loss reads are never made.
    const scoped: LossInputs = {
      builder: b,
      studentLogits: inputs.studentLogits,
      get teacher() {
        return inputs.teacher;
      },
      get labels() {
        return inputs.labels;
      },
      scalar,
    };
    const weight = scalar("weight", term.weight);
    const value = b.scope(`objective/${term.name}`, () => term.definition.build(scoped, term.config));
    return { name: term.name, value, weight };
  });
  const weighted = b.scope("objective", () => terms.map((t) => b.op("Mul", [t.value, t.weight])));
  const total = weighted.reduce((sum, term) => b.scope("objective", () => b.op("Add", [sum, term])));
  return { total, terms, scalars };
}

/** What an objective reads: whether it needs a teacher, whether it needs labels. Checks the configuration. */
export function objectiveNeeds(config: ObjectiveConfig): { readonly teacher: boolean; readonly labels: boolean } {
  const needs = activeTerms(config).map((t) => t.definition.needs);
  return { teacher: needs.some((n) => n.teacher), labels: needs.some((n) => n.labels) };
}

/** The weights of both terms after defaults; 0 is a pruned term. Checks the configuration. */
export function objectiveWeights(config: ObjectiveConfig): {
  readonly student: number;
  readonly distillation: number;
} {
  const { alpha, weights, distillationLoss } = config;
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
  if (found.student === 0 && found.distillation === 0)
    throw new InputError("objective.weights", "both weights are 0, so there is nothing to learn from");
  if (found.distillation > 0 && !distillationLoss) {
    throw new InputError(
      weights ? "objective.weights.distillation" : "objective.alpha",
      `the distillation term has weight ${found.distillation}, but distillationLoss is missing; name one, or set it to 0`,
    );
  }
  return { student: found.student, distillation: found.distillation };
}

interface ActiveTerm {
  readonly name: "student" | "distillation";
  readonly weight: number;
  readonly definition: LossDefinition<LossConfig>;
  readonly config: LossConfig;
}

/** The terms that count, after checking everything that was said. */
function activeTerms(config: ObjectiveConfig): ActiveTerm[] {
  const weights = objectiveWeights(config);
  const { studentLoss, distillationLoss } = config;
  const student = checked("objective.studentLoss", studentLosses, studentLoss);
  const distillation = distillationLoss && checked("objective.distillationLoss", distillationLosses, distillationLoss);
  if (weights.student === 0 && ((studentLoss.labelSmoothing ?? 0) > 0 || studentLoss.classWeights)) {
    throw new InputError(
      "objective.studentLoss",
      "label smoothing or class weights are set, but the student loss has weight 0 (alpha 1), so no label is ever used; remove them, or lower alpha",
    );
  }
  const terms: ActiveTerm[] = [];
  if (weights.student > 0)
    terms.push({ name: "student", weight: weights.student, definition: student, config: studentLoss });
  if (weights.distillation > 0 && distillation && distillationLoss) {
    terms.push({
      name: "distillation",
      weight: weights.distillation,
      definition: distillation,
      config: distillationLoss,
    });
  }
  return terms;
}

function checked(
  field: string,
  losses: readonly LossDefinition<LossConfig>[],
  config: LossConfig,
): LossDefinition<LossConfig> {
  const definition = findLoss(losses, config.kind);
  if (!definition) {
    throw new InputError(
      `${field}.kind`,
      `found "${config.kind}"; expected one of ${losses.map((l) => l.name).join(", ")}`,
    );
  }
  definition.check(config, field);
  return definition;
}
