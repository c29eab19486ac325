/** Data sets from parts in memory. Everything is checked here, once. Nothing here is Node's. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import type { DataFinding } from "./findings.js";
import { classLabels, type LabelOptions } from "./labels/label-classes.js";
import type { LabelPart } from "./labels/label-parts.js";
import { countOf, finitePieces, joinParts, type SamplePlace } from "./made.js";
import { missingMarks } from "./labels/missing-labels.js";
import { wholeSamples } from "./samples.js";
import { joinOthers, piecesOf, withOthers } from "./other-arrays.js";
import type { RawArray, RawPart, RawSource } from "./source.js";
import type { BlockLayout, DataSet } from "./types.js";
import type { SampleArray, SampleType } from "../../engine/graph/samples.js";
import { sizeOf } from "../../engine/graph/tensor.js";

/** What a data set is known by; see `DataSet.hash`. @param pieces all samples, one after the other */
export type DataHash = (
  described: Pick<DataSet, "sampleShape" | "samples" | "labels" | "classes">,
  pieces: Iterable<SampleArray>,
) => string;

/** All samples, row-major, or one array a sample. Integer arrays stay whole numbers (int32): token ids, counts. */
export type GivenSamples = SampleArray | BigInt64Array | readonly (ArrayLike<number> | BigInt64Array)[];

export interface ArraySource {
  readonly samples?: GivenSamples;
  /** Several arrays of the same records instead of `samples`, for models with several inputs; one array for each record. */
  readonly inputs?: Readonly<Record<string, GivenSamples>>;
  /**
   * Class indices or class names. Unknown is -1, -100, NaN, null or ""; labels that are just -1 and 1, without `classes`,
   * are two classes.
   */
  readonly labels?: ArrayLike<number> | readonly (string | number | null)[];
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
  const { input, samples, sampleShape, others } = givenArrays(source, name);
  const { labels, options } = labelNames(name, source);
  const part = { samples, labels, ...(others.length > 0 ? { others } : {}) };
  return withFindings(assemble(hash, { name, input, sampleShape, parts: [part], labels: options }));
}

/** What was found out about a source, in the data set itself: nobody else takes it there. */
const withFindings = ({ data, findings }: Assembled): DataSet => (findings.length > 0 ? { ...data, findings } : data);

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
  for (const [field, value] of Object.entries({ size, ...blocks }))
    if (!Number.isInteger(value) || value < 1)
      throw new InputError({
        code: "option-invalid",
        where: name,
        found: `${field === "size" ? "" : "blocks."}${field} is ${value}`,
        expected: "a whole number from 1",
      });
  const samples = { float32: new Float32Array(0), uint8: new Uint8Array(0), int32: new Int32Array(0) }[type];
  const { labels, options } = labelNames(name, source);
  const part = { samples, made: { count: size, fill, identity, blocks }, labels };
  return withFindings(assemble(hash, { name, sampleShape, parts: [part], labels: options }));
}

type GivenLabels = Pick<RawPart, "labels"> & { readonly options: LabelOptions };

/** Labels as class names ("" where unknown), as sources have them. */
function labelNames(name: string, source: Pick<ArraySource, "labels" | "classes">): GivenLabels {
  const { labels: given, classes } = source;
  if (!given || given.length === 0) return { labels: null, options: { kind: "text", classes, mayBeMissing: true } };
  const values = Array.from(given as ArrayLike<unknown>, (v) => (typeof v === "bigint" ? Number(v) : (v ?? "")));
  const odd = values.findIndex((v) => v !== "" && typeof v !== "number");
  if (odd < 0) return indexedLabels(name, values as (number | "")[], classes);
  const strange = values.findIndex((v) => typeof v !== "string");
  if (strange >= 0)
    throw new InputError({
      code: "label-type",
      where: name,
      found: `label ${odd} is ${JSON.stringify(values[odd])}, label ${strange} is ${JSON.stringify(values[strange])}`,
      expected: "class indices only, or class names only",
      cure: "Write all labels in one way",
    });
  return { labels: values as string[], options: { kind: "text", classes, mayBeMissing: true } };
}

/** The most classes that indices alone may ask for. */
const MOST_CLASSES = 1e6;

function indexedLabels(
  name: string,
  values: readonly (number | "")[],
  given: readonly string[] | undefined,
): GivenLabels {
  const marks = missingMarks(new Set(values.map(String)), "numbers");
  // Class indices have no sign: with a list of classes -1 is unknown whatever stands beside it.
  if (given) marks.add("-1");
  const known = values.filter((v) => !marks.has(String(v))) as number[];
  const signs = known.includes(-1);
  const most = known.reduce((a, v) => Math.max(a, v), -1);
  const classes = given ?? (signs ? ["-1", "1"] : namesUpTo(Math.min(most, MOST_CLASSES)));
  const indexOf = (v: number): number => (signs ? Number(v > 0) : v);
  const bad = values.findIndex((v) => !marks.has(String(v)) && classes[indexOf(v as number)] === undefined);
  if (bad >= 0)
    throw new InputError({
      code: Number.isInteger(values[bad]) ? "class-unknown" : "label-type",
      where: name,
      found: `label ${bad} is ${values[bad]}`,
      expected: `a class index from 0 to ${classes.length - 1}, or -1 for unknown`,
      cure: "Correct the labels, or give all classes",
    });
  const labels = values.map((v) => (marks.has(String(v)) ? "" : (classes[indexOf(v as number)] as string)));
  return {
    labels,
    options: { kind: "names", classes: given ?? (known.length > 0 ? classes : undefined), mayBeMissing: true },
  };
}

const namesUpTo = (most: number): string[] => Array.from({ length: most + 1 }, (_, i) => String(i));

/** Collects an iterable of samples. */
export async function dataFromIterable(
  source: AsyncIterable<{ sample: ArrayLike<number>; label?: string | number | null }>,
  options: Omit<ArraySource, "samples" | "labels">,
  hash: DataHash,
): Promise<DataSet> {
  const samples: ArrayLike<number>[] = [];
  const labels: (string | number | null)[] = [];
  for await (const { sample, label } of source) {
    samples.push(sample);
    if (label !== undefined) labels.push(label);
  }
  if (labels.length > 0 && labels.length !== samples.length)
    throw new InputError({
      code: "labels-missing",
      where: options.name ?? "iterable",
      found: `${labels.length} of ${samples.length} samples have a label`,
      expected: "a label for all or for none",
      cure: "Give null where it is unknown",
    });
  return dataFromArrays({ ...options, samples, labels }, hash);
}

interface GivenArrays extends Pick<RawPart, "samples"> {
  readonly input?: string;
  readonly sampleShape: readonly number[];
  readonly others: readonly RawArray[];
}

/** The main array, and the others where several are given by name. */
function givenArrays({ samples, inputs, sampleShape }: ArraySource, name: string): GivenArrays {
  if (inputs === undefined) return { ...flatten(samples ?? [], sampleShape, name), others: [] };
  const arrays = Object.entries(inputs).map(([key, given]) => ({
    name: key,
    ...flatten(given, undefined, `${name}.${key}`),
  }));
  const [main, ...others] = arrays;
  if (samples === undefined && main)
    return { input: main.name, samples: main.samples, sampleShape: main.sampleShape, others };
  throw new InputError({
    code: "option-conflict",
    where: name,
    found: main ? "samples and inputs are both given" : "inputs has no array",
    expected: "samples, or an array for each input by name",
    cure: "Give one of them",
  });
}

function flatten(
  given: GivenSamples,
  shape: readonly number[] | undefined,
  name: string,
): { samples: SampleArray; sampleShape: readonly number[] } {
  if (ArrayBuffer.isView(given)) {
    if (!shape)
      throw new InputError({
        code: "option-missing",
        where: name,
        found: "one flat array of samples has no sampleShape",
        expected: "the shape of one sample",
        cure: "Give sampleShape, such as [28, 28]",
      });
    const samples = given instanceof BigInt64Array ? whole(name, given) : given;
    return { samples, sampleShape: shape };
  }
  const width = given[0]?.length ?? 0;
  const integers = given.length > 0 && given.every((s) => s instanceof Int32Array || s instanceof BigInt64Array);
  const samples = integers ? new Int32Array(given.length * width) : new Float32Array(given.length * width);
  given.forEach((sample, i) => {
    if (sample.length !== width)
      throw new InputError({
        code: "array-mismatch",
        where: name,
        found: `sample ${i} has ${noun(sample.length, "value")}`,
        expected: `${width}, as sample 0 has`,
        cure: "Give all samples one shape",
      });
    samples.set(sample instanceof BigInt64Array ? whole(name, sample) : Array.from(sample), i * width);
  });
  return { samples, sampleShape: shape ?? [width] };
}

/** int64 as int32. @throws InputError for a number beyond it */
function whole(name: string, values: BigInt64Array): Int32Array {
  const numbers = wholeSamples(Array.from(values, Number));
  if (!numbers)
    throw new InputError({
      code: "row-invalid",
      where: name,
      found: "a sample holds a whole number beyond 32 bits",
      expected: "numbers from -2147483648 to 2147483647",
    });
  return numbers;
}

/** Raw parts, and what is to be made of them. */
export interface PartsOfData
  extends Pick<RawSource, "name" | "sampleShape" | "input" | "features" | "fillMissing" | "origin"> {
  /** The training part, then the source's own validation and test part, where it has them. */
  readonly parts: readonly RawPart[];
  /** What each part is; default: one training part. */
  readonly roles?: readonly LabelPart["name"][];
  readonly labels: LabelOptions;
}

export interface Assembled {
  readonly data: DataSet;
  readonly findings: readonly DataFinding[];
}

/** One data set of all parts, one after the other. */
export function assemble(hash: DataHash, source: PartsOfData): Assembled {
  const { name, sampleShape, parts, roles = ["training"] } = source;
  const size = sizeOf(sampleShape);
  const counts = parts.map((part) => sampleCount(name, part, size, sampleShape));
  const { samples, made } = joinParts(parts, size);
  const count = counts.reduce((sum, n) => sum + n, 0);
  const stream = { samples, sampleShape, fill: made?.fill };
  const place = (sample: number): SamplePlace => placeOf(source, counts, sample);
  const pieces = finitePieces(made ? piecesOf(stream, count) : [samples], size, source, place);
  // What is in memory is looked at before labels are; what is made, only once.
  const checked = made ? pieces : [...pieces];
  const labelled = parts.map((part, i) => labelPart(name, part, counts[i] as number, roles[i] as LabelPart["name"]));
  const { classes, labels, findings } = classLabels(labelled, source.labels);
  const others = joinOthers(source, counts);
  const names = parts.every((p) => p.names) ? parts.flatMap((p) => p.names ?? []) : null;
  const { identity } = made ?? {};
  const data = {
    name,
    size: count,
    sampleShape,
    samples,
    ...(made ? { fill: made.fill } : {}),
    ...(made?.blocks ? { blocks: made.blocks } : {}),
    ...(source.input === undefined ? {} : { input: source.input }),
    ...(others.length > 0 ? { others } : {}),
    labels,
    classes,
    ...(names ? { names } : {}),
    features: source.features,
    origin: source.origin,
    hash: hash(
      { sampleShape, samples, labels, classes },
      withOthers(identity === undefined ? checked : [new TextEncoder().encode(identity)], others, count),
    ),
  };
  return { data, findings };
}

/** @throws InputError when there are none, or the values do not divide into samples */
function sampleCount(name: string, part: RawPart, size: number, shape: readonly number[]): number {
  const count = countOf(part, size);
  const where = part.from ?? name;
  if (!part.made && part.samples.length === 0)
    throw new InputError({
      code: "data-empty",
      where,
      found: "it holds no samples",
      expected: "at least one sample",
      cure: "Check that it is the right one",
    });
  if (!Number.isInteger(count))
    throw new InputError({
      code: "array-mismatch",
      where,
      found: `${noun(part.samples.length, "value")} do not divide into samples of [${shape}]`,
      expected: `a multiple of ${size} values`,
    });
  return count;
}

/** @throws InputError when a part has another number of labels than of samples */
function labelPart(name: string, part: RawPart, count: number, role: LabelPart["name"]): LabelPart {
  const { labels } = part;
  const where = part.labelsFrom ?? part.from ?? name;
  if (labels && labels.length !== count)
    throw new InputError({
      code: "array-mismatch",
      where,
      found: `${noun(labels.length, "label")} for ${noun(count, "sample")}`,
      expected: "one label for every sample",
      cure: "Check that labels and samples belong together",
    });
  return { name: role, labels, count, where };
}

/** What messages say of a sample: which one it is of its part. */
function placeOf({ name, parts }: PartsOfData, counts: readonly number[], sample: number): SamplePlace {
  let index = sample;
  let part = 0;
  while (part < parts.length - 1 && index >= (counts[part] as number)) index -= counts[part++] as number;
  const { from, names } = parts[part] as RawPart;
  return { where: from ?? name, sample: names?.[index] ?? `sample ${index}` };
}
