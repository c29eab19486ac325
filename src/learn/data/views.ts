/**
 * Random views of samples, as a training sees them: drawn as pure functions of (seed, sample, epoch), or taken from a
 * record of what was drawn.
 */
import { noun } from "../../base/noun.js";
import { mixes } from "./augment/config.js";
import { decodeMix, drawMix, encodeMix, MIX_WIDTH, type Mix } from "./augment/mix.js";
import { mixInto, rangeFor, renderView } from "./augment/render.js";
import { decodeView, drawView, encodeView, VIEW_WIDTH, type View } from "./augment/view.js";
import { fillBatch } from "./read.js";
import { allocateSamples } from "./samples.js";
import type { Augmentation, DataSet } from "./types.js";
import type { SampleArray } from "../../engine/graph/samples.js";
import { sizeOf } from "../../engine/graph/tensor.js";

/** The view of one sample: what is done to it, and what is blended into it, under that sample's own view. */
export interface SampleView {
  readonly view: View;
  readonly mix: Mix | null;
}

/** The view of a sample in an epoch, or the view of it with a number. */
export type ViewsAt = (sample: number, epoch: number) => SampleView;

/** What blended samples are besides themselves: the other sample of each, and the share of the first. */
export interface BlendedWith {
  readonly partners: Uint32Array;
  readonly shares: Float32Array;
}

/** Numbers that one view is written down in. */
export const ROW_WIDTH = VIEW_WIDTH + MIX_WIDTH;

export function toRow({ view, mix }: SampleView): Float64Array {
  const row = new Float64Array(ROW_WIDTH);
  row.set(encodeView(view));
  row.set(encodeMix(mix), VIEW_WIDTH);
  return row;
}

export function fromRow(row: Float64Array): SampleView {
  return { view: decodeView(row.subarray(0, VIEW_WIDTH)), mix: decodeMix(row.subarray(VIEW_WIDTH)) };
}

/** Views as they are drawn. @param candidates samples that may be blended into others */
export function drawViews(
  { sampleShape }: Pick<DataSet, "sampleShape">,
  augmentation: Augmentation,
  seed: number,
  candidates: Uint32Array,
): ViewsAt {
  const blends = mixes(augmentation);
  return (sample, epoch) => ({
    view: drawView(augmentation, seed, sample, epoch, sampleShape),
    mix: blends ? drawMix(augmentation, seed, sample, epoch, candidates, sampleShape) : null,
  });
}

/**
 * Makes the views of these samples in an epoch, [indices.length, ...sampleShape].
 * @returns what was blended into them; null when nothing can be
 */
export function renderViews(
  data: DataSet,
  augmentation: Augmentation,
  at: ViewsAt,
  indices: Uint32Array,
  epoch: number,
  out: SampleArray,
): BlendedWith | null {
  const { samples, sampleShape } = data;
  const size = sizeOf(sampleShape);
  const range = rangeFor(augmentation, data);
  const blends = mixes(augmentation);
  const raw = (of: Uint32Array): SampleArray => {
    const values = allocateSamples(samples, of.length * size);
    fillBatch(data, of, values);
    return values;
  };
  const drawn = Array.from(indices, (sample) => at(sample, epoch));
  const partners = indices.map((sample, i) => drawn[i]?.mix?.partner ?? sample);
  const shares = Float32Array.from(drawn, ({ mix }) => mix?.lambda ?? 1);
  // All at once: where they lie in a file, neighbours are read together.
  const own = raw(indices);
  const theirs = blends ? raw(partners) : own;
  const other = allocateSamples(samples, blends ? size : 0);
  drawn.forEach(({ view, mix }, i) => {
    renderView(view, own, i * size, sampleShape, out, i * size, range);
    if (!mix) return;
    renderView(at(mix.partner, epoch).view, theirs, i * size, sampleShape, other, 0, range);
    mixInto(mix, out, i * size, other, 0, sampleShape);
  });
  return blends ? { partners, shares } : null;
}

/** The views of a training that draws its own. */
export function drawnViews(
  data: DataSet,
  augmentation: Augmentation,
  seed: number,
  candidates: Uint32Array,
): {
  readonly blends: boolean;
  render(indices: Uint32Array, epoch: number, out: SampleArray): BlendedWith | null;
} {
  const at = drawViews(data, augmentation, seed, candidates);
  return {
    blends: mixes(augmentation),
    render: (indices, epoch, out) => renderViews(data, augmentation, at, indices, epoch, out),
  };
}

/**
 * The views themselves as a data set, view after view of all samples: what a teacher labels. A view's label is its
 * sample's.
 * @param hash what they are known by
 * @param render makes one view of some samples
 */
export function viewedData(
  data: DataSet,
  samples: Uint32Array,
  count: number,
  hash: string,
  render: (samples: Uint32Array, view: number, out: SampleArray) => void,
): DataSet {
  const { labels } = data;
  const size = sizeOf(data.sampleShape);
  return {
    ...data,
    name: `${noun(count, "view")} of ${noun(samples.length, "sample")} of ${data.name}`,
    size: count * samples.length,
    samples: data.samples.subarray(0, 0),
    blocks: undefined,
    // Rows that are neighbours are of one view, so that a call asks for a run of them at a time.
    fill(rows, out) {
      for (let from = 0, to = 0; from < rows.length; from = to) {
        const view = Math.floor((rows[from] as number) / samples.length);
        while (to < rows.length && Math.floor((rows[to] as number) / samples.length) === view) to++;
        const own = Uint32Array.from(rows.subarray(from, to), (row) => samples[row % samples.length] as number);
        render(own, view, out.subarray(from * size, to * size));
      }
    },
    labels:
      labels &&
      Int32Array.from(
        { length: count * samples.length },
        (_, row) => labels[samples[row % samples.length] as number] as number,
      ),
    hash,
  };
}
