/** One pass over the samples: what the rules of the audit look at. Time is linear, memory bounded. */
import { restoreMissing, samplePieces } from "../read.js";
import type { DataSet, LoadedData } from "../types.js";
import type { SampleArray } from "../../../engine/graph/samples.js";
import { sizeOf } from "../../../engine/graph/tensor.js";
import { type ClassTotals, countClasses } from "./class-counts.js";
import { ColumnStatistics } from "./columns.js";
import { chooseExamined } from "./examined.js";
import { partOfSamples, TRAIN, VALIDATION } from "./parts.js";
import { type ColumnProfiles, profileColumns } from "./profiles.js";
import { RowHashes } from "./row-hash.js";

/** Features of a row: more are not looked at one by one. */
const MOST_FEATURES = 5000;

export interface Survey {
  readonly loaded: LoadedData;
  /** Part of every sample (parts.ts). */
  readonly partOf: Uint8Array;
  readonly totals: ClassTotals | null;
  /** Samples that were looked at, ascending: all of them, or of very many a share of each part. */
  readonly examined: Uint32Array;
  /** By place among those examined. */
  readonly hashes: RowHashes;
  /** Over all values. */
  readonly low: number;
  readonly high: number;
  readonly missing: number;
  /** Samples (not tables' rows) whose values are all the same, channel by channel. */
  readonly constant: readonly number[];
  /** Feature by feature, where a sample is a row of features; null for images, sequences and the like. */
  readonly columns: ColumnStatistics | null;
  readonly profiles: ColumnProfiles | null;
}

/** Whether a sample is a row of features: a table's, or a vector of fractions. Whole numbers without names may be tokens. */
export function isTabular({ sampleShape, features, samples }: DataSet): boolean {
  const [width = 0] = sampleShape;
  if (sampleShape.length !== 1 || width > MOST_FEATURES) return false;
  return features !== undefined || samples instanceof Float32Array;
}

/** What messages call a feature. */
export function featureName({ features }: DataSet, index: number): string {
  return features?.[index] ?? `feature ${index}`;
}

export function surveyData(loaded: LoadedData): Survey {
  const { data } = loaded;
  const size = sizeOf(data.sampleShape);
  const partOf = partOfSamples(loaded);
  const examined = chooseExamined(data, partOf, size);
  const hashes = new RowHashes(examined.length);
  const columns = isTabular(data) ? new ColumnStatistics(size) : null;
  const range = new ValueRange();
  const constant: number[] = [];
  // A channel of an image by itself: a red picture has one value in each.
  const plane = data.sampleShape.length === 3 ? size / (data.sampleShape[0] as number) : size;
  let at = 0;
  for (const { indices, samples } of samplePieces(data, examined)) {
    hashes.add(at, samples, size, indices.length);
    restoreMissing(data, indices, samples);
    if (columns) columns.add(samples, indices.length);
    else
      indices.forEach((index, row) => {
        if (range.addSample(samples, row * size, size, plane) && plane > 1) constant.push(index);
      });
    at += indices.length;
  }
  const { low, high, missing } = columns ? columns.overall() : range;
  return {
    loaded,
    partOf,
    totals: countClasses(loaded, partOf),
    examined,
    hashes,
    low,
    high,
    missing,
    constant,
    columns,
    profiles: columns && profileColumns(data, examined.filter(isLearnt(partOf)), size),
  };
}

/** Test samples tell nothing about features. */
const isLearnt =
  (partOf: Uint8Array) =>
  (index: number): boolean =>
    partOf[index] === TRAIN || partOf[index] === VALIDATION;

/** Lowest and highest value of many samples. */
class ValueRange {
  low = Number.POSITIVE_INFINITY;
  high = Number.NEGATIVE_INFINITY;
  missing = 0;

  /** @returns whether the values of each plane of the sample are all the same */
  addSample(values: SampleArray, from: number, size: number, plane: number): boolean {
    let constant = true;
    for (let at = from; at < from + size; at += plane) {
      let low = Number.POSITIVE_INFINITY;
      let high = Number.NEGATIVE_INFINITY;
      for (let i = at; i < at + plane; i++) {
        const v = values[i] as number;
        if (v < low) low = v;
        if (v > high) high = v;
        if (Number.isNaN(v)) this.missing++;
      }
      if (low < this.low) this.low = low;
      if (high > this.high) this.high = high;
      if (low !== high) constant = false;
    }
    return constant;
  }
}
