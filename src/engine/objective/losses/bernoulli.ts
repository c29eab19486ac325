/** Classes that do not exclude each other: a binary divergence for each. */

import { z } from "zod";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { constantLike } from "../../ops/support.js";
import { conflict, fieldOf } from "../options.js";
import { divergence, meanTimesT2, type Softening, temperature, temperatureOf } from "../softening.js";
import { flooredLog, logAddExp, requiredTeacher } from "../support.js";
import type { LossEntry } from "../entry.js";
import type { TeacherValues } from "../types.js";

const schema = z.strictObject({
  kind: z.literal("bernoulli").describe("A binary KL for each class, for multi-label outputs"),
  ...temperature(1),
});

/**
 * T^2 sum_c KL of [q, 1 - q] with q = sigmoid(z_c / T), teacher against student, averaged over the batch: for multi-label
 * outputs, whose classes do not sum to 1. Yang et al., ICCV 2023 (Multi-label knowledge distillation).
 * A teacher's probabilities are its q at T = 1, class by class.
 */
export const bernoulli: LossEntry<typeof schema, "answers"> = {
  kind: "bernoulli",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  check(config, field) {
    for (const name of ["standardise", "temperatureByConfidence"] as const) {
      if ((config as Partial<Softening>)[name])
        throw conflict(
          fieldOf(field, name),
          "it belongs to a softmax over exclusive classes, and bernoulli treats each class by itself",
          "Remove it",
        );
    }
  },
  build(inputs, config) {
    const { builder: b, studentLogits } = inputs;
    const t = temperatureOf(inputs, config, "bernoulli");
    const odds = logOdds(b, requiredTeacher(inputs, "bernoulli"));
    const softened = (z: Value): Value => b.op("Div", [z, t]);
    const [taught, own] = [softened(odds), softened(studentLogits)];
    const yes = divergence(b, logSigmoid(b, taught), logSigmoid(b, own));
    const no = divergence(b, logSigmoid(b, b.op("Neg", [taught])), logSigmoid(b, b.op("Neg", [own])));
    return meanTimesT2(inputs, b.op("Add", [yes, no]), t);
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
