/** Reads an image through an affine map: one copy where pixels only move, else one bilinear resampling. */
import type { SampleArray } from "../../../engine/graph/samples.js";
import type { Affine } from "./affine.js";

/**
 * out[c, y, x] = image at the map's place, bilinear between the four pixels around it, 0 outside.
 * @param source image [channels, height, width] from `offset` on
 * @param out as many values from `outOffset` on; whole numbers are rounded
 */
export function resample(
  affine: Affine,
  source: SampleArray,
  offset: number,
  [channels, height, width]: readonly [number, number, number],
  out: SampleArray,
  outOffset: number,
): void {
  const [a, b, c, d, e, f] = affine;
  const upright = Math.abs(a) === 1 && b === 0 && d === 0 && e === 1 && Number.isInteger(c) && Number.isInteger(f);
  if (!upright) bilinear(affine, source, offset, [channels, height, width], out, outOffset);
  else if (c === 0 && f === 0 && a === 1) copy(source, offset, channels * height * width, out, outOffset);
  else moveRows(a < 0, c, f, source, offset, [channels, height, width], out, outOffset);
}

function copy(source: SampleArray, offset: number, length: number, out: SampleArray, outOffset: number): void {
  out.set(source.subarray(offset, offset + length), outOffset);
}

/** Flips and whole shifts: source x = c + x, or c - x when mirrored; source y = f + y. */
function moveRows(
  mirrored: boolean,
  c: number,
  f: number,
  source: SampleArray,
  offset: number,
  [channels, height, width]: readonly [number, number, number],
  out: SampleArray,
  outOffset: number,
): void {
  out.fill(0, outOffset, outOffset + channels * height * width);
  // Columns of the output that have a source.
  const first = Math.max(0, mirrored ? c - (width - 1) : -c);
  const last = Math.min(width - 1, mirrored ? c : width - 1 - c);
  const step = mirrored ? -1 : 1;
  for (let plane = 0; plane < channels; plane++)
    for (let y = Math.max(0, -f); y < Math.min(height, height - f); y++) {
      const target = outOffset + (plane * height + y) * width;
      let at = offset + (plane * height + y + f) * width + c + step * first;
      for (let x = first; x <= last; x++, at += step) out[target + x] = source[at] as number;
    }
}

function bilinear(
  [a, b, c, d, e, f]: Affine,
  source: SampleArray,
  offset: number,
  [channels, height, width]: readonly [number, number, number],
  out: SampleArray,
  outOffset: number,
): void {
  const plane = height * width;
  const whole = !(out instanceof Float32Array);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sx = a * x + b * y + c;
      const sy = d * x + e * y + f;
      const x0 = Math.floor(sx);
      const y0 = Math.floor(sy);
      const wx = sx - x0;
      const wy = sy - y0;
      const left = x0 >= 0 && x0 < width;
      const right = x0 >= -1 && x0 + 1 < width;
      const top = y0 >= 0 && y0 < height;
      const bottom = y0 >= -1 && y0 + 1 < height;
      let from = offset + y0 * width + x0;
      let to = outOffset + y * width + x;
      for (let channel = 0; channel < channels; channel++, from += plane, to += plane) {
        let sum = 0;
        if (top && left) sum += (1 - wy) * (1 - wx) * (source[from] as number);
        if (top && right) sum += (1 - wy) * wx * (source[from + 1] as number);
        if (bottom && left) sum += wy * (1 - wx) * (source[from + width] as number);
        if (bottom && right) sum += wy * wx * (source[from + width + 1] as number);
        out[to] = whole ? Math.round(sum) : sum;
      }
    }
}
