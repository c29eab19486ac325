/** Applies an update rule to the whole arena with the SIMD kernels. */
import type { AdamRule, UpdateRule, UpdateScalars, WeightAverage } from "../optim/types.js";
import type { Arena } from "./arena.js";

/** What an update depends on besides state and gradients. */
export interface UpdateTime {
  /** Number of this update, from 1 (bias correction). */
  readonly step: number;
  readonly lr: number;
  /** Replaces the rule's momentum or beta1 in this step. */
  readonly momentum?: number;
}

/** Moments a parameter needs. */
export function momentCount(rule: UpdateRule): number {
  return rule.kind === "sgd" ? 1 : 2;
}

/**
 * The coefficients of an update that change from step to step, computed in float64: for the kernels, and the run-time
 * inputs of the in-graph form (optim/graph.ts).
 */
export function updateScalars(rule: UpdateRule, time: UpdateTime): UpdateScalars {
  if (rule.kind === "sgd") return { kind: "sgd", lr: time.lr, momentum: time.momentum ?? rule.momentum };
  const beta1 = time.momentum ?? rule.beta1;
  return {
    kind: "adam",
    rate1: 1 - beta1,
    stepSize: time.lr / (1 - beta1 ** time.step),
    inverseRoot: 1 / Math.sqrt(1 - rule.beta2 ** time.step),
    shrink: rule.kind === "adamw" ? 1 - time.lr * rule.weightDecay : 1,
  };
}

/** What is taken of the new weights into their average at update `step` (from 1): 1 - decay, in float64. */
export function averageRate({ decay, ramp }: WeightAverage, step: number): number {
  return 1 - (ramp ? Math.min(decay, (1 + step) / (10 + step)) : decay);
}

/** Moves the averages towards parameters and updated buffers. @param step number of the update just made, from 1 */
export function applyAverage(arena: Arena, average: WeightAverage, step: number): void {
  const { averages, bufferAverages, parameters, buffers, kernels } = arena;
  if (!averages || !bufferAverages) return;
  const rate = averageRate(average, step);
  kernels.approach(averages.offset, parameters.offset, parameters.bytes, rate);
  // Updated buffers are the front of the buffers.
  kernels.approach(bufferAverages.offset, buffers.offset, bufferAverages.bytes, rate);
}

/**
 * One update of every parameter, in place. Gradients are read from `arena.accumulators` and multiplied by
 * `gradientScale` (averaging over micro-batches and clipping) on the way; weight decay is applied to the decayed group only.
 */
export function applyUpdate(arena: Arena, rule: UpdateRule, time: UpdateTime, gradientScale: number): void {
  const scalars = updateScalars(rule, time);
  const { decayedBytes } = arena;
  updateRange(arena, rule, scalars, gradientScale, 0, decayedBytes, true);
  updateRange(arena, rule, scalars, gradientScale, decayedBytes, arena.parameters.bytes - decayedBytes, false);
}

function updateRange(
  arena: Arena,
  rule: UpdateRule,
  scalars: UpdateScalars,
  gradientScale: number,
  start: number,
  bytes: number,
  decays: boolean,
): void {
  if (bytes === 0) return;
  const parameter = arena.parameters.offset + start;
  const gradient = arena.accumulators.offset + start;
  const moment = (i: number): number => (arena.moments[i]?.offset ?? 0) + start;
  if (rule.kind === "sgd" && scalars.kind === "sgd") {
    const decay = decays ? rule.weightDecay : 0;
    const { lr, momentum } = scalars;
    arena.kernels.sgd(parameter, gradient, moment(0), bytes, gradientScale, decay, lr, momentum, rule.nesterov ? 1 : 0);
  } else if (rule.kind !== "sgd" && scalars.kind === "adam") {
    const { rate1, stepSize, inverseRoot, shrink } = scalars;
    const { beta2, epsilon } = rule;
    arena.kernels.adam(
      parameter,
      gradient,
      moment(0),
      moment(1),
      bytes,
      gradientScale,
      decays ? gradientDecay(rule) : 0,
      decays ? shrink : 1,
      rate1,
      beta2,
      1 - beta2,
      stepSize,
      inverseRoot,
      epsilon,
    );
  }
}

/** Adam's weight decay goes into the gradient; AdamW's does not. */
function gradientDecay(rule: AdamRule): number {
  return rule.kind === "adam" ? rule.weightDecay : 0;
}
