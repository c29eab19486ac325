/** Which samples the audit looks at: all, or of very many an even share of each part. */
import type { DataSet } from "../types.js";

/** More samples, or more bytes, than these are not all looked at. */
const MOST_SAMPLES = 1_000_000;
const MOST_BYTES = 2 ** 29;

/** Ascending sample indices. @param size values of one sample */
export function chooseExamined({ size: count, samples }: DataSet, partOf: Uint8Array, size: number): Uint32Array {
  const most = Math.max(1, Math.min(MOST_SAMPLES, Math.floor(MOST_BYTES / (size * samples.BYTES_PER_ELEMENT))));
  if (count <= most) return Uint32Array.from({ length: count }, (_, i) => i);
  // Part by part, every n-th sample.
  const every = count / most;
  const seen = [0, 0, 0, 0];
  const chosen: number[] = [];
  for (let i = 0; i < count; i++) {
    const part = partOf[i] as number;
    const before = seen[part] as number;
    seen[part] = before + 1;
    if (Math.floor((before + 1) / every) > Math.floor(before / every)) chosen.push(i);
  }
  return Uint32Array.from(chosen);
}
