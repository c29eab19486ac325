/** Making data sets: from sources, from arrays, from iterables. */
import { createHash } from "node:crypto";
import { type ArraySource, assemble, dataFromArrays, dataFromIterable } from "./assemble.js";
import type { RawPart, RawSource } from "./source.js";
import type { DataSet, SampleArray } from "./types.js";

export type { ArraySource } from "./assemble.js";

/** A data set from arrays in memory. Samples are copied unless they already are one Float32Array, Uint8Array or Int32Array. */
export function fromArrays(source: ArraySource): DataSet {
  return dataFromArrays(source, hashOf);
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
  const train = options.limit ? cut(source.train, options.limit, size) : source.train;
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
  return { data, testFrom: source.test ? train.samples.length / size : null };
}

function cut(part: RawPart, limit: number, size: number): RawPart {
  return { samples: part.samples.slice(0, limit * size), labels: part.labels?.slice(0, limit) ?? null };
}

function hashOf(
  shape: readonly number[],
  samples: SampleArray,
  labels: Int32Array | null,
  classes: readonly string[],
): string {
  const hash = createHash("sha256").update(JSON.stringify({ shape, type: samples.constructor.name, classes }));
  hash.update(new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength));
  if (labels) hash.update(new Uint8Array(labels.buffer, labels.byteOffset, labels.byteLength));
  return hash.digest("hex");
}
