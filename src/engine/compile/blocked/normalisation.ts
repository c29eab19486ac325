/** Batch normalisation in the blocked layout: every pass over memory is one of the layout's own kernels. */
import { int, ints, readFloat } from "../../graph/attributes.js";
import type { Value } from "../../graph/builder.js";
import { int64s, tensor } from "../../graph/tensor.js";
import { samplesPerChannel } from "../../ops/channel.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { inverseStd } from "../../ops/normalization.js";
import { constantLike, reshape, scale } from "../../ops/support.js";
import { emitConvolution, scaleAndShift } from "./fusion.js";
import type { BlockedForm, BlockedLayout } from "./layout.js";

/** Mean over batch and pixels: blocked [N,C',H,W] -> [C']. */
export function channelMean(layout: BlockedLayout, x: Value): Value {
  const b = layout.builder;
  const [n, c] = x.shape as [number, number];
  const planes = b.op("GlobalAveragePool", [x], {}, { domain: NCHWC_DOMAIN });
  return b.op("ReduceMean", [reshape(b, planes, [n, c]), b.constant(int64s([0]))], { keepdims: int(0) });
}

/**
 * Sum of products over batch and pixels: two blocked [N,C',H,W] -> [C'].
 *
 * A depthwise convolution of N C' channels whose kernels are the other operand, as large as the image: it reads both
 * once and writes one number a plane.
 */
function channelDot(layout: BlockedLayout, x: Value, y: Value): Value {
  const b = layout.builder;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const attributes = { kernel_shape: ints([h, w]), group: int(n * c) };
  const inputs = [reshape(b, x, [1, n * c, h, w]), reshape(b, y, [n * c, 1, h, w])];
  const planes = b.op("Conv", inputs, attributes, { domain: NCHWC_DOMAIN });
  return b.op("ReduceSum", [reshape(b, planes, [n, c]), b.constant(int64s([0]))], { keepdims: int(0) });
}

/** The same two passes as the plain form: mean, then squared deviations, which stay for the backward pass. */
export const blockedBatchNorm: BlockedForm = (call, layout, node) => {
  const [x, gamma, beta, oldMean, oldVariance] = call.inputs as [Value, Value, Value, Value, Value];
  if (!layout.holds(x)) return undefined;
  const b = layout.builder;
  const channels = x.shape[1] as number;
  const n = samplesPerChannel(x.shape);
  const source = layout.blocked(x);
  const mean = channelMean(layout, source);
  const ones = b.constant(tensor("float32", new Float32Array(layout.padded(channels)).fill(1), mean.shape), "ones");
  const centring = scaleAndShift(layout, channels, source, ones, b.op("Neg", [mean]));
  const centred = layout.blocked(emitConvolution(layout, centring));
  const variance = scale(b, channelDot(layout, centred, centred), 1 / n);
  const inverse = inverseStd(b, variance, readFloat(call.attributes, "epsilon", 1e-5));
  const factor = b.op("Mul", [layout.vector(gamma), inverse]);
  const y = emitConvolution(layout, scaleAndShift(layout, channels, centred, factor, layout.vector(beta)), node);
  const retained = readFloat(call.attributes, "momentum", 0.9);
  const blend = (old: Value, fresh: Value, share: number): Value =>
    b.op("Add", [scale(b, old, retained), b.op("Mul", [fresh, constantLike(b, share, fresh)])]);
  const [ownMean, ownVariance] = [layout.cut(mean, channels), layout.cut(variance, channels)];
  const ownInverse = layout.cut(inverse, channels);
  layout.note(`centred ${ownInverse.name}`, centred);
  return [
    y,
    ownMean,
    ownInverse,
    blend(oldMean, ownMean, 1 - retained),
    blend(oldVariance, ownVariance, ((1 - retained) * n) / (n - 1)),
  ];
};

/** dx = a g + b (x - mean) + c with one a, b and c a channel: the plain form's formula, multiplied out. */
export const blockedBatchNormGradient: BlockedForm = (call, layout) => {
  const [x, gamma, , inverse, g] = call.inputs as [Value, Value, Value, Value, Value];
  const centred = layout.noted(`centred ${inverse.name}`) as Value | undefined;
  if (!centred) return undefined;
  const b = layout.builder;
  const channels = x.shape[1] as number;
  const n = samplesPerChannel(x.shape);
  const own = layout.blocked(g);
  const mean = channelMean(layout, own);
  const inv = layout.vector(inverse);
  const dgamma = b.op("Mul", [inv, channelDot(layout, own, centred)]);
  const a = b.op("Mul", [layout.vector(gamma), inv]);
  const slope = b.op("Mul", [b.op("Mul", [a, inv]), scale(b, dgamma, -1 / n)]);
  const offset = b.op("Neg", [b.op("Mul", [a, mean])]);
  const along = layout.blocked(emitConvolution(layout, scaleAndShift(layout, channels, centred, slope, offset)));
  const dx = emitConvolution(layout, scaleAndShift(layout, channels, own, a, undefined, along));
  return [dx, layout.cut(dgamma, channels), scale(b, layout.cut(mean, channels), n)];
};

/** Inference form: constants a channel. */
export const blockedFrozenBatchNorm: BlockedForm = (call, layout, node) => {
  const [x, gamma, beta, mean, variance] = call.inputs as [Value, Value, Value, Value, Value];
  if (!layout.holds(x)) return undefined;
  const b = layout.builder;
  const factor = b.op("Mul", [gamma, inverseStd(b, variance, readFloat(call.attributes, "epsilon", 1e-5))]);
  const offset = b.op("Sub", [beta, b.op("Mul", [mean, factor])]);
  const parts = scaleAndShift(
    layout,
    x.shape[1] as number,
    layout.blocked(x),
    layout.vector(factor),
    layout.vector(offset),
  );
  return [emitConvolution(layout, parts, node)];
};
