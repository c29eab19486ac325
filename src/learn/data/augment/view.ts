/** A view: every number needed to render it, drawn from (seed, sample, epoch). */
import { type Affine, aboutCentre, compose, cropped, FLIP, IDENTITY, rotated, shifted, zoomed } from "./affine.js";
import type { Augmentation, Span } from "./config.js";
import { Draws } from "./draws.js";
import { drawRandAugment, MAX_OPS, type PixelOp } from "./randaugment.js";

/** [top, left, height, width] in pixels. */
export type Box = readonly [top: number, left: number, height: number, width: number];

/** One random view of an image; rendered in this order. The seed of the run is not in it. */
export interface View {
  /** Where each output pixel is read in the source, in pixels: crop, flip, scale, rotate, shift and RandAugment's moves in one. */
  readonly affine: Affine;
  /** RandAugment's operations on values. */
  readonly ops: readonly PixelOp[];
  /** Factors; 1 changes nothing. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Turn of the colour circle in [-0.5, 0.5]. */
  readonly hue: number;
  /** Sigma in pixels. */
  readonly blur: number;
  /** Standard deviation as a fraction of the value range. */
  readonly noise: number;
  /** The noise is a function of it. */
  readonly noiseSeed: number;
  /** What is set to 0; a height and width of 0 is nothing. */
  readonly cutout: Box;
}

const NOTHING: Box = [0, 0, 0, 0];

/** The sample itself. */
export const IDENTITY_VIEW: View = {
  affine: IDENTITY,
  ops: [],
  brightness: 1,
  contrast: 1,
  saturation: 1,
  hue: 0,
  blur: 0,
  noise: 0,
  noiseSeed: 0,
  cutout: NOTHING,
};

/**
 * Draws the view of one sample in one epoch.
 * @param sample index into the data set
 * @param shape of a sample: [channels, height, width]; other samples have no views, only themselves
 */
export function drawView(
  config: Augmentation,
  seed: number,
  sample: number,
  epoch: number,
  shape: readonly number[],
): View {
  if (shape.length !== 3) return IDENTITY_VIEW;
  const image = shape as readonly [number, number, number];
  const [channels, height, width] = image;
  const draws = new Draws(seed, sample, epoch);
  const random = config.randaugment ? drawRandAugment(config.randaugment, draws, image) : null;
  const own = drawMove(config, draws, height, width);
  return {
    affine: aboutCentre(random ? compose(own, random.move) : own, height, width),
    ops: random?.pixels ?? IDENTITY_VIEW.ops,
    ...drawColour(config, draws, channels),
    blur: config.blur ? config.blur * draws.uniform("blur", 0) : 0,
    noise: config.noise ? config.noise * draws.uniform("noise", 0) : 0,
    noiseSeed: config.noise ? draws.seedOf("noise", 2) : 0,
    cutout: config.cutout ? squareAt(draws, config.cutout, height, width) : NOTHING,
  };
}

/** The picture is cropped, flipped, zoomed, turned and then shifted; the map runs the other way, from output to source. */
function drawMove(config: Augmentation, draws: Draws, height: number, width: number): Affine {
  let move = config.crop ? cropped(drawCrop(config.crop, draws, height, width), height, width) : IDENTITY;
  if (config.flip && draws.uniform("place", 0) < 0.5) move = compose(move, FLIP);
  if (config.scale) move = compose(move, zoomed(draws.between("scale", 0, ...config.scale)));
  if (config.rotate) move = compose(move, rotated(draws.between("rotate", 0, -config.rotate, config.rotate)));
  if (config.shift) {
    const offset = (k: number): number =>
      draws.below("place", k, 2 * (config.shift as number) + 1) - (config.shift as number);
    move = compose(move, shifted(offset(1), offset(2)));
  }
  return move;
}

/**
 * A box of the drawn area that lies within the image: a share r of the area a leaves sides of sqrt(a r) and sqrt(a / r) of the
 * image's, both at most 1 for r in [a, 1 / a], so the ratio is drawn there and no draw is thrown away.
 */
function drawCrop(crop: { readonly area: Span; readonly ratio: Span }, draws: Draws, height: number, width: number) {
  const area = draws.between("crop", 0, ...crop.area);
  const low = Math.max(Math.log(crop.ratio[0]), Math.log(area));
  const high = Math.min(Math.log(crop.ratio[1]), -Math.log(area));
  const ratio = Math.exp(draws.between("crop", 1, low, Math.max(low, high)));
  const [w, h] = [Math.min(1, Math.sqrt(area * ratio)), Math.min(1, Math.sqrt(area / ratio))];
  return {
    top: draws.uniform("crop", 2) * (1 - h) * height,
    left: draws.uniform("crop", 3) * (1 - w) * width,
    height: h * height,
    width: w * width,
  };
}

/** Hue and saturation are a matter of three channels. */
function drawColour({ colour }: Augmentation, draws: Draws, channels: number) {
  const factor = (k: number, most = 0): number =>
    most > 0 ? draws.between("colour", k, Math.max(0, 1 - most), 1 + most) : 1;
  const coloured = channels === 3;
  const hue = (coloured && colour?.hue) || 0;
  return {
    brightness: factor(0, colour?.brightness),
    contrast: factor(1, colour?.contrast),
    saturation: coloured ? factor(2, colour?.saturation) : 1,
    hue: hue > 0 ? draws.between("colour", 3, -hue, hue) : 0,
  };
}

/** Its centre is anywhere in the image, what hangs over the border is cut off. */
function squareAt(draws: Draws, size: number, height: number, width: number): Box {
  return boxAround(draws.below("cutout", 0, height), draws.below("cutout", 1, width), size, size, height, width);
}

/** The part within the image of a box of these sides around a pixel. */
export function boxAround(y: number, x: number, h: number, w: number, height: number, width: number): Box {
  const [top, left] = [y - Math.floor(h / 2), x - Math.floor(w / 2)];
  const [from, start] = [Math.max(0, top), Math.max(0, left)];
  return [from, start, Math.min(height, top + h) - from, Math.min(width, left + w) - start];
}

/** Numbers of an encoded view: affine 6, operations 2 each, colour 4, blur, noise 2, cutout 4. */
export const VIEW_WIDTH = 6 + 2 * MAX_OPS + 4 + 1 + 2 + 4;

/** The view as numbers of a fixed count, for a store; `decodeView` gives back exactly the same view. */
export function encodeView(view: View): Float64Array {
  const out = new Float64Array(VIEW_WIDTH);
  out.set(view.affine);
  view.ops.forEach((op, i) => {
    out.set(op, 6 + 2 * i);
  });
  const { brightness, contrast, saturation, hue, blur, noise, noiseSeed, cutout } = view;
  out.set([brightness, contrast, saturation, hue, blur, noise, noiseSeed, ...cutout], 6 + 2 * MAX_OPS);
  return out;
}

/** @param values VIEW_WIDTH numbers from `encodeView` */
export function decodeView(values: ArrayLike<number>): View {
  if (values.length !== VIEW_WIDTH) throw new Error(`a view has ${VIEW_WIDTH} numbers, these are ${values.length}`);
  const v = Array.from(values);
  const ops: PixelOp[] = [];
  for (let i = 6; i < 6 + 2 * MAX_OPS; i += 2) if (v[i] !== 0) ops.push([v[i] as number, v[i + 1] as number]);
  const [brightness, contrast, saturation, hue, blur, noise, noiseSeed, ...cutout] = v.slice(6 + 2 * MAX_OPS);
  return {
    affine: v.slice(0, 6) as unknown as Affine,
    ops,
    brightness,
    contrast,
    saturation,
    hue,
    blur,
    noise,
    noiseSeed,
    cutout: cutout as unknown as Box,
  } as View;
}
