/**
 * Gradients of a convolution as abstract ops, and their plain ONNX form.
 *
 * Which plain form is quick depends on the shape. Milliseconds, median, ONNX Runtime 1.30 on 2 cores, (N,C,H,K,kernel,stride):
 *
 *     input gradient           flipped Conv   ConvTranspose   zero-insertion + Conv   sub-pixel phases
 *     (128,16,32,16,3,1)           13.1           33.2
 *     (128,32,16,32,3,1)           11.5           17.4
 *     (128,64, 8,64,3,1)            8.4           12.1
 *     (128, 1,28,32,3,1)            9.4            3.2
 *     (128, 3,32,16,3,1)            9.4            7.0
 *     (128,16,32,32,3,2)                          11.2              55.7                    32.4
 *     (128,32,16,64,1,1)            3.1            5.3                     (MatMul 4.2)
 *     (128,32,16,32,3,1) depthwise  4.8           17.3
 *     (128,32,16,32,3,2) depthwise                 6.3              13.3                    13.2
 *
 *     weight gradient          batch as channels   columns   columns, rows shared   columns, batch folded
 *     (128,16,32,16,3,1)            80.3             35.5           24.4                   49.0
 *     (128,32,16,32,3,1)            45.4             22.2           16.9                   27.1
 *     (128,64, 8,64,3,1)            34.6             21.8           15.0        (shared too: 14.3)
 *     (128,16,32,32,3,2)            28.0             25.8           22.1                   19.1
 *     ( 32,16,14,32,3,2)             1.3              1.9            1.9                    0.9
 *     (128, 1,28,32,3,1)             5.3              2.8           16.5                    4.8
 *     (128, 3,32,16,3,1)            13.8              5.8           11.4                   12.5
 *     (128,32,16,64,1,1)            17.9              1.4                                   4.2
 *     (128,32,16,32,3,1) depthwise  15.2             18.4
 *     (128,32,16,32,3,2) depthwise   4.4             13.2
 */
import { ints, readInt, readInts } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, Value } from "../graph/builder.js";
import { int64s, sizeOf } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import { lowerWeightGradient } from "./convolution-weight-gradient.js";
import type { OpDefinition } from "./definition.js";
import { misfit, required, reshape, transpose, typeOf } from "./support.js";
import { spatialOf } from "./window.js";

/** Input gradient of a Conv: (dY [N,K,...], W [K,C/group,...kernel]) -> dX, of the shape in the attribute input_shape. */
function lowerInputGradient(call: OpCall, b: GraphBuilder): readonly Value[] {
  const [dy, w] = [required(call, 0), required(call, 1)];
  const { attributes: a } = call;
  const shape = readInts(a, "input_shape") as readonly number[];
  const [kernel, group] = [spatialOf(w.shape), readInt(a, "group", 1)];
  const dilations = readInts(a, "dilations") as readonly number[];
  const begin = (readInts(a, "pads") as readonly number[]).slice(0, kernel.length);
  const strides = readInts(a, "strides") as readonly number[];
  const input = spatialOf(shape);
  const output = spatialOf(dy.shape);
  const reach = kernel.map((k, i) => (dilations[i] as number) * (k - 1));
  const common = { kernel_shape: ints(kernel), dilations: a.dilations as never, group: a.group as never };

  const front = reach.map((r, i) => r - (begin[i] as number));
  const back = input.map((size, i) => size - (output[i] as number) + (begin[i] as number));
  const manyChannels = 2 * (shape[1] as number) >= (dy.shape[1] as number);
  if (manyChannels && strides.every((s) => s === 1) && [...front, ...back].every((p) => p >= 0)) {
    return [b.op("Conv", [dy, flipped(b, w, group)], { ...common, pads: ints([...front, ...back]) })];
  }
  // What ConvTranspose would give behind the input is cropped by its end pads; what it lacks is output_padding, below the stride.
  const excess = input.map(
    (size, i) =>
      (strides[i] as number) * ((output[i] as number) - 1) + (reach[i] as number) + 1 - (begin[i] as number) - size,
  );
  return [
    b.op("ConvTranspose", [dy, w], {
      ...common,
      strides: ints(strides),
      pads: ints([...begin, ...excess.map((e) => Math.max(e, 0))]),
      output_padding: ints(excess.map((e) => Math.max(-e, 0))),
    }),
  ];
}

/** [K,C/g,...kernel] -> [C,K/g,...kernel], each kernel turned round: the weight of the adjoint convolution. */
function flipped(b: GraphBuilder, w: Value, group: number): Value {
  const [filters, channels] = [w.shape[0] as number, w.shape[1] as number];
  const kernel = spatialOf(w.shape);
  const taps = sizeOf(kernel);
  const grouped = reshape(b, w, [group, filters / group, channels, taps]);
  const backwards = b.constant(int64s(Array.from({ length: taps }, (_, i) => taps - 1 - i)));
  const turned = taps > 1 ? b.op("Gather", [grouped, backwards], { axis: { kind: "int", value: 3 } }) : grouped;
  return reshape(b, transpose(b, turned, [0, 2, 1, 3]), [channels * group, filters / group, ...kernel]);
}

/** Attributes of both: strides, dilations, pads (explicit), group, kernel_shape. */
export const convolutionGradientOps: readonly OpDefinition[] = [
  {
    op: "ConvInputGradient",
    domain: ABSTRACT_DOMAIN,
    infer: (call) => {
      const shape = readInts(call.attributes, "input_shape");
      if (!shape) throw misfit(call, "the attribute input_shape is missing");
      return [typeOf(required(call, 0).dtype, shape)];
    },
    lower: lowerInputGradient,
  },
  {
    op: "ConvWeightGradient",
    domain: ABSTRACT_DOMAIN,
    infer: (call) => {
      const [x, dy] = [required(call, 0), required(call, 1)];
      const kernel = readInts(call.attributes, "kernel_shape");
      if (!kernel) throw misfit(call, "the attribute kernel_shape is missing");
      const channels = (x.shape[1] as number) / readInt(call.attributes, "group", 1);
      return [typeOf(x.dtype, [dy.shape[1] as number, channels, ...kernel])];
    },
    lower: lowerWeightGradient,
  },
];
