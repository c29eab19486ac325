/** Successive halving (Jamieson and Talwalkar 2016): many combinations with a small budget, few with the whole one. */
import type { Plan, TrainingPlan } from "../../run/recipe/schema/schema.js";

export interface Rung {
  /** Share of the recipe's budget, above 0 and at most 1. */
  readonly budget: number;
  /** How many combinations are trained with it. */
  readonly combinations: number;
}

/** The rungs for n combinations; one with the whole budget when `factor` is none. */
export function rungsFor(n: number, factor?: number): Rung[] {
  if (factor === undefined) return [{ budget: 1, combinations: n }];
  const counts = [n];
  for (let left = n; left >= factor; ) {
    left = Math.floor(left / factor);
    counts.push(left);
  }
  return counts.map((combinations, i) => ({ budget: factor ** (i + 1 - counts.length), combinations }));
}

/** The recipe with a share of its training budget: the learning rate's schedule and the validations shrink with it. */
export function withBudget(plan: Plan, share: number): Plan {
  if (share === 1) return plan;
  const { training } = plan;
  const whole = (n: number): number => Math.max(1, Math.round(n * share));
  const scaled: TrainingPlan = { ...training, schedule: { ...training.schedule } };
  if (training.steps !== undefined) scaled.steps = whole(training.steps);
  if (training.epochs !== undefined) scaled.epochs = training.epochs * share;
  if (training.validateEvery !== undefined) scaled.validateEvery = whole(training.validateEvery);
  if ("warmup" in scaled.schedule) scaled.schedule.warmup = Math.round(scaled.schedule.warmup * share);
  return { ...plan, training: scaled };
}
