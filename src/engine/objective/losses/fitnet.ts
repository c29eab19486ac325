/** Hints: a layer of the student predicts a layer of its teacher. */
import { z } from "zod";
import { connected, layers, meanSquare, overLayers } from "../connectors.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("fitnet").describe("Mean squared difference (Romero 2015)"),
  layers,
});

/**
 * Mean over batch and elements of (r(f_s) - f_t)^2, summed over the pairs; r is a connector where the shapes differ.
 * Romero et al., FitNets, ICLR 2015, equation 3 (there with a factor 1/2).
 */
export const fitnet: LossEntry<typeof schema, "layers"> = {
  kind: "fitnet",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  layers: (config) => config.layers,
  build(inputs, config) {
    return overLayers(inputs, config, (pair, i) =>
      meanSquare(inputs.builder, connected(inputs, pair, String(i)), pair.teacher),
    );
  },
};
