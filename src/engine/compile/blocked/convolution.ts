/** Convolutions and their gradients in the blocked layout. */
import { int, ints, readInt, readInts } from "../../graph/attributes.js";
import type { OpCall, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import type { Attributes } from "../../graph/types.js";
import { convWindow } from "../../ops/convolution.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { required, reshape, transpose } from "../../ops/support.js";
import { convolutionAttributes, spatialOf } from "../../ops/window.js";
import { emitConvolution } from "./fusion.js";
import type { BlockedForm, BlockedLayout } from "./layout.js";

/** What the forms can do: one group, or one filter a channel. */
export function kindOf(channels: number, filters: number, group: number): "dense" | "depthwise" | undefined {
  if (group === 1) return "dense";
  return group === channels && group === filters ? "depthwise" : undefined;
}

/** Filters that would be mostly padding stay plain. */
export const enough = (layout: BlockedLayout, channels: number): boolean => 2 * channels >= layout.block;

/** Whether a Conv has a blocked form; the graph is worth the layout when one has. */
export function canBlock(x: readonly number[], w: readonly number[], group: number, block: number): boolean {
  const kind = x.length === 4 && kindOf(x[1] as number, w[0] as number, group);
  return Boolean(kind) && 2 * (w[0] as number) >= block;
}

export const blockedConv: BlockedForm = (call, layout, node) => {
  const [x, w, bias] = [required(call, 0), required(call, 1), call.inputs[2]];
  const group = readInt(call.attributes, "group", 1);
  if (x.dtype !== "float32" || !canBlock(x.shape, w.shape, group, layout.block)) return undefined;
  const [filters, channels] = [w.shape[0] as number, x.shape[1] as number];
  const plainInput = group === 1 && channels < layout.block && !layout.holds(x);
  const attributes = convolutionAttributes(convWindow(call), group === 1 ? 1 : layout.padded(channels));
  const parts = {
    x: plainInput ? x : layout.blocked(x),
    w: group === 1 ? forwardWeight(layout, w, plainInput) : depthwiseWeight(layout, w),
    bias: bias && layout.vector(bias),
    attributes,
    channels: filters,
  };
  return [emitConvolution(layout, parts, node)];
};

/** [K,C,kh,kw] with both padded to whole blocks (C only where X is blocked), in the order that the kernels read. */
function forwardWeight(layout: BlockedLayout, w: Value, plainInput: boolean): Value {
  const { builder: b, block } = layout;
  const [k, c, kh, kw] = w.shape as [number, number, number, number];
  const [K, C] = [layout.padded(k), plainInput ? c : layout.padded(c)];
  const full = padTo(layout, w, [K, C, kh, kw]);
  const lanes = lanesLast(layout, full, K / block, C * kh * kw);
  if (plainInput) return reshape(b, lanes, [K, C, kh, kw]);
  const parts = reshape(b, lanes, [K / block, C / block, block, kh * kw, block]);
  return reshape(b, transpose(b, parts, [0, 1, 3, 2, 4]), [K, C, kh, kw]);
}

/** [C,1,kh,kw] in the order that the depthwise kernel reads. */
function depthwiseWeight(layout: BlockedLayout, w: Value): Value {
  const [c, , kh, kw] = w.shape as [number, number, number, number];
  const C = layout.padded(c);
  const full = padTo(layout, w, [C, 1, kh, kw]);
  return reshape(layout.builder, lanesLast(layout, full, C / layout.block, kh * kw), [C, 1, kh, kw]);
}

/**
 * [outer, b, inner] -> [outer, inner, b]. ONNX Runtime's Transpose moves single elements for this; ReorderInput is the same
 * with vectors.
 */
export function lanesLast(layout: BlockedLayout, value: Value, outer: number, inner: number): Value {
  const image = reshape(layout.builder, value, [outer, layout.block, inner, 1]);
  return inner === 1 ? image : layout.builder.op("ReorderInput", [image], {}, { domain: NCHWC_DOMAIN });
}

/** Zeros behind, up to a shape. */
export function padTo(layout: BlockedLayout, value: Value, shape: readonly number[]): Value {
  const extra = shape.map((d, i) => d - (value.shape[i] as number));
  if (extra.every((e) => e === 0)) return value;
  return layout.builder.op("Pad", [value, layout.builder.constant(int64s([...extra.map(() => 0), ...extra]))]);
}

export interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly begin: readonly number[];
  readonly group: number;
}

export function geometryOf(call: OpCall): Geometry {
  const list = (name: string): readonly number[] => readInts(call.attributes, name) as readonly number[];
  const kernel = list("kernel_shape");
  return {
    kernel,
    strides: list("strides"),
    dilations: list("dilations"),
    begin: list("pads").slice(0, kernel.length),
    group: readInt(call.attributes, "group", 1),
  };
}

/** dX: a convolution of dY with the kernels turned round; strides go by sub-pixel phases or by zeros between dY's pixels. */
export const blockedInputGradient: BlockedForm = (call, layout, node) => {
  const [dy, w] = [required(call, 0), required(call, 1)];
  const shape = readInts(call.attributes, "input_shape") as readonly number[];
  const g = geometryOf(call);
  const [c, k] = [shape[1] as number, dy.shape[1] as number];
  const kind = shape.length === 4 ? kindOf(c, k, g.group) : undefined;
  if (!kind || dy.dtype !== "float32" || !enough(layout, c) || !enough(layout, k)) return undefined;
  const strided = g.strides.some((s) => s > 1);
  const pointwise = g.kernel.every((s) => s === 1);
  if (strided && kind === "dense" && !pointwise) return phases(call, layout, g, shape);
  const source = layout.blocked(dy);
  if (pointwise && strided && kind === "dense" && g.begin.every((p) => p === 0)) {
    const small = convolve(layout, source, adjointWeight(layout, w), { kernel_shape: ints(g.kernel) });
    return [layout.take(spread(layout, small, g.strides, spatialOf(shape)), c)];
  }
  const wide = strided ? spread(layout, source, g.strides) : source;
  const reach = g.kernel.map((s, i) => (g.dilations[i] as number) * (s - 1));
  const front = reach.map((r, i) => r - (g.begin[i] as number));
  const back = spatialOf(shape).map((s, i) => s - (wide.shape[i + 2] as number) + (g.begin[i] as number));
  if ([...front, ...back].some((p) => p < 0)) return undefined;
  const attributes = {
    kernel_shape: ints(g.kernel),
    dilations: ints(g.dilations),
    pads: ints([...front, ...back]),
    group: int(kind === "dense" ? 1 : layout.padded(c)),
  };
  const weight = kind === "dense" ? adjointWeight(layout, w) : depthwiseWeight(layout, turned(layout, w));
  return [emitConvolution(layout, { x: wide, w: weight, attributes, channels: c }, node)];
};

export function convolve(layout: BlockedLayout, x: Value, w: Value, attributes: Attributes): Value {
  return layout.builder.op("Conv", [x, w], attributes, { domain: NCHWC_DOMAIN });
}

/** Each kernel turned round: [K,C,kh,kw] -> [K,C,kh,kw]. */
function turned(layout: BlockedLayout, w: Value): Value {
  const b = layout.builder;
  const [k, c, kh, kw] = w.shape as [number, number, number, number];
  const taps = kh * kw;
  if (taps === 1) return w;
  const backwards = b.constant(int64s(Array.from({ length: taps }, (_, i) => taps - 1 - i)));
  return reshape(b, b.op("Gather", [reshape(b, w, [k, c, taps]), backwards], { axis: int(2) }), [k, c, kh, kw]);
}

/** The weight of the adjoint of a stride-1 convolution: [K,C,kh,kw] -> [C',K',kh,kw], blocked. */
function adjointWeight(layout: BlockedLayout, w: Value): Value {
  const [, , kh, kw] = w.shape as [number, number, number, number];
  return adjointTaps(
    layout,
    w,
    [kh, kw],
    Array.from({ length: kh * kw }, (_, i) => kh * kw - 1 - i),
  );
}

/** [K,C,kh,kw] -> [C',K',...size], blocked, with the taps given by their position in kh kw. */
function adjointTaps(layout: BlockedLayout, w: Value, size: readonly [number, number], taps: readonly number[]): Value {
  const { builder: b, block } = layout;
  const [k, c, kh, kw] = w.shape as [number, number, number, number];
  const [K, C] = [layout.padded(k), layout.padded(c)];
  const full = padTo(layout, w, [K, C, kh, kw]);
  const lanes = reshape(b, lanesLast(layout, full, (K * C) / block, kh * kw), [K, C / block, kh * kw, block]);
  const all = taps.length === kh * kw && taps.every((t, i) => t === i);
  const picked = all ? lanes : b.op("Gather", [lanes, b.constant(int64s(taps))], { axis: int(2) });
  const parts = reshape(b, picked, [K / block, block, C / block, taps.length, block]);
  return reshape(b, transpose(b, parts, [2, 0, 3, 1, 4]), [C, K, ...size]);
}

/** Blocked [N,C',h,w] -> [N,C',s h,s w] with each pixel followed by zeros, cut to `sizes` when given. */
function spread(layout: BlockedLayout, value: Value, strides: readonly number[], sizes?: readonly number[]): Value {
  const { builder: b, block } = layout;
  const [n, c, h, w] = value.shape as [number, number, number, number];
  const [sh, sw] = strides as [number, number];
  const apart = reshape(b, value, [n, c / block, h, 1, w, 1, block]);
  const pads = b.constant(int64s([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sh - 1, 0, sw - 1, 0]));
  const filled = reshape(b, b.op("Pad", [apart, pads]), [n, c / block, h * sh, w * sw, block]);
  return layout.fromLanes(sizes ? fitted(layout, filled, sizes) : filled);
}

/** Cuts or pads [N, C'/b, H, W, b] behind to the given sizes. */
function fitted(layout: BlockedLayout, lanes: Value, sizes: readonly number[]): Value {
  const b = layout.builder;
  const [h, w] = [lanes.shape[2] as number, lanes.shape[3] as number];
  const [H, W] = sizes as [number, number];
  let value = lanes;
  if (h > H || w > W) {
    const at = (values: readonly number[]): Value => b.constant(int64s(values));
    value = b.op("Slice", [value, at([0, 0]), at([Math.min(h, H), Math.min(w, W)]), at([2, 3])]);
  }
  const extra = [Math.max(0, H - h), Math.max(0, W - w)] as const;
  if (extra[0] + extra[1] === 0) return value;
  return b.op("Pad", [value, b.constant(int64s([0, 0, 0, 0, 0, 0, 0, extra[0], extra[1], 0]))]);
}

/**
 * dX of a strided convolution by sub-pixel phases, as Shi et al. (CVPR 2016) upsample: each of the stride x stride phases
 * of dX is a small convolution of dY with its own taps of the kernel; then they are interleaved.
 *
 * Row s q + r of dX reads dY's rows q + t, with tap r + pad - s t of the kernel, for every t that makes it a tap. One
 * convolution for all phases with the taps filled up by zeros would multiply 16 taps instead of 9 for a 3x3 kernel.
 */
function phases(call: OpCall, layout: BlockedLayout, g: Geometry, shape: readonly number[]): Value[] | undefined {
  const { builder: b, block } = layout;
  const [dy, w] = [required(call, 0), required(call, 1)];
  if (g.dilations.some((d) => d !== 1)) return undefined;
  const [n, c] = shape as [number, number];
  const sizes = spatialOf(shape) as [number, number];
  const axes = sizes.map((size, i) =>
    Array.from({ length: g.strides[i] as number }, (_, r) => phaseOf(g, i, r, size, dy.shape[i + 2] as number)),
  ) as [Phase[], Phase[]];
  if (axes.flat().some((p) => p.taps.length === 0 || p.pads.some((pad) => pad < 0))) return undefined;
  const steps = sizes.map((size, i) => Math.ceil(size / (g.strides[i] as number))) as [number, number];
  const source = layout.blocked(dy);
  const blocks = layout.padded(c) / block;
  const rows = axes[0].map((row) => {
    const columns = axes[1].map((column) => {
      const taps = row.taps.flatMap((i) => column.taps.map((j) => i * (g.kernel[1] as number) + j));
      const size = [row.taps.length, column.taps.length] as const;
      const part = convolve(layout, source, adjointTaps(layout, w, size, taps), {
        kernel_shape: ints(size),
        pads: ints([row.pads[0], column.pads[0], row.pads[1], column.pads[1]]),
      });
      return reshape(b, part, [n, blocks, steps[0], 1, steps[1], 1, block]);
    });
    return columns.length > 1 ? b.op("Concat", columns, { axis: int(5) }) : (columns[0] as Value);
  });
  const placed = rows.length > 1 ? b.op("Concat", rows, { axis: int(3) }) : (rows[0] as Value);
  const [sh, sw] = g.strides as [number, number];
  const whole = reshape(b, placed, [n, blocks, steps[0] * sh, steps[1] * sw, block]);
  return [layout.take(layout.fromLanes(fitted(layout, whole, sizes)), c)];
}

/** One phase along one axis: the kernel's taps in the order dY is read, and the pads of that convolution over dY. */
interface Phase {
  readonly taps: readonly number[];
  readonly pads: readonly [number, number];
}

function phaseOf(g: Geometry, axis: number, r: number, size: number, output: number): Phase {
  const [kernel, stride, pad] = [g.kernel[axis] as number, g.strides[axis] as number, g.begin[axis] as number];
  const first = Math.ceil((r + pad - (kernel - 1)) / stride);
  const last = Math.floor((r + pad) / stride);
  const taps = Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => r + pad - stride * (first + i));
  const steps = Math.ceil(size / stride);
  return { taps, pads: [-first, steps - 1 + last - (output - 1)] };
}
