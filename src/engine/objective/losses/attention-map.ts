/** Attention matrices of transformers, layer by layer. */
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { layers, meanSquare, overLayers, unbridgeable } from "../connectors.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("attention-map").describe("Attention matrices of transformers (TinyBERT 2020)"),
  layers,
});

/**
 * Mean over batch, heads and places of (A_s - A_t)^2, summed over the layers mapped; A are [batch, heads, tokens, tokens],
 * before or after their softmax as named. With other numbers of heads the means over the heads are compared.
 * Jiao et al., TinyBERT, Findings of EMNLP 2020, equation 7 (there with equal heads, before the softmax).
 */
export const attentionMap: LossEntry<typeof schema, "layers"> = {
  kind: "attention-map",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    return overLayers(inputs, config, (pair) => {
      const { student: s, teacher: t } = pair;
      const same = (axis: number): boolean => s.shape[axis] === t.shape[axis];
      if (s.shape.length !== 4 || t.shape.length !== 4 || !same(2) || !same(3))
        throw unbridgeable(pair, "attention matrices [batch, heads, tokens, tokens] with as many tokens on both sides");
      return same(1) ? meanSquare(b, s, t) : meanSquare(b, meanOfHeads(b, s), meanOfHeads(b, t));
    });
  },
};

const meanOfHeads = (b: GraphBuilder, value: Value): Value =>
  b.op("ReduceMean", [value, b.constant(int64s([1]))], { keepdims: int(0) });
