/** Reference kernel of Dropout in inference form. */
import { type KernelTable, need, ref } from "./kernel.js";

export const dropoutKernels: KernelTable = {
  Dropout(inputs) {
    const x = need(inputs, 0);
    return [x, ref("bool", x.shape, new Float64Array(x.data.length).fill(1))];
  },
};
