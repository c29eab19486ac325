/** Classifies files with a model; the implementation of `limbeck predict`. */

import { fillsMissing } from "../../engine/compile/normalise.js";
import { fromArrays } from "../../learn/data/dataset.js";
import { RAW } from "../../learn/data/normalise.js";
import type { DataSet } from "../../learn/data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { InputError } from "../../base/errors.js";
import { logProbabilities, type OutputKind } from "../../learn/evaluate/metrics.js";
import { topIndices } from "../../learn/evaluate/top-indices.js";
import { loadModelFile } from "../../node/model-file.js";
import type { Model } from "../../engine/graph/types.js";
import { appendTo } from "../../base/extremes.js";
import { noun } from "../../base/noun.js";
import { quote } from "../../base/quote.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { askable } from "../../learn/teacher/askable.js";
import { isSingleNote } from "../../learn/teacher/outputs.js";
import { piecesOf } from "../../run/pipeline/judge.js";
import {
  affineOf,
  classNames,
  expectedNormalisation,
  hasNormalisation,
  type ModelDescription,
  openModel,
} from "../../run/teaching/open-model.js";
import { readNamedSamples } from "./named-files.js";
import { readSamples, type SampleShape } from "./sample-files.js";

export interface PredictOptions {
  /** Number of classes to return per sample, most likely first; default 1. */
  readonly topK?: number;
  /** Factor on raw values: 1/255 for a model that expects [0, 1], 16/255 for images given to a model of the digits. Default 1. */
  readonly scale?: number;
  /** Height and width for images, if the model does not fix them. */
  readonly size?: readonly [number, number];
  /** Name of the array in .npz archives. */
  readonly key?: string;
  readonly layout?: "nchw" | "nhwc";
  readonly output?: string;
  /** Kind of the output; default: detected from the answers. */
  readonly outputs?: OutputKind;
  /** Number of ONNX Runtime threads; 0 (the default) chooses automatically. */
  readonly threads?: number;
  /** Called with each sentence about how the model is read, if that is not obvious. */
  readonly onNote?: (text: string) => void;
}

export interface Prediction {
  readonly file: string;
  /** Index of the sample in its file; 0 for images. */
  readonly index: number;
  /** The most likely class: a name, or its number if the model has no names. */
  readonly class: string;
  readonly probability: number;
  /** The `topK` most likely classes, including the first. */
  readonly top: readonly { readonly class: string; readonly probability: number }[];
}

/**
 * The most likely classes of every sample in these files. Class names come from the model.
 * @param file `.onnx` classifier; limbeck's exports record their normalisation, other models get values * scale
 * @throws InputError naming the file that cannot be used
 *
 * @example
 * const [first] = await predictFiles("student.onnx", ["cat.png"], { topK: 3 });
 * console.log(first.class, first.probability);
 */
export async function predictFiles(
  file: string,
  files: readonly string[],
  options: PredictOptions = {},
): Promise<Prediction[]> {
  if (files.length === 0)
    throw new InputError({
      code: "option-missing",
      where: "files",
      found: "none are given",
      expected: "images or arrays to classify",
    });
  const { model } = loadModelFile(file);
  if (model.graph.inputs.length < 2)
    return predictData(file, model, await dataOfFiles(file, model, files, options), options);
  refuseForSeveral(options);
  const predictions: Prediction[] = [];
  for (const path of files) {
    const data = readNamedSamples(path, model.graph.inputs, file);
    const rows = Array.from({ length: data.size }, (_, index) => ({ file: path, index }));
    const normalise = normalisationFor(model, 1, data.sampleShape);
    appendTo(predictions, await predictData(file, model, { data, rows, normalise }, options));
  }
  return predictions;
}

/** Samples with the file and the index that each comes from. */
interface FileData {
  readonly data: DataSet;
  readonly rows: readonly Pick<Prediction, "file" | "index">[];
  readonly normalise: Normalisation;
}

/** All files for a model with one input. */
async function dataOfFiles(
  file: string,
  model: Model,
  files: readonly string[],
  options: PredictOptions,
): Promise<FileData> {
  const wanted = { ...sampleShape(file, model, options), gaps: replacesMissing(model) };
  const read = [];
  for (const path of files) read.push(await readSamples(path, wanted, options.key));
  const rows = read.flatMap((r) => Array.from({ length: r.count }, (_, index) => ({ file: r.file, index })));
  const samples = joined(
    read.map((r) => r.values),
    rows.length * sizeOf(wanted.shape),
  );
  let { scale = 1 } = options;
  if (wanted.gaps && scale !== 1) {
    // What stands in for a missing value is a raw one, so the others are made raw first.
    samples.forEach((v, i) => {
      samples[i] = v * scale;
    });
    scale = 1;
  }
  return { data: dataWithGaps(samples, wanted.shape), rows, normalise: normalisationFor(model, scale, wanted.shape) };
}

/** What is said of one array. */
function refuseForSeveral({ scale = 1, key }: PredictOptions): void {
  for (const [flag, isGiven] of Object.entries({ scale: scale !== 1, key: key !== undefined }))
    if (isGiven)
      throw new InputError({
        code: "option-conflict",
        where: `--${flag}`,
        found: "the model has several inputs, which read the arrays of their names as they are",
        cure: "Leave it out",
      });
}

async function predictData(
  file: string,
  model: Model,
  { data, rows, normalise }: FileData,
  options: PredictOptions,
): Promise<Prediction[]> {
  const all = Uint32Array.from(rows, (_, i) => i);
  const { layout, output, outputs } = options;
  const description: ModelDescription = { normalise, layout, output, outputs };
  const opened = await openModel(file, { data, normalisation: RAW }, all, description, options.threads);
  try {
    const { kind, classes } = opened.teacher;
    const { notes, warnings, classes: own = [] } = askable(model, file);
    for (const note of [...notes, ...opened.notes.filter(isSingleNote), ...warnings]) options.onNote?.(note);
    const names = classNames(model) ?? own;
    const predictions: Prediction[] = [];
    for (const part of piecesOf(all, classes)) {
      const values = await opened.teacher.answer(data, part);
      const tops = topClasses(values, part.length, { kind, classes, names, topK: options.topK ?? 1 });
      for (const [i, sample] of part.entries()) {
        const [row, top] = [rows[sample] as (typeof rows)[number], tops[i] as Prediction["top"]];
        predictions.push({ ...row, ...(top[0] as Prediction["top"][number]), top });
      }
    }
    return predictions;
  } finally {
    await opened.teacher.dispose();
  }
}

function joined(parts: readonly ArrayLike<number>[], size: number): Float32Array {
  const all = new Float32Array(size);
  let at = 0;
  for (const values of parts) {
    all.set(values, at);
    at += values.length;
  }
  return all;
}

interface ClassNames {
  readonly kind: OutputKind;
  readonly classes: number;
  readonly names: readonly string[];
  readonly topK: number;
}

/** The most likely classes of each answer. */
function topClasses(
  values: Float32Array,
  answers: number,
  { kind, classes, names, topK }: ClassNames,
): Prediction["top"][] {
  const log = new Float64Array(classes);
  return Array.from({ length: answers }, (_, i) => {
    logProbabilities(values, i, classes, kind, 1, log);
    return topIndices(log, topK).map((c) => ({
      class: names[c] ?? String(c),
      probability: Math.exp(log[c] as number),
    }));
  });
}

/** Whether missing values may be given to a model: it, or what its metadata says goes in front of it, replaces them. */
const replacesMissing = (model: Model): boolean =>
  fillsMissing(model.graph) || (!hasNormalisation(model) && expectedNormalisation(model)?.missing !== undefined);

/** Samples as a data set that remembers which values are missing. */
function dataWithGaps(samples: Float32Array, sampleShape: readonly number[]): DataSet {
  const missing: number[] = [];
  samples.forEach((v, i) => {
    if (Number.isNaN(v)) missing.push(i);
  });
  const filled = missing.length > 0 ? samples.map((v) => (Number.isNaN(v) ? 0 : v)) : samples;
  const data = fromArrays({ name: "files", samples: filled, sampleShape });
  return missing.length > 0 ? { ...data, missing: Uint32Array.from(missing) } : data;
}

/** What stands between the files' values and the model's input. */
function normalisationFor(model: Model, scale: number, shape: readonly number[]): Normalisation {
  const own = hasNormalisation(model) ? null : affineOf(model);
  if (!own) return { scale, mean: [0], std: [1] };
  const channels = shape[0] ?? 1;
  for (const values of [own.mean, own.std])
    if (values.length !== 1 && values.length !== channels)
      throw new InputError({
        code: "model-input",
        where: "normalisation",
        found: `the model's metadata has ${noun(values.length, "value")} for ${noun(channels, "channel")}`,
        expected: "one value, or one per channel",
      });
  return { ...own, scale: own.scale * scale };
}

/** Shape of one sample as [C,H,W] or [F], from the model's declared input. */
function sampleShape(file: string, model: Model, { size, layout }: PredictOptions): SampleShape {
  const [input] = model.graph.inputs;
  if (!input?.shape)
    throw new InputError({
      code: "model-input",
      where: file,
      found: input ? "its input has no shape" : "it has no input",
      expected: "an input with a shape",
      cure: "Export the model with the shape of its input",
    });
  const dims = input.shape.slice(1);
  const known = (d: (typeof dims)[number] | undefined): number | null => (typeof d === "number" && d > 0 ? d : null);
  if (dims.length === 3) return imageShape(file, dims.map(known), size, layout);
  if (dims.length === 2 && known(dims[0]) && known(dims[1]))
    return { shape: [1, known(dims[0]) as number, known(dims[1]) as number], image: true };
  const flat = dims.map(known);
  if (flat.some((d) => d === null))
    throw new InputError({
      code: "model-input",
      where: file,
      found: `its input ${quote(input.name)} is [${input.shape.join(", ")}]`,
      expected: "a known number of values per sample",
      cure: "Export the model with fixed sizes but for the batch",
    });
  return { shape: flat as number[], image: false };
}

function imageShape(
  file: string,
  dims: readonly (number | null)[],
  size: readonly [number, number] | undefined,
  layout: "nchw" | "nhwc" | undefined,
): SampleShape {
  const [a, b, c] = dims as [number | null, number | null, number | null];
  const isChannels = (d: number | null): boolean => d === 1 || d === 3;
  const last = layout ? layout === "nhwc" : !isChannels(a) && isChannels(c);
  const [channels, height, width] = last ? [c, a, b] : [a, b, c];
  if (channels === null || ((height === null || width === null) && !size))
    throw new InputError({
      code: "option-missing",
      where: file,
      found: `its input leaves the size of images free ([${dims.map((d) => d ?? "?").join(", ")}])`,
      cure: "Add --size <height>x<width>",
    });
  return {
    shape: [channels, height ?? (size?.[0] as number), width ?? (size?.[1] as number)],
    image: isChannels(channels),
  };
}
