/**
 * What the student minimises: (1 - alpha) student loss + alpha distillation loss, or any two weights, plus any number of
 * further terms.
 */

import type { ObjectiveConfig, TermConfig } from "./config.js";
import { InputError } from "../../base/errors.js";
import { appendTo } from "../../base/extremes.js";
import type { Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import { scale } from "../ops/support.js";
import type { LayerPair } from "./features.js";
import { checkNumber, conflict, FROM_ZERO, invalidOption } from "./options.js";
import { type CustomLossConfig, customEntry, isCustom } from "./custom.js";
import type { LossConfig, LossEntry, LossReference, RowTreatment, SettingsOf } from "./entry.js";
import { derived } from "./inputs.js";
import { findLoss, lossesAgainst } from "./registry.js";
import { checkSchedule, isAlwaysZero, type ScalarCurve } from "./schedule.js";
import { lossSettingsOf } from "./settings.js";
import type { LossInputs, LossMemory, TeacherValues } from "./types.js";
import { scheduledWeights, type Weight } from "./weights.js";

export type { ObjectiveConfig, TermConfig, TermSettings } from "./config.js";
export type { LayerPair } from "./features.js";
export type { CustomLossConfig } from "./custom.js";
export type { DistillationLossConfig, FeatureLossConfig, StudentLossConfig } from "./registry.js";
export type { FactorSchedule } from "./schedule.js";
export type { FeatureValues, LossInputs, LossMemory, LossState, ParameterStart, TeacherValues } from "./types.js";
export { DEFAULT_ALPHA, objectiveWeights } from "./weights.js";

export interface ObjectiveTerm {
  /** "student", "distillation", or the name of a further term. */
  readonly name: string;
  /** Unweighted, []. */
  readonly value: Value;
  /** The weight it has in the total, []. */
  readonly weight: Value;
}

/** A run-time input [] of the objective. */
export interface ObjectiveScalar {
  readonly name: string;
  /** Its number as configured, without a schedule. */
  readonly initial: number;
  /** How it changes over the training; absent: it stays. */
  readonly curve?: ScalarCurve;
}

export interface BuiltObjective {
  /** Sum of weight * value, []. */
  readonly total: Value;
  readonly terms: readonly ObjectiveTerm[];
  /** Run-time inputs asked of `LossInputs.scalar`, in order: weights ("student/weight"), the temperature ("distillation/temperature"). */
  readonly scalars: readonly ObjectiveScalar[];
}

/**
 * Appends the objective to a graph. A term whose weight is zero in the whole training is left out with its inputs: alpha 1
 * never reads the labels, a baseline never reads the teacher.
 * @throws InputError when the configuration makes no sense, a term's teacher or labels are missing, or a loss refuses row
 * weights
 */
export function buildObjective(inputs: LossInputs, config: ObjectiveConfig): BuiltObjective {
  const { builder: b } = inputs;
  if (inputs.rowWeights) checkRowWeights(config);
  const scalars: ObjectiveScalar[] = [];
  const terms = activeTerms(config).map((term) => {
    const made = new Map<string, Value>();
    const input = (id: string, initial: number, curve?: ScalarCurve): Value => {
      const name = `${term.name}/${id}`;
      const value = made.get(name) ?? inputs.scalar(name, initial);
      if (!made.has(name)) scalars.push({ name, initial, ...(curve ? { curve } : {}) });
      made.set(name, value);
      return value;
    };
    const scalar: LossInputs["scalar"] = (id, initial, schedule) =>
      input(id, initial, schedule && schedule.kind !== "constant" ? { offset: 0, gain: initial, schedule } : undefined);
    const weight = input("weight", term.weight.initial, term.weight.curve);
    const value = b.scope(`objective/${term.name}`, () => {
      const own = peersOf(inputs, config.peers ?? 1);
      const losses = own.map((peer) => buildTerm(term, scopedInputs(peer, term.name, scalar)));
      return losses.reduce((sum, loss) => b.op("Add", [sum, loss]));
    });
    if (value.shape.length !== 0)
      throw new InputError({
        code: "array-mismatch",
        where: "objective",
        found: `the term "${term.name}" gives the shape [${value.shape}]`,
        expected: "one number, []",
        cure: "Take the mean of the loss over the batch",
      });
    return { name: term.name, value, weight };
  });
  const weighted = b.scope("objective", () => terms.map((t) => b.op("Mul", [t.value, t.weight])));
  const total = weighted.reduce((sum, term) => b.scope("objective", () => b.op("Add", [sum, term])));
  return { total, terms, scalars };
}

/** The inputs of each of the students that learn together: its own logits, and the others' behind a stopped gradient. */
function peersOf(inputs: LossInputs, peers: number): LossInputs[] {
  if (peers === 1) return [inputs];
  const { builder: b, studentLogits: z } = inputs;
  const classes = (z.shape[1] as number) / peers;
  if (!(Number.isInteger(peers) && peers > 1 && Number.isInteger(classes)))
    throw new InputError({
      code: "option-invalid",
      where: "objective.peers",
      found: `found ${peers} for outputs [${z.shape}]`,
      expected: "a whole number of classes for each peer",
    });
  const at = (n: number): Value => b.constant(int64s([n * classes]));
  const logits = Array.from({ length: peers }, (_, i) => b.op("Slice", [z, at(i), at(i + 1), b.constant(int64s([1]))]));
  const constants = logits.map((own) => b.op("StopGradient", [own], {}, { domain: ABSTRACT_DOMAIN }));
  return logits.map((own, i) => derived(inputs, { studentLogits: own, peers: constants.filter((_, j) => j !== i) }));
}

/** The loss; with several teachers the weighted mean of the losses against each. */
function buildTerm({ loss, settings }: ActiveTerm, inputs: LossInputs): Value {
  // Features come from one teacher: what reads none but those is built once.
  if (!loss.needs.teacher || loss.layers?.(settings).length) return loss.build(inputs, settings);
  const { builder: b, teacher } = inputs;
  const against = (one: TeacherValues | undefined, sampleWeights?: Value): Value =>
    loss.build(derived(inputs, { teacher: one, sampleWeights }), settings);
  if (!teacher?.members) return against(teacher);
  const losses = teacher.members.map(({ weight, ...one }) =>
    typeof weight === "number" ? scale(b, against(one), weight) : against(one, weight),
  );
  return losses.reduce((sum, loss) => b.op("Add", [sum, loss]));
}

function scopedInputs(inputs: LossInputs, term: string, scalar: LossInputs["scalar"]): LossInputs {
  return derived(inputs, {
    scalar,
    parameter: (id, shape, start) => inputs.parameter(`${term}/${id}`, shape, start),
    get memory() {
      return inputs.memory && scopedMemory(inputs.memory, term);
    },
  });
}

function scopedMemory(memory: LossMemory, term: string): LossMemory {
  return {
    count: memory.count,
    get rows() {
      return memory.rows;
    },
    others: (id, count) => memory.others(`${term}/${id}`, count),
    state: (id, shape, start) => memory.state(`${term}/${id}`, shape, start),
    table: (id, width, start) => memory.table(`${term}/${id}`, width, start),
  };
}

/** The layers that the objective's terms compare, in their order. Checks the configuration. */
export function objectiveLayers(config: ObjectiveConfig): LayerPair[] {
  return activeTerms(config).flatMap((t) => t.loss.layers?.(t.settings) ?? []);
}

/** What an objective reads: whether it needs a teacher's answers, whether it needs labels. Checks the configuration. */
export function objectiveNeeds(config: ObjectiveConfig): { readonly teacher: boolean; readonly labels: boolean } {
  const needs = activeTerms(config).map((t) => t.loss.needs);
  return { teacher: needs.some((n) => n.teacher), labels: needs.some((n) => n.labels) };
}

/**
 * Whether teachers may weigh differently from sample to sample: every loss against them has to be a mean over samples.
 * @throws InputError naming the loss that is none
 */
export function checkSampleWeights(config: ObjectiveConfig): void {
  const odd = activeTerms(config).find(({ loss }) => loss.needs.teacher && !loss.perSample);
  if (!odd) return;
  const able = lossesAgainst("answers").filter((loss) => loss.perSample);
  throw new InputError({
    code: "option-conflict",
    where: "objective",
    found: `"${odd.loss.kind}" cannot be used with weights: confidence, because it is not a per-sample loss`,
    expected: `one of ${able.map((loss) => loss.kind).join(", ")}`,
    cure: "Use one of these, fixed teacher.weights, or combine: mean-probabilities",
  });
}

const ROW_REFUSALS: Readonly<Record<Exclude<RowTreatment, "weighted">, string>> = {
  related: "it compares rows with each other",
  equal: "it counts every row the same",
};

/**
 * Whether rows may be weighted or masked: every loss has to be a weighted mean over rows.
 * @throws InputError naming the loss that is none
 */
export function checkRowWeights(config: ObjectiveConfig): void {
  for (const { loss } of activeTerms(config)) {
    const { rows = "equal" } = loss;
    if (rows === "weighted") continue;
    const able = lossesAgainst("labels", "answers").filter((other) => other.rows === "weighted");
    throw new InputError({
      code: "option-conflict",
      where: "objective",
      found: `"${loss.kind}" cannot be used with row weights, because ${ROW_REFUSALS[rows]}`,
      expected: `losses among ${able.map((other) => other.kind).join(", ")}`,
      cure: "Use one of these, or give no row weights",
    });
  }
}

/** The first of the objective's losses that wants one right class a sample, so that samples cannot be blended; null without one. */
export function refusesBlends(config: ObjectiveConfig): string | null {
  for (const { loss, settings } of activeTerms(config)) {
    if (!loss.needs.labels) continue;
    const blends = loss.blends?.(settings) ?? loss.kind;
    if (blends !== true) return blends;
  }
  return null;
}

interface ActiveTerm {
  readonly name: string;
  readonly weight: Weight;
  readonly loss: LossEntry;
  readonly settings: SettingsOf<LossEntry["schema"]>;
}

/** The terms that count, after checking everything that was said. */
function activeTerms(config: ObjectiveConfig): ActiveTerm[] {
  const weights = scheduledWeights(config);
  const { studentLoss, distillationLoss } = config;
  const student = checked("objective.student_loss", ["labels"], studentLoss);
  const distillation =
    distillationLoss && checked("objective.distillation_loss", ["answers", "peers"], distillationLoss);
  const unused = weights.student ? null : student.loss.labelOptions?.(student.settings);
  if (unused)
    throw conflict(
      "objective.student_loss",
      `${unused} are set, and with alpha 1 no label is used`,
      "Remove them, or lower alpha",
    );
  const active: ActiveTerm[] = [];
  if (weights.student) active.push({ name: "student", weight: weights.student, ...student });
  if (weights.distillation && distillation)
    active.push({ name: "distillation", weight: weights.distillation, ...distillation });
  appendTo(active, furtherTerms(config.terms ?? []));
  if (active.length === 0)
    throw conflict("objective", "every term has weight 0, so nothing is learnt", "Give a term a weight above 0");
  return active;
}

function furtherTerms(terms: readonly TermConfig[]): ActiveTerm[] {
  const taken = new Set(["student", "distillation"]);
  return terms.flatMap((config, i) => {
    const field = `objective.terms.${i}`;
    const { weight = 1, schedule } = config;
    const term = checked(field, ["labels", "answers", "layers"], config);
    checkNumber(field, "weight", weight, FROM_ZERO);
    checkSchedule(schedule, `${field}.schedule`);
    const name = termName(config, field, taken);
    if (weight === 0 || isAlwaysZero(schedule)) return [];
    const changes = schedule && schedule.kind !== "constant";
    const scheduled: Weight = {
      initial: weight,
      ...(changes ? { curve: { offset: 0, gain: weight, schedule } } : {}),
    };
    return [{ name, weight: scheduled, ...term }];
  });
}

/** The name given, which must be free, or the kind with the next free number. */
function termName(config: TermConfig, field: string, taken: Set<string>): string {
  const { name } = config;
  const kind = isCustom(config) ? config.definition.name : config.kind;
  if (name !== undefined && (taken.has(name) || !/^[\w.-]+$/.test(name)))
    throw invalidOption(`${field}.name`, name, "letters, digits, . _ - and a name that no other term has");
  let found = name ?? kind;
  for (let n = 2; taken.has(found); n++) found = `${kind}-${n}`;
  taken.add(found);
  return found;
}

/** The loss that a configuration names or brings along, with its settings. @param against where the objective may name it */
function checked(
  field: string,
  against: readonly LossReference[],
  config: LossConfig | CustomLossConfig,
): Pick<ActiveTerm, "loss" | "settings"> {
  if (isCustom(config)) return { loss: customEntry(config, field), settings: { ...config } };
  const loss = findLoss(config.kind);
  if (!loss || !against.includes(loss.against)) {
    const kinds = against.flatMap((one) => lossesAgainst(one)).map((l) => l.kind);
    throw invalidOption(`${field}.kind`, config.kind, `one of ${kinds.join(", ")}`);
  }
  return { loss, settings: lossSettingsOf(loss, config, field) };
}
