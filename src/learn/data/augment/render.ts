/** Renders views: geometry in one resampling, then values, then what is cut out. Pure: nothing is random here. */
import { Random, streamNumber } from "../../../engine/random/random.js";
import { leastAndMost, type SampleSource } from "../read.js";
import type { DataSet } from "../types.js";
import type { SampleArray } from "../../../engine/graph/samples.js";
import { sizeOf } from "../../../engine/graph/tensor.js";
import * as colour from "./colour.js";
import { type Augmentation, changesValues } from "./config.js";
import { blur } from "./filters.js";
import type { Mix } from "./mix.js";
import { resample } from "./resample.js";
import type { Box, View } from "./view.js";

/** Lowest and highest value the samples of a data set may have. */
export type ValueRange = readonly [min: number, max: number];

const BYTES: ValueRange = [0, 255];
const NOISE = streamNumber("augmentation noise field");
const ranges = new WeakMap<SampleArray, ValueRange>();

/** The range that colours and noise are a matter of: 0 to 255 for bytes, else the lowest and highest value; found once a data set. */
export function rangeOf(data: SampleSource & Pick<DataSet, "size">): ValueRange {
  const { samples } = data;
  if (samples instanceof Uint8Array) return BYTES;
  let range = ranges.get(samples);
  if (!range) {
    range = leastAndMost(data);
    ranges.set(samples, range);
  }
  return range;
}

/** The same for views of this configuration: those that only move pixels need no look at all the data. */
export function rangeFor(config: Augmentation, data: Parameters<typeof rangeOf>[0]): ValueRange {
  return changesValues(config) ? rangeOf(data) : BYTES;
}

/** Whether more than places change, so that the values' range matters. */
function valuesChange(view: View): boolean {
  const { brightness, contrast, saturation } = view;
  return (
    view.ops.length > 0 ||
    view.blur > 0 ||
    view.noise > 0 ||
    view.hue !== 0 ||
    brightness !== 1 ||
    contrast !== 1 ||
    saturation !== 1
  );
}

/**
 * Renders one view of one sample.
 * @param source samples, the one meant from `offset` on
 * @param shape of a sample; anything but [channels, height, width] is copied
 * @param out receives as many values from `outOffset` on; whole numbers are rounded and stay within their range
 * @param range of the data (`rangeOf`); only views that change values need it, and bytes have one
 */
export function renderView(
  view: View,
  source: SampleArray,
  offset: number,
  shape: readonly number[],
  out: SampleArray,
  outOffset: number,
  range: ValueRange = BYTES,
): void {
  if (shape.length !== 3) {
    const size = sizeOf(shape);
    out.set(source.subarray(offset, offset + size), outOffset);
    return;
  }
  const image = shape as readonly [number, number, number];
  if (valuesChange(view)) renderValues(view, source, offset, image, out, outOffset, range);
  else resample(view.affine, source, offset, image, out, outOffset);
  erase(view.cutout, image, out, outOffset);
}

/** One image of floats, and room for filters; made anew only when an image of another size comes. */
let work = { image: new Float32Array(0), scratch: new Float32Array(0) };

function renderValues(
  view: View,
  source: SampleArray,
  offset: number,
  shape: readonly [number, number, number],
  out: SampleArray,
  outOffset: number,
  [min, max]: ValueRange,
): void {
  const [channels, height, width] = shape;
  const size = channels * height * width;
  if (work.image.length !== size) work = { image: new Float32Array(size), scratch: new Float32Array(size) };
  const { image, scratch } = work;
  resample(view.affine, source, offset, shape, image, 0);
  const span = max > min ? max - min : 1;
  toUnits(image, min, span);
  for (const op of view.ops) colour.applyPixelOp(op, image, height, width, scratch);
  const plane = height * width;
  if (view.brightness !== 1) colour.brightness(image, view.brightness);
  if (view.contrast !== 1) colour.contrast(image, plane, view.contrast);
  if (view.saturation !== 1) colour.saturation(image, plane, view.saturation);
  if (view.hue !== 0) colour.hue(image, plane, view.hue);
  if (view.blur > 0) blur(image, height, width, view.blur, scratch);
  if (view.noise > 0) addNoise(image, view.noise, view.noiseSeed);
  fromUnits(image, min, span, out, outOffset);
}

function toUnits(image: Float32Array, min: number, span: number): void {
  for (let i = 0; i < image.length; i++) image[i] = clip(((image[i] as number) - min) / span);
}

function fromUnits(image: Float32Array, min: number, span: number, out: SampleArray, outOffset: number): void {
  if (out instanceof Float32Array)
    for (let i = 0; i < image.length; i++) out[outOffset + i] = min + span * (image[i] as number);
  else for (let i = 0; i < image.length; i++) out[outOffset + i] = Math.floor(min + span * (image[i] as number) + 0.5);
}

const clip = (v: number): number => (v < 0 ? 0 : v > 1 ? 1 : v);

/** Box and Muller's pairs: both numbers of each are used. */
function addNoise(image: Float32Array, std: number, seed: number): void {
  const random = new Random(seed, NOISE);
  for (let i = 0; i < image.length; i += 2) {
    const radius = std * Math.sqrt(-2 * Math.log((random.u32(i) + 1) / 2 ** 32));
    const angle = (2 * Math.PI * random.u32(i + 1)) / 2 ** 32;
    image[i] = clip((image[i] as number) + radius * Math.cos(angle));
    if (i + 1 < image.length) image[i + 1] = clip((image[i + 1] as number) + radius * Math.sin(angle));
  }
}

function erase(
  [top, left, h, w]: Box,
  [channels, height, width]: readonly [number, number, number],
  out: SampleArray,
  outOffset: number,
): void {
  if (h === 0) return;
  for (let c = 0; c < channels; c++)
    for (let y = top; y < top + h; y++) {
      const row = outOffset + (c * height + y) * width;
      out.fill(0, row + left, row + left + w);
    }
}

/**
 * Mixes a rendered sample with its rendered partner, in place: own = lambda own + (1 - lambda) partner, or the partner's box pasted.
 * @param own the sample's view from `offset` on
 * @param partner the partner's own view from `partnerOffset` on
 */
export function mixInto(
  mix: Mix,
  own: SampleArray,
  offset: number,
  partner: SampleArray,
  partnerOffset: number,
  shape: readonly number[],
): void {
  const { lambda, box } = mix;
  if (box === null) {
    const size = sizeOf(shape);
    const whole = !(own instanceof Float32Array);
    for (let i = 0; i < size; i++) {
      const v = lambda * (own[offset + i] as number) + (1 - lambda) * (partner[partnerOffset + i] as number);
      own[offset + i] = whole ? Math.round(v) : v;
    }
    return;
  }
  const [channels, height, width] = shape as readonly [number, number, number];
  const [top, left, h, w] = box;
  for (let c = 0; c < channels; c++)
    for (let y = top; y < top + h; y++) {
      const row = (c * height + y) * width + left;
      own.set(partner.subarray(partnerOffset + row, partnerOffset + row + w), offset + row);
    }
}
