/** Hints: a layer of the student predicts a layer of its teacher. */
import { checkLayers, connected, type Layers, meanSquare, overLayers } from "../connectors.js";
import type { LossDefinition } from "../types.js";

export interface FitnetConfig extends Layers {
  readonly kind: "fitnet";
}

/**
 * Mean over batch and elements of (r(f_s) - f_t)^2, summed over the pairs; r is a connector where the shapes differ.
 * Romero et al., FitNets, ICLR 2015, equation 3 (there with a factor 1/2).
 */
export const fitnet: LossDefinition<FitnetConfig> = {
  name: "fitnet",
  needs: { teacher: true, labels: false },
  check: checkLayers,
  layers: (config) => config.layers,
  build(inputs, config) {
    return overLayers(inputs, config, (pair, i) =>
      meanSquare(inputs.builder, connected(inputs, pair, String(i)), pair.teacher),
    );
  },
};
