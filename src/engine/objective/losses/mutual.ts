/** What students that learn together learn from each other. */
import { positive } from "../../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { constantLike } from "../../ops/support.js";
import { divergence, meanTimesT2 } from "../softening.js";
import { softenedLogits } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("mutual").describe("What students that learn together learn from each other (Zhang 2018)"),
  temperature: positive.default(1).describe("T of both sides"),
});

/**
 * T^2 / (K - 1) sum over the other peers j of KL(p_j^T || p_i^T), averaged over the batch: what peer i learns from the others.
 * Zhang et al., CVPR 2018, arXiv:1706.00384, equations 6 and 8. The peers are constants: each learns to answer as they do,
 * none is pulled towards the one that learns.
 */
export const mutual: LossEntry<typeof schema, "peers"> = {
  kind: "mutual",
  against: "peers",
  schema,
  needs: { teacher: false, labels: false },
  rows: "weighted",
  build(inputs, { temperature }) {
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
