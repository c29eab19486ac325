/** Flow of the solution procedure: how one stage of a network turns into the next. */
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { reshape, scale } from "../../ops/support.js";
import { channels, layers, meanSquare, resized, unbridgeable } from "../connectors.js";
import type { LossEntry } from "../entry.js";
import type { FeatureValues, LossInputs } from "../types.js";

const schema = z.strictObject({
  kind: z.literal("fsp").describe("Relations between consecutive layers (Yim 2017)"),
  layers,
});

/**
 * Mean over batch and elements of (G_s - G_t)^2, G = F_1 F_2^T / (height * width) [channels_1, channels_2] of consecutive
 * layers (the larger average-pooled to the smaller one's size), summed over the consecutive pairs. Layers are
 * listed from the input on; a trained 1x1 convolution brings the student's channels to the teacher's where they differ.
 * Yim et al., CVPR 2017, equations 1 and 2.
 */
export const fsp: LossEntry<typeof schema, "layers"> = {
  kind: "fsp",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "equal",
  layers: (config) => config.layers,
  build(inputs, { layers }) {
    const { builder: b } = inputs;
    const pairs = inputs.features(layers);
    if (pairs.length < 2)
      throw new InputError({
        code: "layer-missing",
        where: "objective.terms",
        found: `the layers of fsp match ${pairs.length} pair`,
        expected: "at least two pairs: fsp compares consecutive layers",
        cure: "Name more layers, or a wider pattern",
      });
    const students = pairs.map((pair, i) => likeTeacher(inputs, pair, String(i)));
    const teachers = pairs.map((pair) => pair.teacher);
    const flow = (stages: readonly Value[], i: number): Value => gram(b, stages[i] as Value, stages[i + 1] as Value);
    const parts = pairs.slice(1).map((_, i) => meanSquare(b, flow(students, i), flow(teachers, i)));
    return parts.length > 1 ? b.op("Sum", parts) : (parts[0] as Value);
  },
};

/** The student's layer with the teacher's channels; its size stays its own. */
function likeTeacher(inputs: LossInputs, pair: FeatureValues, name: string): Value {
  const { student, teacher } = pair;
  if (student.shape.length !== 4 || teacher.shape.length !== 4)
    throw unbridgeable(pair, "images [batch, channels, height, width] for fsp");
  const to = teacher.shape[1] as number;
  return student.shape[1] === to ? student : channels(inputs, student, to, name);
}

/** F_1 F_2^T / (height * width), [batch, channels_1, channels_2]. */
function gram(b: GraphBuilder, first: Value, second: Value): Value {
  const size = [2, 3].map((i) => Math.min(first.shape[i] as number, second.shape[i] as number));
  const area = (size[0] as number) * (size[1] as number);
  const flat = (v: Value): Value => reshape(b, resized(b, v, size), [v.shape[0] as number, v.shape[1] as number, area]);
  const turned = b.op("Transpose", [flat(second)], { perm: { kind: "ints", value: [0, 2, 1] } });
  return scale(b, b.op("MatMul", [flat(first), turned]), 1 / area);
}
