/**
 * The test set's corruptions: 15 kinds at 5 severities, after Hendrycks and Dietterich, "Benchmarking neural network
 * robustness to common corruptions and perturbations", ICLR 2019, arXiv:1903.12261. Sizes are relative to the image and
 * amounts to the range of its values, so that digits of 8x8 and photographs of 224x224 are corrupted alike.
 */

import { fillBatch, leastAndMost } from "../../data/read.js";
import { allocateSamples } from "../../data/samples.js";
import type { DataSet } from "../../data/types.js";
import type { SampleArray } from "../../../engine/graph/samples.js";
import { InputError } from "../../../base/errors.js";
import { Random } from "../../../engine/random/random.js";
import { defocusBlur, gaussianBlur, motionBlur } from "./blur.js";
import { occlusion, pixelate } from "./detail.js";
import { elastic, rotation, scale, shift } from "./geometry.js";
import { clamp, Draws, type Image } from "./image.js";
import { brightness, contrast } from "./light.js";
import { gaussianNoise, impulseNoise, shotNoise, speckleNoise } from "./noise.js";

interface Kind {
  /** What the levels are. */
  readonly level: string;
  /** At severity 1 to 5. */
  readonly levels: readonly [number, number, number, number, number];
  /** Values in [0, 1]; what it gives may leave them. */
  readonly apply: (image: Image, level: number, draws: Draws) => Float64Array;
}

/** Every corruption by name: its five levels and what they mean. */
export const CORRUPTIONS = {
  "gaussian-noise": { level: "sigma", levels: [0.04, 0.08, 0.12, 0.18, 0.26], apply: gaussianNoise },
  "shot-noise": { level: "photons", levels: [100, 50, 25, 12, 5], apply: shotNoise },
  "impulse-noise": { level: "share of values", levels: [0.02, 0.05, 0.09, 0.15, 0.24], apply: impulseNoise },
  "speckle-noise": { level: "sigma", levels: [0.1, 0.2, 0.3, 0.45, 0.6], apply: speckleNoise },
  "gaussian-blur": { level: "sigma / side", levels: [0.015, 0.025, 0.035, 0.05, 0.07], apply: gaussianBlur },
  "defocus-blur": { level: "radius / side", levels: [0.015, 0.025, 0.04, 0.06, 0.08], apply: defocusBlur },
  "motion-blur": { level: "length / side", levels: [0.05, 0.1, 0.15, 0.2, 0.3], apply: motionBlur },
  brightness: { level: "added", levels: [0.1, 0.2, 0.3, 0.4, 0.5], apply: brightness },
  contrast: { level: "kept", levels: [0.6, 0.45, 0.3, 0.2, 0.1], apply: contrast },
  shift: { level: "distance / side", levels: [0.03, 0.06, 0.1, 0.14, 0.18], apply: shift },
  rotation: { level: "degrees", levels: [5, 10, 20, 30, 45], apply: rotation },
  scale: { level: "factor", levels: [1.1, 1.2, 1.3, 1.45, 1.6], apply: scale },
  elastic: { level: "displacement / side", levels: [0.01, 0.02, 0.03, 0.045, 0.06], apply: elastic },
  occlusion: { level: "width / side", levels: [0.2, 0.3, 0.4, 0.5, 0.6], apply: occlusion },
  pixelate: { level: "resolution kept", levels: [0.7, 0.55, 0.4, 0.3, 0.2], apply: pixelate },
} as const satisfies Readonly<Record<string, Kind>>;

export type CorruptionName = keyof typeof CORRUPTIONS;

/** In the order of tables. */
export const CORRUPTION_NAMES = Object.keys(CORRUPTIONS) as [CorruptionName, ...CorruptionName[]];

export const SEVERITIES = [1, 2, 3, 4, 5] as const;

/** What of a data set is needed to corrupt it. */
export type Images = Pick<DataSet, "name" | "samples" | "sampleShape" | "fill">;

export interface Corruption {
  readonly corruption: CorruptionName;
  /** 1 to 5. */
  readonly severity: number;
  readonly seed: number;
  /** The lowest and highest value an image can have: `valueRange`. */
  readonly range: readonly [low: number, high: number];
}

/**
 * Corrupted copies of images; a pure function of (seed, sample, corruption, severity). The random numbers of a sample are the
 * same at every severity: what grows is the corruption alone.
 * @param data images [C,H,W]
 * @param indices samples to copy
 * @returns [indices.length, C, H, W] of the data's own type; bytes are rounded, half up
 * @throws InputError when the data holds no images
 */
export function corrupt(
  data: Images,
  indices: Uint32Array,
  { corruption, severity, seed, range }: Corruption,
): SampleArray {
  const [channels, height, width] = imageShape(data);
  const { levels, apply } = CORRUPTIONS[corruption] as Kind;
  const level = levels[severity - 1];
  if (level === undefined)
    throw new InputError({
      code: "option-invalid",
      where: "severity",
      found: `found ${severity}`,
      expected: "a whole number from 1 to 5",
    });
  const size = channels * height * width;
  const [low, high] = range;
  const extent = high > low ? high - low : 1;
  const random = new Random(seed, `corruption ${corruption}`);
  const out = allocateSamples(data.samples, indices.length * size);
  // Ties go up whatever the last bit of the arithmetic says.
  const half = out instanceof Uint8Array ? 0.5 + 1e-9 : 0;
  const raw = allocateSamples(data.samples, size);
  indices.forEach((sample, i) => {
    fillBatch(data, Uint32Array.of(sample), raw);
    const values = Float64Array.from(raw, (v) => (v - low) / extent);
    const changed = apply({ values, channels, height, width }, level, new Draws(random, sample));
    // A Uint8Array cuts off what is behind the point.
    for (let k = 0; k < size; k++) out[i * size + k] = low + extent * clamp(changed[k] as number) + half;
  });
  return out;
}

/** The lowest and the highest value of all samples. */
export function valueRange(
  data: Pick<DataSet, "samples" | "sampleShape" | "size" | "fill">,
): [low: number, high: number] {
  return leastAndMost(data);
}

/** @throws InputError when samples are no images */
export function imageShape({
  name,
  samples,
  sampleShape,
}: Pick<DataSet, "name" | "samples" | "sampleShape">): [number, number, number] {
  if (sampleShape.length !== 3 || samples instanceof Int32Array)
    throw new InputError({
      code: "option-conflict",
      where: "evaluation.robustness",
      found: `${name} has samples of [${sampleShape.join(", ")}]${samples instanceof Int32Array ? " in int32" : ""}`,
      expected: "images [channels, height, width] in uint8 or float32",
      cure: "Remove the field, or give the data as images",
    });
  return sampleShape as unknown as [number, number, number];
}
