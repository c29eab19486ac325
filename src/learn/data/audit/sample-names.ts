/** What messages call a sample. */
import type { DataSet } from "../types.js";
import { shortened } from "./rule.js";

/** Its file, or its number; rows are counted from 0 as in `--json`. */
export function sampleName({ names }: Pick<DataSet, "names">, index: number): string {
  return shortened(names?.[index] ?? `sample ${index}`);
}
