/** Reference kernels of index-tuple lookups, one-hot, ranges, triangles and Einsum: straight from the ONNX operator texts. */
import { readInt, readText } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import { eachIndex, type KernelTable, need, type RefTensor, ref, stridesOf } from "./kernel.js";

const at = (x: RefTensor, index: readonly number[]): number =>
  x.data[index.reduce((a, v, i) => a * (x.shape[i] as number) + v, 0)] as number;

/** The index tuple stored at a position, negative entries counted from the end. */
const tupleAt = (indices: RefTensor, position: readonly number[], sizes: readonly number[]): number[] =>
  Array.from({ length: indices.shape[indices.shape.length - 1] as number }, (_, d) => {
    const v = at(indices, [...position, d]);
    return v < 0 ? v + (sizes[d] as number) : v;
  });

const combine: Readonly<Record<string, (a: number, b: number) => number>> = {
  none: (_, b) => b,
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  max: Math.max,
  min: Math.min,
};

/** Sum of products over every letter, the slow way: all index combinations of all letters. */
function einsum(equation: string, operands: readonly RefTensor[]): RefTensor {
  const [left = "", right] = equation.replaceAll(" ", "").split("->");
  let terms = left.split(",");
  const dots = Math.max(
    0,
    ...terms.map((t, i) => (t.includes(".") ? (operands[i] as RefTensor).shape.length - t.length + 3 : 0)),
  );
  const spelled = "ΑΒΓΔΕΖ".slice(0, dots);
  terms = terms.map((t, i) => {
    const own = (operands[i] as RefTensor).shape.length - t.length + 3;
    return t.replace("...", spelled.slice(dots - own));
  });
  const joined = terms.join("");
  const implicit =
    spelled +
    [...new Set(left.replace(/[.,]/g, ""))]
      .filter((l) => joined.split(l).length === 2)
      .sort()
      .join("");
  const output = right === undefined ? implicit : right.replace("...", spelled);
  const sizes = new Map<string, number>();
  terms.forEach((t, i) => {
    for (const [d, l] of [...t].entries()) sizes.set(l, (operands[i] as RefTensor).shape[d] as number);
  });
  const summed = [...sizes.keys()].filter((l) => !output.includes(l));
  const letters = [...output, ...summed];
  const shape = [...output].map((l) => sizes.get(l) as number);
  const out = new Float64Array(sizeOf(shape));
  const strides = stridesOf(shape);
  eachIndex(
    letters.map((l) => sizes.get(l) as number),
    (index) => {
      const place = new Map(letters.map((l, i) => [l, index[i] as number]));
      const product = terms.reduce(
        (p, t, i) =>
          p *
          at(
            operands[i] as RefTensor,
            [...t].map((l) => place.get(l) as number),
          ),
        1,
      );
      const flat = strides.reduce((a, s, i) => a + s * (index[i] as number), 0);
      out[flat] = (out[flat] as number) + product;
    },
  );
  return ref((operands[0] as RefTensor).dtype, shape, out);
}

export const lookupKernels: KernelTable = {
  GatherND(inputs, attributes) {
    const [x, indices] = [need(inputs, 0), need(inputs, 1)];
    const batch = readInt(attributes, "batch_dims", 0);
    const depth = indices.shape[indices.shape.length - 1] as number;
    const lead = indices.shape.slice(0, -1);
    const shape = [...lead, ...x.shape.slice(batch + depth)];
    const data = new Float64Array(sizeOf(shape));
    eachIndex(shape, (index, flat) => {
      const tuple = tupleAt(indices, index.slice(0, lead.length), x.shape.slice(batch));
      data[flat] = at(x, [...index.slice(0, batch), ...tuple, ...index.slice(lead.length)]);
    });
    return [ref(x.dtype, shape, data)];
  },
  ScatterND(inputs, attributes) {
    const [x, indices, updates] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
    const f = combine[readText(attributes, "reduction", "none")] as (a: number, b: number) => number;
    const lead = indices.shape.length - 1;
    const strides = stridesOf(x.shape);
    const data = Float64Array.from(x.data);
    eachIndex(updates.shape, (index, flat) => {
      const target = [...tupleAt(indices, index.slice(0, lead), x.shape), ...index.slice(lead)];
      const place = target.reduce((a, v, i) => a + v * (strides[i] as number), 0);
      data[place] = f(data[place] as number, updates.data[flat] as number);
    });
    return [ref(x.dtype, x.shape, data)];
  },
  TopK(inputs, attributes) {
    const [x, k] = [need(inputs, 0), need(inputs, 1).data[0] as number];
    const given = readInt(attributes, "axis", -1);
    const axis = given < 0 ? given + x.shape.length : given;
    const sign = readInt(attributes, "largest", 1) === 1 ? -1 : 1;
    const shape = x.shape.map((d, i) => (i === axis ? k : d));
    const [values, places] = [new Float64Array(sizeOf(shape)), new Float64Array(sizeOf(shape))];
    eachIndex(shape, (index, flat) => {
      const along = Array.from({ length: x.shape[axis] as number }, (_, j) => {
        return at(
          x,
          index.map((v, i) => (i === axis ? j : v)),
        );
      });
      const order = along
        .map((_, j) => j)
        .sort((p, q) => sign * ((along[p] as number) - (along[q] as number)) || p - q);
      places[flat] = order[index[axis] as number] as number;
      values[flat] = along[places[flat] as number] as number;
    });
    return [ref(x.dtype, shape, values), ref("int64", shape, places)];
  },
  OneHot(inputs, attributes) {
    const [indices, depth, values] = [need(inputs, 0), need(inputs, 1).data[0] as number, need(inputs, 2)];
    const rank = indices.shape.length + 1;
    const given = readInt(attributes, "axis", -1);
    const axis = given < 0 ? given + rank : given;
    const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
    const data = new Float64Array(sizeOf(shape));
    eachIndex(shape, (index, flat) => {
      const v = at(indices, [...index.slice(0, axis), ...index.slice(axis + 1)]);
      data[flat] = values.data[(v < 0 ? v + depth : v) === index[axis] ? 1 : 0] as number;
    });
    return [ref(values.dtype, shape, data)];
  },
  Range(inputs) {
    const [start, limit, delta] = [0, 1, 2].map((i) => need(inputs, i).data[0] as number) as [number, number, number];
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    return [
      ref(
        need(inputs, 0).dtype,
        [count],
        Array.from({ length: count }, (_, i) => start + i * delta),
      ),
    ];
  },
  Trilu(inputs, attributes) {
    const x = need(inputs, 0);
    const k = inputs[1]?.data[0] ?? 0;
    const upper = readInt(attributes, "upper", 1) === 1;
    const data = new Float64Array(x.data.length);
    eachIndex(x.shape, (index, flat) => {
      const [row, column] = index.slice(-2) as [number, number];
      const keep = upper ? column - row >= k : column - row <= k;
      data[flat] = keep ? (x.data[flat] as number) : 0;
    });
    return [ref(x.dtype, x.shape, data)];
  },
  Einsum(inputs, attributes) {
    return [
      einsum(
        readText(attributes, "equation", ""),
        inputs.map((_, i) => need(inputs, i)),
      ),
    ];
  },
};
