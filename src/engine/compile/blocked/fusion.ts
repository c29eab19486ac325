/** Convolutions that take over what follows them: an addition, then an activation, without another pass over memory. */
import { floats, int, ints, readFloat, readInt, text } from "../../graph/attributes.js";
import type { OpCall, Value } from "../../graph/builder.js";
import { numbersOf, tensor } from "../../graph/tensor.js";
import type { Attributes, Node } from "../../graph/types.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { reshape, typeCode } from "../../ops/support.js";
import { elementwise } from "./elementwise.js";
import type { BlockedForm, BlockedLayout } from "./layout.js";

/** A blocked convolution; everything blocked but `x`, which is plain where it has few channels. */
export interface Convolution {
  readonly x: Value;
  readonly w: Value;
  readonly bias?: Value;
  /** Added to the result. */
  readonly sum?: Value;
  readonly attributes: Attributes;
  /** Of the result, without padding. */
  readonly channels: number;
}

/**
 * Emits a convolution.
 * @param node the source node it stands for: when that is read once only, its reader may take the convolution over
 */
export function emitConvolution(layout: BlockedLayout, parts: Convolution, node?: Node): Value {
  const out = emit(layout, parts);
  if (node && layout.readOnce(node)) layout.note(key(out), parts);
  return out;
}

function emit(layout: BlockedLayout, parts: Convolution, activation: Attributes = {}): Value {
  const { x, w, bias, sum, attributes, channels } = parts;
  const inputs = sum ? [x, w, bias, sum] : bias ? [x, w, bias] : [x, w];
  const out = layout.builder.op("Conv", inputs, { ...attributes, ...activation }, { domain: NCHWC_DOMAIN });
  return layout.take(out, channels);
}

const key = (value: Value): string => `convolution ${value.name}`;

const producer = (layout: BlockedLayout, value: Value): Convolution | undefined =>
  layout.noted(key(value)) as Convolution | undefined;

/** Relu, LeakyRelu and Clip after a convolution. The convolution emitted before is then read by nobody and disappears. */
export const fusedActivation: BlockedForm = (call, layout) => {
  const x = call.inputs[0] as Value;
  const parts = producer(layout, x);
  const activation = parts && activationOf(call);
  return activation ? [emit(layout, parts, activation)] : undefined;
};

/** Larger than 1 / x for the smallest normal x. */
const STEEP = 3e38;

/** x > 0, which a Cast to floats turns into a mask. */
export const positive: BlockedForm = (call, layout, node) => {
  const [x, bound] = [call.inputs[0] as Value, call.constants[1]];
  const made = elementwise(call, layout, node);
  if (made?.[0] && layout.holds(x) && bound?.data.length === 1 && numbersOf(bound)[0] === 0)
    layout.note(`positive ${made[0].name}`, x);
  return made;
};

/**
 * The mask of x > 0 as floats: x times a huge number, clipped to [0, 1], reads and writes memory once, where Greater and
 * Cast would twice. Equal for all but subnormal x.
 */
export const maskCast: BlockedForm = (call, layout) => {
  const x = layout.noted(`positive ${(call.inputs[0] as Value).name}`) as Value | undefined;
  if (!x || x.dtype !== "float32" || readInt(call.attributes, "to", 0) !== typeCode("float32")) return undefined;
  const mask = steps(layout, x, 0);
  layout.note(`mask ${mask.name}`, x);
  return [mask];
};

/** The larger of such a mask and a constant from 0 to 1: the slope of a leaky ReLU. */
export const leakyMask: BlockedForm = (call, layout) => {
  const x = layout.noted(`mask ${(call.inputs[0] as Value).name}`) as Value | undefined;
  const other = call.inputs.length === 2 ? call.constants[1] : undefined;
  const low = other?.data.length === 1 ? (numbersOf(other)[0] as number) : Number.NaN;
  return x && low >= 0 && low <= 1 ? [steps(layout, x, low)] : undefined;
};

/** 1 where x > 0, else `low`. */
function steps(layout: BlockedLayout, x: Value, low: number): Value {
  const source = layout.blocked(x);
  const C = source.shape[1] as number;
  const steep = layout.builder.constant(tensor("float32", new Float32Array(C).fill(STEEP), [C]), "steep");
  const parts = scaleAndShift(layout, x.shape[1] as number, source, steep);
  return emit(layout, parts, { activation: text("Clip"), activation_params: floats([low, 1]) });
}

function activationOf(call: OpCall): Attributes | undefined {
  if (call.op === "Relu") return { activation: text("Relu") };
  if (call.op === "LeakyRelu")
    return { activation: text("LeakyRelu"), activation_params: floats([readFloat(call.attributes, "alpha", 0.01)]) };
  if (call.op !== "Clip") return undefined;
  const [low, high] = [call.constants[1], call.constants[2]].map((t) => t && numbersOf(t)[0]);
  if (low === undefined || high === undefined) return undefined;
  return { activation: text("Clip"), activation_params: floats([low, high]) };
}

/** An addition to a convolution's result. */
export const fusedAddition: BlockedForm = (call, layout, node) => {
  const [p, q] = call.inputs as [Value, Value];
  if (!layout.holds(p) || !layout.holds(q) || p.shape.some((d, i) => d !== q.shape[i])) return undefined;
  for (const [own, other] of [
    [p, q],
    [q, p],
  ] as const) {
    const parts = producer(layout, own);
    if (!parts || parts.sum) continue;
    return [emitConvolution(layout, { ...parts, sum: layout.blocked(other) }, node)];
  }
  return undefined;
};

/**
 * weight x + offset (+ sum), one weight and offset a channel: a depthwise convolution with one tap reads and writes
 * memory once, where Mul and Add would twice.
 * @param channels C, without padding
 * @param x blocked [N,C',H,W]
 * @param weight and offset [C']
 */
export function scaleAndShift(
  layout: BlockedLayout,
  channels: number,
  x: Value,
  weight: Value,
  offset?: Value,
  sum?: Value,
): Convolution {
  const C = x.shape[1] as number;
  const w = reshape(layout.builder, weight, [C, 1, 1, 1]);
  return { x, w, bias: offset, sum, attributes: { group: int(C), kernel_shape: ints([1, 1]) }, channels };
}
