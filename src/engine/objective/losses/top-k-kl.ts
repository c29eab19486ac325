/** KL over the teacher's best classes alone: what a store of its k best answers allows. */

import { int } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { int64s, scalar } from "../../graph/tensor.js";
import { constantLike, expand } from "../../ops/support.js";
import { checkNumber, invalidOption, WHOLE } from "../options.js";
import {
  checkSoftening,
  divergence,
  type LogSides,
  logSides,
  meanTimesT2,
  type Softening,
  temperatureOf,
} from "../softening.js";
import { flooredLog, without } from "../support.js";
import type { LossDefinition } from "../types.js";

/** What becomes of the classes outside the k best. */
export type TailPolicy = "renormalise" | "bucket" | "uniform" | "zero";
export const TAIL_POLICIES: readonly TailPolicy[] = ["renormalise", "bucket", "uniform", "zero"];

export interface TopKKlConfig extends Softening {
  readonly kind: "top-k-kl";
  /** Classes of the teacher that count; more than there are means all. */
  readonly k: number;
  /** Default bucket. */
  readonly tail?: TailPolicy;
}

/**
 * T^2 KL(p_t || p_s) over the teacher's k best classes, averaged over the batch. The tail policies:
 * `renormalise`: both softmaxes over these k classes alone; `bucket`: the others are one more class on both sides;
 * `uniform`: the teacher's missing mass lies evenly on the C - k others; `zero`: the others are left out of the sum, which
 * may then be below 0. All four are the dense KL at k = C. Shen and Xing, ECCV 2022 (FKD), have `uniform`
 * as marginal smoothing and `renormalise` as marginal re-norm.
 */
export const topKKl: LossDefinition<TopKKlConfig> = {
  name: "top-k-kl",
  needs: { teacher: true, labels: false },
  perSample: true,
  check(config, field) {
    checkSoftening(config, field);
    checkNumber(field, "k", config.k, WHOLE);
    const { tail = "bucket" } = config;
    if (!TAIL_POLICIES.includes(tail)) throw invalidOption(`${field}.tail`, tail, `one of ${TAIL_POLICIES.join(", ")}`);
  },
  build(inputs, config) {
    const { builder: b, studentLogits } = inputs;
    const temperature = temperatureOf(inputs, config, "top-k-kl");
    const sides = logSides(inputs, config, "top-k-kl", temperature);
    const classes = studentLogits.shape[1] as number;
    const perClass =
      config.k >= classes
        ? divergence(b, sides.teacher, sides.student)
        : policies[config.tail ?? "bucket"](b, best(b, sides, config.k));
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
