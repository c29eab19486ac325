/** Reference kernels of the softmax family. */
import { readInt } from "../../../../../src/engine/graph/attributes.js";
import { eachIndex, type Kernel, type KernelTable, need, stridesOf } from "./kernel.js";

const softmaxLike =
  (f: (row: readonly number[]) => number[]): Kernel =>
  (inputs, attributes) => {
    const x = need(inputs, 0);
    const axis = readInt(attributes, "axis", -1);
    const a = axis < 0 ? axis + x.shape.length : axis;
    const stride = stridesOf(x.shape)[a] as number;
    const data = new Float64Array(x.data.length);
    eachIndex(x.shape, (index, flat) => {
      if (index[a] !== 0) return;
      const row = Array.from({ length: x.shape[a] as number }, (_, i) => x.data[flat + i * stride] as number);
      f(row).forEach((v, i) => {
        data[flat + i * stride] = v;
      });
    });
    return [{ ...x, data }];
  };

function logSoftmax(row: readonly number[]): number[] {
  const top = row.reduce((a, b) => Math.max(a, b));
  const norm = top + Math.log(row.reduce((a, v) => a + Math.exp(v - top), 0));
  return row.map((v) => v - norm);
}

export const softmaxKernels: KernelTable = {
  Softmax: softmaxLike((row) => logSoftmax(row).map(Math.exp)),
  LogSoftmax: softmaxLike(logSoftmax),
};
