/** Knowledge distillation: T^2 KL(teacher || student) of softened distributions. */
import { InputError } from "../errors.js";
import { batchMean, requiredTeacher, softenedLogits, softenedTeacher } from "./support.js";
import type { LossDefinition } from "./types.js";

export interface KdConfig {
  readonly kind: "kd";
  /** T > 0; 1 leaves the distributions as they are. */
  readonly temperature: number;
}

/**
 * T^2 sum_c p_t^T (log p_t^T - log p_s^T), averaged over the batch, with p^T = softmax(z / T).
 * Hinton, Vinyals and Dean 2015, arXiv:1503.02531, section 2: the gradient of the softened term shrinks with 1 / T^2,
 * and T^2 keeps its size; it is part of this loss and nobody multiplies by it again.
 */
export const kd: LossDefinition<KdConfig> = {
  name: "kd",
  needs: { teacher: true, labels: false },
  check({ temperature: t }, field) {
    if (!(Number.isFinite(t) && t > 0)) throw new InputError(`${field}.temperature`, `found ${t}; expected T > 0`);
  },
  build(inputs, config) {
    const { builder: b, studentLogits } = inputs;
    const teacher = requiredTeacher(inputs, "kd");
    const temperature = inputs.scalar("temperature", config.temperature);
    const logTeacher = softenedTeacher(b, teacher, temperature);
    const logStudent = softenedLogits(b, studentLogits, temperature);
    const difference = b.op("Sub", [logTeacher, logStudent]);
    const divergence = batchMean(b, b.op("Mul", [b.op("Exp", [logTeacher]), difference]));
    return b.op("Mul", [divergence, b.op("Mul", [temperature, temperature])]);
  },
};
