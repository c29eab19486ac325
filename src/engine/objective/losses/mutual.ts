/** What students that learn together learn from each other. */
import { InputError } from "../../../base/errors.js";
import { constantLike } from "../../ops/support.js";
import { ABOVE_ZERO, checkNumber } from "../options.js";
import { divergence, meanTimesT2 } from "../softening.js";
import { softenedLogits } from "../support.js";
import type { LossConfig, LossDefinition } from "../types.js";

export interface MutualConfig extends LossConfig {
  readonly kind: "mutual";
  /** T of both sides; default 1, as in the paper. */
  readonly temperature?: number;
}

/**
 * T^2 / (K - 1) sum over the other peers j of KL(p_j^T || p_i^T), averaged over the batch: what peer i learns from the others.
 * Zhang et al., CVPR 2018, arXiv:1706.00384, equations 6 and 8. The peers are constants: each learns to answer as they do,
 * none is pulled towards the one that learns.
 */
export const mutual: LossDefinition<MutualConfig> = {
  name: "mutual",
  needs: { teacher: false, labels: false },
  check({ temperature = 1 }, field) {
    checkNumber(field, "temperature", temperature, ABOVE_ZERO);
  },
  build(inputs, { temperature = 1 }) {
    const { builder: b, studentLogits, peers = [] } = inputs;
    if (peers.length === 0)
      throw new InputError({
        code: "option-missing",
        where: "objective",
        found: 'the loss "mutual" compares students that learn together, and there is one student',
        expected: "at least 2 peers",
        cure: "Use the strategy mutual, or another loss",
      });
    const t = inputs.scalar("temperature", temperature);
    const own = softenedLogits(b, studentLogits, t);
    const losses = peers.map((peer) => meanTimesT2(inputs, divergence(b, softenedLogits(b, peer, t), own), t));
    const sum = losses.reduce((a, loss) => b.op("Add", [a, loss]));
    return b.op("Div", [sum, constantLike(b, losses.length, sum)]);
  },
};
