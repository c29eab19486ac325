/** Normalised knowledge distillation: the target's probability as a weight, the others by their cross-entropy. */

import { weight } from "../../../base/schema-fields.js";
import { z } from "zod";
import { scalar } from "../../graph/tensor.js";
import { maskOf, scale } from "../../ops/support.js";
import { logSides, meanTimesT2, softened, temperatureOf } from "../softening.js";
import { batchMean, isLabel, requiredLabels, softmaxWithout, weighed } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("nkd").describe("Normalised KD (Yang 2023); needs labels"),
  ...softened(1),
  gamma: weight.default(1.5).describe("Weight of the other classes' term"),
});

/**
 * -p_t,y log p_s,y at T = 1, plus g T^2 times the cross-entropy of the softmaxes over the other classes, averaged over the
 * batch. Yang et al., ICCV 2023. A cross-entropy, no KL: its least value is not 0.
 */
export const nkd: LossEntry<typeof schema, "answers"> = {
  kind: "nkd",
  against: "answers",
  schema,
  needs: { teacher: true, labels: true },
  perSample: true,
  rows: "weighted",
  build(inputs, config) {
    const { builder: b, studentLogits: z } = inputs;
    const hot = isLabel(b, requiredLabels(inputs, "nkd"), z.shape[1] as number);
    const plain = logSides(inputs, config, "nkd", b.constant(scalar(1, z.dtype)));
    const believed = b.op("Mul", [b.op("Exp", [plain.teacher]), plain.student]);
    const target = batchMean(inputs, weighed(inputs, b.op("Mul", [believed, maskOf(b, hot, z)])));
    const temperature = temperatureOf(inputs, config, "nkd");
    const sides = logSides(inputs, config, "nkd", temperature);
    const [student, teacher] = [softmaxWithout(b, sides.student, hot), softmaxWithout(b, sides.teacher, hot)];
    const others = meanTimesT2(inputs, b.op("Mul", [b.op("Exp", [teacher]), student]), temperature);
    return b.op("Neg", [b.op("Add", [target, scale(b, others, config.gamma)])]);
  },
};
