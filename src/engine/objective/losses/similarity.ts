/** Similarity-preserving distillation: samples that are alike for the teacher are alike for the student. */
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { scale } from "../../ops/support.js";
import { flattened, layers, overLayers } from "../connectors.js";
import { unitRows } from "../geometry.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("similarity").describe("Similarities between samples (Tung 2019)"),
  layers,
});

/**
 * ||G_t - G_s||_F^2 / batch^2, G = F F^T with rows divided by their L2 length, F the feature flattened to [batch, n];
 * summed over the pairs. Needs no connector: G is [batch, batch] whatever the shapes are.
 * Tung and Mori, ICCV 2019, equation 4.
 */
export const similarity: LossEntry<typeof schema, "layers"> = {
  kind: "similarity",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "related",
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    return overLayers(inputs, config, ({ student, teacher }) => {
      const difference = b.op("Sub", [gram(b, teacher), gram(b, student)]);
      const sum = b.op("ReduceSum", [b.op("Mul", [difference, difference])], { keepdims: int(0) });
      return scale(b, sum, 1 / (student.shape[0] as number) ** 2);
    });
  },
};

function gram(b: GraphBuilder, value: Value): Value {
  const rows = flattened(b, value);
  return unitRows(b, b.op("MatMul", [rows, b.op("Transpose", [rows])]));
}
