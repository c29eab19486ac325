/** Total variation distance. */
import { z } from "zod";
import { scale } from "../../ops/support.js";
import { logSides, softened, temperatureOf } from "../softening.js";
import { batchMean, weighed } from "../support.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("tvd").describe("Total variation distance"),
  ...softened(1),
});

/** 1/2 sum_c |p_t^T - p_s^T|, averaged over the batch: in [0, 1], without T^2. Wen et al., ACL 2023. */
export const tvd: LossEntry<typeof schema, "answers"> = {
  kind: "tvd",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "tvd");
    const { student, teacher } = logSides(inputs, config, "tvd", temperature);
    const difference = b.op("Sub", [b.op("Exp", [teacher]), b.op("Exp", [student])]);
    return scale(b, batchMean(inputs, weighed(inputs, b.op("Abs", [difference]))), 0.5);
  },
};
