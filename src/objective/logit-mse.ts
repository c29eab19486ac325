/** Regression on the teacher's logits. */

import { InputError } from "../errors.js";
import { int } from "../graph/attributes.js";
import { requiredTeacher } from "./support.js";
import type { LossDefinition } from "./types.js";

export interface LogitMseConfig {
  readonly kind: "logit-mse";
}

/** Mean over batch AND classes of (z_s - z_t)^2. Ba and Caruana, NeurIPS 2014, section 2.2. */
export const logitMse: LossDefinition<LogitMseConfig> = {
  name: "logit-mse",
  needs: { teacher: true, labels: false },
  check() {},
  build(inputs) {
    const { builder: b, studentLogits } = inputs;
    const teacher = requiredTeacher(inputs, "logit-mse");
    if (teacher.kind !== "logits") {
      throw new InputError(
        "objective.distillationLoss",
        "logit-mse compares logits, and this teacher gives probabilities, whose logits are known only up to a constant a sample; use kd",
      );
    }
    const difference = b.op("Sub", [studentLogits, teacher.values]);
    return b.op("ReduceMean", [b.op("Mul", [difference, difference])], { keepdims: int(0) });
  },
};
