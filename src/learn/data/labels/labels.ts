/** Labels by sample. */
import type { DataSet, LoadedData } from "../types.js";

/** Labels of samples; -1 where unknown. */
export function labelsOf(loaded: LoadedData, indices: Uint32Array): Int32Array {
  return Int32Array.from(indices, (i) => loaded.data.labels?.[i] ?? -1);
}

/** A label for every sample of the data; -1 where there is none, and for all but these samples. */
export function labelsOnly({ size, labels }: Pick<DataSet, "size" | "labels">, samples: Uint32Array): Int32Array {
  const out = new Int32Array(size).fill(-1);
  for (const i of samples) out[i] = labels?.[i] ?? -1;
  return out;
}

/** So many of these samples, evenly spread over them: of data in the order of its classes the first ones are of one class. */
export function spreadOver(samples: Uint32Array, most: number): Uint32Array {
  if (samples.length <= most) return samples.slice();
  return Uint32Array.from({ length: most }, (_, i) => samples[Math.floor((i * samples.length) / most)] as number);
}
