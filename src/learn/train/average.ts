/** What an average of the weights still holds of the weights that a training began with. */
import { noun } from "../../base/noun.js";
import type { WeightAverage } from "../../engine/optim/types.js";
import { averageRate } from "../../engine/runtime/update.js";

/** Share of the initial weights from which a warning is given. */
const MOST = 0.01;

/** The share of the initial weights in the average after so many updates: the product of their decays. */
export function initialShare(average: WeightAverage, steps: number): number {
  let share = 1;
  for (let step = 1; step <= steps && share > 0; step++) share *= 1 - averageRate(average, step);
  return share;
}

/** What to say when a training is too short for its average; undefined when it is long enough. */
export function initialShareWarning(average: WeightAverage, steps: number): string | undefined {
  const share = initialShare(average, steps);
  if (share <= MOST) return undefined;
  const advice = average.ramp ? "train longer" : "lower training.ema.decay, set training.ema.ramp, or train longer";
  return `after ${noun(steps, "step")}, ${(100 * share).toFixed(0)} % of the averaged weights are still initial weights; ${advice}`;
}
