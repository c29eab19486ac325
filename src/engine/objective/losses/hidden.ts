/** Hidden states of transformers, layer by layer. */
import { z } from "zod";
import { connected, layers, meanSquare, overLayers, unbridgeable } from "../connectors.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("hidden").describe("Hidden states of transformers (TinyBERT 2020)"),
  layers,
});

/**
 * Mean over batch, tokens and width of (f_s W - f_t)^2, summed over the layers mapped; f are [batch, tokens, width] (or
 * [batch, width]) with as many tokens on both sides, W a trained connector with a bias where the widths differ.
 * Jiao et al., TinyBERT, Findings of EMNLP 2020, equation 8 (there without a bias, and W also between equal widths).
 */
export const hidden: LossEntry<typeof schema, "layers"> = {
  kind: "hidden",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  layers: (config) => config.layers,
  build(inputs, config) {
    return overLayers(inputs, config, (pair, i) => {
      const rank = pair.student.shape.length;
      if (rank !== pair.teacher.shape.length || rank > 3)
        throw unbridgeable(pair, "hidden states [batch, tokens, width] on both sides");
      return meanSquare(inputs.builder, connected(inputs, pair, String(i)), pair.teacher);
    });
  },
};
