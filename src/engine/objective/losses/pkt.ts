/** Probabilistic knowledge transfer: each sample's distribution over its neighbours in the batch. */
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { constantLike, scale } from "../../ops/support.js";
import { flattened, layers, overLayers } from "../connectors.js";
import { unitRows } from "../geometry.js";
import { flooredLog } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("pkt").describe("Similarity distributions within the batch (Passalis 2018)"),
  layers,
});

/**
 * Mean over the batch's pairs of p_t log(p_t / p_s), p the similarity (cos + 1) / 2 of two samples' features, each row
 * divided by its sum (a sample with itself included); summed over the pairs of layers. Needs no connector.
 * Passalis and Tefas, ECCV 2018, equations 4 to 7.
 */
export const pkt: LossEntry<typeof schema, "layers"> = {
  kind: "pkt",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "related",
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    return overLayers(inputs, config, ({ student, teacher }) => {
      const [p, q] = [neighbours(b, teacher), neighbours(b, student)];
      const ratio = b.op("Sub", [flooredLog(b, p), flooredLog(b, q)]);
      return b.op("ReduceMean", [b.op("Mul", [p, ratio])], { keepdims: int(0) });
    });
  },
};

/** [batch, batch], rows that sum to 1. */
function neighbours(b: GraphBuilder, feature: Value): Value {
  const rows = unitRows(b, flattened(b, feature));
  const cosines = b.op("MatMul", [rows, b.op("Transpose", [rows])]);
  const similar = scale(b, b.op("Add", [cosines, constantLike(b, 1, cosines)]), 0.5);
  // Rounding may take an opposite's similarity below 0.
  const positive = b.op("Max", [similar, constantLike(b, 0, similar)]);
  return b.op("Div", [positive, b.op("ReduceSum", [positive, b.constant(int64s([1]))], { keepdims: int(1) })]);
}
