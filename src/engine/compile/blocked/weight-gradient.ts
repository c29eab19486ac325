/** Gradients of convolutions with respect to their weights, in the blocked layout. */
import { int, ints } from "../../graph/attributes.js";
import type { OpCall, Value } from "../../graph/builder.js";
import { int64s, tensor } from "../../graph/tensor.js";
import type { Attributes } from "../../graph/types.js";
import { NCHWC_DOMAIN } from "../../ops/nchwc.js";
import { opOf } from "../../ops/registry.js";
import { required, reshape, transpose } from "../../ops/support.js";
import { spatialOf } from "../../ops/window.js";
import { convolve, enough, type Geometry, geometryOf, kindOf, lanesLast, padTo } from "./convolution.js";
import type { BlockedForm, BlockedLayout } from "./layout.js";

const NCHWC = { domain: NCHWC_DOMAIN };

/** dW [K,C/group,kh,kw]. */
export const blockedWeightGradient: BlockedForm = (call, layout) => {
  const [x, dy] = [required(call, 0), required(call, 1)];
  const g = geometryOf(call);
  if (x.shape.length !== 4 || x.dtype !== "float32") return undefined;
  const [c, k] = [x.shape[1] as number, dy.shape[1] as number];
  const kind = kindOf(c, k, g.group);
  if (kind === "depthwise") return enough(layout, c) ? [depthwiseGradient(layout, x, dy, g)] : undefined;
  // One tap: a plain matrix product is faster.
  if (kind && g.kernel.every((s) => s === 1)) return subsampledGradient(call, layout, x, dy, g);
  if (!kind || !enough(layout, k)) return undefined;
  return [batchAsChannels(layout, x, dy, g)];
};

/**
 * Batch and channel as one axis: X [N,C,H,W] is an image of N C channels and dY its depthwise filters, without moving a
 * byte. Their convolution is the gradient of each sample, which are then summed.
 */
function depthwiseGradient(layout: BlockedLayout, x: Value, dy: Value, g: Geometry): Value {
  const { builder: b, block } = layout;
  const [n, c] = x.shape as [number, number];
  const [images, filters] = [layout.blocked(x), layout.blocked(dy)];
  const C = layout.padded(c);
  const [kh, kw] = g.kernel as [number, number];
  const ends = g.kernel.map((_, i) => behind(g, i, x, dy));
  const attributes = {
    kernel_shape: ints(spatialOf(dy.shape)),
    strides: ints(g.dilations),
    dilations: ints(g.strides),
    pads: ints([...g.begin, ...ends.map((e) => Math.max(0, e))]),
    group: int(n * C),
  };
  const image = reshape(b, images, [1, n * C, ...spatialOf(x.shape)]);
  const each = convolve(layout, image, reshape(b, filters, [n * C, 1, ...spatialOf(dy.shape)]), attributes);
  const [h, w] = spatialOf(each.shape) as [number, number];
  const apart = reshape(b, each, [n, C / block, h * w, block]);
  const sum = b.op("ReduceSum", [apart, b.constant(int64s([0]))], { keepdims: int(0) });
  const plain = reshape(b, transpose(b, sum, [0, 2, 1]), [C, 1, h, w]);
  return firstOf(layout, plain, [c, 1, kh, kw]);
}

/**
 * One tap with a stride: the pixels that are read are picked out by a depthwise convolution, with all threads and before
 * the values leave the layout. Slice would take one thread, and four times the values at stride 2.
 */
function subsampledGradient(
  call: OpCall,
  layout: BlockedLayout,
  x: Value,
  dy: Value,
  g: Geometry,
): readonly Value[] | undefined {
  const picked = spatialOf(x.shape).every(
    (size, i) => Math.ceil(size / (g.strides[i] as number)) === dy.shape[i + 2] && g.begin[i] === 0,
  );
  if (g.strides.every((s) => s === 1) || !picked || !layout.holds(x)) return undefined;
  const channels = x.shape[1] as number;
  const pixels = layout.take(copied(layout, layout.blocked(x), { strides: ints(g.strides) }), channels);
  const attributes = { ...call.attributes, strides: ints(g.strides.map(() => 1)), pads: ints([0, 0, 0, 0]) };
  const inputs = [layout.plain(pixels), layout.plain(dy)];
  return opOf(call).lower?.({ ...call, inputs, attributes }, layout.builder);
}

/** A blocked value through a depthwise convolution with one tap of weight 1: a copy with all threads, strided or padded. */
function copied(layout: BlockedLayout, image: Value, attributes: Attributes): Value {
  const C = image.shape[1] as number;
  const one = layout.builder.constant(tensor("float32", new Float32Array(C).fill(1), [C, 1, 1, 1]), "ones");
  return convolve(layout, image, one, { kernel_shape: ints([1, 1]), ...attributes, group: int(C) });
}

/** What the last tap of the last window needs behind X; negative when the stride leaves a remainder unread. */
function behind(g: Geometry, i: number, x: Value, dy: Value): number {
  const span = (g.dilations[i] as number) * ((g.kernel[i] as number) - 1);
  const last = (g.strides[i] as number) * ((dy.shape[i + 2] as number) - 1) + span;
  return last + 1 - (x.shape[i + 2] as number) - (g.begin[i] as number);
}

/** The front of a value along every axis. */
function firstOf(layout: BlockedLayout, value: Value, shape: readonly number[]): Value {
  if (shape.every((d, i) => d === value.shape[i])) return value;
  const b = layout.builder;
  const at = (values: readonly number[]): Value => b.constant(int64s(values));
  return b.op("Slice", [value, at(shape.map(() => 0)), at(shape), at(shape.map((_, i) => i))]);
}

/**
 * One convolution with the batch as its channels: X as images of N channels, dY as K kernels of N channels and the size of
 * the output. Stride and dilation change places.
 */
function batchAsChannels(layout: BlockedLayout, x: Value, dy: Value, g: Geometry): Value {
  const { builder: b, block } = layout;
  const [n, c] = x.shape as [number, number];
  const [k, kh, kw] = [dy.shape[1] as number, g.kernel[0] as number, g.kernel[1] as number];
  const N = layout.padded(n);
  const ends = g.kernel.map((_, i) => Math.max(0, behind(g, i, x, dy))) as [number, number];
  const [H, W] = spatialOf(dy.shape) as [number, number];
  const K = layout.padded(k);
  const kernels = sampleKernels(layout, padTo(layout, layout.blocked(dy), [N, K, H, W]));
  const woven = layout.holds(x) && g.dilations[1] === 1;
  const lanes = woven ? block : 1;
  const images = woven ? wovenImages(layout, x, g, ends) : channelImages(layout, x, g, ends);
  const product = convolve(layout, images, kernels, {
    kernel_shape: ints([H, W]),
    strides: ints(g.dilations),
    dilations: ints([g.strides[0] as number, (g.strides[1] as number) * lanes]),
  });
  const out = b.op("ReorderOutput", [product], { channels: int(k) }, { domain: NCHWC_DOMAIN });
  const [pictures, , h, w] = out.shape as [number, number, number, number];
  const apart = firstOf(layout, reshape(b, out, [pictures, k, h, w / lanes, lanes]), [pictures, k, kh, kw, lanes]);
  const dw = reshape(b, filtersFirst(layout, apart), [k, pictures * lanes, kh, kw]);
  return firstOf(layout, dw, [k, c, kh, kw]);
}

/** [pictures, K, kh, kw, lanes] -> [K, pictures, lanes kh kw]. */
function filtersFirst(layout: BlockedLayout, value: Value): Value {
  const { builder: b, block } = layout;
  const [pictures, k, kh, kw, lanes] = value.shape as [number, number, number, number, number];
  const reorder = lanes === block && kh * kw > 1;
  const tapsLast = reorder
    ? b.op("ReorderOutput", [reshape(b, value, [pictures * k, block, kh, kw])], { channels: int(block) }, NCHWC)
    : value;
  if (pictures === 1) return tapsLast;
  if (!reorder && lanes > 1) return transpose(b, value, [1, 0, 4, 2, 3]);
  const order = Int32Array.from({ length: pictures * k }, (_, i) => (i % pictures) * k + Math.floor(i / pictures));
  const rows = reshape(b, tapsLast, [pictures * k, lanes * kh * kw]);
  return b.op("Gather", [rows, b.constant(tensor("int32", order, [order.length]), "filter_order")], { axis: int(0) });
}

/**
 * [C'/b images, N channels, H, W b]: the b channels of a block side by side in each pixel, so that one row of the product
 * holds all of them. The kernels work on six places of a row at a time; a row of kw places would leave half of them idle.
 */
function wovenImages(layout: BlockedLayout, x: Value, g: Geometry, ends: readonly [number, number]): Value {
  const { builder: b, block } = layout;
  const source = layout.lanes(layout.blocked(x));
  const [n, blocks, height, width] = source.shape as [number, number, number, number];
  const N = layout.padded(n);
  const [top, left] = g.begin as [number, number];
  const full = padTo(layout, source, [N, blocks, height, width, block]);
  const [H, W] = [height + top + ends[0], width + left + ends[1]];
  // Padding as a copy beforehand is faster than in the convolution, whose kernel is as large as the image.
  const padded = bordered(layout, full, [top, left, ...ends]);
  const samplesLast = lanesLast(layout, padded, N / block, blocks * H * W * block);
  const grouped = reshape(b, samplesLast, [N / block, blocks, H * W * block * block]);
  return reshape(b, transpose(b, grouped, [1, 0, 2]), [blocks, N, H, W * block]);
}

/** Zeros around the pixels of [N, C'/b, H, W, b]: [top, left, bottom, right]. Pad would use one thread. */
function bordered(layout: BlockedLayout, lanes: Value, pads: readonly number[]): Value {
  if (pads.every((p) => p === 0)) return lanes;
  return layout.lanes(copied(layout, layout.fromLanes(lanes), { pads: ints(pads) }));
}

/** dY as kernels: blocked [N,K,H,W] -> [K,N,H,W] in the order that the kernels read, [K/b, N/b, H W, b samples, b]. */
function sampleKernels(layout: BlockedLayout, dy: Value): Value {
  const { builder: b, block } = layout;
  const [n, k, h, w] = dy.shape as [number, number, number, number];
  // Rows of b numbers change places: Gather does it with all threads, Transpose with one.
  const rows = reshape(b, dy, [(n * k * h * w) / block, block]);
  const moved = b.op("Gather", [rows, rowOrder(layout, [n / block, k / block, h * w])], { axis: int(0) });
  return reshape(b, moved, [k, n, h, w]);
}

/** Where [blocks, groups, places, b samples] finds its rows in [groups, b samples, blocks, places]; made once for each size. */
function rowOrder(layout: BlockedLayout, [groups, blocks, places]: readonly [number, number, number]): Value {
  const { block } = layout;
  const key = `rows ${groups} ${blocks} ${places}`;
  const known = layout.noted(key) as Value | undefined;
  if (known) return known;
  const order = new Int32Array(groups * block * blocks * places);
  let i = 0;
  for (let k = 0; k < blocks; k++)
    for (let g = 0; g < groups; g++)
      for (let p = 0; p < places; p++)
        for (let s = 0; s < block; s++) order[i++] = ((g * block + s) * blocks + k) * places + p;
  const value = layout.builder.constant(tensor("int32", order, [order.length]), "row_order");
  layout.note(key, value);
  return value;
}

/** [C images, N channels, H, W]. */
function channelImages(layout: BlockedLayout, x: Value, g: Geometry, ends: readonly [number, number]): Value {
  const b = layout.builder;
  const n = x.shape[0] as number;
  const [top, left] = g.begin as [number, number];
  const padded = padAround(layout, layout.plain(x), [layout.padded(n) - n, top, left], ends);
  return b.op("ReorderInput", [transpose(b, padded, [1, 0, 2, 3])], {}, { domain: NCHWC_DOMAIN });
}

/** Zeros: `front` = [samples behind, rows above, columns left], `back` = [rows below, columns right]. */
function padAround(
  layout: BlockedLayout,
  value: Value,
  front: readonly [number, number, number],
  back: readonly [number, number],
): Value {
  const [samples, top, left] = front;
  if (samples + top + left + back[0] + back[1] === 0) return value;
  const pads = [0, 0, top, left, samples, 0, back[0], back[1]];
  return layout.builder.op("Pad", [value, layout.builder.constant(int64s(pads))]);
}
