/**
 * Looking values up by index, and putting them back. Gradients that must add where indices repeat use ScatterElements
 * with reduction add: ScatterND runs in parallel over the updates in ONNX Runtime and would race.
 */
import { int, readInt, readText, text } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { numbersOf, scalar, sizeOf, tensor } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import { quote } from "../../base/quote.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { at, knownInputs, rearrange, stridesOf } from "./fold-movement.js";
import { padZero, zeros } from "./slice.js";
import {
  expand,
  maskOf,
  misfit,
  noGradient,
  normaliseAxis,
  required,
  reshape,
  sumTo,
  typeOf,
  unsupported,
} from "./support.js";

const x0 = (call: OpCall): Value => required(call, 0);
const axisOf = (call: OpCall): number =>
  normaliseAxis(call, readInt(call.attributes, "axis", 0), x0(call).shape.length);

function inferGather(call: OpCall): StaticType[] {
  const { dtype, shape } = x0(call);
  const axis = axisOf(call);
  if (shape.length === 0) throw misfit(call, "the data is a single number", "at least one dimension");
  return [typeOf(dtype, [...shape.slice(0, axis), ...required(call, 1).shape, ...shape.slice(axis + 1)])];
}

function foldGather(call: OpCall): Tensor[] | undefined {
  const [x, indices] = knownInputs(call) ?? [];
  const [type] = x && indices ? inferGather(call) : [];
  if (!x || !indices || !type) return undefined;
  const axis = axisOf(call);
  const size = x.shape[axis] as number;
  const picked = numbersOf(indices).map((i) => (i < 0 ? i + size : i));
  if (picked.some((i) => i < 0 || i >= size)) throw misfit(call, `an index is outside 0 to ${size - 1}`);
  const strides = stridesOf(x.shape);
  const inner = stridesOf(indices.shape);
  const rank = indices.shape.length;
  const source = (index: readonly number[]): number => {
    const which = picked[at(inner, index.slice(axis, axis + rank))] as number;
    return at(strides, [...index.slice(0, axis), which, ...index.slice(axis + rank)]);
  };
  return [rearrange(x, type.shape, source)];
}

function gatherGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const [x, indices] = c.inputs as [Value, Value];
  const axis = axisOf(c.call);
  const count = sizeOf(indices.shape);
  const flat = x.shape.map((d, i) => (i === axis ? count : d));
  const g = reshape(b, c.gradients[0] as Value, flat);
  const known = c.call.constants[1];
  if (known && count === 1) return [placed(b, g, x, axis, numbersOf(known)[0] as number), undefined];
  const spread = expand(
    b,
    reshape(
      b,
      indices,
      flat.map((_, i) => (i === axis ? count : 1)),
    ),
    flat,
  );
  return [scatterAdd(b, x, spread, g, axis), undefined];
}

/** One known position (a class token, a channel): zeros around it. */
function placed(b: GraphBuilder, g: Value, x: Value, axis: number, index: number): Value {
  const size = x.shape[axis] as number;
  const position = index < 0 ? index + size : index;
  const around = (n: number): number[] => x.shape.map((_, i) => (i === axis ? n : 0));
  return padZero(b, g, around(position), around(size - 1 - position));
}

/** Zeros of x's shape with `updates` added at `indices` along an axis. */
export function scatterAdd(b: GraphBuilder, x: Value, indices: Value, updates: Value, axis: number): Value {
  return b.op("ScatterElements", [zeros(b, x), indices, updates], { axis: int(axis), reduction: text("add") });
}

function inferGatherElements(call: OpCall): StaticType[] {
  const { dtype, shape } = x0(call);
  const indices = required(call, 1).shape;
  const axis = axisOf(call);
  if (shape.length !== indices.length || shape.some((d, i) => i !== axis && (indices[i] as number) > d))
    throw misfit(
      call,
      "the indices do not fit the data",
      "as many dimensions as the data, none larger except at the axis",
    );
  return [typeOf(dtype, indices)];
}

/** Shape rule of ScatterElements and ScatterND. */
function inferScatter(call: OpCall, updates: readonly number[]): StaticType[] {
  const { dtype, shape } = x0(call);
  const given = required(call, 2);
  if (given.dtype !== dtype) throw misfit(call, "data and updates have different element types");
  if (given.shape.length !== updates.length || given.shape.some((d, i) => d !== updates[i]))
    throw misfit(call, `the updates are [${given.shape}]`, `[${updates}]`);
  return [typeOf(dtype, shape)];
}

/**
 * Gradient of ScatterElements and ScatterND without reduction or with reduction add.
 * @param clear the gradient with zeros where the updates replaced the data
 * @param pick what of the gradient lies where the updates went
 */
function scatterGradient(
  c: GradientContext,
  clear: (g: Value, zeros: Value) => Value,
  pick: (g: Value) => Value,
): (Value | undefined)[] {
  const reduction = readText(c.call.attributes, "reduction", "none");
  if (reduction !== "add" && reduction !== "none") throw noGradient(c.call, `the reduction ${quote(reduction)}`);
  const g = c.gradients[0] as Value;
  const kept = (): Value => (reduction === "add" ? g : clear(g, zeros(c.builder, c.inputs[2] as Value)));
  return [c.wants(0) ? kept() : undefined, undefined, c.wants(2) ? pick(g) : undefined];
}

function inferGatherND(call: OpCall): StaticType[] {
  const { dtype, shape } = x0(call);
  const indices = required(call, 1).shape;
  const batch = readInt(call.attributes, "batch_dims", 0);
  const depth = indices[indices.length - 1] ?? 0;
  if (indices.length <= batch || depth < 1 || batch + depth > shape.length)
    throw misfit(call, `indices of depth ${depth} behind ${batch} batch dimensions do not fit the data`);
  if (shape.slice(0, batch).some((d, i) => d !== indices[i])) throw misfit(call, "the batch dimensions differ");
  return [typeOf(dtype, [...indices.slice(0, -1), ...shape.slice(batch + depth)])];
}

/** Rows [positions, rest] of the data, numbered flat: indices that ScatterElements takes, whatever their depth. */
function gatherNDGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const [x, indices] = c.inputs as [Value, Value];
  const batch = readInt(c.call.attributes, "batch_dims", 0);
  const depth = indices.shape[indices.shape.length - 1] as number;
  const indexed = x.shape.slice(0, batch + depth);
  const rest = sizeOf(x.shape.slice(batch + depth));
  const rows = flatRows(b, indices, indexed, batch);
  const count = rows.shape[0] as number;
  const flat = zeros(b, { ...x, shape: [sizeOf(indexed), rest] });
  const spread = expand(b, reshape(b, rows, [count, 1]), [count, rest]);
  const g = reshape(b, c.gradients[0] as Value, [count, rest]);
  return [reshape(b, scatterAdd(b, flat, spread, g, 0), x.shape), undefined];
}

/** The flat number of each index tuple among `indexed` dimensions: [..., depth] -> [tuples]. */
function flatRows(b: GraphBuilder, indices: Value, indexed: readonly number[], batch: number): Value {
  const { dtype } = indices;
  const row = (values: readonly number[]): Value => b.constant(tensor(dtype, values));
  const sizes = indexed.slice(batch);
  const strides = stridesOf(sizes);
  const negative = maskOf(b, b.op("Less", [indices, b.constant(scalar(0, dtype))]), indices);
  const positive = b.op("Add", [indices, b.op("Mul", [negative, row(sizes)])]);
  const last = b.constant(tensor("int64", [-1]));
  const flat = b.op("ReduceSum", [b.op("Mul", [positive, row(strides)]), last], { keepdims: int(0) });
  const groups = sizeOf(indexed.slice(0, batch));
  const tuples = sizeOf(indices.shape.slice(0, -1));
  if (groups === 1) return reshape(b, flat, [tuples]);
  // Each batch entry looks into rows of its own.
  const own = sizeOf(sizes);
  const offsets = b.constant(
    tensor(
      dtype,
      Array.from({ length: groups }, (_, i) => i * own),
      [groups, 1],
    ),
  );
  return reshape(b, b.op("Add", [reshape(b, flat, [groups, tuples / groups]), offsets]), [tuples]);
}

function inferOneHot(call: OpCall): StaticType[] {
  const indices = required(call, 0);
  const values = required(call, 2);
  const known = call.constants[1];
  if (!required(call, 1) || !known)
    throw unsupported(call, "its depth depends on the values of the samples", "Export the model with a constant depth");
  if (sizeOf(values.shape) !== 2) throw misfit(call, `it has ${sizeOf(values.shape)} values`, "2, [off, on]");
  const rank = indices.shape.length + 1;
  const axis = normaliseAxis(call, readInt(call.attributes, "axis", -1), rank);
  const depth = numbersOf(known)[0] as number;
  return [typeOf(values.dtype, [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)])];
}

/** off + (on - off) hot: on gets the gradient where it is hot, off the rest. */
function oneHotGradient(c: GradientContext): (Value | undefined)[] {
  if (!c.wants(2)) return [];
  const b = c.builder;
  const g = c.gradients[0] as Value;
  const marks = b.constant(tensor(g.dtype, [0, 1]));
  const hot = b.op("OneHot", [c.inputs[0], c.inputs[1], marks], c.call.attributes);
  const on = sumTo(b, b.op("Mul", [g, hot]), [1]);
  const off = b.op("Sub", [sumTo(b, g, [1]), on]);
  return [undefined, undefined, b.op("Concat", [off, on], { axis: int(0) })];
}

export const gatherOps: readonly OpDefinition[] = [
  { op: "Gather", infer: inferGather, gradient: gatherGradient, evaluate: foldGather },
  {
    op: "GatherElements",
    infer: inferGatherElements,
    gradient: (c) => [
      scatterAdd(c.builder, c.inputs[0] as Value, c.inputs[1] as Value, c.gradients[0] as Value, axisOf(c.call)),
      undefined,
    ],
  },
  { op: "GatherND", infer: inferGatherND, gradient: gatherNDGradient },
  {
    op: "ScatterElements",
    infer: (call) => {
      inferGatherElements(call);
      return inferScatter(call, required(call, 1).shape);
    },
    gradient: (c) => {
      const axis = { axis: int(axisOf(c.call)) };
      return scatterGradient(
        c,
        (g, none) => c.builder.op("ScatterElements", [g, c.inputs[1], none], axis),
        (g) => c.builder.op("GatherElements", [g, c.inputs[1]], axis),
      );
    },
    note: "gradient for reduction add, and without reduction if indices do not repeat",
  },
  {
    op: "ScatterND",
    infer: (call) => {
      const [type] = inferGatherND({ ...call, attributes: {} });
      return inferScatter(call, (type as StaticType).shape);
    },
    gradient: (c) =>
      scatterGradient(
        c,
        (g, none) => c.builder.op("ScatterND", [g, c.inputs[1], none]),
        (g) => c.builder.op("GatherND", [g, c.inputs[1]]),
      ),
    note: "gradient for reduction add, and without reduction if indices do not repeat",
  },
  {
    op: "OneHot",
    infer: inferOneHot,
    gradient: oneHotGradient,
    note: "the depth must be known at compile time",
  },
];
