/** Raw samples of a data set, wherever they are: in memory, in a file, or made by a function. */
import { allocateSamples } from "./samples.js";
import type { DataSet } from "./types.js";
import type { SampleArray } from "../../engine/graph/samples.js";
import { sizeOf } from "../../engine/graph/tensor.js";

/** What is needed of a data set to copy samples out of it. */
export type SampleSource = Pick<DataSet, "samples" | "sampleShape" | "fill">;

/** What a training knows the data by: its hash, the padding, and where samples are shuffled in blocks, in which. */
export function trainingIdentity({ hash, blocks, paddingId }: Pick<DataSet, "hash" | "blocks" | "paddingId">): string {
  const known = paddingId === undefined ? hash : `${hash} padded with ${paddingId}`;
  return blocks ? `${known} in blocks of ${blocks.rows}, windows of ${blocks.window}` : known;
}

/** Copies raw samples into out [indices.length, ...sampleShape]. */
export function fillBatch(data: SampleSource, indices: Uint32Array, out: SampleArray): void {
  if (data.fill) {
    data.fill(indices, out);
    return;
  }
  const size = sizeOf(data.sampleShape);
  for (let i = 0; i < indices.length; i++) {
    const from = (indices[i] as number) * size;
    out.set(data.samples.subarray(from, from + size), i * size);
  }
}

/** Makes values that were missing NaN again, in samples that were copied with `fillBatch`. */
export function restoreMissing(
  { missing, sampleShape }: Pick<DataSet, "missing" | "sampleShape">,
  indices: Uint32Array,
  samples: SampleArray,
): void {
  if (!missing) return;
  const size = sizeOf(sampleShape);
  indices.forEach((index, i) => {
    const [from, to] = [index * size, (index + 1) * size];
    for (let k = firstFrom(missing, from); k < missing.length && (missing[k] as number) < to; k++)
      samples[i * size + (missing[k] as number) - from] = Number.NaN;
  });
}

/** Place of the first of these rising numbers that is at least `least`. */
function firstFrom(rising: Uint32Array, least: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rising[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Copies one raw sample into out [...sampleShape], an array of the data's type if not given. */
export function sampleAt(data: SampleSource, index: number, out?: SampleArray): SampleArray {
  const size = sizeOf(data.sampleShape);
  const to = out ?? allocateSamples(data.samples, size);
  fillBatch(data, Uint32Array.of(index), to);
  return to;
}

/** Bytes of samples that are looked at together. */
const PIECE = 1 << 20;

export interface SamplePiece {
  readonly indices: Uint32Array;
  /** [indices.length, ...sampleShape]; overwritten by the next piece. */
  readonly samples: SampleArray;
}

/** Raw samples piece by piece, in the given order: for passes over more than memory holds. */
export function* samplePieces(data: SampleSource, indices: Uint32Array): Generator<SamplePiece> {
  const size = sizeOf(data.sampleShape);
  const count = Math.max(1, Math.floor(PIECE / (size * data.samples.BYTES_PER_ELEMENT)));
  const held = allocateSamples(data.samples, Math.min(count, indices.length) * size);
  for (let from = 0; from < indices.length; from += count) {
    const part = indices.subarray(from, from + count);
    const samples = held.subarray(0, part.length * size);
    fillBatch(data, part, samples);
    yield { indices: part, samples };
  }
}

/** The lowest and the highest value of all samples. */
export function leastAndMost(data: SampleSource & Pick<DataSet, "size">): [low: number, high: number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const all = Uint32Array.from({ length: data.fill ? data.size : 0 }, (_, i) => i);
  for (const { samples } of data.fill ? samplePieces(data, all) : [data])
    for (const v of samples) {
      if (v < low) low = v;
      if (v > high) high = v;
    }
  return [low, high];
}
