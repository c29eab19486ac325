/** Where things are: shift, rotation, scale, elastic deformation. Read bilinearly; the edge pixels go on outside the image. */
import { smooth } from "./blur.js";
import { type Draws, type Image, sideOf, warp, warpAffine } from "./image.js";

/** By distance * side pixels in a random direction. */
export function shift(image: Image, distance: number, draws: Draws): Float64Array {
  const angle = 2 * Math.PI * draws.uniform(0);
  const pixels = distance * sideOf(image);
  const [ty, tx] = [pixels * Math.sin(angle), pixels * Math.cos(angle)];
  return warpAffine(image, { y: -ty, x: -tx });
}

/** By so many degrees around the centre, one way or the other. */
export function rotation(image: Image, degrees: number, draws: Draws): Float64Array {
  const angle = ((draws.uniform(0) < 0.5 ? -1 : 1) * degrees * Math.PI) / 180;
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  return warpAffine(image, { matrix: [cos, -sin, sin, cos] });
}

/** Larger or smaller by this factor, around the centre. */
export function scale(image: Image, factor: number, draws: Draws): Float64Array {
  const zoom = draws.uniform(0) < 0.5 ? 1 / factor : factor;
  return warpAffine(image, { matrix: [1 / zoom, 0, 0, 1 / zoom] });
}

/** How smooth elastic displacements are: sigma relative to the shorter side. */
const SMOOTHNESS = 0.1;

/**
 * Every pixel read from a place nearby: normal displacements smoothed by a Gaussian of 0.1 side (Simard, Steinkraus & Platt
 * 2003, section 2), scaled so that their root mean square is size * side pixels.
 */
export function elastic(image: Image, size: number, draws: Draws): Float64Array {
  const { height, width } = image;
  const pixels = height * width;
  const field = (first: number): Float64Array =>
    smooth(
      Float64Array.from({ length: pixels }, (_, i) => draws.normal(first + i)),
      height,
      width,
      SMOOTHNESS * sideOf(image),
    );
  const [dy, dx] = [field(0), field(pixels)];
  const square = dy.reduce((a, v, i) => a + v * v + (dx[i] as number) ** 2, 0);
  const factor = (size * sideOf(image)) / Math.sqrt(square / pixels);
  const ys = dy.map((v, i) => Math.floor(i / width) + factor * v);
  const xs = dx.map((v, i) => (i % width) + factor * v);
  return warp(image, ys, xs);
}
