/** Shared pieces of shape and gradient rules. */
import { int, ints } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s, numbersOf, scalar, sizeOf } from "../graph/tensor.js";
import type { DType } from "../graph/types.js";
import { InputError } from "../errors.js";

/** The error for inputs an op cannot take; names the node. */
export function misfit(call: OpCall, problem: string): InputError {
  const shapes = call.inputs.map((v) => (v ? `${v.dtype}[${v.shape.join(",")}]` : "-")).join(", ");
  return new InputError(`node "${call.name}" (${call.op})`, `${problem}; inputs are ${shapes}`);
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
  if (!known) throw misfit(call, `input ${i} must be known while compiling, but it depends on run-time values`);
  return numbersOf(known);
}

/** NumPy broadcasting of two or more shapes. */
export function broadcastShapes(call: OpCall, ...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    let size = 1;
    for (const shape of shapes) {
      const d = shape[i - rank + shape.length] ?? 1;
      if (d !== 1 && size !== 1 && d !== size) throw misfit(call, `shapes do not broadcast (${size} against ${d})`);
      if (d !== 1) size = d;
    }
    return size;
  });
}

/** Axis in [0, rank). */
export function normaliseAxis(call: OpCall, axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(a) || a < 0 || a >= Math.max(rank, 1))
    throw misfit(call, `axis ${axis} is outside rank ${rank}`);
  return a;
}

export const typeOf = (dtype: DType, shape: readonly number[]): StaticType => ({ dtype, shape });

/** A scalar constant of the given float type. */
export function constantLike(b: GraphBuilder, value: number, like: Value): Value {
  return b.constant(scalar(value, like.dtype));
}

/** Sums a broadcast gradient back to the shape it came from (the adjoint of broadcasting). */
export function sumTo(b: GraphBuilder, gradient: Value, shape: readonly number[]): Value {
  const rank = gradient.shape.length;
  const lead = rank - shape.length;
  const axes: number[] = [];
  for (let i = 0; i < rank; i++) {
    const target = i < lead ? 1 : (shape[i - lead] as number);
    if (i < lead || (target === 1 && gradient.shape[i] !== 1)) axes.push(i);
  }
  const summed = axes.length ? b.op("ReduceSum", [gradient, b.constant(int64s(axes))], { keepdims: int(1) }) : gradient;
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

export function transpose(b: GraphBuilder, value: Value, perm: readonly number[]): Value {
  if (perm.every((p, i) => p === i)) return value;
  return b.op("Transpose", [value], { perm: ints(perm) });
}
