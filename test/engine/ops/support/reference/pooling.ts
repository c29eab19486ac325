/** Reference kernels of pooling. */
import { readInt, readInts } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import type { Attributes } from "../../../../../src/engine/graph/types.js";
import { eachIndex, type KernelTable, need, type RefTensor, ref } from "./kernel.js";
import { refWindow, underWindow } from "./window.js";

function pool(
  x: RefTensor,
  attributes: Attributes,
  take: (values: { v: number; at: number }[], padding: number) => [number, number],
): RefTensor[] {
  const spatial = x.shape.slice(2);
  const w = refWindow(attributes, spatial, readInts(attributes, "kernel_shape") as readonly number[]);
  const shape = [...x.shape.slice(0, 2), ...w.output];
  const plane = sizeOf(spatial);
  const [values, places] = [new Float64Array(sizeOf(shape)), new Float64Array(sizeOf(shape))];
  eachIndex(shape, (index, flat) => {
    const base = ((index[0] as number) * (x.shape[1] as number) + (index[1] as number)) * plane;
    const found: { v: number; at: number }[] = [];
    let padding = 0;
    underWindow(w, spatial, index.slice(2), (_, input, padded) => {
      if (input >= 0) found.push({ v: x.data[base + input] as number, at: base + input });
      else if (padded) padding++;
    });
    [values[flat], places[flat]] = take(found, padding);
  });
  return [ref(x.dtype, shape, values), ref("int64", shape, places)];
}

const whole = (x: RefTensor, of: (values: Float64Array) => number): RefTensor[] => {
  const plane = sizeOf(x.shape.slice(2));
  const shape = x.shape.map((d, i) => (i < 2 ? d : 1));
  return [
    ref(
      x.dtype,
      shape,
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => of(x.data.slice(i * plane, (i + 1) * plane))),
    ),
  ];
};

export const poolingKernels: KernelTable = {
  MaxPool: (inputs, attributes) =>
    pool(need(inputs, 0), attributes, (found) => {
      const best = found.reduce((a, b) => (b.v > a.v ? b : a));
      return [best.v, best.at];
    }),
  AveragePool: (inputs, attributes) =>
    pool(need(inputs, 0), attributes, (found, padding) => {
      const count = found.length + (readInt(attributes, "count_include_pad", 0) ? padding : 0);
      return [found.reduce((s, f) => s + f.v, 0) / count, 0];
    }).slice(0, 1),
  GlobalAveragePool: (inputs) => whole(need(inputs, 0), (v) => v.reduce((a, b) => a + b, 0) / v.length),
  GlobalMaxPool: (inputs) => whole(need(inputs, 0), (v) => Math.max(...v)),
};
