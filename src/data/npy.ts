/** NumPy arrays: .npy files and .npz archives (NEP 1; format versions 1 to 3). */
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { unzipSync } from "fflate";
import { InputError } from "../errors.js";
import { nearestOf } from "../graph/nearest.js";
import type { NpyConfig, NpzConfig } from "./config.js";
import { staysInFile } from "./memory.js";
import { npyFilePart } from "./npy-file.js";
import { checkLength, parseHeader, sampleLayout } from "./npy-format.js";
import { allocateSamples, channelsFirst, wholeSamples } from "./samples.js";
import type { RawPart, RawSource, SourceContext } from "./source.js";
import type { SampleArray } from "./types.js";

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major, as numbers: bytes stay bytes, everything else becomes float64. */
  readonly data: Uint8Array | Float64Array;
  /** NumPy's name of the element type: "<f4", "|u1" ... */
  readonly type: string;
}

export function readNpySource(config: NpyConfig, context: SourceContext): RawSource {
  const at = (path: string | undefined): string | undefined => (path ? resolve(context.folder, path) : undefined);
  const load = (path: string): NpyArray => parseNpy(readBytes(path), path);
  const samples = at(config.samples) as string;
  const [labels, testSamples, testLabels] = [at(config.labelFile), at(config.testSamples), at(config.testLabelFile)];
  const inFile = staysInFile(config.memory, testSamples ? [samples, testSamples] : [samples]);
  const part = (path: string): Samples => (inFile ? npyFilePart(path) : samplesOf({ name: path, array: load(path) }));
  return sourceOf(
    `npy ${basename(samples)}`,
    part(samples),
    labels ? { name: labels, array: load(labels) } : null,
    testSamples ? part(testSamples) : null,
    testLabels ? { name: testLabels, array: load(testLabels) } : null,
  );
}

export function readNpzSource(config: NpzConfig, context: SourceContext): RawSource {
  const path = resolve(context.folder, config.path);
  const entries = unzip(path);
  const names = Object.keys(entries).map((n) => n.replace(/\.npy$/, ""));
  const named = (key: string): { name: string; array: NpyArray } | null => {
    const bytes = entries[`${key}.npy`] ?? entries[key];
    return bytes ? { name: `${path}: ${key}`, array: parseNpy(bytes, `${path}: ${key}`) } : null;
  };
  const samples = named(config.samples);
  if (!samples) {
    const near = nearestOf(config.samples, names);
    throw new InputError(
      path,
      `it has no array "${config.samples}" (data.samples); it holds ${names.join(", ")}${near ? `. Did you mean "${near}"?` : ""}`,
    );
  }
  const labels = named(config.labelKey);
  const test = named(config.testSamples);
  return sourceOf(
    `npz ${basename(path)}`,
    samplesOf(samples),
    labels,
    test && samplesOf(test),
    named(config.testLabelKey),
  );
}

interface Named {
  readonly name: string;
  readonly array: NpyArray;
}

function sourceOf(
  name: string,
  first: Samples,
  labels: Named | null,
  second: Samples | null,
  testLabels: Named | null,
): RawSource {
  if (second && second.shape.join() !== first.shape.join())
    throw new InputError(second.name, `its samples are [${second.shape}], those of ${first.name} [${first.shape}]`);
  const part = (s: Samples, y: Named | null): RawPart => ({
    samples: s.samples,
    ...(s.made ? { made: s.made } : {}),
    labels: y && labelsOf(y, s.count, s.name),
  });
  const bytes = first.samples instanceof Uint8Array;
  return {
    name,
    sampleShape: first.shape,
    train: part(first, labels),
    test: second && part(second, testLabels),
    defaultNormalise: bytes ? "unit" : "none",
    unit: bytes ? 1 / 255 : 1,
  };
}

interface Samples extends Pick<RawPart, "samples" | "made"> {
  readonly name: string;
  readonly count: number;
  readonly shape: readonly number[];
}

function samplesOf({ name, array }: Named): Samples {
  const { count, shape, channelsLast } = sampleLayout(array.shape, name);
  const given = elementsOf(array);
  if (!channelsLast) return { name, count, shape, samples: given };
  const [channels, height, width] = shape as [number, number, number];
  const samples = allocateSamples(given, given.length);
  channelsFirst(given, samples, count, height * width, channels);
  return { name, count, shape, samples };
}

/** Bytes stay bytes, integers become int32 where all fit (float32 would round large ones), everything else float32. */
function elementsOf({ data, type }: NpyArray): SampleArray {
  if (data instanceof Uint8Array) return data;
  return (/[iu][1248]$/.test(type) ? wholeSamples(data) : null) ?? Float32Array.from(data);
}

function labelsOf({ name, array }: Named, count: number, samples: string): string[] {
  const flat = array.shape.length === 1 || (array.shape.length === 2 && array.shape[1] === 1);
  if (!flat)
    throw new InputError(
      name,
      `labels of shape [${array.shape}]; expected [N], one class index a sample (not one-hot)`,
    );
  if (array.shape[0] !== count)
    throw new InputError(name, `it holds ${array.shape[0]} labels, but ${samples} holds ${count} samples`);
  return Array.from(array.data, (v, i) => {
    if (!Number.isInteger(v)) throw new InputError(name, `label ${i} is ${v}; expected whole numbers`);
    return v === -1 ? "" : String(v);
  });
}

function readBytes(path: string): Uint8Array {
  if (!existsSync(path)) throw new InputError(path, "no such file");
  return readFileSync(path);
}

function unzip(path: string): Record<string, Uint8Array> {
  const bytes = readBytes(path);
  try {
    return unzipSync(bytes);
  } catch (error) {
    throw new InputError(path, `not a readable .npz archive (${error instanceof Error ? error.message : error})`);
  }
}

/**
 * Reads one array.
 * @throws InputError when it is no NumPy array, holds objects or text, or is cut off
 */
export function parseNpy(bytes: Uint8Array, name: string): NpyArray {
  const { shape, type, columnMajor, start, read, elementBytes } = parseHeader(bytes, name);
  const size = shape.reduce((p, d) => p * d, 1);
  checkLength(shape, type, size * elementBytes, bytes.length - start, name);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const data = type.endsWith("u1")
    ? new Uint8Array(bytes.subarray(start))
    : Float64Array.from({ length: size }, (_, i) => read(view, start + i * elementBytes));
  return { shape, type, data: columnMajor ? rowMajor(data, shape) : data };
}

/** From column-major (the first index runs fastest) to row-major. */
function rowMajor(from: Uint8Array | Float64Array, shape: readonly number[]): Uint8Array | Float64Array {
  const to = from instanceof Uint8Array ? new Uint8Array(from.length) : new Float64Array(from.length);
  const index = shape.map(() => 0);
  for (let flat = 0; flat < from.length; flat++) {
    let source = 0;
    for (let d = shape.length - 1; d >= 0; d--) source = source * (shape[d] as number) + (index[d] as number);
    to[flat] = from[source] as number;
    for (let d = shape.length - 1; d >= 0; d--) {
      index[d] = (index[d] as number) + 1;
      if ((index[d] as number) < (shape[d] as number)) break;
      index[d] = 0;
    }
  }
  return to;
}
