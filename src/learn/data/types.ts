/** What a data source gives and what everything downstream takes. */

import type { Normalisation, SampleArray } from "../../engine/graph/samples.js";
import type { DataFinding } from "./findings.js";
import type { ImageSizes } from "./sources/image-sizes.js";

export type { Augmentation } from "./augment/config.js";

/** One of several arrays of a data set's samples. */
export interface NamedSamples {
  readonly name: string;
  /** Of one sample. */
  readonly sampleShape: readonly number[];
  /** Row-major [size, ...sampleShape]. */
  readonly samples: SampleArray;
  /** Makes them when they are asked for, [indices.length, ...sampleShape]; `samples` then only says of which type. */
  readonly fill?: (indices: Uint32Array, out: SampleArray) => void;
}

/** Indexed samples, in memory or made when they are asked for (`samplePieces` and `fillBatch` serve both). Samples are stored raw (bytes stay bytes, whole numbers int32); normalisation happens when batches are made. */
export interface DataSet {
  /** Short name for messages: "digits", "idx(train-images...)". */
  readonly name: string;
  /** Number of samples. */
  readonly size: number;
  /** Shape of one sample: [C,H,W] for images, [F] for tables, [sequence] for token ids. */
  readonly sampleShape: readonly number[];
  /** All samples, row-major [size, ...sampleShape]. */
  readonly samples: SampleArray;
  /** Makes samples when they are asked for, [indices.length, ...sampleShape]; `samples` then only says of which type. */
  readonly fill?: (indices: Uint32Array, out: SampleArray) => void;
  /** Where samples lie so that neighbours are best read together: how an epoch shuffles them. Absent: in any order. */
  readonly blocks?: BlockLayout;
  /** What `samples` is called among several arrays; absent: "samples". */
  readonly input?: string;
  /** Further arrays of the same samples: what a model with several inputs reads besides. */
  readonly others?: readonly NamedSamples[];
  /** The token id that stands for padding, where samples are token ids. */
  readonly paddingId?: number;
  /** Class index of each sample, -1 where unknown; null when the source has no labels at all. */
  readonly labels: Int32Array | null;
  /** Class names, in the order of the indices; empty when the source has no labels. */
  readonly classes: readonly string[];
  /** What messages call each sample, where it has a name: its file. */
  readonly names?: readonly string[];
  /** Places in `samples` whose values were missing and are filled; absent: none. */
  readonly missing?: Uint32Array;
  /** Feature names of a table, else absent. */
  readonly features?: readonly string[];
  /** Hex SHA-256 over shape, samples, labels and class names: ties label stores and checkpoints to the data. */
  readonly hash: string;
  /** Where it came from and under which licence, for the report. */
  readonly origin?: string;
  /** Of data that was not loaded from a recipe: what was left out or converted while it was made, when there is something. */
  readonly findings?: readonly DataFinding[];
}

/**
 * An epoch takes blocks of neighbouring samples in a random order and shuffles the samples within windows of several
 * blocks. A window should be much larger than a batch, or batches are less mixed than they seem.
 */
export interface BlockLayout {
  /** Samples of a block, consecutive ones. */
  readonly rows: number;
  /** Blocks of a window. */
  readonly window: number;
}

/** Disjoint index lists into one `DataSet`. */
export interface Splits {
  readonly train: Uint32Array;
  /** Chooses epochs and stops early; never trained on, neither by student nor by teacher. */
  readonly validation: Uint32Array;
  /** Read once, at the end. */
  readonly test: Uint32Array;
}

/** What `loadData` returns: everything a run needs to know about its data. */
export interface LoadedData {
  readonly data: DataSet;
  readonly splits: Splits;
  readonly normalisation: Normalisation;
  /** What the source left out, merged or converted, and what looked wrong while it was read. */
  readonly findings?: readonly DataFinding[];
  /** Of images: how large they were before they became samples. */
  readonly imageSizes?: ImageSizes | null;
}
