/** What cannot be seen: a patch in front of the image, pixels too coarse. */
import { byPlane, type Draws, type Image, sideOf } from "./image.js";

/** A square patch of middle grey, size * side pixels wide (at least one), anywhere in the image. */
export function occlusion(image: Image, size: number, draws: Draws): Float64Array {
  const { height, width } = image;
  const pixels = Math.max(1, Math.round(size * sideOf(image)));
  const top = Math.floor(draws.uniform(0) * (height - pixels + 1));
  const left = Math.floor(draws.uniform(1) * (width - pixels + 1));
  return byPlane(image, (plane) => {
    const out = plane.slice();
    for (let y = top; y < top + pixels; y++) out.fill(0.5, y * width + left, y * width + left + pixels);
    return out;
  });
}

/** Down to so much of the resolution by the mean over each cell, and up again by the nearest cell. */
export function pixelate(image: Image, kept: number): Float64Array {
  const { height, width } = image;
  const [rows, columns] = [cells(height, kept), cells(width, kept)];
  return byPlane(image, (plane) => {
    const coarse = new Float64Array(rows.count * columns.count);
    for (let r = 0; r < rows.count; r++)
      for (let c = 0; c < columns.count; c++) {
        let sum = 0;
        for (const [y, wy] of rows.weights[r] as Weights)
          for (const [x, wx] of columns.weights[c] as Weights) sum += wy * wx * (plane[y * width + x] as number);
        coarse[r * columns.count + c] = sum;
      }
    return plane.map((_, i) => {
      const [r, c] = [rows.nearest(Math.floor(i / width)), columns.nearest(i % width)];
      return coarse[r * columns.count + c] as number;
    });
  });
}

/** Pixels with their share of a cell. */
type Weights = readonly (readonly [pixel: number, weight: number])[];

/** Cells along one direction: each pixel counts by how much of the cell it covers. */
function cells(length: number, kept: number) {
  const count = Math.max(1, Math.round(length * kept));
  const size = length / count;
  const weights = Array.from({ length: count }, (_, cell): Weights => {
    const [from, to] = [cell * size, (cell + 1) * size];
    return Array.from({ length }, (_, p) => [p, (Math.min(to, p + 1) - Math.max(from, p)) / size] as const).filter(
      ([, weight]) => weight > 1e-9,
    );
  });
  return { count, weights, nearest: (pixel: number) => Math.floor(((pixel + 0.5) * count) / length) };
}
