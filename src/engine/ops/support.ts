/** Shared pieces of shape and gradient rules. */

import { InputError } from "../../base/errors.js";
import { maxOf } from "../../base/extremes.js";
import { int, ints } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s, numbersOf, scalar, sizeOf, tensor } from "../graph/tensor.js";
import type { DType } from "../graph/types.js";
import { quote } from "../../base/quote.js";

/** The error for inputs an op cannot take; names the node. @param expected a noun phrase, where `found` does not say it */
export function misfit(call: OpCall, found: string, expected?: string): InputError {
  const shapes = call.inputs.map((v) => (v ? `${v.dtype}[${v.shape.join(",")}]` : "none")).join(", ");
  return new InputError({
    code: "model-invalid",
    where: `node ${quote(call.name)} (${call.op})`,
    found: `${found}; its inputs are ${shapes}`,
    expected,
    cure: "Export the model again, and check it with onnx.checker",
  });
}

/** The error for a form of an op that limbeck cannot train through; names the node. */
export function unsupported(call: OpCall, found: string, cure: string): InputError {
  return new InputError({ code: "model-unsupported", where: `node ${quote(call.name)} (${call.op})`, found, cure });
}

/** The error for a form of an op that has no gradient rule; names the node. @param form "the reduction max" */
export function noGradient(call: OpCall, form: string): InputError {
  return new InputError({
    code: "gradient-missing",
    where: `node ${quote(call.name)} (${call.op})`,
    found: `limbeck has no gradient rule for ${form}`,
    cure: "Freeze the parameters before this node, or replace it",
  });
}

/** Input i, which must be there. */
export function required(call: OpCall, i: number): Value {
  const value = call.inputs[i];
  if (!value) throw misfit(call, `input ${i} is missing`);
  return value;
}

/** Input i as known integers (axes, shapes, pads); undefined when absent; an error when only known at run time. */
export function knownInts(call: OpCall, i: number): number[] | undefined {
  if (!call.inputs[i]) return undefined;
  const known = call.constants[i];
  if (!known) throw unknownInput(call, i);
  return numbersOf(known);
}

/** The error for an input (axes, a shape, pads) that only a run would tell. */
export function unknownInput(call: OpCall, i: number): InputError {
  return unsupported(
    call,
    `its input ${i} depends on the values of the samples, and it must be known before training`,
    "Export the model with fixed sizes (without dynamic axes)",
  );
}

/** NumPy broadcasting of two or more shapes. */
export function broadcastShapes(call: OpCall, ...shapes: readonly (readonly number[])[]): number[] {
  const rank = maxOf(shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    let size = 1;
    for (const shape of shapes) {
      const d = shape[i - rank + shape.length] ?? 1;
      if (d !== 1 && size !== 1 && d !== size) throw misfit(call, `the shapes do not broadcast (${size} against ${d})`);
      if (d !== 1) size = d;
    }
    return size;
  });
}

/** Axis in [0, rank). */
export function normaliseAxis(call: OpCall, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= Math.max(rank, 1))
    throw misfit(call, `axis ${axis} is outside the ${rank} dimensions`);
  return a;
}

export const typeOf = (dtype: DType, shape: readonly number[]): StaticType => ({ dtype, shape });

/** A scalar constant of the given float type. */
export function constantLike(b: GraphBuilder, value: number, like: Value): Value {
  return b.constant(scalar(value, like.dtype));
}

/** Elements from which a sum of rows is quicker as a matrix product, measured. */
const WORTH_A_PRODUCT = 1 << 14;

/** Sums a broadcast gradient back to the shape it came from (the adjoint of broadcasting). */
export function sumTo(b: GraphBuilder, gradient: Value, shape: readonly number[]): Value {
  const rank = gradient.shape.length;
  const lead = rank - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < rank; i++) {
    const target = i < lead ? 1 : (shape[i - lead] as number);
    if (i < lead || (target === 1 && gradient.shape[i] !== 1)) axes.push(i);
  }
  const rows = sizeOf(gradient.shape.slice(0, lead));
  // Leading axes alone (a bias): a row of ones times a matrix takes half of the time of ReduceSum, unless both take none.
  if (axes.length === lead && rows > 1 && gradient.dtype === "float32" && sizeOf(gradient.shape) >= WORTH_A_PRODUCT) {
    const ones = b.constant(tensor("float32", new Float32Array(rows).fill(1), [1, rows]), "ones");
    return reshape(b, b.op("MatMul", [ones, reshape(b, gradient, [rows, sizeOf(shape)])]), shape);
  }
  // Leading axes alone (a bias) disappear in the sum itself; the others stay as 1.
  const keepdims = int(axes.every((i) => i < lead) ? 0 : 1);
  const summed = axes.length ? b.op("ReduceSum", [gradient, b.constant(int64s(axes))], { keepdims }) : gradient;
  return reshape(b, summed, shape);
}

/** Reshape to a static shape; nothing when it has that shape already. */
export function reshape(b: GraphBuilder, value: Value, shape: readonly number[]): Value {
  if (value.shape.length === shape.length && value.shape.every((d, i) => d === shape[i])) return value;
  if (sizeOf(value.shape) !== sizeOf(shape))
    throw new Error(`reshape of "${value.name}": [${value.shape}] to [${shape}]`);
  return b.op("Reshape", [value, b.constant(int64s(shape))], { allowzero: int(shape.includes(0) ? 1 : 0) });
}

/** Expands by broadcasting to a static shape. */
export function expand(b: GraphBuilder, value: Value, shape: readonly number[]): Value {
  if (value.shape.length === shape.length && value.shape.every((d, i) => d === shape[i])) return value;
  return b.op("Expand", [value, b.constant(int64s(shape))]);
}

/** Moves axes; a Reshape where only axes of size 1 change places, since no byte moves then. */
export function transpose(b: GraphBuilder, value: Value, perm: readonly number[]): Value {
  if (perm.every((p, i) => p === i)) return value;
  const moved = perm.filter((p) => value.shape[p] !== 1);
  if (moved.every((p, i) => i === 0 || p > (moved[i - 1] as number)))
    return reshape(
      b,
      value,
      perm.map((p) => value.shape[p] as number),
    );
  return b.op("Transpose", [value], { perm: ints(perm) });
}

/** ONNX's element type codes (TensorProto.DataType), as Cast's `to` uses them. */
const TYPE_CODES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
};

/** ONNX's code of an element type. */
export function typeCode(dtype: DType): number {
  return TYPE_CODES[dtype];
}

/** The element type behind ONNX's code, if it is one of ours. */
export function dtypeOfCode(code: number): DType | undefined {
  return (Object.keys(TYPE_CODES) as DType[]).find((dtype) => TYPE_CODES[dtype] === code);
}

/** A condition as 0 and 1 of `like`'s type. */
export function maskOf(b: GraphBuilder, condition: Value, like: Value): Value {
  return b.op("Cast", [condition], { to: int(typeCode(like.dtype)) });
}

/** value * factor; the value itself for a factor of 1. */
export function scale(b: GraphBuilder, value: Value, factor: number): Value {
  return factor === 1 ? value : b.op("Mul", [value, constantLike(b, factor, value)]);
}

/** The given inputs (at least `least` of them), which must share one element type. */
export function sameTyped(call: OpCall, least: number): Value[] {
  const values = call.inputs.map((_, i) => required(call, i));
  if (values.length < least) throw misfit(call, `it has ${values.length} inputs`, `at least ${least}`);
  if (values.some((v) => v.dtype !== values[0]?.dtype)) throw misfit(call, "the inputs have different element types");
  return values;
}

/** Shape rule of an elementwise op of two or more operands of one type, with broadcasting. */
export function inferBroadcast(call: OpCall): StaticType[] {
  const values = sameTyped(call, 1);
  return [typeOf((values[0] as Value).dtype, broadcastShapes(call, ...values.map((v) => v.shape)))];
}

/** The same for exactly two operands. */
export function inferPair(call: OpCall): StaticType[] {
  if (call.inputs.length !== 2) throw misfit(call, `it has ${call.inputs.length} inputs`, "2");
  return inferBroadcast(call);
}

/** Shape rule of ops whose only output has the first input's type and shape. */
export function inferSame(call: OpCall): StaticType[] {
  const x = required(call, 0);
  return [typeOf(x.dtype, x.shape)];
}
