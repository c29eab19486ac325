/** Reference kernels of normalisations in inference form. */
import { readFloat, readInt } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import { type KernelTable, need, ref } from "./kernel.js";

export const normalizationKernels: KernelTable = {
  BatchNormalization(inputs, attributes) {
    const x = need(inputs, 0);
    const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => need(inputs, i).data) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const epsilon = readFloat(attributes, "epsilon", 1e-5);
    const plane = sizeOf(x.shape.slice(2));
    const channels = x.shape[1] as number;
    const y = x.data.map((v, i) => {
      const c = Math.floor(i / plane) % channels;
      return (
        ((v - (mean[c] as number)) / Math.sqrt((variance[c] as number) + epsilon)) * (scale[c] as number) +
        (bias[c] as number)
      );
    });
    return [ref(x.dtype, x.shape, y)];
  },
  LayerNormalization(inputs, attributes) {
    const [x, scale, bias] = [need(inputs, 0), need(inputs, 1), inputs[2]];
    const given = readInt(attributes, "axis", -1);
    const axis = given < 0 ? given + x.shape.length : given;
    const width = sizeOf(x.shape.slice(axis));
    const rows = x.data.length / width;
    const epsilon = readFloat(attributes, "epsilon", 1e-5);
    const [y, means, inverses] = [new Float64Array(x.data.length), new Float64Array(rows), new Float64Array(rows)];
    for (let r = 0; r < rows; r++) {
      const row = x.data.slice(r * width, (r + 1) * width);
      const mean = row.reduce((s, v) => s + v, 0) / width;
      const inverse = 1 / Math.sqrt(row.reduce((s, v) => s + (v - mean) ** 2, 0) / width + epsilon);
      row.forEach((v, i) => {
        y[r * width + i] =
          (v - mean) * inverse * (scale.data[i % scale.data.length] as number) +
          (bias ? (bias.data[i % bias.data.length] as number) : 0);
      });
      [means[r], inverses[r]] = [mean, inverse];
    }
    const kept = x.shape.map((d, i) => (i < axis ? d : 1));
    return [ref(x.dtype, x.shape, y), ref(x.dtype, kept, means), ref(x.dtype, kept, inverses)];
  },
};
