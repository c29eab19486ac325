/** Reference kernels of movement and lookup ops, by index arithmetic. */
import { readInt, readText } from "../../../../../src/engine/graph/attributes.js";
import { sizeOf } from "../../../../../src/engine/graph/tensor.js";
import { eachIndex, type KernelTable, need, offsetIn, type RefTensor, ref } from "./kernel.js";

const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
const list = (t: RefTensor | undefined): number[] | undefined => t && [...t.data];

/** A tensor whose element at an index is `of(index)`. */
function fill(like: RefTensor, shape: readonly number[], of: (index: readonly number[]) => number): RefTensor {
  const data = new Float64Array(sizeOf(shape));
  eachIndex(shape, (index, flat) => {
    data[flat] = of(index);
  });
  return ref(like.dtype, shape, data);
}

const at = (x: RefTensor, index: readonly number[]): number =>
  x.data[index.reduce((a, v, i) => a * (x.shape[i] as number) + v, 0)] as number;

export const movementKernels: KernelTable = {
  Flatten(inputs, attributes) {
    const x = need(inputs, 0);
    const axis = axisOf(readInt(attributes, "axis", 1), x.shape.length);
    return [ref(x.dtype, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))], x.data)];
  },
  Squeeze(inputs) {
    const x = need(inputs, 0);
    const axes = list(inputs[1])?.map((a) => axisOf(a, x.shape.length));
    return [
      ref(
        x.dtype,
        x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1)),
        x.data,
      ),
    ];
  },
  Unsqueeze(inputs) {
    const x = need(inputs, 0);
    const axes = list(inputs[1]) ?? [];
    const shape = [...x.shape];
    for (const a of axes.map((v) => axisOf(v, x.shape.length + axes.length)).sort((p, q) => p - q))
      shape.splice(a, 0, 1);
    return [ref(x.dtype, shape, x.data)];
  },
  Concat(inputs, attributes) {
    const parts = inputs.map((_, i) => need(inputs, i));
    const [first] = parts as [RefTensor];
    const axis = axisOf(readInt(attributes, "axis", 0), first.shape.length);
    const shape = first.shape.map((d, i) =>
      i === axis ? parts.reduce((s, p) => s + (p.shape[axis] as number), 0) : d,
    );
    return [
      fill(first, shape, (index) => {
        let place = index[axis] as number;
        const part = parts.find((p) => {
          if (place < (p.shape[axis] as number)) return true;
          place -= p.shape[axis] as number;
          return false;
        }) as RefTensor;
        return at(
          part,
          index.map((v, i) => (i === axis ? place : v)),
        );
      }),
    ];
  },
  Split(inputs, attributes) {
    const x = need(inputs, 0);
    const axis = axisOf(readInt(attributes, "axis", 0), x.shape.length);
    const size = x.shape[axis] as number;
    const parts = readInt(attributes, "num_outputs", 1);
    const each = Math.ceil(size / parts);
    const sizes = list(inputs[1]) ?? Array.from({ length: parts }, (_, i) => Math.min(each, size - i * each));
    let from = 0;
    return sizes.map((n) => {
      const start = from;
      from += n;
      return fill(
        x,
        x.shape.map((d, i) => (i === axis ? n : d)),
        (index) =>
          at(
            x,
            index.map((v, i) => (i === axis ? v + start : v)),
          ),
      );
    });
  },
  Slice(inputs) {
    const x = need(inputs, 0);
    const [starts, ends] = [list(inputs[1]) ?? [], list(inputs[2]) ?? []];
    const axes = list(inputs[3]) ?? starts.map((_, i) => i);
    const steps = list(inputs[4]) ?? starts.map(() => 1);
    const picked = x.shape.map((d) => Array.from({ length: d }, (_, i) => i));
    axes.forEach((given, i) => {
      const axis = axisOf(given, x.shape.length);
      const size = x.shape[axis] as number;
      const [step, raw, stop] = [steps[i] as number, starts[i] as number, ends[i] as number];
      const places: number[] = [];
      const wrap = (v: number): number => (v < 0 ? v + size : v);
      if (step > 0) for (let p = Math.max(0, wrap(raw)); p < Math.min(size, wrap(stop)); p += step) places.push(p);
      else for (let p = Math.min(size - 1, wrap(raw)); p > Math.max(-1, wrap(stop)); p += step) places.push(p);
      picked[axis] = places;
    });
    return [
      fill(
        x,
        picked.map((p) => p.length),
        (index) =>
          at(
            x,
            index.map((v, i) => (picked[i] as number[])[v] as number),
          ),
      ),
    ];
  },
  Pad(inputs, attributes) {
    if (readText(attributes, "mode", "constant") !== "constant")
      throw new Error("reference: Pad for mode constant only");
    const x = need(inputs, 0);
    const pads = list(inputs[1]) ?? [];
    const axes = list(inputs[3])?.map((a) => axisOf(a, x.shape.length)) ?? x.shape.map((_, i) => i);
    const before = x.shape.map((_, i) => pads[axes.indexOf(i)] ?? 0);
    const shape = x.shape.map(
      (d, i) => d + (before[i] as number) + (axes.includes(i) ? (pads[axes.indexOf(i) + axes.length] as number) : 0),
    );
    const value = inputs[2]?.data[0] ?? 0;
    return [
      fill(x, shape, (index) => {
        const source = index.map((v, i) => v - (before[i] as number));
        return source.some((v, i) => v < 0 || v >= (x.shape[i] as number)) ? value : at(x, source);
      }),
    ];
  },
  Tile(inputs) {
    const x = need(inputs, 0);
    const repeats = list(inputs[1]) as number[];
    return [
      fill(
        x,
        x.shape.map((d, i) => d * (repeats[i] as number)),
        (index) =>
          at(
            x,
            index.map((v, i) => v % (x.shape[i] as number)),
          ),
      ),
    ];
  },
  DepthToSpace(inputs, attributes) {
    const x = need(inputs, 0);
    const s = readInt(attributes, "blocksize", 1);
    const [n, c, h, w] = x.shape as [number, number, number, number];
    const depth = c / s ** 2;
    const crd = readText(attributes, "mode", "DCR") === "CRD";
    return [
      fill(x, [n, depth, h * s, w * s], (index) => {
        const [b, d, y, z] = index as [number, number, number, number];
        const block = (y % s) * s + (z % s);
        return at(x, [b, crd ? d * s * s + block : block * depth + d, Math.floor(y / s), Math.floor(z / s)]);
      }),
    ];
  },
  SpaceToDepth(inputs, attributes) {
    const x = need(inputs, 0);
    const s = readInt(attributes, "blocksize", 1);
    const [n, c, h, w] = x.shape as [number, number, number, number];
    return [
      fill(x, [n, c * s * s, h / s, w / s], (index) => {
        const [b, d, y, z] = index as [number, number, number, number];
        const block = Math.floor(d / c);
        return at(x, [b, d % c, y * s + Math.floor(block / s), z * s + (block % s)]);
      }),
    ];
  },
  Gather(inputs, attributes) {
    const [x, indices] = [need(inputs, 0), need(inputs, 1)];
    const axis = axisOf(readInt(attributes, "axis", 0), x.shape.length);
    const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
    return [
      fill(x, shape, (index) => {
        const inner = index.slice(axis, axis + indices.shape.length);
        const i = axisOf(indices.data[offsetIn(indices.shape, inner)] as number, x.shape[axis] as number);
        return at(x, [...index.slice(0, axis), i, ...index.slice(axis + indices.shape.length)]);
      }),
    ];
  },
  GatherElements(inputs, attributes) {
    const [x, indices] = [need(inputs, 0), need(inputs, 1)];
    const axis = axisOf(readInt(attributes, "axis", 0), x.shape.length);
    return [
      fill(x, indices.shape, (index) =>
        at(
          x,
          index.map((v, i) => (i === axis ? axisOf(at(indices, index), x.shape[axis] as number) : v)),
        ),
      ),
    ];
  },
  ScatterElements(inputs, attributes) {
    const [x, indices, updates] = [need(inputs, 0), need(inputs, 1), need(inputs, 2)];
    const axis = axisOf(readInt(attributes, "axis", 0), x.shape.length);
    const add = readText(attributes, "reduction", "none") === "add";
    const data = x.data.slice();
    eachIndex(indices.shape, (index, flat) => {
      const target = index.map((v, i) =>
        i === axis ? axisOf(indices.data[flat] as number, x.shape[axis] as number) : v,
      );
      const place = target.reduce((a, v, i) => a * (x.shape[i] as number) + v, 0);
      data[place] = (add ? (data[place] as number) : 0) + (updates.data[flat] as number);
    });
    return [ref(x.dtype, x.shape, data)];
  },
};
