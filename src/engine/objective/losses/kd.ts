/** Hinton's soft-target loss. */
import { z } from "zod";
import { divergence, logSides, meanTimesT2, softened, temperatureOf } from "../softening.js";
import type { LossEntry } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("kd").describe("T^2 KL(teacher || student) (Hinton 2015)"),
  ...softened(4),
});

/**
 * T^2 sum_c p_t^T (log p_t^T - log p_s^T), averaged over the batch, with p^T = softmax(z / T).
 * Hinton, Vinyals and Dean 2015, arXiv:1503.02531, section 2: the gradient of the softened term shrinks with 1 / T^2,
 * and T^2 keeps its size; it is part of this loss and nobody multiplies by it again.
 */
export const kd: LossEntry<typeof schema, "answers"> = {
  kind: "kd",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  divergence: true,
  build(inputs, config) {
    const { builder: b } = inputs;
    const temperature = temperatureOf(inputs, config, "kd");
    const { student, teacher } = logSides(inputs, config, "kd", temperature);
    return meanTimesT2(inputs, divergence(b, teacher, student), temperature);
  },
};
