/** Similarity-preserving distillation: samples that are alike for the teacher are alike for the student. */
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { scale } from "../../ops/support.js";
import { checkLayers, flattened, type Layers, overLayers } from "../connectors.js";
import { unitRows } from "../geometry.js";
import type { LossDefinition } from "../types.js";

export interface SimilarityConfig extends Layers {
  readonly kind: "similarity";
}

/**
 * ||G_t - G_s||_F^2 / batch^2, G = F F^T with rows divided by their L2 length, F the feature flattened to [batch, n];
 * summed over the pairs. Needs no connector: G is [batch, batch] whatever the shapes are.
 * Tung and Mori, ICCV 2019, equation 4.
 */
export const similarity: LossDefinition<SimilarityConfig> = {
  name: "similarity",
  needs: { teacher: true, labels: false },
  check: checkLayers,
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
