/** What students that learn together learn from each other. */
import { InputError } from "../errors.js";
import { constantLike } from "../ops/support.js";
import { divergence, meanTimesT2 } from "./softening.js";
import { softenedLogits } from "./support.js";
import type { LossConfig, LossDefinition } from "./types.js";

export interface MutualConfig extends LossConfig {
  readonly kind: "mutual";
  /** T of both sides; 1 in the paper. */
  readonly temperature: number;
}

/**
 * T^2 / (K - 1) sum over the other peers j of KL(p_j^T || p_i^T), averaged over the batch: what peer i learns from the others.
 * Zhang et al., CVPR 2018, arXiv:1706.00384, equations 6 and 8. The peers are constants: each learns to answer as they do,
 * none is pulled towards the one that learns.
 */
export const mutual: LossDefinition<MutualConfig> = {
  name: "mutual",
  needs: { teacher: false, labels: false },
  check({ temperature }, field) {
    if (!(temperature > 0 && Number.isFinite(temperature)))
      throw new InputError(`${field}.temperature`, `found ${temperature}; expected a number > 0`);
  },
  build(inputs, { temperature }) {
    const { builder: b, studentLogits, peers = [] } = inputs;
    if (peers.length === 0)
      throw new InputError("objective", 'the loss "mutual" needs students that learn together (peers of at least 2)');
    const t = inputs.scalar("temperature", temperature);
    const own = softenedLogits(b, studentLogits, t);
    const losses = peers.map((peer) => meanTimesT2(inputs, divergence(b, softenedLogits(b, peer, t), own), t));
    const sum = losses.reduce((a, loss) => b.op("Add", [a, loss]));
    return b.op("Div", [sum, constantLike(b, losses.length, sum)]);
  },
};
