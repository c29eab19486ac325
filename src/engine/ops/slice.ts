/** Cutting out and putting around: Slice and Pad, each the other's gradient. */
import { int, readText } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s, tensor } from "../graph/tensor.js";
import { quote } from "../../base/quote.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { at, knownInputs, rearrange, stridesOf } from "./fold-movement.js";
import { expand, knownInts, misfit, noGradient, normaliseAxis, required, reshape, sumTo, typeOf } from "./support.js";

/** Zeros of a value's type and shape, without a large initialiser. */
export function zeros(b: GraphBuilder, like: Value): Value {
  return expand(b, b.constant(tensor(like.dtype, [0], [])), like.shape);
}

/** Pads with zeros (negative: crops). */
export function padZero(b: GraphBuilder, v: Value, before: readonly number[], after: readonly number[]): Value {
  if ([...before, ...after].every((n) => n === 0)) return v;
  return b.op("Pad", [v, b.constant(int64s([...before, ...after])), b.constant(tensor(v.dtype, [0], []))]);
}

interface SliceRange {
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Per axis of the input: where a Slice starts, how it steps and how many it takes. */
function sliceRanges(call: OpCall): SliceRange[] {
  const x = required(call, 0);
  const starts = knownInts(call, 1) ?? [];
  const ends = knownInts(call, 2) ?? [];
  const axes = knownInts(call, 3) ?? starts.map((_, i) => i);
  const steps = knownInts(call, 4) ?? starts.map(() => 1);
  if ([ends, axes, steps].some((list) => list.length !== starts.length))
    throw misfit(call, "starts, ends, axes and steps differ in length");
  const ranges = x.shape.map((d): SliceRange => ({ start: 0, step: 1, count: d }));
  axes.forEach((given, i) => {
    const axis = normaliseAxis(call, given, x.shape.length);
    const size = x.shape[axis] as number;
    const step = steps[i] as number;
    if (step === 0) throw misfit(call, "a step is 0");
    const clamp = (v: number, low: number, high: number): number => Math.max(low, Math.min(high, v < 0 ? v + size : v));
    const start = step > 0 ? clamp(starts[i] as number, 0, size) : clamp(starts[i] as number, 0, size - 1);
    const end = step > 0 ? clamp(ends[i] as number, 0, size) : clamp(ends[i] as number, -1, size - 1);
    ranges[axis] = { start, step, count: size === 0 ? 0 : Math.max(0, Math.ceil((end - start) / step)) };
  });
  return ranges;
}

function sliceGradient(c: GradientContext): (Value | undefined)[] {
  const b = c.builder;
  const x = c.inputs[0] as Value;
  let g = c.gradients[0] as Value;
  const ranges = sliceRanges(c.call);
  if (ranges.some((r) => r.count === 0)) return [zeros(b, x)];
  // Backwards steps: turn the gradient around first, so that every step is positive.
  g = reverse(
    b,
    g,
    ranges.flatMap((r, i) => (r.step < 0 ? [i] : [])),
  );
  const forward = ranges.map((r) =>
    r.step < 0 ? { start: r.start + (r.count - 1) * r.step, step: -r.step, count: r.count } : r,
  );
  forward.forEach((r, axis) => {
    if (r.step > 1 && r.count > 1) g = dilate(b, g, axis, r.step);
  });
  const before = forward.map((r) => r.start);
  const after = forward.map((r, i) => (x.shape[i] as number) - r.start - ((r.count - 1) * r.step + 1));
  return [padZero(b, g, before, after)];
}

/** Turns a value around along some axes. */
function reverse(b: GraphBuilder, v: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return v;
  const all = (value: number): Value => b.constant(int64s(axes.map(() => value)));
  return b.op("Slice", [v, all(-1), all(-(2 ** 31)), b.constant(int64s(axes)), all(-1)]);
}

/** Puts step - 1 zeros between neighbours along an axis: size n becomes (n - 1) step + 1. */
function dilate(b: GraphBuilder, v: Value, axis: number, step: number): Value {
  const size = v.shape[axis] as number;
  const apart = reshape(b, v, [...v.shape.slice(0, axis + 1), 1, ...v.shape.slice(axis + 1)]);
  const none = apart.shape.map(() => 0);
  const padded = padZero(
    b,
    apart,
    none,
    none.map((_, i) => (i === axis + 1 ? step - 1 : 0)),
  );
  const merged = reshape(
    b,
    padded,
    v.shape.map((d, i) => (i === axis ? d * step : d)),
  );
  const one = (n: number): Value => b.constant(int64s([n]));
  return b.op("Slice", [merged, one(0), one((size - 1) * step + 1), one(axis)]);
}

/** Pads of every axis, in front and behind. */
function padsOf(call: OpCall): { before: number[]; after: number[] } {
  const rank = required(call, 0).shape.length;
  const pads = knownInts(call, 1) ?? [];
  const axes =
    knownInts(call, 3)?.map((a) => normaliseAxis(call, a, rank)) ?? Array.from({ length: rank }, (_, i) => i);
  if (pads.length !== 2 * axes.length)
    throw misfit(call, `it has ${pads.length} pads for ${axes.length} axes`, `${2 * axes.length}`);
  const before = Array<number>(rank).fill(0);
  const after = Array<number>(rank).fill(0);
  axes.forEach((a, i) => {
    before[a] = pads[i] as number;
    after[a] = pads[i + axes.length] as number;
  });
  return { before, after };
}

function inferPad(call: OpCall): StaticType[] {
  const x = required(call, 0);
  const { before, after } = padsOf(call);
  const shape = x.shape.map((d, i) => d + (before[i] as number) + (after[i] as number));
  if (shape.some((d) => d < 0)) throw misfit(call, "the pads crop more than the input has");
  return [typeOf(x.dtype, shape)];
}

function padGradient(c: GradientContext): (Value | undefined)[] {
  const { builder: b, call } = c;
  const mode = readText(call.attributes, "mode", "constant");
  const { before, after } = padsOf(call);
  const g = c.gradients[0] as Value;
  if (mode !== "constant") {
    const { shape } = c.inputs[0] as Value;
    const folded = shape.reduce((value, size, axis) => {
      const sources = sourcesOf(call, mode, size, before[axis] as number, after[axis] as number);
      return gatherAdjoint(b, value, axis, sources, size);
    }, g);
    return [folded];
  }
  const negative = (pads: readonly number[]): number[] => pads.map((n) => -n);
  const back = padZero(b, g, negative(before), negative(after));
  const fill = c.inputs[2];
  // The fill stands wherever the input does not.
  const around = fill && c.wants(2) ? b.op("Sub", [sumTo(b, g, []), sumTo(b, back, [])]) : undefined;
  return [back, undefined, around && fill && reshape(b, around, fill.shape)];
}

/** Which element of an axis each element of the padded axis copies. */
function sourcesOf(call: OpCall, mode: string, size: number, before: number, after: number): number[] {
  if (before < 0 || after < 0) throw noGradient(call, `negative pads in the mode ${quote(mode)}`);
  return Array.from({ length: before + size + after }, (_, i) => {
    const at = i - before;
    if (mode === "edge") return Math.max(0, Math.min(size - 1, at));
    if (mode === "wrap") return ((at % size) + size) % size;
    if (mode !== "reflect") throw noGradient(call, `the mode ${quote(mode)}`);
    const period = Math.max(2 * (size - 1), 1);
    const inside = ((at % period) + period) % period;
    return inside < size ? inside : period - inside;
  });
}

/**
 * The adjoint of picking `sources` along an axis of `size`. The picks fall into runs that climb, fall or stand still;
 * each is a piece of g as it is, turned around, or summed, put in its place.
 */
function gatherAdjoint(b: GraphBuilder, g: Value, axis: number, sources: readonly number[], size: number): Value {
  const runs: { from: number; count: number; step: number }[] = [];
  sources.forEach((source, i) => {
    const run = runs[runs.length - 1];
    const step = i > 0 ? source - (sources[i - 1] as number) : 0;
    if (run && (run.count === 1 ? Math.abs(step) <= 1 : step === run.step)) {
      run.count++;
      run.step = step;
    } else runs.push({ from: i, count: 1, step: 1 });
  });
  if (runs.length === 1 && runs[0]?.step === 1) return g;
  const sizes = b.constant(int64s(runs.map((r) => r.count)));
  const pieces = runs.length > 1 ? b.ops("Split", [g, sizes], { axis: int(axis) }) : [g];
  const placed = runs.map((run, k) => {
    const piece = pieces[k] as Value;
    const last = sources[run.from + run.count - 1] as number;
    const first = run.step < 0 ? last : (sources[run.from] as number);
    const turned = run.step < 0 ? reverse(b, piece, [axis]) : piece;
    const one = run.step === 0 ? b.op("ReduceSum", [piece, b.constant(int64s([axis]))], { keepdims: int(1) }) : turned;
    const around = (n: number): number[] => one.shape.map((_, i) => (i === axis ? n : 0));
    return padZero(b, one, around(first), around(size - first - (one.shape[axis] as number)));
  });
  return placed.length > 1 ? b.op("Sum", placed) : (placed[0] as Value);
}

export const sliceOps: readonly OpDefinition[] = [
  {
    op: "Slice",
    infer: (call) => [
      typeOf(
        required(call, 0).dtype,
        sliceRanges(call).map((r) => r.count),
      ),
    ],
    gradient: sliceGradient,
    evaluate: (call) => {
      const [x] = knownInputs(call) ?? [];
      if (!x) return undefined;
      const ranges = sliceRanges(call);
      const strides = stridesOf(x.shape);
      const source = (index: readonly number[]): number =>
        at(
          strides,
          ranges.map((r, i) => r.start + (index[i] as number) * r.step),
        );
      return [
        rearrange(
          x,
          ranges.map((r) => r.count),
          source,
        ),
      ];
    },
  },
  {
    op: "Pad",
    infer: inferPad,
    gradient: padGradient,
    note: "negative pads have a gradient in mode constant only",
  },
];
