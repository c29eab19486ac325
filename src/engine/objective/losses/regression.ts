/** Regression on the teacher's outputs. */

import { int } from "../../graph/attributes.js";
import { huber } from "../huber.js";
import { ABOVE_ZERO, checkNumber, invalidOption } from "../options.js";
import { requiredOutputs, weighed } from "../support.js";
import type { LossDefinition } from "../types.js";

export interface RegressionConfig {
  readonly kind: "regression";
  /** Default mse. */
  readonly form?: "mse" | "huber";
  /** Where Huber's parabola becomes a line; default 1. */
  readonly delta?: number;
}

/**
 * Mean over batch and outputs of (z_s - z_t)^2, or of Huber's loss (Huber 1964): 1/2 d^2 for |d| <= delta, else
 * delta (|d| - delta / 2). For outputs that are numbers by themselves, not scores of classes.
 */
export const regression: LossDefinition<RegressionConfig> = {
  name: "regression",
  needs: { teacher: true, labels: false },
  perSample: true,
  check({ form = "mse", delta = 1 }, field) {
    if (form !== "mse" && form !== "huber") throw invalidOption(`${field}.form`, form, "mse or huber");
    checkNumber(field, "delta", delta, ABOVE_ZERO);
  },
  build(inputs, { form = "mse", delta = 1 }) {
    const { builder: b, studentLogits } = inputs;
    const outputs = requiredOutputs(inputs, "regression", "objective.distillation_loss");
    const difference = b.op("Sub", [studentLogits, outputs]);
    const each = form === "mse" ? b.op("Mul", [difference, difference]) : huber(b, difference, delta);
    return b.op("ReduceMean", [weighed(inputs, each)], { keepdims: int(0) });
  },
};
