/** Data sets for the tests of the audit: made row by row, split as a test needs it. */

import { RAW } from "../../../../src/learn/data/normalise.js";
import { auditData, type DataFinding, fromArrays, type LoadedData } from "../../../../src/index.js";

/** A sequence of numbers in [0, 1) that is the same every time (Park and Miller's generator). */
export function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

export type PartOf = (index: number) => "train" | "validation" | "test" | "unused";

/** 7 of 10 samples for training, 1 for validation, 2 for the test. */
export const mixedParts: PartOf = (i) => (i % 10 < 7 ? "train" : i % 10 === 7 ? "validation" : "test");

export interface Sketch {
  /** Values of each sample. */
  readonly samples: readonly (readonly number[])[];
  readonly sampleShape?: readonly number[];
  /** "" for a sample without a label; absent for data without labels. */
  readonly labels?: readonly string[];
  readonly classes?: readonly string[];
  readonly features?: readonly string[];
  readonly names?: readonly string[];
  readonly type?: "float32" | "uint8" | "int32";
  readonly parts?: PartOf;
  readonly more?: Partial<LoadedData>;
}

export function sketch({ samples, sampleShape, labels, parts = mixedParts, more, ...rest }: Sketch): LoadedData {
  const shape = sampleShape ?? [samples[0]?.length ?? 0];
  const Type = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array }[rest.type ?? "float32"];
  const values = Type.from(samples.flat());
  const given = labels ? { labels, ...(rest.classes ? { classes: rest.classes } : {}) } : {};
  const made = fromArrays({ samples: values, sampleShape: shape, name: "sketch", ...given });
  const data = {
    ...made,
    ...(rest.features ? { features: rest.features } : {}),
    ...(rest.names ? { names: rest.names } : {}),
  };
  const all = samples.map((_, i) => i);
  const part = (name: string): Uint32Array => Uint32Array.from(all.filter((i) => parts(i) === name));
  const splits = { train: part("train"), validation: part("validation"), test: part("test") };
  return { data, splits, normalisation: STANDARD, ...more };
}

/** Fitted feature by feature, as for tables; its figures do not matter here. */
const STANDARD = { scale: 1, mean: [0, 0], std: [1, 1] };

export { RAW };

/** Findings of a sketch by code. */
export function findingsOf(made: Sketch): Map<string, DataFinding> {
  return new Map(auditData(sketch(made)).findings.map((finding) => [finding.code, finding]));
}

/** Rows of two features that say nothing, with two classes in turn. */
export function plainRows(count: number, seed = 11): { samples: number[][]; labels: string[] } {
  const next = sequence(seed);
  return {
    samples: Array.from({ length: count }, () => [next() * 10, next() * 3 - 1]),
    labels: Array.from({ length: count }, (_, i) => (Math.floor(i / 10) % 2 === 0 ? "left" : "right")),
  };
}

/** `rows` with one more column. */
export function withColumn(rows: readonly (readonly number[])[], value: (row: number) => number): number[][] {
  return rows.map((row, i) => [...row, value(i)]);
}
