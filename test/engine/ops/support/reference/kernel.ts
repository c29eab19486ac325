/** What a reference kernel is, and index arithmetic that kernels share. */
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import type { Attributes, DType, Node, Tensor } from "../../../../../src/engine/graph/types.js";

/** A value of the reference evaluator: always float64 storage, `dtype` says what the graph takes it for. */
export interface RefTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export type Kernel = (
  inputs: readonly (RefTensor | undefined)[],
  attributes: Attributes,
  node: Node,
) => readonly RefTensor[];

export type KernelTable = Readonly<Record<string, Kernel>>;

export function refOf(t: Tensor | RefTensor): RefTensor {
  if (t.data instanceof Float64Array) return t as RefTensor;
  if (t.dtype === "string" || t.dtype === "float16" || t.dtype === "bfloat16")
    throw new TypeError(`reference: ${t.dtype} tensors are not supported`);
  return { dtype: t.dtype, shape: t.shape, data: Float64Array.from(t.data as ArrayLike<number | bigint>, Number) };
}

export function ref(dtype: DType, shape: readonly number[], data: ArrayLike<number>): RefTensor {
  if (data.length !== sizeOf(shape)) throw new Error(`reference: ${data.length} values for [${shape}]`);
  return { dtype, shape: [...shape], data: Float64Array.from(data) };
}

export function need(inputs: readonly (RefTensor | undefined)[], i: number): RefTensor {
  const t = inputs[i];
  if (!t) throw new Error(`reference: input ${i} is missing`);
  return t;
}

/** Row-major strides, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = (strides[i + 1] as number) * (shape[i + 1] as number);
  return strides;
}

/** Calls `visit` for every index of a shape, in row-major order. The index array is reused. */
export function eachIndex(shape: readonly number[], visit: (index: readonly number[], flat: number) => void): void {
  const size = sizeOf(shape);
  const index = new Array<number>(shape.length).fill(0);
  for (let flat = 0; flat < size; flat++) {
    visit(index, flat);
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
}

/** NumPy broadcasting of shapes. */
export function broadcast(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((s) => s[i - rank + s.length] ?? 1);
    const size = sizes.find((d) => d !== 1) ?? 1;
    if (sizes.some((d) => d !== 1 && d !== size))
      throw new Error(`reference: cannot broadcast ${JSON.stringify(shapes)}`);
    return size;
  });
}

/** Flat offset into a (broadcast) operand of an index into the result. */
export function offsetIn(shape: readonly number[], index: readonly number[]): number {
  let offset = 0;
  const lead = index.length - shape.length;
  for (let d = 0; d < shape.length; d++) {
    const size = shape[d] as number;
    offset = offset * size + (size === 1 ? 0 : (index[lead + d] as number));
  }
  return offset;
}

/** Elementwise with broadcasting over any number of operands. */
export function mapBroadcast(dtype: DType, operands: readonly RefTensor[], f: (...v: number[]) => number): RefTensor {
  const shape = broadcast(...operands.map((o) => o.shape));
  const data = new Float64Array(sizeOf(shape));
  eachIndex(shape, (index, flat) => {
    data[flat] = f(...operands.map((o) => o.data[offsetIn(o.shape, index)] as number));
  });
  return { dtype, shape, data };
}

/** A kernel of one operand, elementwise, keeping the type. */
export function unaryKernel(f: (v: number) => number): Kernel {
  return (inputs) => {
    const x = need(inputs, 0);
    return [{ ...x, data: x.data.map(f) }];
  };
}

export const isInteger = (dtype: DType): boolean => dtype.startsWith("int") || dtype.startsWith("uint");
