/** Plain ONNX forms of a convolution's weight gradient; convolution-gradient.ts holds the measurements behind the choice. */

import { maxOf } from "../../base/extremes.js";
import { int, ints, readInt, readInts } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, Value } from "../graph/builder.js";
import { int64s, sizeOf } from "../graph/tensor.js";
import { required, reshape, transpose } from "./support.js";
import { planar, spatialOf, type Window } from "./window.js";

/** (X [N,C,...], dY [N,K,...]) -> dW [K,C/group,...kernel]. */
export function lowerWeightGradient(call: OpCall, b: GraphBuilder): readonly Value[] {
  const [x, dy] = [required(call, 0), required(call, 1)];
  const list = (name: string): readonly number[] => readInts(call.attributes, name) as readonly number[];
  const group = readInt(call.attributes, "group", 1);
  const [kernel, pads] = [list("kernel_shape"), list("pads")];
  const w: Window = {
    input: spatialOf(x.shape),
    kernel,
    strides: list("strides"),
    dilations: list("dilations"),
    begin: pads.slice(0, kernel.length),
    end: pads.slice(kernel.length),
    output: spatialOf(dy.shape),
  };
  if (group > 1 || kernel.length > 2) return [batchAsChannels(b, x, dy, w, group)];
  const flat = planar(w);
  const dw = columns(
    b,
    reshape(b, x, [...x.shape.slice(0, 2), ...flat.input]),
    reshape(b, dy, [...dy.shape.slice(0, 2), ...flat.output]),
    flat,
  );
  return [reshape(b, dw, [...dw.shape.slice(0, 2), ...kernel])];
}

/**
 * One convolution with the batch as its channels: kernel and output swap places, and so do stride and dilation.
 * X as [C/g, g*N, ...], dY as [K, N, ...] -> [C/g, K, ...kernel].
 */
function batchAsChannels(b: GraphBuilder, x: Value, dy: Value, w: Window, group: number): Value {
  const [n, c] = [x.shape[0] as number, (x.shape[1] as number) / group];
  const rest = w.input.map((_, i) => i + 3);
  const split = transpose(b, reshape(b, x, [n, group, c, ...w.input]), [2, 1, 0, ...rest]);
  const images = reshape(b, split, [c, group * n, ...w.input]);
  const filters = transpose(b, dy, [1, 0, ...rest.map((i) => i - 1)]);
  // What the last tap of the last window needs beyond the input; negative when the stride leaves a remainder unread.
  const missing = w.input.map((size, i) => lastRead(w, i) + 1 - size - (w.begin[i] as number));
  const full = b.op("Conv", [images, filters], {
    kernel_shape: ints(w.output),
    strides: ints(w.dilations),
    dilations: ints(w.strides),
    pads: ints([...w.begin, ...missing.map((m) => Math.max(m, 0))]),
    group: int(group),
  });
  const swapped = transpose(b, full, [1, 0, ...rest.map((i) => i - 1)]);
  return cut(
    b,
    swapped,
    w.kernel.map((_, i) => i + 2),
    w.kernel.map((size) => ({ start: 0, size, step: 1 })),
  );
}

/** Position, in the padded input, of the last element that the last window reads along a spatial dimension. */
function lastRead(w: Window, i: number): number {
  const span = (w.dilations[i] as number) * ((w.kernel[i] as number) - 1);
  return (w.strides[i] as number) * ((w.output[i] as number) - 1) + span;
}

/** How the kernel's rows meet copies of X (one per start row) and copies of dY (one per shift down). */
interface Rows {
  readonly starts: readonly number[];
  readonly shifts: readonly number[];
  /** For kernel row i: shift index * starts.length + start index. */
  readonly pick: readonly number[];
}

/**
 * Row offset i * dilation = stride * shift + start. Shared, X is copied once per start and column offset, dY once per shift:
 * C kw |starts| + K |shifts| planes instead of C kw kh, and a squarer matrix product. Unshared, every row is a start.
 */
function rowsOf(w: Window, shared: boolean): Rows {
  const offsets = Array.from({ length: w.kernel[0] as number }, (_, i) => i * (w.dilations[0] as number));
  const stride = shared ? (w.strides[0] as number) : Number.POSITIVE_INFINITY;
  const shift = (offset: number): number => Math.floor(offset / stride);
  const start = (offset: number): number => offset - (shared ? shift(offset) * stride : 0);
  const starts = [...new Set(offsets.map(start))];
  const shifts = [...new Set(offsets.map(shift))];
  const pick = offsets.map((o) => shifts.indexOf(shift(o)) * starts.length + starts.indexOf(start(o)));
  return { starts, shifts, pick };
}

/** im2col and a matrix product, for 2-D and one group. */
function columns(b: GraphBuilder, x: Value, dy: Value, w: Window): Value {
  const [c, k] = [x.shape[1] as number, dy.shape[1] as number];
  const [kh, kw] = w.kernel as [number, number];
  const sharing = rowsOf(w, true);
  const shared = c * kw * sharing.starts.length + k * sharing.shifts.length < c * kw * kh;
  const strided = w.strides.some((s) => s > 1) && kh * kw > 1;
  const rows = rowsOf(w, shared && !strided);
  const [left, right] = [k * rows.shifts.length, c * kw * rows.starts.length];
  const positions = (w.output[0] as number) * (w.output[1] as number);
  // One product per sample has to be summed over the batch afterwards: not when the products outweigh their operands.
  const folded = (strided && c >= 8) || left * right > positions * (left + right);
  const product = folded ? foldedProduct(b, x, dy, w, rows) : sampleProduct(b, x, dy, w, rows);
  const parts = [rows.shifts.length, k, rows.starts.length, kw, c];
  const ordered = transpose(b, reshape(b, product, parts), [1, 4, 0, 2, 3]);
  const taps = reshape(b, ordered, [k, c, rows.shifts.length * rows.starts.length, kw]);
  if (rows.pick.length === taps.shape[2] && rows.pick.every((p, i) => p === i)) return taps;
  return b.op("Gather", [taps, b.constant(int64s(rows.pick))], { axis: int(2) });
}

/** Channels first: a product [shifts K, L] x [L, starts kw C] for each sample, then their sum. */
function sampleProduct(b: GraphBuilder, x: Value, dy: Value, w: Window, rows: Rows): Value {
  const { xs, dys } = copies(b, x, dy, w, rows, 1);
  const n = x.shape[0] as number;
  const length = (xs.shape[2] as number) * (xs.shape[3] as number);
  const left = reshape(b, dys, [n, dys.shape[1] as number, length]);
  const right = transpose(b, reshape(b, xs, [n, xs.shape[1] as number, length]), [0, 2, 1]);
  return b.op("ReduceSum", [b.op("MatMul", [left, right]), b.constant(int64s([0]))], { keepdims: int(0) });
}

/** Channels last: one product [shifts K, N L] x [N L, starts kw C] that sums over the batch by itself. */
function foldedProduct(b: GraphBuilder, x: Value, dy: Value, w: Window, rows: Rows): Value {
  const last = (value: Value): Value => transpose(b, value, [0, 2, 3, 1]);
  const { xs, dys } = copies(b, last(x), last(dy), w, rows, 3);
  const flat = (value: Value): Value => reshape(b, value, [sizeOf(value.shape.slice(0, 3)), value.shape[3] as number]);
  return b.op("MatMul", [transpose(b, flat(dys), [1, 0]), flat(xs)]);
}

/** X cut at every (start, column offset) and dY moved down by every shift, each joined along the channel axis (1 or 3). */
function copies(b: GraphBuilder, x: Value, dy: Value, w: Window, rows: Rows, channelAxis: 1 | 3) {
  const axes: readonly [number, number] = channelAxis === 1 ? [2, 3] : [1, 2];
  const [height, width] = w.output as [number, number];
  const extra = maxOf(rows.shifts);
  const [sh, sw] = w.strides as [number, number];
  const needed = [maxOf(rows.starts) + sh * (height + extra - 1) + 1, lastRead(w, 1) + 1];
  const behind = axes.map((axis, i) =>
    Math.max(0, (needed[i] as number) - (x.shape[axis] as number) - (w.begin[i] as number)),
  );
  const padded = pad(b, x, axes, w.begin, behind);
  const cuts: Value[] = [];
  for (const start of rows.starts) {
    for (let j = 0; j < (w.kernel[1] as number); j++) {
      const row = { start, size: height + extra, step: sh };
      cuts.push(cut(b, padded, axes, [row, { start: j * (w.dilations[1] as number), size: width, step: sw }]));
    }
  }
  const moved = rows.shifts.map((shift) => pad(b, dy, axes, [shift, 0], [extra - shift, 0]));
  const join = (parts: readonly Value[]): Value =>
    parts.length > 1 ? b.op("Concat", parts, { axis: int(channelAxis) }) : (parts[0] as Value);
  return { xs: join(cuts), dys: join(moved) };
}

interface Cut {
  readonly start: number;
  readonly size: number;
  readonly step: number;
}

/** Every `step`th element along the axes, `size` of them; nothing when that is all there is. */
function cut(b: GraphBuilder, value: Value, axes: readonly number[], cuts: readonly Cut[]): Value {
  if (cuts.every((c, i) => c.start === 0 && c.step === 1 && c.size === value.shape[axes[i] as number])) return value;
  const vector = (values: readonly number[]): Value => b.constant(int64s(values));
  return b.op("Slice", [
    value,
    vector(cuts.map((c) => c.start)),
    vector(cuts.map((c) => c.start + c.step * (c.size - 1) + 1)),
    vector(axes),
    vector(cuts.map((c) => c.step)),
  ]);
}

/** Zeros in front and behind along the axes. */
function pad(
  b: GraphBuilder,
  value: Value,
  axes: readonly number[],
  begin: readonly number[],
  end: readonly number[],
): Value {
  if ([...begin, ...end].every((p) => p === 0)) return value;
  const along = (pads: readonly number[]): number[] => value.shape.map((_, d) => pads[axes.indexOf(d)] ?? 0);
  return b.op("Pad", [value, b.constant(int64s([...along(begin), ...along(end)]))]);
}
