/** Samples that are equal, byte by byte: between parts, and within the training part. */
import type { LoadedData } from "../types.js";
import { TEST, TRAIN, VALIDATION } from "./parts.js";
import { SeenRows } from "./row-hash.js";
import type { Survey } from "./survey.js";
import type { DuplicateCounts } from "./types.js";

/** Pairs that are kept as examples. */
const KEPT = 6;

export interface Duplicates extends DuplicateCounts {
  /** Of the test and validation samples that are found in an earlier part, those whose label differs there. */
  readonly otherLabel: { readonly test: number; readonly validation: number };
  /** Pairs of sample indices, the earlier seen first. */
  readonly testPairs: readonly (readonly [number, number])[];
  readonly validationPairs: readonly (readonly [number, number])[];
  readonly conflictingPairs: readonly (readonly [number, number])[];
}

type Pairs = [number, number][];

const keep = (pairs: Pairs, a: number, b: number): void => {
  if (pairs.length < KEPT) pairs.push([a, b]);
};

export function findDuplicates({ loaded, partOf, examined, hashes }: Survey): Duplicates {
  const labelOf = labelling(loaded);
  const places = (part: number): Uint32Array =>
    Uint32Array.from(examined, (_, place) => place).filter((place) => partOf[examined[place] as number] === part);
  const [train, validation, test] = [TRAIN, VALIDATION, TEST].map(places) as [Uint32Array, Uint32Array, Uint32Array];
  const seen = new SeenRows(hashes, examined.length);
  const index = (place: number): number => examined[place] as number;
  const differ = (a: number, b: number): boolean => labelOf(a) >= 0 && labelOf(b) >= 0 && labelOf(a) !== labelOf(b);
  const within = trainDuplicates(train, seen, index, differ);
  const against = (part: Uint32Array, pairs: Pairs): { count: number; otherLabel: number } => {
    let [count, otherLabel] = [0, 0];
    for (const place of part) {
      const first = seen.find(place);
      if (first < 0) continue;
      count++;
      const [a, b] = [index(first), index(place)];
      otherLabel += Number(differ(a, b));
      keep(pairs, a, b);
    }
    return { count, otherLabel };
  };
  const [validationPairs, testPairs]: [Pairs, Pairs] = [[], []];
  const inValidation = against(validation, validationPairs);
  for (const place of validation) seen.add(place);
  const inTest = against(test, testPairs);
  return {
    ...within,
    test: inTest.count,
    validation: inValidation.count,
    otherLabel: { test: inTest.otherLabel, validation: inValidation.otherLabel },
    compared: { test: test.length, validation: validation.length, train: train.length },
    testPairs,
    validationPairs,
  };
}

/** Fills the table with the training part. */
function trainDuplicates(
  train: Uint32Array,
  seen: SeenRows,
  index: (place: number) => number,
  differ: (a: number, b: number) => boolean,
): Pick<Duplicates, "train" | "conflicting" | "conflictingPairs"> {
  const conflictingPairs: Pairs = [];
  const repeated = new Map<number, number>();
  const torn = new Set<number>();
  let count = 0;
  for (const place of train) {
    const first = seen.add(place);
    if (first === place) continue;
    count++;
    repeated.set(first, (repeated.get(first) ?? 1) + 1);
    if (!differ(index(first), index(place))) continue;
    torn.add(first);
    keep(conflictingPairs, index(first), index(place));
  }
  let conflicting = 0;
  for (const first of torn) conflicting += repeated.get(first) as number;
  return { train: count, conflicting, conflictingPairs };
}

const labelling =
  ({ data: { labels } }: LoadedData) =>
  (sample: number): number =>
    labels?.[sample] ?? -1;
