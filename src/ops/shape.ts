/** Shapes and movement: ops that rearrange values without computing anything new. */
import { int, ints, readInt, readInts, readTensor, readText } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, Value } from "../graph/builder.js";
import { int64s, numbersOf, sizeOf, tensor } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { foldMovement } from "./fold-movement.js";
import {
  broadcastShapes,
  expand,
  knownInts,
  misfit,
  normaliseAxis,
  required,
  reshape,
  sumTo,
  transpose,
  typeOf,
} from "./support.js";

/** The gradient of anything that only changes the shape. */
const reshapeBack = (c: GradientContext): (Value | undefined)[] => [
  reshape(c.builder, c.gradients[0] as Value, (c.inputs[0] as Value).shape),
];

function reshapedShape(call: OpCall): number[] {
  const x = required(call, 0);
  const wanted = knownInts(call, 1);
  if (!wanted) throw misfit(call, "the new shape is missing");
  const zeros = readInt(call.attributes, "allowzero", 0) !== 0;
  const shape = wanted.map((d, i) => (d === 0 && !zeros ? (x.shape[i] ?? 0) : d));
  const rest = shape.reduce((p, d) => (d === -1 ? p : p * d), 1);
  const size = sizeOf(x.shape);
  const full = shape.map((d) => (d === -1 ? (rest === 0 ? 0 : size / rest) : d));
  if (
    shape.filter((d) => d === -1).length > 1 ||
    sizeOf(full) !== size ||
    full.some((d) => !Number.isInteger(d) || d < 0)
  ) {
    throw misfit(call, `cannot be reshaped to [${wanted}]`);
  }
  return full;
}

function squeezedShape(call: OpCall): number[] {
  const x = required(call, 0);
  const axes = knownInts(call, 1)?.map((a) => normaliseAxis(call, a, x.shape.length));
  for (const a of axes ?? []) if (x.shape[a] !== 1) throw misfit(call, `axis ${a} has size ${x.shape[a]}, not 1`);
  return x.shape.filter((d, i) => (axes ? !axes.includes(i) : d !== 1));
}

function unsqueezedShape(call: OpCall): number[] {
  const x = required(call, 0);
  const axes = knownInts(call, 1) ?? [];
  const rank = x.shape.length + axes.length;
  const places = new Set(axes.map((a) => normaliseAxis(call, a, rank)));
  if (places.size !== axes.length) throw misfit(call, `axes [${axes}] repeat`);
  const rest = [...x.shape];
  return Array.from({ length: rank }, (_, i) => (places.has(i) ? 1 : (rest.shift() as number)));
}

function permOf(call: OpCall): readonly number[] {
  const rank = required(call, 0).shape.length;
  const perm = readInts(call.attributes, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
    throw misfit(call, `perm [${perm}] is no permutation of ${rank} axes`);
  return perm;
}

function concatAxis(call: OpCall): number {
  return normaliseAxis(call, readInt(call.attributes, "axis", 0), required(call, 0).shape.length);
}

function inferConcat(call: OpCall) {
  const first = required(call, 0);
  const axis = concatAxis(call);
  let total = 0;
  call.inputs.forEach((_, i) => {
    const v = required(call, i);
    if (
      v.dtype !== first.dtype ||
      v.shape.length !== first.shape.length ||
      v.shape.some((d, k) => k !== axis && d !== first.shape[k])
    ) {
      throw misfit(call, `inputs may differ only along axis ${axis}`);
    }
    total += v.shape[axis] as number;
  });
  return [
    typeOf(
      first.dtype,
      first.shape.map((d, k) => (k === axis ? total : d)),
    ),
  ];
}

function concatGradient(c: GradientContext): (Value | undefined)[] {
  const axis = concatAxis(c.call);
  const sizes = c.inputs.map((v) => (v as Value).shape[axis] as number);
  const b = c.builder;
  return [...b.ops("Split", [c.gradients[0], b.constant(int64s(sizes))], { axis: int(axis) })];
}

/** Sizes of a Split's parts. */
function splitSizes(call: OpCall): number[] {
  const x = required(call, 0);
  const axis = normaliseAxis(call, readInt(call.attributes, "axis", 0), x.shape.length);
  const size = x.shape[axis] as number;
  const given = knownInts(call, 1);
  if (given) {
    if (given.reduce((p, d) => p + d, 0) !== size) throw misfit(call, `parts [${given}] do not add up to ${size}`);
    return given;
  }
  const parts = readInt(call.attributes, "num_outputs", 0);
  if (parts < 1) throw misfit(call, "needs the sizes of its parts or num_outputs");
  const each = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, i) => Math.max(0, Math.min(each, size - i * each)));
}

function inferSplit(call: OpCall) {
  const x = required(call, 0);
  const axis = normaliseAxis(call, readInt(call.attributes, "axis", 0), x.shape.length);
  return splitSizes(call).map((d) =>
    typeOf(
      x.dtype,
      x.shape.map((s, k) => (k === axis ? d : s)),
    ),
  );
}

function splitGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const parts = c.outputs.map((o, i) => c.gradients[i] ?? zeros(b, o));
  const axis = normaliseAxis(c.call, readInt(c.call.attributes, "axis", 0), (c.inputs[0] as Value).shape.length);
  return [b.op("Concat", parts, { axis: int(axis) })];
}

/** Zeros of a value's type and shape, without a large initialiser. */
export function zeros(b: GraphBuilder, like: Value): Value {
  return expand(b, b.constant(tensor(like.dtype, [0], [])), like.shape);
}

export interface SliceRange {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Per axis of the input: where a Slice starts, how it steps and how many it takes. */
export function sliceRanges(call: OpCall): SliceRange[] {
  const x = required(call, 0);
  const starts = knownInts(call, 1) ?? [];
  const ends = knownInts(call, 2) ?? [];
  const axes = knownInts(call, 3) ?? starts.map((_, i) => i);
  const steps = knownInts(call, 4) ?? starts.map(() => 1);
  const ranges = x.shape.map((d): SliceRange => ({ start: 0, step: 1, count: d }));
  axes.forEach((given, i) => {
    const axis = normaliseAxis(call, given, x.shape.length);
    const size = x.shape[axis] as number;
    const step = steps[i] as number;
    if (step === 0) throw misfit(call, "a step of 0");
    const clamp = (v: number, low: number, high: number): number => Math.max(low, Math.min(high, v < 0 ? v + size : v));
    const start = step > 0 ? clamp(starts[i] as number, 0, size) : clamp(starts[i] as number, 0, size - 1);
    const end = step > 0 ? clamp(ends[i] as number, 0, size) : clamp(ends[i] as number, -1, size - 1);
    ranges[axis] = { start, step, count: Math.max(0, Math.ceil((end - start) / step)) };
  });
  return ranges;
}

function sliceGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const x = c.inputs[0] as Value;
  let g = c.gradients[0] as Value;
  const ranges = sliceRanges(c.call);
  // Backwards steps: turn the gradient around first, so that every step is positive.
  const reversed = ranges.flatMap((r, i) => (r.step < 0 && r.count > 0 ? [i] : []));
  if (reversed.length > 0) g = reverse(b, g, reversed);
  const forward = ranges.map((r) =>
    r.step < 0 ? { start: r.start + (r.count - 1) * r.step, step: -r.step, count: r.count } : r,
  );
  if (forward.some((r) => r.count === 0)) return [zeros(b, x)];
  forward.forEach((r, axis) => {
    if (r.step > 1) g = dilate(b, g, axis, r.step);
  });
  const before = forward.map((r) => r.start);
  const after = forward.map((r, i) => (x.shape[i] as number) - r.start - ((r.count - 1) * r.step + 1));
  return [padZero(b, g, before, after)];
}

function reverse(b: GraphBuilder, v: Value, axes: readonly number[]): Value {
  const all = (value: number): Value => b.constant(int64s(axes.map(() => value)));
  return b.op("Slice", [v, all(-1), all(-(2 ** 31)), b.constant(int64s(axes)), all(-1)]);
}

/** Puts step - 1 zeros between neighbours along an axis: size n becomes (n - 1) step + 1. */
function dilate(b: GraphBuilder, v: Value, axis: number, step: number): Value {
  const size = v.shape[axis] as number;
  const apart = reshape(b, v, [...v.shape.slice(0, axis + 1), 1, ...v.shape.slice(axis + 1)]);
  const rank = apart.shape.length;
  const padded = padZero(
    b,
    apart,
    Array<number>(rank).fill(0),
    Array.from({ length: rank }, (_, i) => (i === axis + 1 ? step - 1 : 0)),
  );
  const merged = reshape(
    b,
    padded,
    v.shape.map((d, i) => (i === axis ? d * step : d)),
  );
  const one = (n: number): Value => b.constant(int64s([n]));
  return b.op("Slice", [merged, one(0), one((size - 1) * step + 1), one(axis)]);
}

/** Pads with zeros (negative: crops). */
export function padZero(b: GraphBuilder, v: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((n) => n === 0)) return v;
  return b.op("Pad", [v, b.constant(int64s([...before, ...after])), b.constant(tensor(v.dtype, [0], []))]);
}

/** Pads of every axis: [before, after]. */
function padsOf(call: OpCall): { before: number[]; after: number[] } {
  const rank = required(call, 0).shape.length;
  const pads = knownInts(call, 1) ?? [];
  const axes =
    knownInts(call, 3)?.map((a) => normaliseAxis(call, a, rank)) ?? Array.from({ length: rank }, (_, i) => i);
  if (pads.length !== 2 * axes.length) throw misfit(call, `${pads.length} pads for ${axes.length} axes`);
  const before = Array<number>(rank).fill(0);
  const after = Array<number>(rank).fill(0);
  axes.forEach((a, i) => {
    before[a] = pads[i] as number;
    after[a] = pads[i + axes.length] as number;
  });
  return { before, after };
}

function padGradient(c: GradientContext): (Value | undefined)[] {
  const mode = readText(c.call.attributes, "mode", "constant");
  if (mode !== "constant") throw misfit(c.call, `no gradient rule for mode "${mode}" (only constant)`);
  const { before, after } = padsOf(c.call);
  const b = c.builder;
  const g = c.gradients[0] as Value;
  const back = padZero(
    b,
    g,
    before.map((n) => -n),
    after.map((n) => -n),
  );
  const fill = c.inputs[2];
  const whole = fill && c.wants(2) ? b.op("Sub", [sumTo(b, g, []), sumTo(b, back, [])]) : undefined;
  return [back, undefined, whole && fill && reshape(b, whole, fill.shape)];
}

function inferPad(call: OpCall) {
  const x = required(call, 0);
  const { before, after } = padsOf(call);
  const shape = x.shape.map((d, i) => d + (before[i] as number) + (after[i] as number));
  if (shape.some((d) => d < 0)) throw misfit(call, "pads crop more than there is");
  return [typeOf(x.dtype, shape)];
}

function expandShape(call: OpCall): number[] {
  return broadcastShapes(call, required(call, 0).shape, knownInts(call, 1) ?? []);
}

function repeatsOf(call: OpCall): number[] {
  const repeats = knownInts(call, 1) ?? [];
  if (repeats.length !== required(call, 0).shape.length)
    throw misfit(call, `${repeats.length} repeats for rank ${required(call, 0).shape.length}`);
  return repeats;
}

function tileGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const x = c.inputs[0] as Value;
  const repeats = repeatsOf(c.call);
  const apart = reshape(
    b,
    c.gradients[0] as Value,
    x.shape.flatMap((d, i) => [repeats[i] as number, d]),
  );
  const axes = x.shape.map((_, i) => 2 * i);
  if (axes.length === 0) return [apart];
  return [b.op("ReduceSum", [apart, b.constant(int64s(axes))], { keepdims: int(0) })];
}

function shapePart(call: OpCall): number[] {
  const { shape } = required(call, 0);
  const at = (v: number): number => Math.max(0, Math.min(shape.length, v < 0 ? v + shape.length : v));
  return shape.slice(at(readInt(call.attributes, "start", 0)), at(readInt(call.attributes, "end", shape.length)));
}

function filledShape(call: OpCall): number[] {
  return knownInts(call, 0) ?? [];
}

function fillOf(call: OpCall): Tensor {
  return readTensor(call.attributes, "value") ?? tensor("float32", [0]);
}

function blockShapes(call: OpCall, toSpace: boolean): number[] {
  const x = required(call, 0);
  const block = readInt(call.attributes, "blocksize", 0);
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const shape = toSpace ? [n, c / block ** 2, h * block, w * block] : [n, c * block ** 2, h / block, w / block];
  if (x.shape.length !== 4 || shape.some((d) => !Number.isInteger(d)))
    throw misfit(call, `shape does not divide into blocks of ${block}`);
  return shape;
}

function depthToSpaceGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const [n, ch, h, w] = (c.inputs[0] as Value).shape as [number, number, number, number];
  const s = readInt(c.call.attributes, "blocksize", 1);
  const g = c.gradients[0] as Value;
  if (readText(c.call.attributes, "mode", "DCR") === "DCR") return [b.op("SpaceToDepth", [g], { blocksize: int(s) })];
  const apart = reshape(b, g, [n, ch / s ** 2, h, s, w, s]);
  return [reshape(b, transpose(b, apart, [0, 1, 3, 5, 2, 4]), [n, ch, h, w])];
}

const x0 = (call: OpCall): Value => required(call, 0);
const unary = (
  op: string,
  shape: (call: OpCall) => readonly number[],
  gradient: OpDefinition["gradient"],
  note?: string,
): OpDefinition => ({
  op,
  infer: (call) => [typeOf(x0(call).dtype, shape(call))],
  gradient,
  evaluate: foldMovement,
  note,
});

export const shapeOps: readonly OpDefinition[] = [
  {
    op: "Shape",
    infer: (call) => [typeOf("int64", [shapePart(call).length])],
    gradient: "zero",
    evaluate: (call) => [int64s(shapePart(call))],
  },
  {
    op: "Size",
    infer: () => [typeOf("int64", [])],
    gradient: "zero",
    evaluate: (call) => [tensor("int64", [sizeOf(x0(call).shape)], [])],
  },
  unary("Reshape", reshapedShape, reshapeBack),
  unary(
    "Flatten",
    (call) => {
      const { shape } = x0(call);
      const axis = readInt(call.attributes, "axis", 1);
      const at = axis < 0 ? axis + shape.length : axis;
      return [sizeOf(shape.slice(0, at)), sizeOf(shape.slice(at))];
    },
    reshapeBack,
  ),
  unary("Squeeze", squeezedShape, reshapeBack),
  unary("Unsqueeze", unsqueezedShape, reshapeBack),
  unary(
    "Transpose",
    (call) => permOf(call).map((p) => x0(call).shape[p] as number),
    (c) => {
      const perm = permOf(c.call);
      const back = perm.map((_, i) => perm.indexOf(i));
      return [c.builder.op("Transpose", [c.gradients[0]], { perm: ints(back) })];
    },
  ),
  { op: "Concat", infer: inferConcat, gradient: concatGradient, evaluate: foldMovement },
  { op: "Split", infer: inferSplit, gradient: splitGradient },
  unary("Slice", (call) => sliceRanges(call).map((r) => r.count), sliceGradient),
  { op: "Pad", infer: inferPad, gradient: padGradient, note: "gradient for mode constant only" },
  unary("Expand", expandShape, (c) => [sumTo(c.builder, c.gradients[0] as Value, x0(c.call).shape)]),
  unary("Tile", (call) => repeatsOf(call).map((r, i) => r * (x0(call).shape[i] as number)), tileGradient),
  {
    op: "ConstantOfShape",
    infer: (call) => [typeOf(fillOf(call).dtype, filledShape(call))],
    gradient: "zero",
    evaluate: (call) => {
      const known = call.constants[0];
      if (!known) return undefined;
      const shape = numbersOf(known);
      const size = sizeOf(shape);
      if (size > 4096) return undefined;
      const fill = fillOf(call);
      return [tensor(fill.dtype, Array<number>(size).fill(numbersOf(fill)[0] as number), shape)];
    },
  },
  unary("DepthToSpace", (call) => blockShapes(call, true), depthToSpaceGradient),
  unary(
    "SpaceToDepth",
    (call) => blockShapes(call, false),
    (c) => [
      c.builder.op("DepthToSpace", [c.gradients[0]], { blocksize: int(readInt(c.call.attributes, "blocksize", 1)) }),
    ],
  ),
];
