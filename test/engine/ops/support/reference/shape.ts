/** Reference kernels of shape and movement ops. */
import { readInt, readInts } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import { broadcast, eachIndex, type KernelTable, need, offsetIn, ref, stridesOf } from "./kernel.js";

export const shapeKernels: KernelTable = {
  Reshape(inputs, attributes) {
    const x = need(inputs, 0);
    const wanted = [...need(inputs, 1).data];
    const shape = wanted.map((d, i) => (d === 0 && !readInt(attributes, "allowzero", 0) ? (x.shape[i] as number) : d));
    const known = shape.reduce((a, d) => (d === -1 ? a : a * d), 1);
    return [
      ref(
        x.dtype,
        shape.map((d) => (d === -1 ? sizeOf(x.shape) / known : d)),
        x.data,
      ),
    ];
  },
  Expand(inputs) {
    const x = need(inputs, 0);
    const shape = broadcast(x.shape, [...need(inputs, 1).data]);
    const data = new Float64Array(sizeOf(shape));
    eachIndex(shape, (index, flat) => {
      data[flat] = x.data[offsetIn(x.shape, index)] as number;
    });
    return [{ dtype: x.dtype, shape, data }];
  },
  Transpose(inputs, attributes) {
    const x = need(inputs, 0);
    const perm = readInts(attributes, "perm") ?? x.shape.map((_, i) => x.shape.length - 1 - i);
    const strides = stridesOf(x.shape);
    const shape = perm.map((p) => x.shape[p] as number);
    const data = new Float64Array(x.data.length);
    eachIndex(shape, (index, flat) => {
      data[flat] = x.data[perm.reduce((a, p, d) => a + (strides[p] as number) * (index[d] as number), 0)] as number;
    });
    return [{ dtype: x.dtype, shape, data }];
  },
};
