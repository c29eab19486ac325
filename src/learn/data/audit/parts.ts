/** Which part each sample is in, and how many samples and labels each part holds. */
import type { LoadedData } from "../types.js";
import type { PartCounts, PartName } from "./types.js";

/** In the order of the numbers that `partOfSamples` gives. */
export const PART_NAMES: readonly PartName[] = ["unused", "train", "validation", "test"];
export const TRAIN = 1;
export const VALIDATION = 2;
export const TEST = 3;

/** The part of each sample: 0 none, then `TRAIN`, `VALIDATION`, `TEST`. */
export function partOfSamples({ data, splits }: LoadedData): Uint8Array {
  const part = new Uint8Array(data.size);
  for (const i of splits.train) part[i] = TRAIN;
  for (const i of splits.validation) part[i] = VALIDATION;
  for (const i of splits.test) part[i] = TEST;
  return part;
}

/** Training, validation and test part, and what is in none of them if anything is. */
export function countParts({ data }: LoadedData, partOf: Uint8Array): PartCounts[] {
  const samples = [0, 0, 0, 0];
  const labelled = [0, 0, 0, 0];
  for (let i = 0; i < data.size; i++) {
    const part = partOf[i] as number;
    samples[part] = (samples[part] as number) + 1;
    if ((data.labels?.[i] ?? -1) >= 0) labelled[part] = (labelled[part] as number) + 1;
  }
  return [TRAIN, VALIDATION, TEST, 0]
    .map((p) => ({ part: PART_NAMES[p] as PartName, samples: samples[p] as number, labelled: labelled[p] as number }))
    .filter(({ part, samples }) => part !== "unused" || samples > 0);
}
