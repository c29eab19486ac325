/** Movement: ops that put values elsewhere, joining, splitting, turning and repeating, without computing anything new. */
import { int, ints, readInt, readInts, readText } from "../graph/attributes.js";
import type { OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { at, concatenate, knownInputs, rearrange, smallEnough, stridesOf } from "./fold-movement.js";
import { zeros } from "./slice.js";
import {
  inferSame,
  knownInts,
  misfit,
  normaliseAxis,
  required,
  reshape,
  sameTyped,
  transpose,
  typeOf,
} from "./support.js";

const x0 = (call: OpCall): Value => required(call, 0);
const axisOf = (call: OpCall): number =>
  normaliseAxis(call, readInt(call.attributes, "axis", 0), x0(call).shape.length);

/** The shape with another size along one axis. */
const resized = (shape: readonly number[], axis: number, size: number): number[] =>
  shape.map((d, i) => (i === axis ? size : d));

function permOf(call: OpCall): readonly number[] {
  const rank = x0(call).shape.length;
  const perm = readInts(call.attributes, "perm") ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
  if (perm.length !== rank || [...perm].sort((a, b) => a - b).some((p, i) => p !== i))
    throw misfit(call, `perm is [${perm}]`, `a permutation of 0 to ${rank - 1}`);
  return perm;
}

const transposing: OpDefinition = {
  op: "Transpose",
  infer: (call) => [
    typeOf(
      x0(call).dtype,
      permOf(call).map((p) => x0(call).shape[p] as number),
    ),
  ],
  gradient: (c) => {
    const perm = permOf(c.call);
    const back = perm.map((_, i) => perm.indexOf(i));
    return [c.builder.op("Transpose", [c.gradients[0]], { perm: ints(back) })];
  },
  evaluate: (call) => {
    const [x] = knownInputs(call) ?? [];
    if (!x) return undefined;
    const perm = permOf(call);
    const strides = stridesOf(x.shape);
    const moved = perm.map((p) => strides[p] as number);
    return [
      rearrange(
        x,
        perm.map((p) => x.shape[p] as number),
        (index) => at(moved, index),
      ),
    ];
  },
};

function inferConcat(call: OpCall): StaticType[] {
  const values = sameTyped(call, 1);
  const first = values[0] as Value;
  const axis = axisOf(call);
  const fits = (v: Value): boolean =>
    v.shape.length === first.shape.length && v.shape.every((d, k) => k === axis || d === first.shape[k]);
  if (first.shape.length === 0) throw misfit(call, "the inputs are single numbers", "at least one dimension");
  if (!values.every(fits)) throw misfit(call, `the inputs differ beside axis ${axis}`);
  const total = values.reduce((sum, v) => sum + (v.shape[axis] as number), 0);
  return [typeOf(first.dtype, resized(first.shape, axis, total))];
}

function concatGradient(c: GradientContext): (Value | undefined)[] {
  const axis = axisOf(c.call);
  const sizes = c.inputs.map((v) => (v as Value).shape[axis] as number);
  if (sizes.length === 1) return [c.gradients[0]];
  const b = c.builder;
  return [...b.ops("Split", [c.gradients[0], b.constant(int64s(sizes))], { axis: int(axis) })];
}

function foldConcat(call: OpCall): Tensor[] | undefined {
  const parts = knownInputs(call);
  const [type] = parts ? inferConcat(call) : [];
  return parts && type && [concatenate(parts, axisOf(call), type.shape)];
}

/** Sizes of a Split's parts. */
function splitSizes(call: OpCall): number[] {
  const size = x0(call).shape[axisOf(call)] as number;
  const given = knownInts(call, 1);
  if (given) {
    if (given.some((d) => d < 0) || given.reduce((p, d) => p + d, 0) !== size)
      throw misfit(call, `the parts [${given}] do not add up to ${size}`);
    return given;
  }
  const parts = readInt(call.attributes, "num_outputs", 0);
  if (parts < 1) throw misfit(call, "it lacks the sizes of its parts", "split or num_outputs");
  const each = Math.ceil(size / parts);
  const last = size - each * (parts - 1);
  if (last < 0) throw misfit(call, `${size} values do not split into ${parts} parts of ${each}`);
  return Array.from({ length: parts }, (_, i) => (i < parts - 1 ? each : last));
}

const splitting: OpDefinition = {
  op: "Split",
  infer: (call) => {
    const { dtype, shape } = x0(call);
    const axis = axisOf(call);
    return splitSizes(call).map((size) => typeOf(dtype, resized(shape, axis, size)));
  },
  gradient: (c) => {
    const b = c.builder;
    const parts = c.outputs.map((o, i) => c.gradients[i] ?? zeros(b, o));
    return [parts.length > 1 ? b.op("Concat", parts, { axis: int(axisOf(c.call)) }) : parts[0]];
  },
  evaluate: (call) => {
    const [x] = knownInputs(call) ?? [];
    if (!x) return undefined;
    const [axis, strides] = [axisOf(call), stridesOf(x.shape)];
    let start = 0;
    return splitSizes(call).map((size) => {
      const offset = start * (strides[axis] as number);
      start += size;
      return rearrange(x, resized(x.shape, axis, size), (index) => offset + at(strides, index));
    });
  },
};

function repeatsOf(call: OpCall): number[] {
  const repeats = knownInts(call, 1) ?? [];
  if (repeats.length !== x0(call).shape.length || repeats.some((r) => r < 0))
    throw misfit(call, `repeats is [${repeats}]`, `${x0(call).shape.length} numbers from 0`);
  return repeats;
}

const tiledShape = (call: OpCall): number[] => repeatsOf(call).map((r, i) => r * (x0(call).shape[i] as number));

const tiling: OpDefinition = {
  op: "Tile",
  infer: (call) => [typeOf(x0(call).dtype, tiledShape(call))],
  // [r0 d0, r1 d1] is [r0, d0, r1, d1], summed over the repeats.
  gradient: (c) => {
    const b = c.builder;
    const x = c.inputs[0] as Value;
    const apart: number[] = [];
    const axes: number[] = [];
    repeatsOf(c.call).forEach((r, i) => {
      if (r !== 1) axes.push(apart.push(r) - 1);
      apart.push(x.shape[i] as number);
    });
    if (axes.length === 0) return [c.gradients[0]];
    const g = reshape(b, c.gradients[0] as Value, apart);
    return [b.op("ReduceSum", [g, b.constant(int64s(axes))], { keepdims: int(0) })];
  },
  evaluate: (call) => {
    const [x] = knownInputs(call) ?? [];
    if (!x || !smallEnough(x.dtype, tiledShape(call))) return undefined;
    const strides = stridesOf(x.shape);
    const source = (index: readonly number[]): number =>
      at(
        strides,
        index.map((n, i) => n % (x.shape[i] as number)),
      );
    return [rearrange(x, tiledShape(call), source)];
  },
};

/** Shape rule of DepthToSpace (`toSpace`) and SpaceToDepth. */
function inferBlocks(call: OpCall, toSpace: boolean): StaticType[] {
  const { dtype, shape } = x0(call);
  const block = readInt(call.attributes, "blocksize", 0);
  const [n, c, h, w] = shape as [number, number, number, number];
  const moved = toSpace ? [n, c / block ** 2, h * block, w * block] : [n, c * block ** 2, h / block, w / block];
  if (shape.length !== 4 || block < 1 || moved.some((d) => !Number.isInteger(d)))
    throw misfit(call, `the shape does not divide into blocks of ${block}`);
  return [typeOf(dtype, moved)];
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

export const movementOps: readonly OpDefinition[] = [
  transposing,
  { op: "Concat", infer: inferConcat, gradient: concatGradient, evaluate: foldConcat },
  splitting,
  tiling,
  { op: "DepthToSpace", infer: (call) => inferBlocks(call, true), gradient: depthToSpaceGradient },
  {
    op: "SpaceToDepth",
    infer: (call) => inferBlocks(call, false),
    gradient: (c) => {
      const blocksize = int(readInt(c.call.attributes, "blocksize", 1));
      return [c.builder.op("DepthToSpace", [c.gradients[0]], { blocksize })];
    },
  },
  {
    op: "Trilu",
    infer: (call) => {
      if (x0(call).shape.length < 2)
        throw misfit(call, `its input has ${x0(call).shape.length} dimensions`, "at least 2");
      return inferSame(call);
    },
    gradient: (c) => [c.builder.op("Trilu", [c.gradients[0], c.inputs[1]], c.call.attributes)],
  },
];
