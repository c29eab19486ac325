/** Generalised Jensen-Shannon divergence: between forward and reverse KL. */

import { fraction } from "../../../base/schema-fields.js";
import { z } from "zod";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { constantLike, scale } from "../../ops/support.js";
import { divergence, type LogSides, logSides, meanTimesT2, softened, temperatureOf } from "../softening.js";
import { logAddExp } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("jsd").describe("Interpolates between forward KL (beta 0) and reverse KL (beta 1); Agarwal 2023"),
  ...softened(1),
  beta: fraction.default(0.5).describe("The teacher's share of the mixture"),
});

/**
 * T^2 [ b KL(p_t || m) + (1 - b) KL(p_s || m) ] with m = b p_t + (1 - b) p_s, averaged over the batch.
 * Agarwal et al. 2023, arXiv:2306.13649. The formula is 0 at b = 0 and b = 1; what it tends to there after
 * division by b (by 1 - b) is taken instead: forward (reverse) KL.
 */
export const jsd: LossEntry<typeof schema, "answers"> = {
  kind: "jsd",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "jsd");
    const sides = logSides(inputs, config, "jsd", temperature);
    return meanTimesT2(inputs, perClass(b, sides, config.beta), temperature);
  },
};

function perClass(b: GraphBuilder, { student, teacher }: LogSides, beta: number): Value {
  if (beta === 0) return divergence(b, teacher, student);
  if (beta === 1) return divergence(b, student, teacher);
  const shifted = (logP: Value, share: number): Value => b.op("Add", [logP, constantLike(b, Math.log(share), logP)]);
  const middle = logAddExp(b, shifted(teacher, beta), shifted(student, 1 - beta));
  const [t, s] = [divergence(b, teacher, middle), divergence(b, student, middle)];
  return b.op("Add", [scale(b, t, beta), scale(b, s, 1 - beta)]);
}
