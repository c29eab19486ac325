/** Regression on the teacher's outputs. */

import { positive } from "../../../base/schema-fields.js";
import { z } from "zod";
import { huber } from "../huber.js";
import { elementMean, requiredOutputs, weighed } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("regression").describe("Numeric outputs"),
  form: z.enum(["mse", "huber"]).default("mse"),
  delta: positive.default(1).describe("Point at which Huber's loss becomes linear"),
});

/**
 * Mean over batch and outputs of (z_s - z_t)^2, or of Huber's loss (Huber 1964): 1/2 d^2 for |d| <= delta, else
 * delta (|d| - delta / 2). For outputs that are numbers by themselves, not scores of classes.
 */
export const regression: LossEntry<typeof schema, "answers"> = {
  kind: "regression",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  build(inputs, { form, delta }) {
    const { builder: b, studentLogits } = inputs;
    const outputs = requiredOutputs(inputs, "regression", "objective.distillation_loss");
    const difference = b.op("Sub", [studentLogits, outputs]);
    const each = form === "mse" ? b.op("Mul", [difference, difference]) : huber(b, difference, delta);
    return elementMean(inputs, weighed(inputs, each));
  },
};
