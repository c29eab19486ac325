/** What is known about data before anything is trained on it. Plain JSON, and small however many classes there are. */
import type { DataFinding } from "../findings.js";
import type { SampleType } from "../../../engine/graph/samples.js";

export type PartName = "train" | "validation" | "test" | "unused";

export interface PartCounts {
  /** "unused": samples of the source that no part holds. */
  readonly part: PartName;
  readonly samples: number;
  /** Samples with a label. */
  readonly labelled: number;
}

export interface ClassCounts {
  readonly name: string;
  /** Labelled samples of this class in each part. */
  readonly train: number;
  readonly validation: number;
  readonly test: number;
}

export interface ClassAudit {
  readonly total: number;
  /** All of them in their order, or of many the largest and then the smallest. */
  readonly shown: readonly ClassCounts[];
  /** Classes that are not among those shown. */
  readonly omitted: number;
  /** Labelled samples of the smallest, the median and the largest class in the training part. */
  readonly train: { readonly least: number; readonly median: number; readonly most: number };
}

export interface FeatureFacts {
  readonly name: string;
  /** Over the samples that were looked at; null without any value. */
  readonly low: number | null;
  readonly high: number | null;
  readonly mean: number | null;
  /** Missing values. */
  readonly missing: number;
}

export interface FeatureAudit {
  readonly total: number;
  /** The first of them. */
  readonly shown: readonly FeatureFacts[];
  readonly omitted: number;
}

/** Samples that are equal, byte by byte. */
export interface DuplicateCounts {
  /** Test samples that the training or validation part holds too. */
  readonly test: number;
  /** Validation samples that the training part holds too. */
  readonly validation: number;
  /** Training samples that are like an earlier one. */
  readonly train: number;
  /** Training samples that occur with more than one label. */
  readonly conflicting: number;
  /** Samples of each part that were compared. */
  readonly compared: { readonly train: number; readonly validation: number; readonly test: number };
}

export interface DataAudit {
  /** The data set's name: "digits", "table penguins.csv". */
  readonly name: string;
  readonly samples: number;
  /** Of one sample: [C, H, W], [features] ... */
  readonly sampleShape: readonly number[];
  readonly elementType: SampleType;
  readonly parts: readonly PartCounts[];
  /** Null without labels. */
  readonly classes: ClassAudit | null;
  /** Lowest and highest value (null without any), and how many are missing, in the samples that were looked at. */
  readonly values: { readonly low: number | null; readonly high: number | null; readonly missing: number };
  /** Of a table; null for anything else. */
  readonly features: FeatureAudit | null;
  /** Of images, before they were stretched to one size: least and most; null for anything else. */
  readonly imageSizes: {
    readonly width: readonly [number, number];
    readonly height: readonly [number, number];
    readonly stretched: number;
  } | null;
  readonly duplicates: DuplicateCounts;
  /** How many samples were looked at: fewer than all where there are very many. */
  readonly examined: number;
  /** What the reader left out or converted, and what looks wrong: warnings first. */
  readonly findings: readonly DataFinding[];
}
