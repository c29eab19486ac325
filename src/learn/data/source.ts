/** What every source returns before splitting and normalising. */
import type { DataFinding } from "./findings.js";
import type { ImageSizes } from "./sources/image-sizes.js";
import type { LabelKind } from "./labels/missing-labels.js";
import type { BlockLayout, DataSet } from "./types.js";
import type { Normalisation, SampleArray } from "../../engine/graph/samples.js";

/** Samples that are not in memory. */
export interface MadeSamples {
  readonly count: number;
  readonly fill: NonNullable<DataSet["fill"]>;
  readonly blocks?: BlockLayout | undefined;
  /** What the samples are known by; absent: by their own bytes, in one pass over all of them. */
  readonly identity?: string | undefined;
}

/** A further array of a part's samples. */
export interface RawArray extends Pick<RawPart, "samples" | "made" | "from"> {
  readonly name: string;
  readonly sampleShape: readonly number[];
}

export interface RawPart {
  /** [size, ...sampleShape], row-major; empty where samples are made, and then says of which type. */
  readonly samples: SampleArray;
  readonly made?: MadeSamples;
  /** Further arrays of the same samples, the same ones in every part of a source. */
  readonly others?: readonly RawArray[];
  /** Class of each sample as the source writes it, "" where a cell is empty; null without labels. */
  readonly labels: readonly string[] | null;
  /** The file or folder of the samples, for messages; default: the source's name. */
  readonly from?: string;
  /** The file, folder or column of the labels, for messages; default: `from`. */
  readonly labelsFrom?: string;
  /** What the user calls this part, where it was found by its name: "val/", "x_val". */
  readonly title?: string;
  /** What messages call each sample, where it has a name: its file. */
  readonly names?: readonly string[];
}

export interface RawSource {
  readonly name: string;
  readonly sampleShape: readonly number[];
  /** What the samples are called among several arrays; absent: they are the only one. */
  readonly input?: string;
  readonly train: RawPart;
  /** The source's own test part, when it has one. */
  readonly test: RawPart | null;
  /** The source's own validation part, when it has one. */
  readonly validation?: RawPart | null;
  /** What was left out, merged or converted while it was read, and what looks wrong. */
  readonly findings?: readonly DataFinding[];
  /** What its labels are; default "text". */
  readonly labelKind?: LabelKind;
  readonly features?: readonly string[];
  /** Of images: how large they were. */
  readonly imageSizes?: ImageSizes | null;
  /**
   * What each feature gets where its value is missing (NaN in the samples): the training part's mean, or zero. Absent: no
   * value may be missing.
   */
  readonly fillMissing?: readonly ("mean" | "zero")[];
  readonly origin?: string;
  /** What `normalise` means when the recipe says nothing. */
  readonly defaultNormalise: "none" | "unit" | "standard";
  /** Factor that maps raw values to [0, 1]. */
  readonly unit: number;
}

/** For sources: where relative paths start. */
export interface SourceContext {
  readonly folder: string;
}

export type NormaliseChoice = "none" | "unit" | "standard" | Normalisation;
