/** Regression on the teacher's logits. */

import { z } from "zod";
import { elementMean, requiredOutputs, weighed } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("logit-mse").describe("Mean squared difference of logits (Ba & Caruana 2014)"),
});

/** Mean over batch AND classes of (z_s - z_t)^2. Ba and Caruana, NeurIPS 2014, section 2.2. */
export const logitMse: LossEntry<typeof schema, "answers"> = {
  kind: "logit-mse",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  build(inputs) {
    const { builder: b, studentLogits } = inputs;
    const outputs = requiredOutputs(inputs, "logit-mse", "objective.distillation_loss");
    const difference = b.op("Sub", [studentLogits, outputs]);
    return elementMean(inputs, weighed(inputs, b.op("Mul", [difference, difference])));
  },
};
