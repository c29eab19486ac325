/** Knowledge review: the student's deeper layers help its shallower ones to be like the teacher's. */
import { count } from "../../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../../base/errors.js";
import { float, int, ints } from "../../graph/attributes.js";
import type { GraphBuilder, Value } from "../../graph/builder.js";
import { tensor } from "../../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../../graph/types.js";
import { fansOf, layerDistributions } from "../../nn/initialisers.js";
import { samplesPerChannel } from "../../ops/channel.js";
import { reshape, scale } from "../../ops/support.js";
import { channels, layers, meanOfSquares, nearest, resized, unbridgeable } from "../connectors.js";
import { invalidOption } from "../options.js";
import type { LossEntry } from "../entry.js";
import type { FeatureValues, LossInputs } from "../types.js";

const schema = z.strictObject({
  kind: z.literal("review").describe("Deeper layers review shallower ones (Chen 2021). List layers from the input on"),
  layers,
  midChannels: count.optional().describe("Channels of the fused maps; default: those of the last layer, at most 512"),
});

/** Default channels of the fused maps at most, as in the authors' code. */
const MOST_CHANNELS = 512;
/** Sides the maps are also compared at. */
const LEVELS = [4, 2, 1];
const SEVERAL = "at least two pairs, from the input on: deeper layers review shallower ones";

/**
 * Sum over the layers of the hierarchical context loss of (fused student map, teacher's map): the mean squared difference
 * at full size, and average-pooled to 4x4, 2x2 and 1x1 where the map is larger, weighted 1, 1/2, 1/4, 1/8 and divided by
 * the sum of the weights there are.
 *
 * Layers are listed from the input on, and fused from the last to the first by attention-based fusion: the student's layer
 * through a 1x1 convolution and a batch norm, the fused map of the layer behind it grown to its size (nearest), both
 * weighted by two maps sigmoid(1x1 convolution of both), added, brought to the teacher's size (nearest) and, for the
 * comparison, through a 3x3 convolution and a batch norm to the teacher's channels. Vectors count as 1x1 maps. All of
 * that is trained and dropped; its batch norms use the statistics of the batch, and keep none.
 * Chen et al., Distilling Knowledge via Knowledge Review, CVPR 2021, equations 5 and 6, figures 3 and 4.
 */
export const review: LossEntry<typeof schema, "layers"> = {
  kind: "review",
  against: "layers",
  schema,
  needs: { teacher: true, labels: false },
  rows: "related",
  check({ layers }, field) {
    // A pattern may stand for several pairs: those are counted when they are known.
    if (layers.length < 2 && !layers[0]?.student.includes("*"))
      throw invalidOption(`${field}.layers`, layers, SEVERAL, "Name another pair");
  },
  layers: (config) => config.layers,
  build(inputs, config) {
    const { builder: b } = inputs;
    const pairs = inputs.features(config.layers).map((pair) => asImages(b, pair));
    const last = pairs[pairs.length - 1];
    if (!last || pairs.length < 2)
      throw new InputError({
        code: "layer-missing",
        where: "objective.terms",
        found: `the layers of review match ${pairs.length} pair`,
        expected: SEVERAL,
        cure: "Name more layers, or a wider pattern",
      });
    const mid = config.midChannels ?? Math.min(MOST_CHANNELS, last.student.shape[1] as number);
    const losses: Value[] = [];
    let deeper: Value | undefined;
    for (let i = pairs.length - 1; i >= 0; i--) {
      const { student, teacher } = pairs[i] as FeatureValues;
      const own = normalised(inputs, convolution(inputs, student, mid, 1, `${i}/in`), `${i}/in`);
      const fused = nearest(b, deeper ? fuse(inputs, own, deeper, `${i}/fuse`) : own, teacher.shape.slice(2));
      const out = convolution(inputs, fused, teacher.shape[1] as number, 3, `${i}/out`);
      losses.push(contextLoss(b, normalised(inputs, out, `${i}/out`), teacher));
      deeper = fused;
    }
    return b.op("Sum", losses);
  },
};

/** [batch, channels, h, w] on both sides; a vector is a map of one pixel. */
function asImages(b: GraphBuilder, pair: FeatureValues): FeatureValues {
  const image = (v: Value): Value => (v.shape.length === 2 ? reshape(b, v, [...v.shape, 1, 1]) : v);
  const made = { ...pair, student: image(pair.student), teacher: image(pair.teacher) };
  if (made.student.shape.length !== 4 || made.teacher.shape.length !== 4)
    throw unbridgeable(pair, "images [batch, channels, height, width] or vectors [batch, width] for review");
  if ([made.student, made.teacher].some((v) => samplesPerChannel(v.shape) < 2))
    throw unbridgeable(
      pair,
      "more than one value per channel, which the batch norms of review need",
      "Use a larger batch",
    );
  return made;
}

/** x a + y' c with y' as large as x and [a, c] = sigmoid(1x1 convolution of [x, y']), one number a pixel each. */
function fuse(inputs: LossInputs, x: Value, deeper: Value, name: string): Value {
  const { builder: b } = inputs;
  const y = nearest(b, deeper, x.shape.slice(2));
  const both = b.op("Concat", [x, y], { axis: int(1) });
  const maps = b.op("Sigmoid", [channels(inputs, both, 2, name)]);
  const [a, c] = b.ops("Split", [maps], { axis: int(1), num_outputs: int(2) }) as [Value, Value];
  return b.op("Add", [b.op("Mul", [x, a]), b.op("Mul", [y, c])]);
}

/** No bias: a batch norm follows. Starts as the authors' (kaiming_uniform with a = 1, variance 1 / fan_in). */
function convolution(inputs: LossInputs, value: Value, to: number, kernel: 1 | 3, name: string): Value {
  const shape = [to, value.shape[1] as number, kernel, kernel];
  const start = layerDistributions("lecun-uniform", fansOf(shape)).weight;
  const pads = ints(Array<number>(4).fill((kernel - 1) / 2));
  return inputs.builder.op("Conv", [value, inputs.parameter(`${name}/weight`, shape, start)], { pads });
}

/** Batch norm by the batch's own statistics: nobody reads running ones, as connectors never leave the training. */
function normalised(inputs: LossInputs, value: Value, name: string): Value {
  const { builder: b } = inputs;
  const width = value.shape[1] as number;
  const gamma = inputs.parameter(`${name}/scale`, [width], { kind: "constant", value: 1 });
  const beta = inputs.parameter(`${name}/bias`, [width], { kind: "constant", value: 0 });
  const fixed = (v: number): Value => b.constant(tensor(value.dtype, Array<number>(width).fill(v), [width]));
  return b.op(
    "BatchNormalizationTraining",
    [value, gamma, beta, fixed(0), fixed(1)],
    { epsilon: float(1e-5), momentum: float(0.9) },
    { domain: ABSTRACT_DOMAIN },
  );
}

/** Weighted mean of the squared differences at the sizes there are. Pooling is linear: the difference is pooled. */
function contextLoss(b: GraphBuilder, student: Value, teacher: Value): Value {
  const [height, width] = teacher.shape.slice(2) as [number, number];
  const difference = b.op("Sub", [student, teacher]);
  const parts = [meanOfSquares(b, difference)];
  let [weight, weights] = [1, 1];
  for (const side of LEVELS) {
    const size = [Math.min(side, height), Math.min(side, width)];
    if (size[0] === height && size[1] === width) continue;
    weight /= 2;
    weights += weight;
    parts.push(scale(b, meanOfSquares(b, resized(b, difference, size)), weight));
  }
  return scale(b, parts.length > 1 ? b.op("Sum", parts) : (parts[0] as Value), 1 / weights);
}
