/** Shapes: reading them, changing them without moving a value, and values that a shape alone gives. */
import { readInt, readTensor } from "../graph/attributes.js";
import type { OpCall, Value } from "../graph/builder.js";
import { int64s, numbersOf, sizeOf, tensor } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { knownInputs, rearrange, smallEnough } from "./fold-movement.js";
import {
  broadcastShapes,
  knownInts,
  misfit,
  normaliseAxis,
  required,
  reshape,
  sumTo,
  typeOf,
  unknownInput,
} from "./support.js";

export { zeros } from "./slice.js";

/** Ops that keep every value where it is: only the shape is new. */
function reshaping(op: string, shape: (call: OpCall) => readonly number[]): OpDefinition {
  return {
    op,
    infer: (call) => [typeOf(required(call, 0).dtype, shape(call))],
    gradient: (c: GradientContext) => [
      reshape(c.builder, c.gradients[0] as Value, (c.inputs[0] as Value).shape),
      undefined,
    ],
    evaluate: (call) => {
      const [x] = knownInputs(call) ?? [];
      return x && [{ ...x, shape: shape(call) }];
    },
  };
}

function reshapedShape(call: OpCall): number[] {
  const x = required(call, 0);
  const wanted = knownInts(call, 1);
  if (!wanted) throw misfit(call, "the new shape is missing");
  const zeros = readInt(call.attributes, "allowzero", 0) !== 0;
  const shape = wanted.map((d, i) => (d === 0 && !zeros ? (x.shape[i] ?? Number.NaN) : d));
  const rest = shape.reduce((p, d) => (d === -1 ? p : p * d), 1);
  const size = sizeOf(x.shape);
  const full = shape.map((d) => (d === -1 ? (rest === 0 ? 0 : size / rest) : d));
  if (
    shape.filter((d) => d === -1).length > 1 ||
    sizeOf(full) !== size ||
    full.some((d) => !Number.isInteger(d) || d < 0)
  ) {
    throw misfit(call, `[${x.shape}] does not reshape to [${wanted}]`);
  }
  return full;
}

function flattenedShape(call: OpCall): number[] {
  const { shape } = required(call, 0);
  const axis = readInt(call.attributes, "axis", 1);
  const at = axis < 0 ? axis + shape.length : axis;
  if (at < 0 || at > shape.length) throw misfit(call, `axis ${axis} is outside the ${shape.length} dimensions`);
  return [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))];
}

function squeezedShape(call: OpCall): number[] {
  const x = required(call, 0);
  const given = knownInts(call, 1);
  // Empty axes mean the same as none, as ONNX Runtime reads them.
  const axes = given?.length ? given.map((a) => normaliseAxis(call, a, x.shape.length)) : undefined;
  for (const a of axes ?? []) if (x.shape[a] !== 1) throw misfit(call, `axis ${a} has size ${x.shape[a]}`, "1");
  return x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1));
}

function unsqueezedShape(call: OpCall): number[] {
  const x = required(call, 0);
  const axes = knownInts(call, 1) ?? [];
  const rank = x.shape.length + axes.length;
  const places = new Set(axes.map((a) => normaliseAxis(call, a, rank)));
  if (places.size !== axes.length) throw misfit(call, `an axis of [${axes}] repeats`);
  const rest = [...x.shape];
  return Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : (rest.shift() as number)));
}

/** The part of the input's shape that a Shape gives. */
function shapePart(call: OpCall): number[] {
  const { shape } = required(call, 0);
  const at = (v: number): number => Math.max(0, Math.min(shape.length, v < 0 ? v + shape.length : v));
  return shape.slice(at(readInt(call.attributes, "start", 0)), at(readInt(call.attributes, "end", shape.length)));
}

const expanding: OpDefinition = {
  op: "Expand",
  infer: (call) => [typeOf(required(call, 0).dtype, expandedShape(call))],
  gradient: (c) => [sumTo(c.builder, c.gradients[0] as Value, (c.inputs[0] as Value).shape), undefined],
  evaluate: (call) => {
    const [x] = knownInputs(call) ?? [];
    const shape = x && expandedShape(call);
    if (!x || !shape || !smallEnough(x.dtype, shape)) return undefined;
    const lead = shape.length - x.shape.length;
    return [
      rearrange(x, shape, (index) =>
        x.shape.reduce((p, d, i) => p * d + (d === 1 ? 0 : (index[lead + i] as number)), 0),
      ),
    ];
  },
};

function expandedShape(call: OpCall): number[] {
  return broadcastShapes(call, required(call, 0).shape, knownInts(call, 1) ?? []);
}

/** The one element a ConstantOfShape repeats. */
const fillOf = (call: OpCall): Tensor => readTensor(call.attributes, "value") ?? tensor("float32", [0]);

/** How many numbers a Range gives; its bounds must be known. */
function rangeOf(call: OpCall): { dtype: Tensor["dtype"]; start: number; delta: number; count: number } {
  const [start, limit, delta] = [0, 1, 2].map((i) => {
    const known = required(call, i) && call.constants[i];
    if (!known) throw unknownInput(call, i);
    return numbersOf(known)[0] as number;
  }) as [number, number, number];
  if (delta === 0) throw misfit(call, "the step is 0");
  return { dtype: required(call, 0).dtype, start, delta, count: Math.max(0, Math.ceil((limit - start) / delta)) };
}

export const shapeOps: readonly OpDefinition[] = [
  {
    op: "Shape",
    infer: (call) => [typeOf("int64", [shapePart(call).length])],
    gradient: "zero",
    evaluate: (call) => [int64s(shapePart(call))],
  },
  {
    op: "Size",
    infer: () => [typeOf("int64", [])],
    gradient: "zero",
    evaluate: (call) => [tensor("int64", [sizeOf(required(call, 0).shape)], [])],
  },
  reshaping("Reshape", reshapedShape),
  reshaping("Flatten", flattenedShape),
  reshaping("Squeeze", squeezedShape),
  reshaping("Unsqueeze", unsqueezedShape),
  expanding,
  {
    op: "ConstantOfShape",
    infer: (call) => [typeOf(fillOf(call).dtype, knownInts(call, 0) ?? [])],
    gradient: "zero",
    evaluate: (call) => {
      const shape = call.constants[0] && numbersOf(call.constants[0]);
      if (!shape || !smallEnough(fillOf(call).dtype, shape)) return undefined;
      return [rearrange(fillOf(call), shape, () => 0)];
    },
  },
  {
    op: "Range",
    infer: (call) => {
      const { dtype, count } = rangeOf(call);
      return [typeOf(dtype, [count])];
    },
    gradient: "zero",
    evaluate: (call) => {
      const known = knownInputs(call);
      const range = known && rangeOf(call);
      if (!range || !smallEnough(range.dtype, [range.count])) return undefined;
      const { dtype, start, delta, count } = range;
      return [
        tensor(
          dtype,
          Array.from({ length: count }, (_, i) => start + i * delta),
        ),
      ];
    },
    note: "start, limit and delta must be known at compile time",
  },
];
