/** Blurs, with sizes relative to the shorter side. Outside the image the nearest edge pixel goes on. */
import { byPlane, clamp, type Draws, type Image, sideOf, warpAffine } from "./image.js";

/** Convolution with a Gaussian of sigma * side pixels, cut off at four sigmas. */
export function gaussianBlur(image: Image, sigma: number): Float64Array {
  const { height, width } = image;
  return byPlane(image, (plane) => smooth(plane, height, width, sigma * sideOf(image)));
}

/** One plane [height, width] smoothed by a Gaussian of sigma pixels, along the rows and then along the columns. */
export function smooth(plane: Float64Array, height: number, width: number, sigma: number): Float64Array {
  const radius = Math.max(1, Math.ceil(4 * sigma));
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, k) =>
    Math.exp(-((k - radius) ** 2) / (2 * sigma ** 2)),
  );
  const total = kernel.reduce((a, w) => a + w, 0);
  const along = (from: Float64Array, length: number, step: number, lines: number, stride: number): Float64Array => {
    const out = new Float64Array(from.length);
    const padded = new Float64Array(length + 2 * radius);
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < padded.length; i++)
        padded[i] = from[line * stride + clamp(i - radius, length - 1) * step] as number;
      for (let i = 0; i < length; i++) {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) sum += (kernel[k] as number) * (padded[i + k] as number);
        out[line * stride + i * step] = sum / total;
      }
    }
    return out;
  };
  return along(along(plane, width, 1, height, width), height, width, width, 1);
}

/** Convolution with a disc of radius r = size * side pixels whose rim fades over one pixel: weight 1 + r - distance in [0, 1]. */
export function defocusBlur(image: Image, size: number): Float64Array {
  const { height, width } = image;
  const r = size * sideOf(image);
  const reach = Math.ceil(r);
  const rows = discRows(r, reach);
  const total = rows.reduce((sum, row) => sum + weightOf(row), 0);
  const wide = width + 2 * reach;
  return byPlane(image, (plane) => {
    const out = new Float64Array(plane.length);
    // Sums of the padded row's first x values: the disc's full part is a difference of two of them.
    const padded = new Float64Array(wide);
    const sums = new Float64Array(wide + 1);
    for (let y = 0; y < height; y++) {
      for (const { dy, half, rim } of rows) {
        const row = clamp(y + dy, height - 1) * width;
        for (let x = 0; x < wide; x++) {
          padded[x] = plane[row + clamp(x - reach, width - 1)] as number;
          sums[x + 1] = (sums[x] as number) + (padded[x] as number);
        }
        for (let x = 0; x < width; x++) {
          const at = x + reach;
          let sum = half < 0 ? 0 : (sums[at + half + 1] as number) - (sums[at - half] as number);
          for (const { dx, weight } of rim)
            sum +=
              weight * (dx === 0 ? (padded[at] as number) : (padded[at - dx] as number) + (padded[at + dx] as number));
          out[y * width + x] = (out[y * width + x] as number) + sum;
        }
      }
    }
    return out.map((v) => v / total);
  });
}

interface DiscRow {
  readonly dy: number;
  /** Columns -half .. half weigh 1; -1: none. */
  readonly half: number;
  /** What weighs less, to the right (and the same to the left). */
  readonly rim: readonly { readonly dx: number; readonly weight: number }[];
}

function weightOf({ half, rim }: DiscRow): number {
  const full = half < 0 ? 0 : 2 * half + 1;
  return rim.reduce((sum, { dx, weight }) => sum + (dx === 0 ? weight : 2 * weight), full);
}

function discRows(r: number, reach: number): DiscRow[] {
  return Array.from({ length: 2 * reach + 1 }, (_, i) => {
    const dy = i - reach;
    const weights = Array.from({ length: reach + 1 }, (_, dx) => clamp(1 + r - Math.hypot(dy, dx)));
    const fading = weights.findIndex((w) => w < 1);
    const half = (fading < 0 ? reach + 1 : fading) - 1;
    const rim = weights.map((weight, dx) => ({ dx, weight })).filter(({ dx, weight }) => dx > half && weight > 0);
    return { dy, half, rim };
  });
}

/** The mean along a line of length * side pixels through each pixel, at a random angle. */
export function motionBlur(image: Image, length: number, draws: Draws): Float64Array {
  const pixels = length * sideOf(image);
  const angle = Math.PI * draws.uniform(0);
  const steps = 2 * Math.ceil(pixels);
  const out = new Float64Array(image.values.length);
  for (let k = 0; k <= steps; k++) {
    const t = pixels * (k / steps - 0.5);
    const [ty, tx] = [t * Math.sin(angle), t * Math.cos(angle)];
    const moved = warpAffine(image, { y: ty, x: tx });
    for (let i = 0; i < out.length; i++) out[i] = (out[i] as number) + (moved[i] as number) / (steps + 1);
  }
  return out;
}
