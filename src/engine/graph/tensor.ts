/** Small helpers over `Tensor`: making, sizing, reading as numbers. */
import { InputError } from "../../base/errors.js";
import type { DType, Tensor, TensorData } from "./types.js";

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  let size = 1;
  for (const d of shape) size *= d;
  return size;
}

const BYTES: Record<DType, number> = {
  float32: 4,
  float64: 8,
  float16: 2,
  bfloat16: 2,
  int8: 1,
  int16: 2,
  int32: 4,
  int64: 8,
  uint8: 1,
  uint16: 2,
  uint32: 4,
  uint64: 8,
  bool: 1,
  string: 0,
};

/** Bytes of one element; 0 for strings, which have no fixed size. */
export function bytesPerElement(dtype: DType): number {
  return BYTES[dtype];
}

export function isFloat(dtype: DType): boolean {
  return dtype === "float32" || dtype === "float64" || dtype === "float16" || dtype === "bfloat16";
}

/** A tensor from plain numbers; the shape defaults to a vector. Throws when sizes disagree. */
export function tensor(dtype: DType, values: ArrayLike<number>, shape: readonly number[] = [values.length]): Tensor {
  if (sizeOf(shape) !== values.length) {
    throw new RangeError(`tensor: ${values.length} values do not fill the shape [${shape.join(", ")}]`);
  }
  return { dtype, shape, data: toData(dtype, values) };
}

export function scalar(value: number, dtype: DType = "float32"): Tensor {
  return tensor(dtype, [value], []);
}

export function int64s(values: readonly number[]): Tensor {
  return tensor("int64", values);
}

/** Storage for `size` zeros of a type. */
export function allocate(dtype: DType, size: number): Exclude<TensorData, readonly string[]> {
  switch (dtype) {
    case "float32":
      return new Float32Array(size);
    case "float64":
      return new Float64Array(size);
    case "float16":
    case "bfloat16":
    case "uint16":
      return new Uint16Array(size);
    case "int8":
      return new Int8Array(size);
    case "int16":
      return new Int16Array(size);
    case "int32":
      return new Int32Array(size);
    case "uint32":
      return new Uint32Array(size);
    case "int64":
      return new BigInt64Array(size);
    case "uint64":
      return new BigUint64Array(size);
    case "uint8":
    case "bool":
      return new Uint8Array(size);
    case "string":
      throw new TypeError("string tensors have no numeric storage");
  }
}

function toData(dtype: DType, values: ArrayLike<number>): TensorData {
  const data = allocate(dtype, values.length);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i] as number);
  } else {
    data.set(values);
  }
  return data;
}

/** The values as JavaScript numbers (int64 must be exact below 2^53). Not for strings or 16-bit floats. */
export function numbersOf(t: Tensor): number[] {
  if (t.dtype === "string" || t.dtype === "float16" || t.dtype === "bfloat16")
    throw new InputError({
      code: "model-unsupported",
      where: "model",
      found: `a constant is a ${t.dtype} tensor where its values must be known`,
      expected: "float32, float64 or whole numbers",
      cure: "Export the model in float32",
    });
  return Array.from(t.data as ArrayLike<number | bigint>, Number);
}
