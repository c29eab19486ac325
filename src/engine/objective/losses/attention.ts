/** Attention transfer: where a layer looks, whatever its channels are. */
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { flattened, layers, meanSquare, overLayers, resized, unbridgeable } from "../connectors.js";
import { unitRows } from "../geometry.js";
import type { LossEntry } from "../entry.js";
import type { FeatureValues } from "../types.js";

const schema = z.strictObject({
  kind: z.literal("attention").describe("Spatial attention of a layer (Zagoruyko 2017)"),
  layers,
});

/**
 * Mean over batch and places of (Q(f_s) - Q(f_t))^2, Q(f) the mean of f^2 over the channels, flattened and divided by its
 * L2 length; summed over the pairs. The larger of two images is average-pooled to the smaller one's size first.
 * Zagoruyko and Komodakis, ICLR 2017, section 3.1 (their code takes the mean over places, equation 2 the sum).
 */
export const attention: LossEntry<typeof schema, "layers"> = {
  kind: "attention",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    return overLayers(inputs, config, (pair) => {
      const [student, teacher] = sameSize(b, pair);
      return meanSquare(b, attentionOf(b, student), attentionOf(b, teacher));
    });
  },
};

/** Both with the smaller height and the smaller width; tokens [batch, tokens, width] must be as many. */
function sameSize(b: GraphBuilder, pair: FeatureValues): [Value, Value] {
  const { student, teacher } = pair;
  const rank = student.shape.length;
  if (rank !== teacher.shape.length || rank < 3 || rank > 4)
    throw unbridgeable(pair, "images [batch, channels, height, width] or tokens [batch, tokens, width] for attention");
  if (rank === 3) {
    if (student.shape[1] !== teacher.shape[1]) throw unbridgeable(pair, "as many tokens on both sides for attention");
    return [student, teacher];
  }
  const size = [2, 3].map((i) => Math.min(student.shape[i] as number, teacher.shape[i] as number));
  return [resized(b, student, size), resized(b, teacher, size)];
}

/** [batch, places]. */
function attentionOf(b: GraphBuilder, value: Value): Value {
  const axis = value.shape.length === 4 ? 1 : 2;
  const squares = b.op("Mul", [value, value]);
  return unitRows(b, flattened(b, b.op("ReduceMean", [squares, b.constant(int64s([axis]))], { keepdims: int(0) })));
}
