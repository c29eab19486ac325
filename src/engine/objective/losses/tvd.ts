/** Total variation distance. */
import { scale } from "../../ops/support.js";
import { checkSoftening, logSides, type Softening, temperatureOf } from "../softening.js";
import { batchMean, weighed } from "../support.js";
import type { LossDefinition } from "../types.js";

export interface TvdConfig extends Softening {
  readonly kind: "tvd";
}

/** 1/2 sum_c |p_t^T - p_s^T|, averaged over the batch: in [0, 1], without T^2. Wen et al., ACL 2023. */
export const tvd: LossDefinition<TvdConfig> = {
  name: "tvd",
  needs: { teacher: true, labels: false },
  perSample: true,
  check: checkSoftening,
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "tvd");
    const { student, teacher } = logSides(inputs, config, "tvd", temperature);
    const difference = b.op("Sub", [b.op("Exp", [teacher]), b.op("Exp", [student])]);
    return scale(b, batchMean(b, weighed(inputs, b.op("Abs", [difference]))), 0.5);
  },
};
