/** The direction of the outputs: for embeddings. */
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import { int64s } from "../../graph/tensor.js";
import { constantLike } from "../../ops/support.js";
import { unitRows } from "../geometry.js";
import { elementMean, requiredOutputs, weighed } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("cosine").describe("1 - cosine of the outputs, for embeddings"),
});

/** 1 - cos(z_s, z_t), averaged over the batch; a row of zeros has cosine 0. */
export const cosine: LossEntry<typeof schema, "answers"> = {
  kind: "cosine",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  directions: true,
  build(inputs) {
    const { builder: b, studentLogits } = inputs;
    const outputs = requiredOutputs(inputs, "cosine", "objective.distillation_loss");
    const product = b.op("Mul", [unitRows(b, studentLogits), unitRows(b, outputs)]);
    const cosines = b.op("ReduceSum", [product, b.constant(int64s([1]))], { keepdims: int(1) });
    const apart = b.op("Sub", [constantLike(b, 1, cosines), cosines]);
    return elementMean(inputs, weighed(inputs, apart));
  },
};
