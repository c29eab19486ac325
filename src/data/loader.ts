/** Batches: shuffled orders, gathered samples, random views. Pure functions of (seed, sample, epoch). */
import { Random } from "../random/random.js";
import type { Augmentation, DataSet, SampleArray } from "./types.js";

/** The samples in the order an epoch sees them. */
export function epochOrder(indices: Uint32Array, seed: number, epoch: number): Uint32Array {
  return new Random(seed, "shuffle").permutation(indices.length, epoch).map((i) => indices[i] as number);
}

/** Copies raw samples into out [indices.length, ...sampleShape]. */
export function fillBatch(data: DataSet, indices: Uint32Array, out: SampleArray): void {
  if (data.fill) return data.fill(indices, out);
  const size = data.sampleShape.reduce((p, d) => p * d, 1);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] as number) * size;
    out.set(data.samples.subarray(from, from + size), i * size);
  }
}

/** Like fillBatch, with each sample's random view of this epoch. Only for [C,H,W] samples. */
export function augmentInto(
  data: DataSet,
  indices: Uint32Array,
  augmentation: Augmentation,
  seed: number,
  epoch: number,
  out: SampleArray,
): void {
  const [channels, height, width] = data.sampleShape as [number, number, number];
  const size = channels * height * width;
  const random = new Random(seed, "augmentation");
  out.fill(0);
  indices.forEach((sample, i) => {
    const { flip, dx, dy } = viewOf(random, augmentation, sample, epoch, data.size);
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < height; y++) {
        const from = y - dy;
        if (from < 0 || from >= height) continue;
        const source = sample * size + (c * height + from) * width;
        const target = i * size + (c * height + y) * width;
        for (let x = 0; x < width; x++) {
          const at = x - dx;
          if (at >= 0 && at < width) out[target + x] = data.samples[source + (flip ? width - 1 - at : at)] as number;
        }
      }
    }
  });
}

/** Four numbers of the stream belong to each (epoch, sample). */
function viewOf(
  random: Random,
  augmentation: Augmentation,
  sample: number,
  epoch: number,
  samples: number,
): { flip: boolean; dx: number; dy: number } {
  const base = 4 * (epoch * samples + sample);
  const offset = (k: number): number =>
    Math.floor(random.uniform(base + k) * (2 * augmentation.shift + 1)) - augmentation.shift;
  return { flip: augmentation.flip && random.uniform(base) < 0.5, dx: offset(1), dy: offset(2) };
}
