/** Decoupled knowledge distillation: the target class and the others apart. */

import { weight } from "../../../base/schema-fields.js";
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { maskOf, scale } from "../../ops/support.js";
import { divergence, logSides, meanTimesT2, softened, sumOverClasses, temperatureOf } from "../softening.js";
import { isLabel, requiredLabels, softmaxWithout, without } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("dkd").describe("Target class and other classes weighted separately (Zhao 2022); needs labels"),
  ...softened(4),
  targetWeight: weight.default(1).describe("Weight of the target class term"),
  otherWeight: weight.default(8).describe("Weight of the other classes' term"),
});

/**
 * T^2 (a TCKD + b NCKD), averaged over the batch: TCKD = KL of [p_y, 1 - p_y], NCKD = KL of the softmaxes over the C - 1
 * other classes. Zhao et al., CVPR 2022. KD is the same with a = 1 and b = 1 - p_t,y.
 */
export const dkd: LossEntry<typeof schema, "answers"> = {
  kind: "dkd",
  against: "answers",
  schema,
  needs: { teacher: true, labels: true },
  perSample: true,
  rows: "weighted",
  build(inputs, config) {
    const { builder: b, studentLogits } = inputs;
    const hot = isLabel(b, requiredLabels(inputs, "dkd"), studentLogits.shape[1] as number);
    const temperature = temperatureOf(inputs, config, "dkd");
    const sides = logSides(inputs, config, "dkd", temperature);
    const target = divergence(b, binary(b, sides.teacher, hot), binary(b, sides.student, hot));
    const others = divergence(b, softmaxWithout(b, sides.teacher, hot), softmaxWithout(b, sides.student, hot));
    const tckd = scale(b, sumOverClasses(b, target), config.targetWeight);
    const nckd = scale(b, sumOverClasses(b, others), config.otherWeight);
    return meanTimesT2(inputs, b.op("Add", [tckd, nckd]), temperature);
  },
};

/** [log p_y, log(1 - p_y)] of each row of log p: [batch, 2]. */
function binary(b: GraphBuilder, logP: Value, hot: Value): Value {
  const own = sumOverClasses(b, b.op("Mul", [logP, maskOf(b, hot, logP)]));
  const rest = b.op("ReduceLogSumExp", [without(b, logP, hot), b.constant(int64s([1]))], { keepdims: int(1) });
  return b.op("Concat", [own, rest], { axis: int(1) });
}
