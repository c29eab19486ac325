/**
 * Folding of shape arithmetic. Integers and booleans fold at any size the builder remembers; floats only as scalars
 * and short vectors (Resize scales and the like), where nothing is gained at run time but a later shape may need them.
 * int64 is computed in BigInt, so that ONNX's "to the end" (2^63 - 1) survives.
 */
import type { OpCall } from "../graph/builder.js";
import { allocate, isFloat, sizeOf } from "../graph/tensor.js";
import type { DType, Tensor } from "../graph/types.js";
import { broadcastShapes } from "./support.js";

type Scalar = number | bigint;

/** Longest float vector that is folded. */
export const FLOAT_LIMIT = 8;

/** The known inputs of a call when all are there and of a kind and size worth folding. */
export function foldable(call: OpCall): readonly Tensor[] | undefined {
  const tensors: Tensor[] = [];
  for (const t of call.constants) {
    if (!t || t.dtype === "string" || t.dtype === "float16" || t.dtype === "bfloat16") return undefined;
    if (isFloat(t.dtype) && (t.shape.length > 1 || sizeOf(t.shape) > FLOAT_LIMIT)) return undefined;
    tensors.push(t);
  }
  return tensors.length ? tensors : undefined;
}

/**
 * Applies a function elementwise with broadcasting.
 * @param apply gets one value per tensor: bigint for 64-bit integers, else number
 */
export function foldElementwise(
  call: OpCall,
  tensors: readonly Tensor[],
  dtype: DType,
  apply: (...values: Scalar[]) => Scalar | boolean,
): Tensor[] {
  const shape = broadcastShapes(call, ...tensors.map((t) => t.shape));
  const data = allocate(dtype, sizeOf(shape));
  const big = data instanceof BigInt64Array || data instanceof BigUint64Array;
  for (let flat = 0; flat < data.length; flat++) {
    const values = tensors.map((t) => (t.data as ArrayLike<Scalar>)[offset(flat, shape, t.shape)] as Scalar);
    const result = apply(...values);
    if (big) data[flat] = typeof result === "bigint" ? result : BigInt(Math.trunc(Number(result)));
    else data[flat] = Number(result);
  }
  return [{ dtype, shape, data }];
}

/** Folding of two operands of one type: the same formula in BigInt and in numbers. */
export function foldArithmetic(
  numbers: (a: number, b: number) => number,
  bigs: (a: bigint, b: bigint) => bigint,
  integers = numbers,
): (call: OpCall) => readonly Tensor[] | undefined {
  return (call) => {
    const tensors = foldable(call);
    const dtype = tensors?.[0]?.dtype;
    if (!tensors || !dtype) return undefined;
    const plain = isFloat(dtype) ? numbers : integers;
    return foldElementwise(call, tensors, dtype, (a, b) =>
      typeof a === "bigint" ? bigs(a, b as bigint) : plain(a as number, b as number),
    );
  };
}

/** Position in a broadcast operand of element `flat` of the result. */
function offset(flat: number, shape: readonly number[], operand: readonly number[]): number {
  let rest = flat;
  let stride = 1;
  let at = 0;
  for (let i = shape.length - 1, k = operand.length - 1; k >= 0; i--, k--) {
    const size = shape[i] as number;
    const own = operand[k] as number;
    if (own !== 1) at += (rest % size) * stride;
    stride *= own;
    rest = Math.floor(rest / size);
  }
  return at;
}
