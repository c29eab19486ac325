/** Regression on the teacher's logits. */

import { int } from "../../graph/attributes.js";
import { requiredOutputs, weighed } from "../support.js";
import type { LossDefinition } from "../types.js";

export interface LogitMseConfig {
  readonly kind: "logit-mse";
}

/** Mean over batch AND classes of (z_s - z_t)^2. Ba and Caruana, NeurIPS 2014, section 2.2. */
export const logitMse: LossDefinition<LogitMseConfig> = {
  name: "logit-mse",
  needs: { teacher: true, labels: false },
  perSample: true,
  check() {},
  build(inputs) {
    const { builder: b, studentLogits } = inputs;
    const outputs = requiredOutputs(inputs, "logit-mse", "objective.distillation_loss");
    const difference = b.op("Sub", [studentLogits, outputs]);
    return b.op("ReduceMean", [weighed(inputs, b.op("Mul", [difference, difference]))], { keepdims: int(0) });
  },
};
