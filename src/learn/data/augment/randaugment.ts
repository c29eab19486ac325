/**
 * RandAugment (Cubuk, Zoph, Shlens, Le, "RandAugment: practical automated data augmentation with a reduced search space",
 * NeurIPS 2020): a few operations of a fixed list, drawn evenly, all at one magnitude. The strengths are those of the
 * paper's code and of torchvision. What moves pixels joins the view's one resampling; the rest is done on what that gave.
 */
import { type Affine, compose, IDENTITY, rotated, sheared, shifted } from "./affine.js";
import type { Draws } from "./draws.js";

/** Operations on values, by the numbers that stand in a recorded view; never renumber. */
export const PIXEL_OPS = {
  autocontrast: 1,
  equalize: 2,
  solarize: 3,
  posterize: 4,
  color: 5,
  contrast: 6,
  brightness: 7,
  sharpness: 8,
} as const;

/** One operation on values: its number in PIXEL_OPS, and its threshold, bits or factor (0 where it has none). */
export type PixelOp = readonly [op: number, amount: number];

/** The highest magnitude, and the most operations a view can record. */
export const MAX_MAGNITUDE = 10;
export const MAX_OPS = 4;

/** What one drawn operation does: moves pixels, changes values, or neither. */
type Drawn = { readonly move: Affine } | { readonly pixel: PixelOp } | null;
/** @param m magnitude / 10, in [0, 1]; @param sign 1 or -1 */
type Operation = (m: number, sign: number, height: number, width: number) => Drawn;

/** 1 is the image itself, 0.1 and 1.9 are the ends. */
const enhance =
  (op: number): Operation =>
  (m, sign) => ({ pixel: [op, 1 + sign * 0.9 * m] });

/** Shifts are a part of the side: 10 of CIFAR's 32 pixels at the highest magnitude, in whole pixels, which blur nothing. */
const TRANSLATE = 10 / 32;

/** In the order of the paper's list. */
export const OPERATIONS: Readonly<Record<string, Operation>> = {
  identity: () => null,
  autocontrast: () => ({ pixel: [PIXEL_OPS.autocontrast, 0] }),
  equalize: () => ({ pixel: [PIXEL_OPS.equalize, 0] }),
  rotate: (m, sign) => ({ move: rotated(sign * 30 * m) }),
  // In steps of 1/255, those from 256 (1 - m) on are inverted: none at 0, all at 1.
  solarize: (m) => ({ pixel: [PIXEL_OPS.solarize, (256 * (1 - m)) / 255] }),
  color: enhance(PIXEL_OPS.color),
  posterize: (m) => ({ pixel: [PIXEL_OPS.posterize, 8 - Math.round(4 * m)] }),
  contrast: enhance(PIXEL_OPS.contrast),
  brightness: enhance(PIXEL_OPS.brightness),
  sharpness: enhance(PIXEL_OPS.sharpness),
  "shear-x": (m, sign) => ({ move: sheared(sign * 0.3 * m, 0) }),
  "shear-y": (m, sign) => ({ move: sheared(0, sign * 0.3 * m) }),
  "translate-x": (m, sign, _, width) => ({ move: shifted(sign * Math.round(TRANSLATE * m * width), 0) }),
  "translate-y": (m, sign, height) => ({ move: shifted(0, sign * Math.round(TRANSLATE * m * height)) }),
};

const ALL = Object.values(OPERATIONS);
const GREY = Object.entries(OPERATIONS).flatMap(([name, op]) => (name === "color" ? [] : [op]));

export interface RandAugment {
  /** All moves as one, about the centre. */
  readonly move: Affine;
  /** Operations on values, in order. */
  readonly pixels: readonly PixelOp[];
}

/** Draws the operations of one view of an image [channels, height, width]; grey images have no colour to change. */
export function drawRandAugment(
  { ops, magnitude }: { readonly ops: number; readonly magnitude: number },
  draws: Draws,
  [channels, height, width]: readonly [number, number, number],
): RandAugment {
  const list = channels === 3 ? ALL : GREY;
  let move = IDENTITY;
  const pixels: PixelOp[] = [];
  for (let i = 0; i < Math.min(ops, MAX_OPS); i++) {
    const operation = list[draws.below("randaugment", 2 * i, list.length)] as Operation;
    const sign = draws.uniform("randaugment", 2 * i + 1) < 0.5 ? -1 : 1;
    const drawn = operation(magnitude / MAX_MAGNITUDE, sign, height, width);
    if (drawn === null) continue;
    // A later move is further from the source: its output is what the earlier one had made.
    if ("move" in drawn) move = compose(move, drawn.move);
    else pixels.push(drawn.pixel);
  }
  return { move, pixels };
}
