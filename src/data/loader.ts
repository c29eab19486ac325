/** Batches: shuffled orders, gathered samples, random views. Pure functions of (seed, sample, epoch). */
import { Random } from "../random/random.js";
import { rangeOf, renderView } from "./augment/render.js";
import { drawView } from "./augment/view.js";
import type { Augmentation, DataSet, SampleArray } from "./types.js";

/** The samples in the order an epoch sees them. */
export function epochOrder(indices: Uint32Array, seed: number, epoch: number): Uint32Array {
  return new Random(seed, "shuffle").permutation(indices.length, epoch).map((i) => indices[i] as number);
}

/** Copies raw samples into out [indices.length, ...sampleShape]. */
export function fillBatch(
  data: Pick<DataSet, "samples" | "sampleShape" | "fill">,
  indices: Uint32Array,
  out: SampleArray,
): void {
  if (data.fill) {
    data.fill(indices, out);
    return;
  }
  const size = data.sampleShape.reduce((p, d) => p * d, 1);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] as number) * size;
    out.set(data.samples.subarray(from, from + size), i * size);
  }
}

/** Like fillBatch, with each sample's random view of this epoch; mixing with other samples is not part of it. */
export function augmentInto(
  data: DataSet,
  indices: Uint32Array,
  augmentation: Augmentation,
  seed: number,
  epoch: number,
  out: SampleArray,
): void {
  const size = data.sampleShape.reduce((p, d) => p * d, 1);
  const range = rangeOf(data);
  indices.forEach((sample, i) => {
    const view = drawView(augmentation, seed, sample, epoch, data.sampleShape);
    renderView(view, data.samples, sample * size, data.sampleShape, out, i * size, range);
  });
}
