/** The arrays that hold raw samples: bytes stay bytes, whole numbers stay whole, everything else is float32. */
import type { DataSet } from "./types.js";
import type { SampleArray, SampleType } from "../../engine/graph/samples.js";

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;

/** Element type of a data set's samples, by its ONNX name. */
export function sampleTypeOf({ samples }: Pick<DataSet, "samples">): SampleType {
  if (samples instanceof Uint8Array) return "uint8";
  return samples instanceof Int32Array ? "int32" : "float32";
}

/** Zeros of a sample array's type. */
export function allocateSamples(like: SampleArray, length: number): SampleArray {
  if (like instanceof Uint8Array) return new Uint8Array(length);
  return like instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
}

/** [count, pixels, channels] into [count, channels, pixels]. */
export function channelsFirst(
  from: SampleArray,
  to: SampleArray,
  count: number,
  pixels: number,
  channels: number,
): void {
  for (let n = 0; n < count; n++)
    for (let p = 0; p < pixels; p++)
      for (let c = 0; c < channels; c++)
        to[(n * channels + c) * pixels + p] = from[(n * pixels + p) * channels + c] as number;
}

/** Whole numbers as int32 (token ids, counts), which float32 would round beyond 2^24; null when one does not fit. */
export function wholeSamples(values: ArrayLike<number>): Int32Array | null {
  const out = new Int32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (!Number.isInteger(v) || v < LEAST || v > MOST) return null;
    out[i] = v;
  }
  return out;
}
