/** Cross-entropy against the labels, with label smoothing and class weights. */

import { rate, weight } from "../../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { tensor } from "../../graph/tensor.js";
import { noun } from "../../../base/noun.js";
import { constantLike, maskOf, scale } from "../../ops/support.js";
import { fieldOf, invalidOption } from "../options.js";
import { batchMean, isLabel, labelTargets, requiredLabels, rowShares, total, weightedSum } from "../support.js";
import type { LossEntry, SettingsOf } from "../entry.js";
import type { LossInputs } from "../types.js";
import { virtualTeacherLoss, virtualTeacherSchema } from "./virtual-teacher.js";

const schema = z.strictObject({
  kind: z.literal("cross-entropy"),
  labelSmoothing: rate.default(0),
  classWeights: z.array(weight).optional(),
  virtualTeacher: virtualTeacherSchema
    .optional()
    .describe(
      "Also learn from a virtual teacher built from the label: (1 - alpha) cross-entropy + alpha T^2 KL (Yuan 2020)",
    ),
});
type CrossEntropySettings = SettingsOf<typeof schema>;

/**
 * -sum_c q_c log p_c with q = (1 - e) one-hot + e / C, averaged over the batch.
 *
 * With class weights w it is the weighted mean as PyTorch defines it: the sum over samples and classes of
 * -w_c q_c log p_c, divided by the sum of the weights of the labels (not by the batch). Label smoothing then spreads
 * over classes by their own weights. Row weights multiply both sums, as they do without class weights.
 */
export const crossEntropy: LossEntry<typeof schema, "labels"> = {
  kind: "cross-entropy",
  against: "labels",
  schema,
  needs: { teacher: false, labels: true },
  rows: "weighted",
  // A virtual teacher is made of one right class.
  blends: ({ virtualTeacher }) => (virtualTeacher ? "a virtual teacher" : true),
  labelOptions: ({ labelSmoothing, classWeights, virtualTeacher }) =>
    labelSmoothing > 0 || classWeights || virtualTeacher ? "label smoothing, class weights or a virtual teacher" : null,
  plain: ({ virtualTeacher: _, ...settings }) => ({ ...settings, labelSmoothing: 0 }),
  check({ classWeights: w }, field) {
    if (w && !w.some((v) => v > 0))
      throw invalidOption(fieldOf(field, "classWeights"), w, "numbers of at least 0, not all of them 0");
  },
  build(inputs, config) {
    const { builder: b } = inputs;
    const own = crossEntropyOf(inputs, config);
    const virtual = config.virtualTeacher;
    if (!virtual) return own;
    const { studentLogits: z } = inputs;
    const hot = maskOf(b, isLabel(b, requiredLabels(inputs, "virtual teacher"), z.shape[1] as number), z);
    const made = virtualTeacherLoss(inputs, hot, virtual);
    const { alpha } = virtual;
    return b.op("Add", [scale(b, own, 1 - alpha), scale(b, made, alpha)]);
  },
};

function crossEntropyOf(inputs: LossInputs, config: CrossEntropySettings): Value {
  const { builder: b, studentLogits: z } = inputs;
  const classes = z.shape[1] as number;
  const logP = b.op("LogSoftmax", [z], { axis: { kind: "int", value: -1 } });
  const hot = labelTargets(inputs, "cross-entropy");
  const target = smoothed(b, hot, config.labelSmoothing, classes);
  if (!config.classWeights) return b.op("Neg", [batchMean(inputs, b.op("Mul", [target, logP]))]);
  if (config.classWeights.length !== classes) {
    throw new InputError({
      code: "array-mismatch",
      where: "objective.student_loss.class_weights",
      found: `found ${noun(config.classWeights.length, "weight")}`,
      expected: `${classes}, one per class in the order of the classes`,
    });
  }
  const weights = b.constant(tensor(z.dtype, config.classWeights, [1, classes]), "class_weights");
  const weighted = b.op("Mul", [b.op("Mul", [target, weights]), logP]);
  const counted = b.op("Mul", [hot, weights]);
  const { rowWeights } = inputs;
  if (rowWeights)
    return b.op("Neg", [weightedSum(b, weighted, rowShares(b, rowWeights, weightedSum(b, counted, rowWeights)))]);
  const mass = total(b, counted);
  // A batch of nothing but classes of weight 0 has loss and gradient 0, not 0 / 0.
  if (config.classWeights.includes(0))
    return b.op("Neg", [weightedSum(b, weighted, rowShares(b, constantLike(b, 1, mass), mass))]);
  return b.op("Neg", [b.op("Div", [total(b, weighted), mass])]);
}

function smoothed(b: GraphBuilder, hot: Value, e: number, classes: number): Value {
  if (e === 0) return hot;
  return b.op("Add", [scale(b, hot, 1 - e), constantLike(b, e / classes, hot)]);
}
