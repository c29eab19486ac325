/** Labels by sample. */
import type { LoadedData } from "./types.js";

/** Labels of samples; -1 where unknown. */
export function labelsOf(loaded: LoadedData, indices: Uint32Array): Int32Array {
  return Int32Array.from(indices, (i) => loaded.data.labels?.[i] ?? -1);
}
