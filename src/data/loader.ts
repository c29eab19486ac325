/** Batches: shuffled orders, gathered samples, random views. Pure functions of (seed, sample, epoch). */
import { rangeFor, renderView } from "./augment/render.js";
import { drawView } from "./augment/view.js";
import { fillBatch } from "./read.js";
import { allocateSamples } from "./samples.js";
import type { Augmentation, DataSet, SampleArray } from "./types.js";

export { epochOrder } from "./order.js";
export { fillBatch, type SamplePiece, type SampleSource, sampleAt, samplePieces } from "./read.js";

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
  const range = rangeFor(augmentation, data);
  const raw = allocateSamples(data.samples, indices.length * size);
  fillBatch(data, indices, raw);
  indices.forEach((sample, i) => {
    const view = drawView(augmentation, seed, sample, epoch, data.sampleShape);
    renderView(view, raw, i * size, data.sampleShape, out, i * size, range);
  });
}
