/** The arrays of a data set by name: what each input of a model reads. Nothing here is Node's. */
import type { SampleArray, SampleType } from "../../engine/graph/samples.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { fillBatch } from "./read.js";
import { allocateSamples, sampleTypeOf } from "./samples.js";
import type { DataSet, NamedSamples } from "./types.js";

/** What the one array of most data sets is called. */
export const SAMPLES_NAME = "samples";

/** What is needed of a data set to read its arrays. */
export type ArraySource = Pick<DataSet, "samples" | "sampleShape" | "fill" | "input" | "others">;

/** All arrays, the main one first. */
export function arraysOf(data: ArraySource): readonly NamedSamples[] {
  const { input: name = SAMPLES_NAME, samples, sampleShape, fill, others = [] } = data;
  return [{ name, samples, sampleShape, ...(fill ? { fill } : {}) }, ...others];
}

/** The arrays of these names, in their order; absent: the main one. */
export function namedArrays(data: ArraySource, names?: readonly string[]): readonly NamedSamples[] {
  const all = arraysOf(data);
  if (!names) return all.slice(0, 1);
  return names.map((name) => {
    const found = all.find((a) => a.name === name);
    if (!found) throw new Error(`the data has no array "${name}"`);
    return found;
  });
}

/** Shape of one sample and element type of each of these arrays. */
export function portsOf(
  data: ArraySource,
  names?: readonly string[],
): { readonly shape: readonly number[]; readonly dtype: SampleType }[] {
  return namedArrays(data, names).map((a) => ({ shape: a.sampleShape, dtype: sampleTypeOf(a) }));
}

/** Raw samples of each of these arrays, [indices.length, ...sampleShape]. */
export function readArrays(data: ArraySource, indices: Uint32Array, names?: readonly string[]): SampleArray[] {
  return namedArrays(data, names).map((array) => {
    const out = allocateSamples(array.samples, indices.length * sizeOf(array.sampleShape));
    fillBatch(array, indices, out);
    return out;
  });
}
