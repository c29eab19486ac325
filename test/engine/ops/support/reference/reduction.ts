/** Reference kernels of reductions. */
import { readInt } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import { eachIndex, type Kernel, type KernelTable, need, offsetIn, type RefTensor, stridesOf } from "./kernel.js";

/** The values that fall into each cell of the reduced shape, in row-major order. */
function groups(x: RefTensor, axes: readonly number[]): { kept: number[]; cells: number[][] } {
  const kept = x.shape.map((d, i) => (axes.includes(i) ? 1 : d));
  const cells = Array.from({ length: sizeOf(kept) }, (): number[] => []);
  eachIndex(x.shape, (index, flat) => {
    (cells[offsetIn(kept, index)] as number[]).push(x.data[flat] as number);
  });
  return { kept, cells };
}

const reduce =
  (f: (values: readonly number[]) => number): Kernel =>
  (inputs, attributes) => {
    const x = need(inputs, 0);
    const given = inputs[1] ? [...inputs[1].data] : [];
    const noop = readInt(attributes, "noop_with_empty_axes", 0) === 1;
    const rank = x.shape.length;
    const axes = given.length || noop ? given.map((a) => (a < 0 ? a + rank : a)) : x.shape.map((_, i) => i);
    const { kept, cells } = groups(x, axes);
    const shape = readInt(attributes, "keepdims", 1) === 1 ? kept : kept.filter((_, i) => !axes.includes(i));
    return [{ dtype: x.dtype, shape, data: Float64Array.from(cells, f) }];
  };

const argument =
  (better: (a: number, b: number) => boolean): Kernel =>
  (inputs, attributes) => {
    const x = need(inputs, 0);
    const axis = readInt(attributes, "axis", 0);
    const a = axis < 0 ? axis + x.shape.length : axis;
    const last = readInt(attributes, "select_last_index", 0) === 1;
    const { kept, cells } = groups(x, [a]);
    const data = Float64Array.from(cells, (values) =>
      values.reduce((best, v, i) => {
        const current = values[best] as number;
        return better(v, current) || (last && v === current) ? i : best;
      }, 0),
    );
    const shape = readInt(attributes, "keepdims", 1) === 1 ? kept : kept.filter((_, i) => i !== a);
    return [{ dtype: "int64", shape, data }];
  };

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const largest = (values: readonly number[]): number =>
  values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);

function logSumExp(values: readonly number[]): number {
  const top = largest(values);
  return Number.isFinite(top) ? top + Math.log(sum(values.map((v) => Math.exp(v - top)))) : top;
}

export const reductionKernels: KernelTable = {
  ReduceSum: reduce(sum),
  ReduceMean: reduce((v) => sum(v) / v.length),
  ReduceMax: reduce(largest),
  ReduceMin: reduce((v) => v.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY)),
  ReduceProd: reduce((v) => v.reduce((a, b) => a * b, 1)),
  ReduceL1: reduce((v) => sum(v.map(Math.abs))),
  ReduceL2: reduce((v) => Math.sqrt(sum(v.map((a) => a * a)))),
  ReduceSumSquare: reduce((v) => sum(v.map((a) => a * a))),
  ReduceLogSumExp: reduce(logSumExp),
  ReduceLogSum: reduce((v) => Math.log(sum(v))),
  ArgMax: argument((a, b) => a > b),
  ArgMin: argument((a, b) => a < b),
  CumSum: (inputs, attributes) => {
    const x = need(inputs, 0);
    const axis = need(inputs, 1).data[0] as number;
    const a = axis < 0 ? axis + x.shape.length : axis;
    const exclusive = readInt(attributes, "exclusive", 0) === 1;
    const reverse = readInt(attributes, "reverse", 0) === 1;
    const length = x.shape[a] as number;
    const stride = stridesOf(x.shape)[a] as number;
    const data = new Float64Array(x.data.length);
    eachIndex(x.shape, (index, flat) => {
      const at = index[a] as number;
      const [from, to] = reverse ? [exclusive ? at + 1 : at, length] : [0, exclusive ? at : at + 1];
      for (let i = from; i < to; i++)
        data[flat] = (data[flat] as number) + (x.data[flat + (i - at) * stride] as number);
    });
    return [{ ...x, data }];
  },
};
