/** NumPy arrays: .npy files and .npz archives (NEP 1; format versions 1 to 3). */
import { existsSync, readFileSync } from "node:fs";
import { basename, resolve } from "node:path";
import { unzipSync } from "fflate";
import { InputError } from "../errors.js";
import { fromHalf } from "../graph/half.js";
import { nearestOf } from "../graph/nearest.js";
import type { NpyConfig, NpzConfig } from "./config.js";
import { allocateSamples, wholeSamples } from "./samples.js";
import type { RawPart, RawSource, SourceContext } from "./source.js";
import type { SampleArray } from "./types.js";

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major, as numbers: bytes stay bytes, everything else becomes float64. */
  readonly data: Uint8Array | Float64Array;
  /** NumPy's name of the element type: "<f4", "|u1" ... */
  readonly type: string;
}

/** Bytes of an element and how it is read, by NumPy's type code. */
const READERS: Readonly<Record<string, { size: number; read: (v: DataView, at: number, little: boolean) => number }>> =
  {
    b1: { size: 1, read: (v, at) => v.getUint8(at) },
    u1: { size: 1, read: (v, at) => v.getUint8(at) },
    i1: { size: 1, read: (v, at) => v.getInt8(at) },
    u2: { size: 2, read: (v, at, le) => v.getUint16(at, le) },
    i2: { size: 2, read: (v, at, le) => v.getInt16(at, le) },
    u4: { size: 4, read: (v, at, le) => v.getUint32(at, le) },
    i4: { size: 4, read: (v, at, le) => v.getInt32(at, le) },
    u8: { size: 8, read: (v, at, le) => Number(v.getBigUint64(at, le)) },
    i8: { size: 8, read: (v, at, le) => Number(v.getBigInt64(at, le)) },
    f2: { size: 2, read: (v, at, le) => fromHalf(Uint16Array.of(v.getUint16(at, le)))[0] as number },
    f4: { size: 4, read: (v, at, le) => v.getFloat32(at, le) },
    f8: { size: 8, read: (v, at, le) => v.getFloat64(at, le) },
  };

export function readNpySource(config: NpyConfig, context: SourceContext): RawSource {
  const at = (path: string | undefined): string | undefined => (path ? resolve(context.folder, path) : undefined);
  const load = (path: string): NpyArray => parseNpy(readBytes(path), path);
  const samples = at(config.samples) as string;
  const [labels, testSamples, testLabels] = [at(config.labelFile), at(config.testSamples), at(config.testLabelFile)];
  return sourceOf(
    `npy ${basename(samples)}`,
    { name: samples, array: load(samples) },
    labels ? { name: labels, array: load(labels) } : null,
    testSamples ? { name: testSamples, array: load(testSamples) } : null,
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
  return sourceOf(`npz ${basename(path)}`, samples, labels, named(config.testSamples), named(config.testLabelKey));
}

interface Named {
  readonly name: string;
  readonly array: NpyArray;
}

function sourceOf(
  name: string,
  train: Named,
  labels: Named | null,
  test: Named | null,
  testLabels: Named | null,
): RawSource {
  const first = samplesOf(train);
  const second = test && samplesOf(test);
  if (test && second?.shape.join() !== first.shape.join())
    throw new InputError(test.name, `its samples are [${second?.shape}], those of ${train.name} [${first.shape}]`);
  const part = (s: Samples, y: Named | null): RawPart => ({
    samples: s.samples,
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

interface Samples {
  readonly name: string;
  readonly count: number;
  readonly shape: readonly number[];
  readonly samples: SampleArray;
}

/** [N], [N,F] (features, token ids), [N,H,W] and [N,C,H,W]; [N,H,W,C] with 1, 3 or 4 channels is turned around. */
function samplesOf({ name, array }: Named): Samples {
  const [count = 0, ...rest] = array.shape;
  if (count === 0) throw new InputError(name, "it holds no samples");
  if (array.shape.length > 4)
    throw new InputError(name, `an array of shape [${array.shape}]; expected [N, features], [N, H, W] or [N, C, H, W]`);
  const samples = elementsOf(array);
  if (rest.length === 0) return { name, count, shape: [1], samples };
  if (rest.length === 2) return { name, count, shape: [1, ...rest], samples };
  const [h, w, c] = rest as [number, number, number];
  if (rest.length === 3 && [1, 3, 4].includes(c) && h > 4)
    return { name, count, shape: [c, h, w], samples: channelsFirst(samples, count, h * w, c) };
  return { name, count, shape: rest, samples };
}

/** Bytes stay bytes, integers become int32 where all fit (float32 would round large ones), everything else float32. */
function elementsOf({ data, type }: NpyArray): SampleArray {
  if (data instanceof Uint8Array) return data;
  return (/[iu][1248]$/.test(type) ? wholeSamples(data) : null) ?? Float32Array.from(data);
}

function channelsFirst(from: SampleArray, count: number, pixels: number, channels: number): SampleArray {
  const to = allocateSamples(from, from.length);
  for (let n = 0; n < count; n++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        to[(n * channels + c) * pixels + p] = from[(n * pixels + p) * channels + c] as number;
  return to;
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
  if (bytes.length < 10 || String.fromCharCode(...bytes.subarray(1, 6)) !== "NUMPY" || bytes[0] !== 0x93)
    throw new InputError(name, "not a NumPy array: it does not begin with \\x93NUMPY");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = (bytes[6] as number) >= 2;
  const headerLength = long ? view.getUint32(8, true) : view.getUint16(8, true);
  const start = (long ? 12 : 10) + headerLength;
  if (bytes.length < start) throw new InputError(name, "the NumPy header is cut off");
  const header = new TextDecoder().decode(bytes.subarray(long ? 12 : 10, start));
  const type = /'descr':\s*'([^']*)'/.exec(header)?.[1];
  const order = /'fortran_order':\s*(True|False)/.exec(header)?.[1];
  const dims = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1];
  const reader = type && READERS[type.slice(1)];
  if (!type || !order || dims === undefined || !reader)
    throw new InputError(
      name,
      `element type ${type ?? "with fields"} cannot be used; expected numbers (save with allow_pickle=False)`,
    );
  const shape = dims
    .split(",")
    .map((d) => d.trim())
    .filter(Boolean)
    .map(Number);
  const size = shape.reduce((p, d) => p * d, 1);
  if (bytes.length - start !== size * reader.size)
    throw new InputError(
      name,
      `[${shape}] of ${type} takes ${size * reader.size} bytes, found ${bytes.length - start}`,
    );
  const little = !type.startsWith(">");
  const data = type.endsWith("u1")
    ? bytes.slice(start)
    : Float64Array.from({ length: size }, (_, i) => reader.read(view, start + i * reader.size, little));
  return { shape, type, data: order === "True" ? rowMajor(data, shape) : data };
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
