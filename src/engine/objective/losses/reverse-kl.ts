/** The KL divergence the other way round: the student is punished for what the teacher does not say. */
import { z } from "zod";
import { divergence, logSides, meanTimesT2, softened, temperatureOf } from "../softening.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("reverse-kl").describe("T^2 KL(student || teacher) (Gu 2023)"),
  ...softened(1),
});

/** T^2 sum_c p_s^T (log p_s^T - log p_t^T), averaged over the batch. Gu et al. 2023, arXiv:2306.08543. */
export const reverseKl: LossEntry<typeof schema, "answers"> = {
  kind: "reverse-kl",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "reverse-kl");
    const { student, teacher } = logSides(inputs, config, "reverse-kl", temperature);
    return meanTimesT2(inputs, divergence(b, student, teacher), temperature);
  },
};
