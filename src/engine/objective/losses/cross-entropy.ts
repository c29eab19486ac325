/** Cross-entropy against the labels, with label smoothing and class weights. */

import { InputError } from "../../../base/errors.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { tensor } from "../../graph/tensor.js";
import { noun } from "../../../base/noun.js";
import { constantLike, maskOf, scale } from "../../ops/support.js";
import { BELOW_ONE, checkNumber, fieldOf, invalidOption } from "../options.js";
import { batchMean, isLabel, labelTargets, requiredLabels, total } from "../support.js";
import type { LossDefinition, LossInputs } from "../types.js";
import {
  checkVirtualTeacher,
  type VirtualTeacher,
  virtualTeacherLoss,
  virtualTeacherSettings,
} from "./virtual-teacher.js";

export interface CrossEntropyConfig {
  readonly kind: "cross-entropy";
  /** e in (1 - e) one-hot + e / C; in [0, 1); default 0. Szegedy et al., CVPR 2016, section 7. */
  readonly labelSmoothing?: number;
  /** One weight a class, none negative. */
  readonly classWeights?: readonly number[];
  /** Also learn from a teacher made up from the label: (1 - alpha) cross-entropy + alpha T^2 KL. Yuan et al., CVPR 2020. */
  readonly virtualTeacher?: VirtualTeacher;
}

/**
 * -sum_c q_c log p_c with q = (1 - e) one-hot + e / C, averaged over the batch.
 *
 * With class weights w it is the weighted mean as PyTorch defines it: the sum over samples and classes of
 * -w_c q_c log p_c, divided by the sum of the weights of the labels (not by the batch). Label smoothing then spreads
 * over classes by their own weights.
 */
export const crossEntropy: LossDefinition<CrossEntropyConfig> = {
  name: "cross-entropy",
  needs: { teacher: false, labels: true },
  check,
  build(inputs, config) {
    const { builder: b } = inputs;
    const own = crossEntropyOf(inputs, config);
    const virtual = config.virtualTeacher;
    if (!virtual) return own;
    const { studentLogits: z } = inputs;
    // A virtual teacher is made of one right class.
    const hot = maskOf(b, isLabel(b, requiredLabels(inputs, "virtual teacher"), z.shape[1] as number), z);
    const made = virtualTeacherLoss(b, z, hot, virtual);
    const { alpha } = virtualTeacherSettings(virtual);
    return b.op("Add", [scale(b, own, 1 - alpha), scale(b, made, alpha)]);
  },
};

function crossEntropyOf(inputs: LossInputs, config: CrossEntropyConfig): Value {
  const { builder: b, studentLogits: z } = inputs;
  const classes = z.shape[1] as number;
  const logP = b.op("LogSoftmax", [z], { axis: { kind: "int", value: -1 } });
  const hot = labelTargets(inputs, "cross-entropy");
  const target = smoothed(b, hot, config.labelSmoothing ?? 0, classes);
  if (!config.classWeights) return b.op("Neg", [batchMean(b, b.op("Mul", [target, logP]))]);
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
  let mass = total(b, b.op("Mul", [hot, weights]));
  // A batch of nothing but classes of weight 0 has loss 0, not 0 / 0.
  if (config.classWeights.includes(0)) mass = b.op("Max", [mass, constantLike(b, 2 ** -126, mass)]);
  return b.op("Neg", [b.op("Div", [total(b, weighted), mass])]);
}

function check(config: CrossEntropyConfig, field: string): void {
  const { labelSmoothing: e = 0, classWeights: w, virtualTeacher } = config;
  if (virtualTeacher) checkVirtualTeacher(virtualTeacher, fieldOf(field, "virtualTeacher"));
  checkNumber(field, "labelSmoothing", e, BELOW_ONE);
  if (!w) return;
  if (!w.every((v) => Number.isFinite(v) && v >= 0) || !w.some((v) => v > 0)) {
    throw invalidOption(fieldOf(field, "classWeights"), w, "numbers of at least 0, not all of them 0");
  }
}

function smoothed(b: GraphBuilder, hot: Value, e: number, classes: number): Value {
  if (e === 0) return hot;
  return b.op("Add", [scale(b, hot, 1 - e), constantLike(b, e / classes, hot)]);
}
