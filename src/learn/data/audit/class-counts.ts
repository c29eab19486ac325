/** How many samples each class has in each part. */
import type { LoadedData } from "../types.js";
import { TEST, TRAIN, VALIDATION } from "./parts.js";
import type { ClassAudit } from "./types.js";

/** Up to so many classes are all shown; of more, so many of the largest and of the smallest. */
const ALL = 40;
const ENDS = 10;

/** Samples of each class, by class index. */
export interface ClassTotals {
  readonly names: readonly string[];
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly test: Uint32Array;
}

/** Null without labels. */
export function countClasses({ data }: LoadedData, partOf: Uint8Array): ClassTotals | null {
  const { labels, classes } = data;
  if (!labels || classes.length === 0) return null;
  const zeros = (): Uint32Array => new Uint32Array(classes.length);
  const counts = [zeros(), zeros(), zeros(), zeros()];
  labels.forEach((label, i) => {
    const own = counts[partOf[i] as number] as Uint32Array;
    if (label >= 0) own[label] = (own[label] as number) + 1;
  });
  const [train, validation, test] = [TRAIN, VALIDATION, TEST].map((p) => counts[p]) as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  return { names: classes, train, validation, test };
}

/** The classes worth showing, with their counts. */
export function summariseClasses(totals: ClassTotals): ClassAudit {
  const { names, train, validation, test } = totals;
  const order = Array.from(names, (_, c) => c).sort((a, b) => (train[b] as number) - (train[a] as number) || a - b);
  const chosen =
    names.length <= ALL ? order.toSorted((a, b) => a - b) : [...order.slice(0, ENDS), ...order.slice(-ENDS)];
  const at = (place: number): number => train[order[place] as number] as number;
  return {
    total: names.length,
    shown: chosen.map((c) => ({
      name: names[c] as string,
      train: train[c] as number,
      validation: validation[c] as number,
      test: test[c] as number,
    })),
    omitted: names.length - chosen.length,
    train: { least: at(names.length - 1), median: at(Math.floor(names.length / 2)), most: at(0) },
  };
}
