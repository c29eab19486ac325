/** Making data sets: from sources, from arrays, from iterables. */
import { createHash } from "node:crypto";
import {
  type ArraySource,
  assemble,
  type DataHash,
  dataFromArrays,
  dataFromFunction,
  dataFromIterable,
  type FunctionSource,
} from "./assemble.js";
import { countOf, cutPart } from "./made.js";
import type { RawPart, RawSource } from "./source.js";
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
  source: AsyncIterable<{ sample: ArrayLike<number>; label?: string | number }>,
  options: Omit<ArraySource, "samples" | "labels"> = {},
): Promise<DataSet> {
  return dataFromIterable(source, options, hashOf);
}

/** A source's parts as one data set; the test part follows the training part. */
export function fromSource(
  source: RawSource,
  options: { classes?: readonly string[]; limit?: number; labels: "use" | "ignore" },
): { data: DataSet; testFrom: number | null } {
  const size = source.sampleShape.reduce((p, d) => p * d, 1);
  const train = options.limit ? cutPart(source.train, options.limit, size) : source.train;
  const drop = (part: RawPart): RawPart => (options.labels === "ignore" ? { ...part, labels: null } : part);
  const data = assemble(
    hashOf,
    source.name,
    source.sampleShape,
    drop(train),
    source.test && drop(source.test),
    options.classes,
    source,
  );
  return { data, testFrom: source.test ? countOf(train, size) : null };
}

const hashOf: DataHash = ({ sampleShape: shape, samples, labels, classes }, pieces) => {
  const hash = createHash("sha256").update(JSON.stringify({ shape, type: samples.constructor.name, classes }));
  for (const piece of pieces) hash.update(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength));
  if (labels) hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  return hash.digest("hex");
};
