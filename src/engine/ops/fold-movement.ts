/** Folding of ops that only move values: what the shape arithmetic of foreign models is made of. */
import type { OpCall } from "../graph/builder.js";
import { allocate, isFloat, sizeOf } from "../graph/tensor.js";
import type { DType, Tensor, TensorData } from "../graph/types.js";
import { FLOAT_LIMIT, foldable } from "./fold.js";

/** Most elements that a folded value may grow to; what the builder remembers. */
const LIMIT = 4096;

/** Whether a value grown from a smaller one (Expand, Tile, ConstantOfShape, Range) is still worth folding. */
export function smallEnough(dtype: DType, shape: readonly number[]): boolean {
  return sizeOf(shape) <= (isFloat(dtype) ? FLOAT_LIMIT : LIMIT);
}

/** The known tensors of a call's present inputs when they are worth folding (see `foldable`). */
export function knownInputs(call: OpCall): readonly Tensor[] | undefined {
  return foldable({ ...call, constants: call.constants.filter((_, i) => call.inputs[i] !== undefined) });
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, i) => sizeOf(shape.slice(i + 1)));
}

/**
 * A tensor whose element at `index` is element `source(index)` of another. Elements are copied as they are stored, so
 * that 64-bit integers survive ("to the end" is 2^63 - 1 in ONNX).
 */
export function rearrange(t: Tensor, shape: readonly number[], source: (index: readonly number[]) => number): Tensor {
  const data = allocate(t.dtype, sizeOf(shape));
  const strides = stridesOf(shape);
  for (let flat = 0; flat < data.length; flat++) {
    const index = shape.map((d, i) => Math.floor(flat / (strides[i] as number)) % d);
    data[flat] = (t.data as Exclude<TensorData, readonly string[]>)[source(index)] as number & bigint;
  }
  return { dtype: t.dtype, shape, data };
}

/** Tensors of one type joined along an axis. */
export function concatenate(parts: readonly Tensor[], axis: number, shape: readonly number[]): Tensor {
  const { dtype } = parts[0] as Tensor;
  const data = allocate(dtype, sizeOf(shape));
  const outer = sizeOf(shape.slice(0, axis));
  let to = 0;
  for (let o = 0; o < outer; o++) {
    for (const part of parts) {
      const chunk = part.data.length / outer;
      for (let i = o * chunk; i < (o + 1) * chunk; i++) data[to++] = part.data[i] as number & bigint;
    }
  }
  return { dtype, shape, data };
}

/** Flat position of an index. */
export function at(strides: readonly number[], index: readonly number[]): number {
  return index.reduce((sum, n, i) => sum + n * (strides[i] as number), 0);
}
