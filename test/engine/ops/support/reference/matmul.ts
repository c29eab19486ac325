/** Reference kernels of matrix products. */
import { readFloat, readInt } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import { broadcast, eachIndex, type KernelTable, need, offsetIn, ref } from "./kernel.js";

export const matmulKernels: KernelTable = {
  MatMul(inputs) {
    const [a, b] = [need(inputs, 0), need(inputs, 1)];
    const left = a.shape.length === 1 ? [1, ...a.shape] : [...a.shape];
    const right = b.shape.length === 1 ? [...b.shape, 1] : [...b.shape];
    const [m, k, n] = [left.at(-2) as number, left.at(-1) as number, right.at(-1) as number];
    const lead = broadcast(left.slice(0, -2), right.slice(0, -2));
    const out = new Float64Array(sizeOf(lead) * m * n);
    eachIndex([...lead, m, n], (index, flat) => {
      const batch = index.slice(0, -2);
      const [i, j] = [index.at(-2) as number, index.at(-1) as number];
      const base = (shape: readonly number[]): number =>
        offsetIn(shape.slice(0, -2), batch.slice(batch.length - (shape.length - 2))) *
        (shape.at(-2) as number) *
        (shape.at(-1) as number);
      let sum = 0;
      for (let t = 0; t < k; t++)
        sum += (a.data[base(left) + i * k + t] as number) * (b.data[base(right) + t * n + j] as number);
      out[flat] = sum;
    });
    const shape = [...lead, ...(a.shape.length > 1 ? [m] : []), ...(b.shape.length > 1 ? [n] : [])];
    return [ref(a.dtype, shape, out)];
  },
  Gemm(inputs, attributes) {
    const [a, b, c] = [need(inputs, 0), need(inputs, 1), inputs[2]];
    const [ta, tb] = [readInt(attributes, "transA", 0), readInt(attributes, "transB", 0)];
    const [alpha, beta] = [readFloat(attributes, "alpha", 1), readFloat(attributes, "beta", 1)];
    const [m, k] = ta ? [a.shape[1] as number, a.shape[0] as number] : [a.shape[0] as number, a.shape[1] as number];
    const n = (tb ? b.shape[0] : b.shape[1]) as number;
    const out = new Float64Array(m * n);
    eachIndex([m, n], (index, flat) => {
      const [i, j] = index as [number, number];
      let sum = 0;
      for (let t = 0; t < k; t++)
        sum += (a.data[ta ? t * m + i : i * k + t] as number) * (b.data[tb ? j * k + t : t * n + j] as number);
      out[flat] = alpha * sum + (c ? beta * (c.data[offsetIn(c.shape, index)] as number) : 0);
    });
    return [ref(a.dtype, [m, n], out)];
  },
};
