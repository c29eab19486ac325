/** Classes that do not exclude each other: a binary divergence for each. */

import type { GraphBuilder, Value } from "../../graph/builder.js";
import { constantLike } from "../../ops/support.js";
import { conflict, fieldOf } from "../options.js";
import { checkSoftening, divergence, meanTimesT2, type Softening, temperatureOf } from "../softening.js";
import { flooredLog, logAddExp, requiredTeacher } from "../support.js";
import type { LossDefinition, TeacherValues } from "../types.js";

export interface BernoulliConfig extends Omit<Softening, "standardise" | "temperatureByConfidence"> {
  readonly kind: "bernoulli";
}

/**
 * T^2 sum_c KL of [q, 1 - q] with q = sigmoid(z_c / T), teacher against student, averaged over the batch: for multi-label
 * outputs, whose classes do not sum to 1. Yang et al., ICCV 2023 (Multi-label knowledge distillation).
 * A teacher's probabilities are its q at T = 1, class by class.
 */
export const bernoulli: LossDefinition<BernoulliConfig> = {
  name: "bernoulli",
  needs: { teacher: true, labels: false },
  perSample: true,
  check(config, field) {
    checkSoftening(config, field);
    for (const name of ["standardise", "temperatureByConfidence"] as const) {
      if ((config as Softening)[name])
        throw conflict(
          fieldOf(field, name),
          "it belongs to a softmax over exclusive classes, and bernoulli treats each class by itself",
          "Remove it",
        );
    }
  },
  build(inputs, config) {
    const { builder: b, studentLogits } = inputs;
    const temperature = temperatureOf(inputs, config, "bernoulli");
    const odds = logOdds(b, requiredTeacher(inputs, "bernoulli"));
    const softened = (z: Value): Value => b.op("Div", [z, temperature]);
    const [t, s] = [softened(odds), softened(studentLogits)];
    const yes = divergence(b, logSigmoid(b, t), logSigmoid(b, s));
    const no = divergence(b, logSigmoid(b, b.op("Neg", [t])), logSigmoid(b, b.op("Neg", [s])));
    return meanTimesT2(inputs, b.op("Add", [yes, no]), temperature);
  },
};

/** log sigmoid(z) = -log(1 + exp(-z)). */
function logSigmoid(b: GraphBuilder, z: Value): Value {
  return b.op("Neg", [logAddExp(b, b.op("Neg", [z]), constantLike(b, 0, z))]);
}

/** log q - log(1 - q) of probabilities, both floored. */
function logOdds(b: GraphBuilder, { values, kind }: TeacherValues): Value {
  if (kind === "logits") return values;
  const rest = b.op("Sub", [constantLike(b, 1, values), values]);
  return b.op("Sub", [flooredLog(b, values), flooredLog(b, rest)]);
}
