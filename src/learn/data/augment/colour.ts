/**
 * Operations on the values of one image [channels, height, width], in place: floats with 0 the lowest value of the data's range
 * and 1 the highest. Where an operation has levels there are 256 of them, those of bytes.
 */
import { InputError } from "../../../base/errors.js";
import { sharpness } from "./filters.js";
import { PIXEL_OPS, type PixelOp } from "./randaugment.js";

/** Luma weights of ITU-R BT.601. */
const LUMA = [0.299, 0.587, 0.114] as const;
const LEVELS = 256;

const clip = (v: number): number => (v < 0 ? 0 : v > 1 ? 1 : v);
const levelOf = (v: number): number => Math.round(clip(v) * (LEVELS - 1));

/** Grey of pixel i: BT.601 of three channels, else the channels' mean. */
function greyAt(image: Float32Array, plane: number, i: number): number {
  const channels = image.length / plane;
  if (channels === 3)
    return (
      LUMA[0] * (image[i] as number) +
      LUMA[1] * (image[plane + i] as number) +
      LUMA[2] * (image[2 * plane + i] as number)
    );
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += image[c * plane + i] as number;
  return sum / channels;
}

/** Multiplies by a factor. */
export function brightness(image: Float32Array, factor: number): void {
  for (let i = 0; i < image.length; i++) image[i] = clip((image[i] as number) * factor);
}

/** Multiplies the distance from the image's mean grey. */
export function contrast(image: Float32Array, plane: number, factor: number): void {
  let mean = 0;
  for (let i = 0; i < plane; i++) mean += greyAt(image, plane, i);
  mean /= plane;
  for (let i = 0; i < image.length; i++) image[i] = clip(mean + factor * ((image[i] as number) - mean));
}

/** Multiplies the distance from each pixel's grey. */
export function saturation(image: Float32Array, plane: number, factor: number): void {
  for (let i = 0; i < plane; i++) {
    const grey = greyAt(image, plane, i);
    for (let at = i; at < image.length; at += plane) image[at] = clip(grey + factor * ((image[at] as number) - grey));
  }
}

/** Turns the hue of HSV by a part of the whole circle; three channels. */
export function hue(image: Float32Array, plane: number, turn: number): void {
  for (let i = 0; i < plane; i++) {
    const r = image[i] as number;
    const g = image[plane + i] as number;
    const b = image[2 * plane + i] as number;
    const value = Math.max(r, g, b);
    const chroma = value - Math.min(r, g, b);
    if (chroma === 0) continue;
    // Sixths of the circle from red (0) over green (2) and blue (4).
    const sector = value === r ? (g - b) / chroma : value === g ? 2 + (b - r) / chroma : 4 + (r - g) / chroma;
    const turned = sector + 6 * turn;
    image[i] = channelAt(turned + 5, value, chroma);
    image[plane + i] = channelAt(turned + 3, value, chroma);
    image[2 * plane + i] = channelAt(turned + 1, value, chroma);
  }
}

/** A channel of HSV, without cases: it falls off with its distance to the hue (Smith, "Color gamut transform pairs", 1978). */
function channelAt(sixths: number, value: number, chroma: number): number {
  const k = sixths - 6 * Math.floor(sixths / 6);
  return value - chroma * clip(Math.min(k, 4 - k));
}

/** Stretches each channel to the whole range. */
export function autocontrast(image: Float32Array, plane: number): void {
  for (let from = 0; from < image.length; from += plane) {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = from; i < from + plane; i++) {
      low = Math.min(low, image[i] as number);
      high = Math.max(high, image[i] as number);
    }
    if (high <= low) continue;
    for (let i = from; i < from + plane; i++) image[i] = ((image[i] as number) - low) / (high - low);
  }
}

/**
 * Spreads each channel's levels evenly: a level becomes the share of pixels below it among those below the highest level. This is
 * PIL's formula without its whole-number step, with which images of fewer than 256 pixels stay as they are.
 */
export function equalize(image: Float32Array, plane: number): void {
  const counts = new Float64Array(LEVELS);
  for (let from = 0; from < image.length; from += plane) {
    counts.fill(0);
    for (let i = from; i < from + plane; i++) {
      const level = levelOf(image[i] as number);
      counts[level] = (counts[level] as number) + 1;
    }
    let highest = LEVELS - 1;
    while (counts[highest] === 0) highest--;
    const others = plane - (counts[highest] as number);
    if (others === 0) continue;
    let below = 0;
    for (let level = 0; level < LEVELS; level++) {
      const here = counts[level] as number;
      counts[level] = below / others;
      below += here;
    }
    for (let i = from; i < from + plane; i++) image[i] = counts[levelOf(image[i] as number)] as number;
  }
}

/** Inverts what is at or above a threshold. */
export function solarize(image: Float32Array, threshold: number): void {
  // Half a level of room: thresholds lie on levels, and a level of a float is not exact.
  const from = threshold - 0.5 / (LEVELS - 1);
  for (let i = 0; i < image.length; i++) {
    const v = clip(image[i] as number);
    image[i] = v >= from ? 1 - v : v;
  }
}

/** Keeps so many of the 8 bits of a level. */
export function posterize(image: Float32Array, bits: number): void {
  const mask = 256 - 2 ** (8 - bits);
  for (let i = 0; i < image.length; i++) image[i] = (levelOf(image[i] as number) & mask) / (LEVELS - 1);
}

/** One recorded operation of RandAugment. */
export function applyPixelOp(
  [op, amount]: PixelOp,
  image: Float32Array,
  height: number,
  width: number,
  scratch: Float32Array,
): void {
  const plane = height * width;
  if (op === PIXEL_OPS.autocontrast) autocontrast(image, plane);
  else if (op === PIXEL_OPS.equalize) equalize(image, plane);
  else if (op === PIXEL_OPS.solarize) solarize(image, amount);
  else if (op === PIXEL_OPS.posterize) posterize(image, amount);
  else if (op === PIXEL_OPS.color) saturation(image, plane, amount);
  else if (op === PIXEL_OPS.contrast) contrast(image, plane, amount);
  else if (op === PIXEL_OPS.brightness) brightness(image, amount);
  else if (op === PIXEL_OPS.sharpness) sharpness(image, height, width, amount, scratch);
  else
    throw new InputError({
      code: "store-mismatch",
      where: "views.bin",
      found: `a recorded view has the operation ${op}`,
      expected: "an operation of RandAugment",
      cure: "Label the views again",
    });
}
