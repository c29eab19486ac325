/** A teacher made up from the label: nothing to train, nothing to store. */
import { fraction, type Given, positive } from "../../../base/schema-fields.js";
import { z } from "zod";
import type { Value } from "../../graph/builder.js";
import { scalar } from "../../graph/tensor.js";
import { constantLike, scale } from "../../ops/support.js";
import { batchMean, constantMean, softenedLogits } from "../support.js";
import type { LossInputs } from "../types.js";

/** Options of a virtual teacher. */
export const virtualTeacherSchema = z.strictObject({
  correct: z.number().gt(0).lt(1).default(0.99).describe("Probability that the virtual teacher gives to the label"),
  temperature: positive.default(20).describe("Temperature on both sides"),
  alpha: fraction.default(0.1).describe("Weight of the virtual teacher; the labels get 1 - alpha"),
});

/** Its settings: the probability of the label u_y in (0, 1) (the other classes share the rest evenly), T on both sides, its weight. */
export type VirtualTeacher = Given<z.output<typeof virtualTeacherSchema>>;

/**
 * T^2 KL(u^T || p^T), averaged over the batch, where u^T is u^(1/T) renormalised: Tf-KD_reg of Yuan et al., CVPR 2020,
 * arXiv:1909.11723, equations 9 and 10. The paper has no T^2 there and its code multiplies the term by 100 instead; here T^2
 * belongs to it as to every softened loss, so that alpha means the same at every T.
 * @param hot one-hot labels [batch, classes]
 */
export function virtualTeacherLoss(inputs: LossInputs, hot: Value, virtual: VirtualTeacher): Value {
  const { builder: b, studentLogits: logits } = inputs;
  const classes = logits.shape[1] as number;
  const { correct, temperature } = virtual;
  const [right, wrong] = softened(correct, temperature, classes);
  const student = softenedLogits(b, logits, b.constant(scalar(temperature, logits.dtype)));
  const target = b.op("Add", [scale(b, hot, right - wrong), constantLike(b, wrong, hot)]);
  const negativeEntropy = right * Math.log(right) + (classes - 1) * wrong * Math.log(wrong);
  const crossEntropy = b.op("Neg", [batchMean(inputs, b.op("Mul", [target, student]))]);
  const divergence = b.op("Add", [crossEntropy, constantMean(inputs, negativeEntropy, crossEntropy)]);
  return scale(b, divergence, temperature * temperature);
}

/** Softened probabilities of the label and of each other class. */
function softened(correct: number, temperature: number, classes: number): readonly [number, number] {
  // Two equal numbers would do for one class, which has no others.
  const other = classes > 1 ? (1 - correct) / (classes - 1) : 1;
  const [a, c] = [correct ** (1 / temperature), other ** (1 / temperature)];
  const sum = a + (classes - 1) * c;
  return [a / sum, c / sum];
}
