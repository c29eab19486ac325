/** KL over the teacher's best classes alone: what a store of its k best answers allows. */

import { count } from "../../../base/schema-fields.js";
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s, scalar } from "../../graph/tensor.js";
import { constantLike, expand } from "../../ops/support.js";
import { divergence, type LogSides, logSides, meanTimesT2, softened, temperatureOf } from "../softening.js";
import { flooredLog, without } from "../support.js";
import type { LossEntry, SettingsOf } from "../entry.js";

const schema = z.strictObject({
  kind: z.literal("top-k-kl").describe("KL over the teacher's most likely classes (FKD 2022)"),
  ...softened(1),
  k: count.describe("Number of classes"),
  tail: z
    .enum(["renormalise", "bucket", "uniform", "zero"])
    .default("bucket")
    .describe("How the other classes are treated: docs/losses.md"),
});
/** What becomes of the classes outside the k best. */
type TailPolicy = SettingsOf<typeof schema>["tail"];

/**
 * T^2 KL(p_t || p_s) over the teacher's k best classes, averaged over the batch. The tail policies:
 * `renormalise`: both softmaxes over these k classes alone; `bucket`: the others are one more class on both sides;
 * `uniform`: the teacher's missing mass lies evenly on the C - k others; `zero`: the others are left out of the sum, which
 * may then be below 0. All four are the dense KL at k = C. Shen and Xing, ECCV 2022 (FKD), have `uniform`
 * as marginal smoothing and `renormalise` as marginal re-norm.
 */
export const topKKl: LossEntry<typeof schema, "answers"> = {
  kind: "top-k-kl",
  against: "answers",
  schema,
  needs: { teacher: true, labels: false },
  perSample: true,
  rows: "weighted",
  build(inputs, config) {
    const { builder: b, studentLogits } = inputs;
    const temperature = temperatureOf(inputs, config, "top-k-kl");
    const sides = logSides(inputs, config, "top-k-kl", temperature);
    const classes = studentLogits.shape[1] as number;
    const perClass =
      config.k >= classes
        ? divergence(b, sides.teacher, sides.student)
        : policies[config.tail](b, best(b, sides, config.k));
    return meanTimesT2(inputs, perClass, temperature);
  },
};

/** The k best classes of the teacher, [batch, k], and the dense sides they were picked from. */
interface Best {
  readonly dense: LogSides;
  readonly picked: LogSides;
  /** bool [batch, classes]: the classes picked. */
  readonly chosen: Value;
  readonly k: number;
}

function best(b: GraphBuilder, dense: LogSides, k: number): Best {
  const { teacher, student } = dense;
  const [top, places] = b.ops("TopK", [teacher, b.constant(int64s([k]))], { axis: int(1) }) as [Value, Value];
  const picked = { teacher: top, student: b.op("GatherElements", [student, places], { axis: int(1) }) };
  const none = expand(b, constantLike(b, 0, teacher), teacher.shape);
  const marks = b.op("ScatterElements", [none, places, expand(b, constantLike(b, 1, top), top.shape)], {
    axis: int(1),
  });
  return { dense, picked, chosen: b.op("Greater", [marks, b.constant(scalar(0, teacher.dtype))]), k };
}

const axis1 = { axis: int(1) };

/** Divergence of each class (the sum over the second dimension is the KL), by policy. */
const policies: Readonly<Record<TailPolicy, (b: GraphBuilder, best: Best) => Value>> = {
  zero: (b, { picked }) => divergence(b, picked.teacher, picked.student),
  renormalise: (b, { picked }) => {
    const own = (logP: Value): Value => b.op("LogSoftmax", [logP], axis1);
    return divergence(b, own(picked.teacher), own(picked.student));
  },
  bucket: (b, { dense, picked, chosen }) => {
    const own = (side: keyof LogSides): Value => b.op("Concat", [picked[side], tail(b, dense[side], chosen)], axis1);
    return divergence(b, own("teacher"), own("student"));
  },
  uniform: (b, { dense, chosen, k }) => {
    const classes = dense.teacher.shape[1] as number;
    const share = b.op("Div", [
      b.op("Exp", [tail(b, dense.teacher, chosen)]),
      constantLike(b, classes - k, dense.teacher),
    ]);
    const even = expand(b, flooredLog(b, share), dense.teacher.shape);
    return divergence(b, b.op("Where", [chosen, dense.teacher, even]), dense.student);
  },
};

/** Log of the mass outside the chosen classes, [batch, 1]. */
function tail(b: GraphBuilder, logP: Value, chosen: Value): Value {
  return b.op("ReduceLogSumExp", [without(b, logP, chosen), b.constant(int64s([1]))], { keepdims: int(1) });
}
