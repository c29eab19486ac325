/** Filters over the planes of one image [channels, height, width] of floats, in place. */

/** Gaussian weights out to three sigma, summing to 1. */
export function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-((i - radius) ** 2) / (2 * sigma ** 2)),
  );
  const sum = kernel.reduce((a, b) => a + b, 0);
  return kernel.map((w) => w / sum);
}

/**
 * Gaussian blur, rows then columns; the border's pixels go on outside.
 * @param scratch as long as the image
 */
export function blur(image: Float32Array, height: number, width: number, sigma: number, scratch: Float32Array): void {
  const kernel = gaussianKernel(sigma);
  const lines = image.length / width;
  along(image, scratch, kernel, width, 1, lines, (line) => line * width);
  // Column x of plane c starts at c H W + x.
  const columns = image.length / height;
  along(scratch, image, kernel, height, width, columns, (i) => Math.floor(i / width) * height * width + (i % width));
}

/** Filters lines of so many values, a stride apart. */
function along(
  from: Float32Array,
  to: Float32Array,
  kernel: Float64Array,
  length: number,
  stride: number,
  lines: number,
  startOf: (line: number) => number,
): void {
  const radius = (kernel.length - 1) / 2;
  for (let line = 0; line < lines; line++) {
    const start = startOf(line);
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let k = -radius; k <= radius; k++) {
        const at = i + k < 0 ? 0 : i + k >= length ? length - 1 : i + k;
        sum += (kernel[k + radius] as number) * (from[start + at * stride] as number);
      }
      to[start + i * stride] = sum;
    }
  }
}

/**
 * Blends with a smoothed image (the 3 x 3 mean with 5 times the weight in the middle, as PIL's): 0 is that, 1 the image, above it
 * is sharper. The border stays as it is.
 * @param scratch as long as the image
 */
export function sharpness(
  image: Float32Array,
  height: number,
  width: number,
  factor: number,
  scratch: Float32Array,
): void {
  scratch.set(image.subarray(0, image.length));
  for (let from = 0; from < image.length; from += height * width)
    for (let y = 1; y < height - 1; y++)
      for (let x = 1; x < width - 1; x++) {
        const at = from + y * width + x;
        let sum = 4 * (scratch[at] as number);
        for (let row = at - width; row <= at + width; row += width)
          sum += (scratch[row - 1] as number) + (scratch[row] as number) + (scratch[row + 1] as number);
        const smooth = sum / 13;
        const sharp = smooth + factor * ((scratch[at] as number) - smooth);
        image[at] = sharp < 0 ? 0 : sharp > 1 ? 1 : sharp;
      }
}
