/**
 * Affine maps from an output pixel to the place in the source where it is read. Pixel centres are whole numbers; maps are
 * written about the image's centre ((W - 1) / 2, (H - 1) / 2), the convention of PyTorch's align_corners=False. Steps compose
 * into one map, so an image is resampled once.
 */

/** [a, b, c, d, e, f]: source x = a x + b y + c, source y = d x + e y + f. */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

export const IDENTITY: Affine = [1, 0, 0, 0, 1, 0];

/** First `outer` takes the output pixel, then `inner` what that gave: inner(outer(p)). */
export function compose(inner: Affine, outer: Affine): Affine {
  const [a, b, c, d, e, f] = inner;
  const [p, q, r, s, t, u] = outer;
  return [a * p + b * s, a * q + b * t, a * r + b * u + c, d * p + e * s, d * q + e * t, d * r + e * u + f];
}

/** From coordinates about the centre to pixel coordinates. */
export function aboutCentre([a, b, c, d, e, f]: Affine, height: number, width: number): Affine {
  const [x, y] = [(width - 1) / 2, (height - 1) / 2];
  return [a, b, c + x - (a * x + b * y), d, e, f + y - (d * x + e * y)];
}

/** Mirrors left and right. */
export const FLIP: Affine = [-1, 0, 0, 0, 1, 0];

/** Moves the picture by (dx, dy) pixels, to the right and down. */
export const shifted = (dx: number, dy: number): Affine => [1, 0, -dx, 0, 1, -dy];

/** Enlarges the picture by a factor. */
export const zoomed = (factor: number): Affine => [1 / factor, 0, 0, 0, 1 / factor, 0];

/** Turns the picture counter-clockwise; exact at multiples of 90 degrees. */
export function rotated(degrees: number): Affine {
  const [cos, sin] = [cosine(degrees), cosine(degrees - 90)];
  return [cos, -sin, 0, sin, cos, 0];
}

/** Slants rows (x) or columns (y): an output pixel is read that much further for each pixel from the centre. */
export const sheared = (x: number, y: number): Affine => [1, x, 0, y, 1, 0];

/** A box of the image, in pixels, resized to the whole of it. */
export function cropped(
  box: { top: number; left: number; height: number; width: number },
  height: number,
  width: number,
): Affine {
  const x = box.left + box.width / 2 - width / 2;
  const y = box.top + box.height / 2 - height / 2;
  return [box.width / width, 0, x, 0, box.height / height, y];
}

function cosine(degrees: number): number {
  const quarter = degrees / 90;
  if (Number.isInteger(quarter)) return [1, 0, -1, 0][((quarter % 4) + 4) % 4] as number;
  return Math.cos((degrees * Math.PI) / 180);
}
