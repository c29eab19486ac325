/** Puts the feature columns of a table side by side, one row of numbers for each sample. */
import { InputError } from "../../../../base/errors.js";
import { noun } from "../../../../base/noun.js";
import { quote } from "../../../../base/quote.js";
import type { DataFinding } from "../../findings.js";
import type { FeatureBlock, PartValues } from "./feature-block.js";
import type { Part } from "./gaps.js";

/** Whole numbers up to here are exact in float32. */
const EXACT = 2 ** 24;

/** Counts, by column, whole numbers that float32 cannot hold. */
export type Rounded = Map<string, { count: number; example: number }>;

/**
 * Samples [kept.length, features] of one part.
 * @param rounded gets the numbers that lose digits
 * @throws InputError naming the row of a value that is not finite
 */
export function fillSamples(
  blocks: readonly FeatureBlock[],
  part: Part,
  p: number,
  kept: Uint32Array,
  rounded: Rounded,
): Float32Array {
  const width = blocks.reduce((sum, b) => sum + b.names.length, 0);
  const out = new Float32Array(kept.length * width);
  let offset = 0;
  for (const block of blocks) {
    const values = block.parts[p] as PartValues;
    if (values.kind === "levels") placeLevels(values.levels, kept, out, offset, width);
    else placeNumbers(block, values.values, part, kept, out, offset, width, rounded);
    offset += block.names.length;
  }
  return out;
}

function placeLevels(levels: Int32Array, kept: Uint32Array, out: Float32Array, offset: number, width: number): void {
  for (let i = 0; i < kept.length; i++) {
    const level = levels[kept[i] as number] as number;
    if (level >= 0) out[i * width + offset + level] = 1;
  }
}

function placeNumbers(
  { column, names }: FeatureBlock,
  values: Float64Array,
  part: Part,
  kept: Uint32Array,
  out: Float32Array,
  offset: number,
  width: number,
  rounded: Rounded,
): void {
  const own = names.length;
  for (let i = 0; i < kept.length; i++) {
    const row = kept[i] as number;
    for (let k = 0; k < own; k++) {
      const value = values[row * own + k] as number;
      const single = Math.fround(value);
      if (single !== value) {
        if (!Number.isFinite(single) && !Number.isNaN(value)) throw notFinite(part, names[k] as string, row, value);
        if (Math.abs(value) > EXACT && Number.isInteger(value)) count(rounded, column, value);
      } else if (!Number.isFinite(value)) throw notFinite(part, names[k] as string, row, value);
      out[i * width + offset + k] = single;
    }
  }
}

function count(rounded: Rounded, column: string, example: number): void {
  const known = rounded.get(column);
  if (known) known.count++;
  else rounded.set(column, { count: 1, example });
}

function notFinite({ path, placeOf }: Part, column: string, row: number, value: number): InputError {
  return new InputError({
    code: "not-finite",
    where: path,
    found: `${placeOf(row)}, column ${quote(column)}: ${Number.isFinite(value) ? `${value} is beyond the range of float32` : `the value is ${value}`}`,
    expected: "a finite number below 3.4e38",
    cure: "Correct the value, or empty it and set data.missing, or put the column under data.ignore",
  });
}

export function roundedFindings(path: string, rounded: Rounded): DataFinding[] {
  return [...rounded].map(([column, { count: n, example }]) => ({
    code: "integers-rounded",
    level: "note",
    where: path,
    text: `${noun(n, "whole number")} of the column ${quote(column)} ${n === 1 ? "has" : "have"} more digits than float32 holds: ${example} becomes ${Math.fround(example)}.`,
    cure: "Subtract an offset in the file if the last digits matter, or put the column under data.ignore if it only identifies the row.",
    count: n,
    examples: [column],
  }));
}
