/**
 * Replayed views: a teacher's answers for random views of samples with the parameters of each view beside them, so that
 * a training sees the very views that were labelled. Shen & Xing, ECCV 2022 (FKD), arXiv:2112.01528, do it for crops.
 *
 * The folder is an ordinary label store over the views, view after view of all samples, and views.bin: a row of float64
 * numbers a view, in the same order.
 */
import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../../node/atomic.js";
import { mixes } from "../../data/augment/config.js";
import { type RowFile, readRows } from "../../data/sources/row-file.js";
import type { Augmentation, DataSet } from "../../data/types.js";
import type { SampleArray } from "../../../engine/graph/samples.js";
import {
  type BlendedWith,
  drawViews,
  fromRow,
  ROW_WIDTH,
  renderViews,
  type SampleView,
  toRow,
  viewedData,
} from "../../data/views.js";
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import { sizeOf } from "../../../engine/graph/tensor.js";
import type { TrainingViews, ViewAnswers } from "../taught.js";
import { type LabelOptions, type LabelStore, openLabelStore } from "./store.js";
import type { Teacher } from "../types.js";

const ROW_BYTES = ROW_WIDTH * Float64Array.BYTES_PER_ELEMENT;

/** Which views a store holds. */
export interface ViewPlan {
  readonly augmentation: Augmentation;
  /** Of the draws: the seed of a student that learns from them does not matter. */
  readonly seed: number;
  /** Views of each sample. */
  readonly count: number;
  /** The samples, indices into the data. */
  readonly samples: Uint32Array;
}

/** What a view store is known by: plan and data. */
export function viewsHash(data: DataSet, { augmentation, seed, count, samples }: ViewPlan): string {
  const hash = createHash("sha256").update(JSON.stringify(["views", data.hash, augmentation, seed, count]));
  return hash.update(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)).digest("hex");
}

/**
 * Opens the store of these views, drawing, recording and labelling what is missing.
 * @throws InputError when the folder holds something else; InterruptedError when the signal aborts: what is labelled stays
 */
export async function openViewStore(
  folder: string,
  teacher: Teacher,
  data: DataSet,
  plan: ViewPlan,
  options: LabelOptions,
): Promise<ViewStore> {
  const { augmentation, seed, count, samples } = plan;
  const path = join(folder, "views.bin");
  const bytes = count * samples.length * ROW_BYTES;
  // Written whole before the first answer, so answers never belong to views that nobody recorded.
  if (!existsSync(path)) {
    if (existsSync(join(folder, "store.json")))
      throw new InputError({
        code: "store-mismatch",
        where: folder,
        found: "this label store records no views",
        cure: "Give another folder, or delete this one",
      });
    const at = drawViews(data, augmentation, seed, samples);
    const rows = new Float64Array(count * samples.length * ROW_WIDTH);
    for (let view = 0, row = 0; view < count; view++)
      for (const sample of samples) rows.set(toRow(at(sample, view)), row++ * ROW_WIDTH);
    await writeFileAtomic(path, new Uint8Array(rows.buffer));
  }
  const found = statSync(path).size;
  if (found !== bytes)
    throw new InputError({
      code: "store-mismatch",
      where: path,
      found: `it has ${found} bytes`,
      expected: `${bytes} for ${noun(count, "view")} of ${noun(samples.length, "sample")}`,
      cure: "Delete the folder to label again",
    });
  const recorded = new RecordedViews(path, data, plan);
  const views = viewedData(data, plan.samples, count, viewsHash(data, plan), (sample, view, out) =>
    recorded.render(sample, view, out),
  );
  const labels = await openLabelStore(folder, teacher, views, options);
  return new ViewStore(folder, labels, plan, recorded);
}

/** A complete store of views. */
export class ViewStore implements TrainingViews {
  readonly blends: boolean;

  constructor(
    readonly folder: string,
    /** Answers, row (view * samples + place of the sample). */
    readonly labels: LabelStore,
    readonly plan: ViewPlan,
    private readonly recorded: RecordedViews,
  ) {
    this.blends = mixes(plan.augmentation);
  }

  /** In epoch e each sample's view e mod count. */
  render(indices: Uint32Array, epoch: number, out: SampleArray): BlendedWith | null {
    return this.recorded.render(indices, epoch % this.plan.count, out);
  }

  async answers(indices: Uint32Array, epoch: number): Promise<ViewAnswers> {
    const { labels, plan } = this;
    const rows = indices.map((sample) => this.recorded.row(sample, epoch % plan.count));
    const gathered = (width: number, from: Pick<LabelStore, "gather">): Float32Array => {
      const out = new Float32Array(rows.length * width);
      from.gather(rows, out);
      return out;
    };
    return {
      answers: gathered(labels.header.classes.length, labels),
      features: labels.features.map((f) => gathered(sizeOf(f.shape), f)),
    };
  }
}

/** The parameters of views on the disk: only the rows asked for are read. */
class RecordedViews {
  readonly #file: RowFile;
  readonly #places: ReadonlyMap<number, number>;

  constructor(
    readonly path: string,
    readonly data: DataSet,
    readonly plan: ViewPlan,
  ) {
    this.#file = { path, start: 0, rowBytes: ROW_BYTES, remedy: "Label the views again" };
    this.#places = new Map(Array.from(plan.samples, (sample, place) => [sample, place]));
  }

  /** Where view `view` of a sample stands. @throws InputError for a sample that has none */
  row(sample: number, view: number): number {
    const place = this.#places.get(sample);
    if (place === undefined)
      throw new InputError({
        code: "store-mismatch",
        where: this.path,
        found: `it holds no views of sample ${sample}`,
        cure: "Label the views again",
      });
    return view * this.plan.samples.length + place;
  }

  render(indices: Uint32Array, view: number, out: SampleArray): BlendedWith | null {
    const known = this.#read(indices, view);
    // What is blended in is seen under its own view.
    const others = [...known.values()].flatMap(({ mix }) => (mix && !known.has(mix.partner) ? [mix.partner] : []));
    for (const [sample, own] of this.#read(Uint32Array.from(new Set(others)), view)) known.set(sample, own);
    const at = (sample: number): SampleView => known.get(sample) as SampleView;
    return renderViews(this.data, this.plan.augmentation, at, indices, view, out);
  }

  #read(samples: Uint32Array, view: number): Map<number, SampleView> {
    const rows = new Float64Array(samples.length * ROW_WIDTH);
    readRows(
      this.#file,
      samples.map((sample) => this.row(sample, view)),
      new Uint8Array(rows.buffer),
    );
    const own = (i: number): SampleView => fromRow(rows.subarray(i * ROW_WIDTH, (i + 1) * ROW_WIDTH));
    return new Map(Array.from(samples, (sample, i) => [sample, own(i)]));
  }
}
