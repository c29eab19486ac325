/** Pooling over windows and over whole planes. */
import { int, ints, readInt, readInts } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { sizeOf, tensor } from "../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../graph/types.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { maxPoolGradient as gradientByTaps } from "./pooling-gradient.js";
import { zeros } from "./shape.js";
import { expand, misfit, noGradient, required, reshape, scale, typeOf } from "./support.js";
import { convolutionAttributes, type Window, windowOf } from "./window.js";

/** Where the windows of a pooling op (or of its gradient, which has the same attributes and input 0) lie. */
export function poolWindow(call: OpCall): Window {
  const x = required(call, 0);
  if (x.shape.length < 3) throw misfit(call, `X has ${x.shape.length} dimensions`, "[batch, channels, ...spatial]");
  const kernel = readInts(call.attributes, "kernel_shape");
  if (!kernel) throw misfit(call, "kernel_shape is missing");
  return windowOf(call, x.shape.slice(2), kernel);
}

/** Of a pool with windows: [N,C,...windows]. */
export function inferPool(call: OpCall): StaticType {
  const x = required(call, 0);
  return typeOf(x.dtype, [...x.shape.slice(0, 2), ...poolWindow(call).output]);
}

/** Emits the abstract op, because what is fast (and what works at all) differs between devices. */
function maxPoolGradient(c: GradientContext): (Value | undefined)[] {
  if (readInt(c.call.attributes, "storage_order", 0) !== 0) throw noGradient(c.call, "storage_order 1");
  const [x, [y, indices], g] = [c.inputs[0] as Value, c.outputs as [Value, Value], c.gradients[0]];
  if (!g) return [undefined];
  return [c.builder.op("MaxPoolInputGradient", [x, y, indices, g], c.call.attributes, { domain: ABSTRACT_DOMAIN })];
}

/** Windows of more places are quicker by the indices of the forward pass. */
const MOST_TAPS = 16;

/** Ties go to the first element, as in PyTorch. */
function lowerMaxPoolGradient(call: OpCall, b: GraphBuilder): Value[] {
  const [x, y, indices, g] = call.inputs as [Value, Value, Value, Value];
  const w = poolWindow(call);
  if (sizeOf(w.kernel) <= MOST_TAPS) return [gradientByTaps(b, x, y, g, w)];
  const flat = zeros(b, { ...x, shape: [sizeOf(x.shape)] });
  const places = reshape(b, indices, [sizeOf(indices.shape)]);
  const values = reshape(b, g, [sizeOf(g.shape)]);
  const scattered = b.op("ScatterElements", [flat, places, values], {
    axis: int(0),
    reduction: { kind: "string", value: "add" },
  });
  return [reshape(b, scattered, x.shape)];
}

/** An average pool is a depthwise convolution with ones, divided by the number of elements each window counts. */
function averagePoolGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const x = c.inputs[0] as Value;
  const w = poolWindow(c.call);
  const channels = x.shape[1] as number;
  const include = readInt(c.call.attributes, "count_include_pad", 0) !== 0;
  const perAxis = w.input.map((_, i) => counts(w, i, include));
  const shares = tensor(
    "float64",
    product(perAxis).map((n) => 1 / n),
    [1, 1, ...w.output],
  );
  const inverse = b.constant(tensor(x.dtype, shares.data as Float64Array, shares.shape), "window_share");
  const g = b.op("Mul", [c.gradients[0], inverse]);
  const kernel = b.constant(
    tensor(x.dtype, new Float64Array(channels * sizeOf(w.kernel)).fill(1), [channels, 1, ...w.kernel]),
    "window_ones",
  );
  // With ceil_mode the last window may reach past the padding: as a convolution that is more padding.
  const end = w.end.map((e, i) =>
    Math.max(
      e,
      ((w.output[i] as number) - 1) * (w.strides[i] as number) +
        (w.dilations[i] as number) * ((w.kernel[i] as number) - 1) +
        1 -
        (w.input[i] as number) -
        (w.begin[i] as number),
    ),
  );
  const attributes = { ...convolutionAttributes({ ...w, end }, channels), input_shape: ints(x.shape) };
  return [b.op("ConvInputGradient", [g, kernel], attributes, { domain: ABSTRACT_DOMAIN })];
}

/** Elements each window counts along one axis. */
function counts(w: Window, axis: number, include: boolean): number[] {
  const at = (list: readonly number[]): number => list[axis] as number;
  const [low, high] = include ? [-at(w.begin), at(w.input) + at(w.end)] : [0, at(w.input)];
  return Array.from({ length: at(w.output) }, (_, o) => {
    const start = o * at(w.strides) - at(w.begin);
    return Array.from({ length: at(w.kernel) }, (__, k) => start + k * at(w.dilations)).filter(
      (p) => p >= low && p < high,
    ).length;
  });
}

/** Row-major products of one factor per axis. */
function product(factors: readonly (readonly number[])[]): number[] {
  return factors.reduce<number[]>((all, list) => all.flatMap((a) => list.map((v) => a * v)), [1]);
}

/** Of a pool over whole planes: [N,C,1,...]. */
export const inferGlobal = (call: OpCall): StaticType[] => {
  const x = required(call, 0);
  return [typeOf(x.dtype, [...x.shape.slice(0, 2), ...x.shape.slice(2).map(() => 1)])];
};

function globalAverageGradient(c: GradientContext): (Value | undefined)[] {
  const x = c.inputs[0] as Value;
  return [expand(c.builder, scale(c.builder, c.gradients[0] as Value, 1 / sizeOf(x.shape.slice(2))), x.shape)];
}

/** Through the first maximum of each plane, as MaxPool does. */
function globalMaxGradient(c: GradientContext): (Value | undefined)[] {
  const b: GraphBuilder = c.builder;
  const x = c.inputs[0] as Value;
  const lead = x.shape.slice(0, 2);
  const planes = reshape(b, x, [...lead, sizeOf(x.shape.slice(2))]);
  const best = b.op("ArgMax", [planes], { axis: int(2), keepdims: int(1) });
  const g = reshape(b, c.gradients[0] as Value, [...lead, 1]);
  const scattered = b.op("ScatterElements", [zeros(b, planes), best, g], { axis: int(2) });
  return [reshape(b, scattered, x.shape)];
}

export const poolingOps: readonly OpDefinition[] = [
  {
    op: "MaxPool",
    infer: (call) => {
      const y = inferPool(call);
      return [y, typeOf("int64", y.shape)];
    },
    gradient: maxPoolGradient,
  },
  {
    // Inputs: x, y and indices of the MaxPool, gradient of y; attributes: the MaxPool's. Gives the gradient of x.
    op: "MaxPoolInputGradient",
    domain: ABSTRACT_DOMAIN,
    infer: (call) => [typeOf(required(call, 0).dtype, required(call, 0).shape)],
    lower: lowerMaxPoolGradient,
  },
  { op: "AveragePool", infer: (call) => [inferPool(call)], gradient: averagePoolGradient },
  { op: "GlobalAveragePool", infer: inferGlobal, gradient: globalAverageGradient },
  { op: "GlobalMaxPool", infer: inferGlobal, gradient: globalMaxGradient },
];
