/**
 * Partners: mixup (Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018) and CutMix (Yun et
 * al., "CutMix: regularization strategy to train strong classifiers with localizable features", ICCV 2019).
 */
import { symmetricBeta } from "../../../engine/random/beta.js";
import { Random, streamNumber } from "../../../engine/random/random.js";
import type { Augmentation } from "./config.js";
import { Draws } from "./draws.js";
import { type Box, boxAround } from "./view.js";

/** How a sample is mixed with another; the partner is rendered under its own view of that epoch. */
export interface Mix {
  /** Index of the other sample into the data set; may be the sample itself. */
  readonly partner: number;
  /** Share of the own sample, in [0, 1], and of its label; for a box exactly the part of the area outside it. */
  readonly lambda: number;
  /** What CutMix pastes; null for mixup. */
  readonly box: Box | null;
}

const SHARE = streamNumber("augmentation mix share");

/**
 * Draws how one sample is mixed in one epoch; with both mixup and cutmix each comes half the time. CutMix needs images.
 * @param candidates the samples trained on: partners are drawn evenly among them
 * @returns null when the configuration mixes nothing
 */
export function drawMix(
  config: Augmentation,
  seed: number,
  sample: number,
  epoch: number,
  candidates: Uint32Array,
  shape: readonly number[],
): Mix | null {
  const { mixup } = config;
  const cutmix = shape.length === 3 ? config.cutmix : undefined;
  if ((!mixup && !cutmix) || candidates.length === 0) return null;
  const draws = new Draws(seed, sample, epoch);
  const partner = candidates[draws.below("mix", 0, candidates.length)] as number;
  const cut = cutmix && (!mixup || draws.uniform("mix", 1) < 0.5) ? cutmix : null;
  const share = new Random(draws.seedOf("mix", 2), SHARE);
  const lambda = symmetricBeta(share, (cut ?? mixup ?? { alpha: 1 }).alpha);
  if (!cut) return { partner, lambda, box: null };
  const [, height, width] = shape as readonly [number, number, number];
  // A box with a (1 - lambda)-th of the area and the image's proportions (Yun 2019, eq. 2), cut off at the border.
  const side = Math.sqrt(1 - lambda);
  const [y, x] = [draws.below("mix", 4, height), draws.below("mix", 5, width)];
  const box = boxAround(y, x, Math.floor(side * height), Math.floor(side * width), height, width);
  return { partner, lambda: 1 - (box[2] * box[3]) / (height * width), box };
}

/** Numbers of an encoded mix. */
export const MIX_WIDTH = 6;

/** [partner, lambda, box]: partner -1 where nothing is mixed, a box of -1 where there is none. */
export function encodeMix(mix: Mix | null): Float64Array {
  return Float64Array.from(mix ? [mix.partner, mix.lambda, ...(mix.box ?? [-1, -1, -1, -1])] : [-1, 1, -1, -1, -1, -1]);
}

/** @param values MIX_WIDTH numbers from `encodeMix` */
export function decodeMix(values: ArrayLike<number>): Mix | null {
  if (values.length !== MIX_WIDTH) throw new Error(`a mix has ${MIX_WIDTH} numbers, these are ${values.length}`);
  const [partner, lambda, ...box] = Array.from(values) as [number, number, ...number[]];
  if (partner < 0) return null;
  return { partner, lambda, box: box[0] === -1 ? null : (box as unknown as Box) };
}
