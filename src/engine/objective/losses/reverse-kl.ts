/** The KL divergence the other way round: the student is punished for what the teacher does not say. */
import { checkSoftening, divergence, logSides, meanTimesT2, type Softening, temperatureOf } from "../softening.js";
import type { LossDefinition } from "../types.js";

export interface ReverseKlConfig extends Softening {
  readonly kind: "reverse-kl";
}

/** T^2 sum_c p_s^T (log p_s^T - log p_t^T), averaged over the batch. Gu et al. 2023, arXiv:2306.08543. */
export const reverseKl: LossDefinition<ReverseKlConfig> = {
  name: "reverse-kl",
  needs: { teacher: true, labels: false },
  perSample: true,
  check: checkSoftening,
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "reverse-kl");
    const { student, teacher } = logSides(inputs, config, "reverse-kl", temperature);
    return meanTimesT2(inputs, divergence(b, student, teacher), temperature);
  },
};
