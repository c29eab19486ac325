/** Making data sets: from sources, from arrays, from iterables. */
import { createHash } from "node:crypto";
import { sizeOf } from "../../engine/graph/tensor.js";
import {
  type ArraySource,
  assemble,
  type DataHash,
  dataFromArrays,
  dataFromFunction,
  dataFromIterable,
  type FunctionSource,
} from "./assemble.js";
import type { DataFinding } from "./findings.js";
import type { LabelPart } from "./labels/label-parts.js";
import { limitPart } from "./limit.js";
import { countOf } from "./made.js";
import type { RawPart, RawSource } from "./source.js";
import type { OwnParts } from "./splits.js";
import type { DataSet } from "./types.js";

export type { ArraySource, FunctionSource } from "./assemble.js";

/** A data set from arrays in memory. Samples are copied unless they already are one Float32Array, Uint8Array or Int32Array. */
export function fromArrays(source: ArraySource): DataSet {
  return dataFromArrays(source, hashOf);
}

/**
 * A data set whose samples a function makes when they are asked for: more than memory holds, or computed. Labels are in memory.
 * @throws InputError when a sample that is made holds a value that is not finite, or labels do not fit
 */
export function fromFunction(source: FunctionSource): DataSet {
  return dataFromFunction(source, hashOf);
}

/** Collects an iterable of samples. */
export function fromAsyncIterable(
  source: AsyncIterable<{ sample: ArrayLike<number>; label?: string | number | null }>,
  options: Omit<ArraySource, "samples" | "labels"> = {},
): Promise<DataSet> {
  return dataFromIterable(source, options, hashOf);
}

export interface SourceOptions {
  readonly classes?: readonly string[];
  readonly limit?: number;
  readonly labels: "use" | "ignore";
  /** Of the limit's draw. */
  readonly seed: number;
}

/** A source's parts as one data set: the training part, then its own validation and test part. */
export function fromSource(
  source: RawSource,
  options: SourceOptions,
): { data: DataSet; own: OwnParts; findings: readonly DataFinding[] } {
  const { name, sampleShape, input, features, fillMissing, origin, labelKind = "text" } = source;
  const size = sizeOf(sampleShape);
  const drop = (part: RawPart): RawPart => (options.labels === "ignore" ? { ...part, labels: null } : part);
  const { part: train, findings: limited } = limitPart(drop(source.train), size, options);
  const roles: LabelPart["name"][] = ["training"];
  const parts = [train];
  const own: { validation?: [number, number]; test?: [number, number] } = {};
  let count = countOf(train, size);
  for (const role of ["validation", "test"] as const) {
    const part = source[role];
    if (!part) continue;
    own[role] = [count, count + countOf(part, size)];
    count += countOf(part, size);
    roles.push(role);
    parts.push(drop(part));
  }
  const labels = { classes: options.classes, kind: labelKind };
  const { data, findings } = assemble(hashOf, {
    name,
    sampleShape,
    input,
    features,
    fillMissing,
    origin,
    parts,
    roles,
    labels,
  });
  return { data, own, findings: [...limited, ...findings] };
}

const hashOf: DataHash = ({ sampleShape: shape, samples, labels, classes }, pieces) => {
  const hash = createHash("sha256").update(JSON.stringify({ shape, type: samples.constructor.name, classes }));
  for (const piece of pieces) hash.update(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
  if (labels) hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  return hash.digest("hex");
};
