/** Ops that treat every element alike, and reductions over pixels: the layout does not matter to them. */
import { int, readInt } from "../../graph/attributes.js";
import type { Value } from "../../graph/builder.js";
import { int64s, numbersOf, sizeOf } from "../../graph/tensor.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { normaliseAxis, reshape, scale } from "../../ops/support.js";
import type { BlockedForm, BlockedLayout } from "./layout.js";

/**
 * Elementwise ops that may run in the layout. All are finite where their inputs are 0, as padded channels are, or finite
 * (padding must never become NaN: a weight of 0 would not silence it).
 */
export const ELEMENTWISE: readonly string[] = [
  ...["Add", "Sub", "Mul", "Max", "Min", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "Equal", "And", "Or"],
  ...["Where", "Not", "Cast", "Neg", "Abs", "Sign", "Identity", "Relu", "LeakyRelu", "Clip", "Sigmoid", "Tanh", "Erf"],
  ...["HardSigmoid", "HardSwish", "Elu", "Selu", "Celu", "Gelu", "Softplus", "ThresholdedRelu", "Sum", "Mish"],
];

export const elementwise: BlockedForm = (call, layout) => {
  const held = call.inputs.find((v) => layout.holds(v));
  if (!held) return undefined;
  const { shape } = held;
  const same = (v: Value): boolean => v.shape.length === 4 && v.shape.every((d, i) => d === shape[i]);
  const alone = (v: Value): boolean => sizeOf(v.shape) === 1;
  const b = layout.builder;
  const run = (inputs: readonly (Value | undefined)[]): Value => b.op(call.op, inputs, call.attributes);
  const channels = shape[1] as number;
  if (call.inputs.every((v) => !v || same(v) || alone(v))) {
    return [
      layout.take(run(call.inputs.map((v) => (!v ? v : same(v) ? layout.blocked(v) : flat(layout, v)))), channels),
    ];
  }
  const operands = call.inputs.map((v) => v && (alone(v) ? flat(layout, v) : broadcast(layout, v, shape)));
  if (operands.some((v, i) => !v && call.inputs[i])) return undefined;
  return [layout.take(layout.fromLanes(run(operands)), channels)];
};

/** A single value without dimensions that could raise the rank. */
function flat(layout: BlockedLayout, value: Value): Value {
  return value.shape.length > 1 ? reshape(layout.builder, value, [1]) : value;
}

/** A value that broadcasts to `shape` [N,C,H,W], as [n, C'/b or 1, h, w, b or 1]; undefined when it would enlarge it. */
function broadcast(layout: BlockedLayout, value: Value, shape: readonly number[]): Value | undefined {
  const b = layout.builder;
  if (value.shape.length > 4) return undefined;
  const full = [...Array<number>(4 - value.shape.length).fill(1), ...value.shape];
  if (full.some((d, i) => d !== 1 && d !== shape[i])) return undefined;
  const [n, c, h, w] = full as [number, number, number, number];
  if (c === 1) return reshape(b, value, [n, 1, h, w, 1]);
  return layout.lanes(layout.blocked(value.shape.length === 4 ? value : reshape(b, value, full)));
}

/** Sums and means over the pixels of each plane: [N,C,H,W] -> [N,C] or [N,C,1,1]. */
export const planeReduction: BlockedForm = (call, layout) => {
  const x = call.inputs[0] as Value;
  if (!layout.holds(x)) return undefined;
  const known = call.constants[1];
  const axes = known && numbersOf(known).map((a) => normaliseAxis(call, a, 4));
  if (axes?.length !== 2 || !axes.includes(2) || !axes.includes(3)) return undefined;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const means = planeMeans(layout, x);
  const values = call.op === "ReduceSum" ? scale(layout.builder, means, h * w) : means;
  return [reshape(layout.builder, values, readInt(call.attributes, "keepdims", 1) ? [n, c, 1, 1] : [n, c])];
};

/** [N,C,1,1], without padding. */
function planeMeans(layout: BlockedLayout, x: Value): Value {
  const b = layout.builder;
  const means = b.op("GlobalAveragePool", [layout.blocked(x)], {}, { domain: NCHWC_DOMAIN });
  const channels = x.shape[1] as number;
  if (means.shape[1] === channels) return means;
  const at = (i: number): Value => b.constant(int64s([i]));
  return b.op("Slice", [means, at(0), at(channels), at(1)]);
}

export const globalAverage: BlockedForm = (call, layout) => {
  const x = call.inputs[0] as Value;
  return layout.holds(x) ? [planeMeans(layout, x)] : undefined;
};

/** One value a plane spread over its pixels: [N,C,1,1] -> [N,C,H,W]. */
export const spreadPlanes: BlockedForm = (call, layout) => {
  const x = call.inputs[0] as Value;
  const known = call.constants[1];
  const shape = known && numbersOf(known);
  if (x.dtype !== "float32" || x.shape.length !== 4 || shape?.length !== 4) return undefined;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  if (h !== 1 || w !== 1 || n !== shape[0] || c !== shape[1] || 2 * c < layout.block) return undefined;
  const [H, W] = [shape[2] as number, shape[3] as number];
  if (H * W === 1) return undefined;
  const b = layout.builder;
  const lanes = layout.lanes(layout.blocked(x));
  const target = b.constant(int64s([n, lanes.shape[1] as number, H, W, layout.block]));
  return [layout.take(layout.fromLanes(b.op("Expand", [lanes, target])), c)];
};

/** Joins whole blocks: only the last part may have padding. */
export const concatenation: BlockedForm = (call, layout) => {
  const parts = call.inputs as readonly Value[];
  const axis = normaliseAxis(call, readInt(call.attributes, "axis", 1), (parts[0] as Value).shape.length);
  if (!parts.some((p) => layout.holds(p)) || axis !== 1) return undefined;
  if (parts.slice(0, -1).some((p) => (p.shape[1] as number) % layout.block !== 0)) return undefined;
  const joined = layout.builder.op(
    "Concat",
    parts.map((p) => layout.blocked(p)),
    { axis: int(1) },
  );
  return [
    layout.take(
      joined,
      parts.reduce((sum, p) => sum + (p.shape[1] as number), 0),
    ),
  ];
};
