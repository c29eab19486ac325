/** One image as the corruptions see it, and how they read between its pixels. */
import type { Random } from "../../../engine/random/random.js";

/** An image with values in [0, 1], planes one after the other. */
export interface Image {
  /** [channels, height, width], row-major. */
  readonly values: Float64Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Words of a stream that belong to one sample: two a normal number, of up to 2^25 values. */
const WORDS = 2 ** 26;

/** The random numbers of one sample: functions of (seed, corruption, sample), the same for every severity. */
export class Draws {
  /** @param random the stream of (seed, corruption) */
  constructor(
    private readonly random: Random,
    private readonly sample: number,
  ) {}

  /** Uniform in [0, 1). */
  uniform(index: number): number {
    return this.random.uniform(this.sample * WORDS + index);
  }

  /** Standard normal; takes the uniform numbers 2 index and 2 index + 1. */
  normal(index: number): number {
    return this.random.normal((this.sample * WORDS) / 2 + index);
  }
}

/** The shorter side, in pixels: what sizes are relative to. */
export const sideOf = ({ height, width }: Image): number => Math.min(height, width);

/** The same transformation of every plane. */
export function byPlane(image: Image, apply: (plane: Float64Array, channel: number) => Float64Array): Float64Array {
  const size = image.height * image.width;
  const out = new Float64Array(image.values.length);
  for (let c = 0; c < image.channels; c++) out.set(apply(image.values.subarray(c * size, (c + 1) * size), c), c * size);
  return out;
}

/**
 * Every pixel read from another place, bilinearly; outside the image the nearest edge pixel goes on.
 * @param ys rows to read from [height * width]; pixel centres are whole numbers
 * @param xs columns to read from
 */
export function warp({ values, channels, height, width }: Image, ys: Float64Array, xs: Float64Array): Float64Array {
  const size = height * width;
  const out = new Float64Array(values.length);
  for (let i = 0; i < size; i++) {
    const y = clamp(ys[i] as number, height - 1);
    const x = clamp(xs[i] as number, width - 1);
    const [top, left] = [Math.floor(y), Math.floor(x)];
    const [fy, fx] = [y - top, x - left];
    const [row, below] = [top * width, Math.min(top + 1, height - 1) * width];
    const right = Math.min(left + 1, width - 1);
    for (let c = 0, plane = 0; c < channels; c++, plane += size) {
      const upper = (1 - fx) * (values[plane + row + left] as number) + fx * (values[plane + row + right] as number);
      const lower =
        (1 - fx) * (values[plane + below + left] as number) + fx * (values[plane + below + right] as number);
      out[plane + i] = (1 - fy) * upper + fy * lower;
    }
  }
  return out;
}

/** Where a pixel is read from, as an offset (y, x) from the image's centre: matrix times its own offset, plus a shift. */
export interface Affine {
  /** [yy, yx, xy, xx]; default none: the offset itself. */
  readonly matrix?: readonly [number, number, number, number];
  readonly y?: number;
  readonly x?: number;
}

/** Reads each pixel from where an affine map of its place says. */
export function warpAffine(image: Image, { matrix = [1, 0, 0, 1], y: ty = 0, x: tx = 0 }: Affine): Float64Array {
  const { height, width } = image;
  const [yy, yx, xy, xx] = matrix;
  const [cy, cx] = [(height - 1) / 2, (width - 1) / 2];
  const [ys, xs] = [new Float64Array(height * width), new Float64Array(height * width)];
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) {
      ys[i] = cy + yy * (y - cy) + yx * (x - cx) + ty;
      xs[i] = cx + xy * (y - cy) + xx * (x - cx) + tx;
    }
  return warp(image, ys, xs);
}

/** Into [0, high]. */
export const clamp = (v: number, high = 1): number => (v < 0 ? 0 : v > high ? high : v);
