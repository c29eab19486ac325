/** Normalisation fitted on the training part, and applied outside of graphs where that is needed. */
import { samplePieces } from "./read.js";
import type { DataSet } from "./types.js";
import type { Normalisation, SampleArray } from "../../engine/graph/samples.js";
import { sizeOf } from "../../engine/graph/tensor.js";

/** Leaves samples as they are. */
export const RAW: Normalisation = { scale: 1, mean: [0], std: [1] };

/** Mean and standard deviation per channel ([C,H,W]) or feature ([F]) over the given samples; constant features get std 1. */
export function fittedNormalisation(data: DataSet, indices: Uint32Array): Normalisation {
  const channels = data.sampleShape[0] as number;
  const size = sizeOf(data.sampleShape);
  const plane = size / channels;
  const sum = new Float64Array(channels);
  const square = new Float64Array(channels);
  const each = (apply: (channel: number, value: number) => void): void => {
    for (const { samples } of samplePieces(data, indices))
      for (let k = 0; k < samples.length; k++) apply(Math.floor((k % size) / plane), samples[k] as number);
  };
  each((c, v) => {
    sum[c] = (sum[c] as number) + v;
  });
  const count = indices.length * plane;
  const mean = Array.from(sum, (s) => s / count);
  each((c, v) => {
    square[c] = (square[c] as number) + (v - (mean[c] as number)) ** 2;
  });
  // Of a constant only rounding is left, relative to its own size.
  const varies = (v: number, m: number): boolean => v > 1e-14 * m * m;
  const std = Array.from(square, (s, c) => (varies(s / count, mean[c] as number) ? Math.sqrt(s / count) : 1));
  return { scale: 1, mean, std };
}

/** (x * scale - mean) / std of raw samples [n, ...sampleShape], in float32. Missing values (NaN) are replaced first, where the normalisation says by what. */
export function normaliseSamples(given: SampleArray, n: Normalisation, sampleShape: readonly number[]): Float32Array {
  const { missing } = n;
  const raw = missing ? given.map((v, i) => (Number.isNaN(v) ? (missing[i % missing.length] as number) : v)) : given;
  // An identity (a network that normalises by itself) is a plain copy: several times faster than a walk over the values.
  if (n.scale === 1 && n.mean.every((m) => m === 0) && n.std.every((s) => s === 1)) return Float32Array.from(raw);
  const channels = sampleShape[0] as number;
  const size = sizeOf(sampleShape);
  const plane = size / channels;
  const at = (values: readonly number[], c: number): number => values[values.length === 1 ? 0 : c] as number;
  const result = new Float32Array(raw.length);
  for (let start = 0; start < raw.length; start += plane) {
    const c = (start % size) / plane;
    const mean = at(n.mean, c);
    const std = at(n.std, c);
    const end = start + plane;
    for (let i = start; i < end; i++) result[i] = ((raw[i] as number) * n.scale - mean) / std;
  }
  return result;
}
