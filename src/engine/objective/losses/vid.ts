/** Variational information distillation: predict the teacher, with a variance a channel. */
import { z } from "zod";
import { int } from "../../graph/attributes.js";
import type { Value } from "../../graph/builder.js";
import { constantLike, reshape, scale } from "../../ops/support.js";
import { channels, layers, overLayers, resized, unbridgeable } from "../connectors.js";
import { logAddExp } from "../support.js";
import type { LossEntry } from "../entry.js";
import type { LossInputs } from "../types.js";

/** Least variance. */
const LEAST = 1e-5;

const schema = z.strictObject({
  kind: z.literal("vid").describe("Prediction with one variance per channel (Ahn 2019)"),
  layers,
  initialVariance: z.number().gt(LEAST).default(5).describe("Initial variances"),
});

/**
 * Mean over batch, channels and places of 1/2 [(mu(f_s) - f_t)^2 / v_c + log v_c], v_c = softplus(a_c) + 1e-5 a variance for
 * each of the teacher's channels; mu is three 1x1 convolutions (dense layers for vectors) with ReLU between them, all with
 * the teacher's channels; images are resized to the teacher's. mu and a are trained and dropped; the loss may be below 0.
 * Ahn et al., CVPR 2019, equations 4 to 6.
 */
export const vid: LossEntry<typeof schema, "layers"> = {
  kind: "vid",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    const { initialVariance } = config;
    return overLayers(inputs, config, (pair, i) => {
      const { student, teacher } = pair;
      const rank = teacher.shape.length;
      if (student.shape.length !== rank || rank === 3 || rank < 2)
        throw unbridgeable(pair, "images [batch, channels, height, width] or vectors [batch, width] for vid");
      const width = teacher.shape[1] as number;
      const sized = rank === 4 ? resized(b, student, teacher.shape.slice(2)) : student;
      const mean = predicted(inputs, sized, width, String(i));
      const value = Math.log(Math.expm1(initialVariance - LEAST));
      const raw = inputs.parameter(`${i}/variance`, [width], { kind: "constant", value });
      const zero = constantLike(b, 0, raw);
      const variance = b.op("Add", [logAddExp(b, raw, zero), constantLike(b, LEAST, raw)]);
      const along = (v: Value): Value => reshape(b, v, [1, width, ...teacher.shape.slice(2).map(() => 1)]);
      const difference = b.op("Sub", [mean, teacher]);
      const error = b.op("Div", [b.op("Mul", [difference, difference]), along(variance)]);
      const each = b.op("Add", [error, along(b.op("Log", [variance]))]);
      return scale(b, b.op("ReduceMean", [each], { keepdims: int(0) }), 0.5);
    });
  },
};

/** mu: three linear maps with ReLU between them. */
function predicted(inputs: LossInputs, value: Value, width: number, name: string): Value {
  const { builder: b } = inputs;
  const first = b.op("Relu", [channels(inputs, value, width, `${name}/1`)]);
  const second = b.op("Relu", [channels(inputs, first, width, `${name}/2`)]);
  return channels(inputs, second, width, `${name}/3`);
}
