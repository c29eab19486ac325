/** Data sets from parts in memory. Everything is checked here, once. Nothing here is Node's. */
import { InputError } from "../errors.js";
import { noun } from "../noun.js";
import { countOf, finitePieces, joinParts } from "./made.js";
import { type SampleSource, samplePieces } from "./read.js";
import { wholeSamples } from "./samples.js";
import type { RawPart, RawSource } from "./source.js";
import type { BlockLayout, DataSet, SampleArray, SampleType } from "./types.js";

/** What a data set is known by; see `DataSet.hash`. @param pieces all samples, one after the other */
export type DataHash = (
  described: Pick<DataSet, "sampleShape" | "samples" | "labels" | "classes">,
  pieces: Iterable<SampleArray>,
) => string;

export interface ArraySource {
  /** All samples, row-major, or one array a sample. Integer arrays stay whole numbers (int32): token ids, counts. */
  readonly samples: SampleArray | BigInt64Array | readonly (ArrayLike<number> | BigInt64Array)[];
  /** Class indices (-1: unknown) or class names. */
  readonly labels?: ArrayLike<number> | readonly string[];
  readonly classes?: readonly string[];
  /** Shape of one sample; default [length] of the first. */
  readonly sampleShape?: readonly number[];
  readonly name?: string;
}

/**
 * A data set from arrays in memory, known by the given hash. Samples are copied unless they already are one Float32Array,
 * Uint8Array or Int32Array.
 */
export function dataFromArrays(source: ArraySource, hash: DataHash): DataSet {
  const name = source.name ?? "arrays";
  const { samples, sampleShape } = flatten(source, name);
  const { labels, classes } = labelNames(name, source);
  return assemble(hash, name, sampleShape, { samples, labels }, null, classes);
}

export interface FunctionSource extends Pick<ArraySource, "labels" | "classes" | "name"> {
  /** Number of samples. */
  readonly size: number;
  /** Shape of one sample. */
  readonly sampleShape: readonly number[];
  /** Default float32. */
  readonly type?: SampleType;
  /**
   * Writes the samples of these indices, row-major, into out [indices.length, ...sampleShape], every value of it. The same
   * index must always give the same sample. It is called for every batch: quickly, and not in the order of the samples.
   */
  readonly fill: (indices: Uint32Array, out: SampleArray) => void;
  /**
   * What the samples are known by: another text whenever they change, or label stores and checkpoints are taken for
   * theirs. Default: their own bytes, for which each is made once when the data set is.
   */
  readonly identity?: string;
  /** Where neighbours are made or read faster together. */
  readonly blocks?: BlockLayout;
}

/** A data set whose samples a function makes when they are asked for; labels are in memory. */
export function dataFromFunction(source: FunctionSource, hash: DataHash): DataSet {
  const { size, sampleShape, type = "float32", fill, identity, blocks, name = "function" } = source;
  if (!Number.isInteger(size) || size < 1)
    throw new InputError(name, `size is ${size}; expected the number of samples`);
  for (const [field, value] of Object.entries(blocks ?? {}))
    if (!Number.isInteger(value) || value < 1)
      throw new InputError(name, `blocks.${field} is ${value}; expected a whole number from 1`);
  const samples = { float32: new Float32Array(0), uint8: new Uint8Array(0), int32: new Int32Array(0) }[type];
  const { labels, classes } = labelNames(name, source);
  const part = { samples, made: { count: size, fill, identity, blocks }, labels };
  return assemble(hash, name, sampleShape, part, null, classes);
}

/** Labels as class names ("" where unknown), as sources have them. */
function labelNames(
  name: string,
  source: Pick<ArraySource, "labels" | "classes">,
): Pick<RawPart, "labels"> & Pick<ArraySource, "classes"> {
  const given = source.labels;
  if (!given || given.length === 0) return { labels: null, classes: source.classes };
  if (typeof given[0] === "string") return { labels: given as readonly string[], classes: source.classes };
  const numbers = given as ArrayLike<number>;
  const most = Array.from(numbers).reduce((a, v) => Math.max(a, v), -1);
  const classes = source.classes ?? Array.from({ length: most + 1 }, (_, i) => String(i));
  const labels = Array.from(numbers, (v, i) => {
    if (!Number.isInteger(v) || v < -1 || v >= classes.length)
      throw new InputError(
        name,
        `label ${i} is ${v}; expected a class index from 0 to ${classes.length - 1}, or -1 for unknown`,
      );
    return v === -1 ? "" : (classes[v] as string);
  });
  return { labels, classes };
}

/** Collects an iterable of samples. */
export async function dataFromIterable(
  source: AsyncIterable<{ sample: ArrayLike<number>; label?: string | number }>,
  options: Omit<ArraySource, "samples" | "labels">,
  hash: DataHash,
): Promise<DataSet> {
  const samples: ArrayLike<number>[] = [];
  const labels: (string | number)[] = [];
  for await (const { sample, label } of source) {
    samples.push(sample);
    if (label !== undefined) labels.push(label);
  }
  if (labels.length > 0 && labels.length !== samples.length)
    throw new InputError(
      options.name ?? "iterable",
      `${labels.length} of ${samples.length} samples have a label; give all or none (-1 for unknown)`,
    );
  return dataFromArrays({ ...options, samples, labels: labels as readonly string[] }, hash);
}

function flatten(source: ArraySource, name: string): { samples: SampleArray; sampleShape: readonly number[] } {
  const given = source.samples;
  if (ArrayBuffer.isView(given)) {
    if (!source.sampleShape) throw new InputError(name, "one flat array of samples needs sampleShape");
    const samples = given instanceof BigInt64Array ? whole(name, given) : given;
    return { samples, sampleShape: source.sampleShape };
  }
  const width = given[0]?.length ?? 0;
  const integers = given.length > 0 && given.every((s) => s instanceof Int32Array || s instanceof BigInt64Array);
  const samples = integers ? new Int32Array(given.length * width) : new Float32Array(given.length * width);
  given.forEach((sample, i) => {
    if (sample.length !== width)
      throw new InputError(
        name,
        `sample ${i} has ${sample.length} values, sample 0 has ${width}; all must have the same shape`,
      );
    samples.set(sample instanceof BigInt64Array ? whole(name, sample) : Array.from(sample), i * width);
  });
  return { samples, sampleShape: source.sampleShape ?? [width] };
}

/** int64 as int32. @throws InputError for a number beyond it */
function whole(name: string, values: BigInt64Array): Int32Array {
  const numbers = wholeSamples(Array.from(values, Number));
  if (!numbers) throw new InputError(name, "a sample holds a whole number beyond 32 bits; limbeck keeps int32");
  return numbers;
}

/** One data set of a training part and, behind it, a test part. */
export function assemble(
  hash: DataHash,
  name: string,
  sampleShape: readonly number[],
  train: RawPart,
  test: RawPart | null,
  given: readonly string[] | undefined,
  source?: RawSource,
): DataSet {
  const size = sampleShape.reduce((p, d) => p * d, 1);
  const { samples, made } = test ? joinParts(train, test, size) : train;
  const count = made?.count ?? samples.length / size;
  if (!made && samples.length === 0) throw new InputError(name, "it holds no samples");
  if (!Number.isInteger(count))
    throw new InputError(name, `${samples.length} values do not divide into samples of [${sampleShape}]`);
  const stream = { samples, sampleShape, fill: made?.fill };
  const pieces = finitePieces(name, made ? piecesOf(stream, count) : [samples], size, source?.features);
  // What is in memory is looked at before labels are; what is made, only once.
  const checked = made ? pieces : [...pieces];
  const texts = train.labels
    ? [...train.labels, ...(test?.labels ?? Array<string>(test ? countOf(test, size) : 0).fill(""))]
    : null;
  if (texts && texts.length !== count) throw new InputError(name, `${texts.length} labels for ${count} samples`);
  const { classes, labels } = classesOf(name, texts, given);
  const { identity } = made ?? {};
  return {
    name,
    size: count,
    sampleShape,
    samples,
    ...(made ? { fill: made.fill } : {}),
    ...(made?.blocks ? { blocks: made.blocks } : {}),
    labels,
    classes,
    ...(train.names && (!test || test.names) ? { names: [...train.names, ...(test?.names ?? [])] } : {}),
    features: source?.features,
    origin: source?.origin,
    hash: hash(
      { sampleShape, samples, labels, classes },
      identity === undefined ? checked : [new TextEncoder().encode(identity)],
    ),
  };
}

function* piecesOf(stream: SampleSource, count: number): Generator<SampleArray> {
  const all = Uint32Array.from({ length: count }, (_, i) => i);
  for (const { samples } of samplePieces(stream, all)) yield samples;
}

/** Class names and each sample's index among them. */
function classesOf(
  name: string,
  texts: readonly string[] | null,
  given: readonly string[] | undefined,
): Pick<DataSet, "classes" | "labels"> {
  const classes = texts ? (given ?? sortedClasses(texts)) : (given ?? []);
  if (new Set(classes).size !== classes.length)
    throw new InputError("data.classes", `a class name occurs twice: ${classes.join(", ")}`);
  if (texts && classes.length < 2)
    throw new InputError(name, `found ${noun(classes.length, "class")}; a classifier needs at least 2`);
  const places = new Map(classes.map((c, i) => [c, i]));
  const labels =
    texts &&
    Int32Array.from(texts, (text, i) => {
      const place = text === "" ? -1 : places.get(text);
      if (place === undefined)
        throw new InputError(
          name,
          `sample ${i} has the label "${text}", which is not among data.classes (${classes.slice(0, 8).join(", ")}${classes.length > 8 ? ", ..." : ""})`,
        );
      return place;
    });
  return { classes, labels };
}

function sortedClasses(texts: readonly string[]): string[] {
  const unique = [...new Set(texts.filter((t) => t !== ""))];
  return unique.every((t) => /^-?\d+$/.test(t)) ? unique.sort((a, b) => Number(a) - Number(b)) : unique.sort();
}
