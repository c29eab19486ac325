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
import { quote } from "../../base/quote.js";
import type { LayerPair } from "./features.js";
import { checkNumber, conflict, FROM_ZERO, invalidOption } from "./options.js";
import {
  type CustomLoss,
  type CustomLossConfig,
  distillationLosses,
  featureLosses,
  findLoss,
  peerLosses,
  studentLosses,
} from "./registry.js";
import { checkSchedule, isAlwaysZero, type ScalarCurve } from "./schedule.js";
import type { LossConfig, LossDefinition, LossInputs, LossMemory, TeacherValues } from "./types.js";
import { scheduledWeights, type Weight } from "./weights.js";

export type { ObjectiveConfig, TermConfig, TermSettings } from "./config.js";
export type { LayerPair } from "./features.js";
export type { CustomLossConfig, DistillationLossConfig, FeatureLossConfig, StudentLossConfig } from "./registry.js";
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
 * @throws InputError when the configuration makes no sense or a term's teacher or labels are missing
 */
export function buildObjective(inputs: LossInputs, config: ObjectiveConfig): BuiltObjective {
  const { builder: b } = inputs;
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

/** The inputs with some of them replaced. What is read on demand stays so: inputs that no loss reads are never made. */
function derived(inputs: LossInputs, replaced: Partial<LossInputs>): LossInputs {
  return Object.create(inputs, Object.getOwnPropertyDescriptors(replaced));
}

/** The loss; with several teachers the weighted mean of the losses against each. */
function buildTerm({ definition, config }: ActiveTerm, inputs: LossInputs): Value {
  // Features come from one teacher: what reads none but those is built once.
  if (!definition.needs.teacher || definition.layers?.(config).length) return definition.build(inputs, config);
  const { builder: b, teacher } = inputs;
  const against = (one: TeacherValues | undefined, sampleWeights?: Value): Value =>
    definition.build(derived(inputs, { teacher: one, sampleWeights }), config);
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
  return activeTerms(config).flatMap((t) => t.definition.layers?.(t.config) ?? []);
}

/** What an objective reads: whether it needs a teacher's answers, whether it needs labels. Checks the configuration. */
export function objectiveNeeds(config: ObjectiveConfig): { readonly teacher: boolean; readonly labels: boolean } {
  const needs = activeTerms(config).map((t) => t.definition.needs);
  return { teacher: needs.some((n) => n.teacher), labels: needs.some((n) => n.labels) };
}

/**
 * Whether teachers may weigh differently from sample to sample: every loss against them has to be a mean over samples.
 * @throws InputError naming the loss that is none
 */
export function checkSampleWeights(config: ObjectiveConfig): void {
  const odd = activeTerms(config).find(({ definition: d }) => d.needs.teacher && !d.perSample);
  if (!odd) return;
  const able = distillationLosses.filter((d) => "perSample" in d && d.perSample).map((d) => d.name);
  throw new InputError({
    code: "option-conflict",
    where: "objective",
    found: `"${odd.definition.name}" cannot be used with weights: confidence, because it is not a per-sample loss`,
    expected: `one of ${able.join(", ")}`,
    cure: "Use one of these, fixed teacher.weights, or combine: mean-probabilities",
  });
}

/** The first of the objective's losses that wants one right class a sample, so that samples cannot be blended; null without one. */
export function refusesBlends(config: ObjectiveConfig): string | null {
  const odd = activeTerms(config).find(
    ({ definition: d, config: own }) => d.needs.labels && (d.name !== "cross-entropy" || "virtualTeacher" in own),
  );
  if (!odd) return null;
  return odd.definition.name === "cross-entropy" ? "a virtual teacher" : odd.definition.name;
}

interface ActiveTerm {
  readonly name: string;
  readonly weight: Weight;
  readonly definition: LossDefinition<LossConfig>;
  readonly config: LossConfig;
}

/** The terms that count, after checking everything that was said. */
function activeTerms(config: ObjectiveConfig): ActiveTerm[] {
  const weights = scheduledWeights(config);
  const { studentLoss, distillationLoss } = config;
  const student = checked("objective.student_loss", studentLosses, studentLoss);
  const distillation =
    distillationLoss &&
    checked("objective.distillation_loss", [...distillationLosses, ...peerLosses], distillationLoss);
  const { labelSmoothing = 0, classWeights, virtualTeacher } = studentLoss;
  if (!weights.student && (labelSmoothing > 0 || classWeights || virtualTeacher)) {
    throw conflict(
      "objective.student_loss",
      "label smoothing, class weights or a virtual teacher are set, and with alpha 1 no label is used",
      "Remove them, or lower alpha",
    );
  }
  const active: ActiveTerm[] = [];
  if (weights.student)
    active.push({ name: "student", weight: weights.student, definition: student, config: studentLoss });
  if (weights.distillation && distillation && distillationLoss)
    active.push({
      name: "distillation",
      weight: weights.distillation,
      definition: distillation,
      config: distillationLoss,
    });
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
    const definition = checked(field, [...studentLosses, ...distillationLosses, ...featureLosses], config);
    checkNumber(field, "weight", weight, FROM_ZERO);
    checkSchedule(schedule, `${field}.schedule`);
    const name = termName(config, field, taken);
    if (weight === 0 || isAlwaysZero(schedule)) return [];
    const changes = schedule && schedule.kind !== "constant";
    const scheduled: Weight = {
      initial: weight,
      ...(changes ? { curve: { offset: 0, gain: weight, schedule } } : {}),
    };
    return [{ name, weight: scheduled, definition, config }];
  });
}

/** The name given, which must be free, or the kind with the next free number. */
function termName(config: TermConfig, field: string, taken: Set<string>): string {
  const { name } = config;
  const kind = config.kind === "custom" ? config.definition.name : config.kind;
  if (name !== undefined && (taken.has(name) || !/^[\w.-]+$/.test(name)))
    throw invalidOption(`${field}.name`, name, "letters, digits, . _ - and a name that no other term has");
  let found = name ?? kind;
  for (let n = 2; taken.has(found); n++) found = `${kind}-${n}`;
  taken.add(found);
  return found;
}

function checked(
  field: string,
  losses: readonly LossDefinition<LossConfig>[],
  config: LossConfig,
): LossDefinition<LossConfig> {
  if (config.kind === "custom") return customDefinition(config as CustomLossConfig, field);
  const definition = findLoss(losses, config.kind);
  if (!definition) {
    throw invalidOption(`${field}.kind`, config.kind, `one of ${losses.map((l) => l.name).join(", ")}`);
  }
  definition.check(config, field);
  return definition;
}

function customDefinition({ definition }: CustomLossConfig, field: string): LossDefinition<LossConfig> {
  const { name, needs } = definition ?? {};
  if (typeof name !== "string" || typeof definition.build !== "function" || !needs)
    throw new InputError({
      code: "option-missing",
      where: field,
      found: "the custom loss is incomplete",
      expected: "{ name, needs: { teacher, labels }, build(inputs) }",
    });
  return {
    name,
    needs,
    ...(definition.perSample ? { perSample: true } : {}),
    check() {},
    layers: () => definition.layers ?? [],
    build: (inputs) =>
      definition.build(
        derived(inputs, {
          features(asked) {
            const odd = asked.find((a) => !named(definition, a));
            if (!odd) return inputs.features(asked);
            throw new InputError({
              code: "layer-missing",
              where: field,
              found: `the loss "${name}" reads ${quote(odd.student)} and ${quote(odd.teacher)}, which its layers do not list`,
              expected: "layers: [{ student, teacher }] beside build",
              cure: "Add the pair to the loss's layers",
            });
          },
        }),
      ),
  };
}

/** The teacher is asked for these alone, before the graph is built. */
const named = ({ layers = [] }: CustomLoss, { student, teacher }: LayerPair): boolean =>
  layers.some((l) => l.student === student && l.teacher === teacher);
