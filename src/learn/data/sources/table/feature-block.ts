/** A feature column of a table as numbers: one, several of a list, or one for each level of a one-hot column. */
import type { Column, TextColumn } from "./content.js";

/** The same column in the training table and, where there is one, the test table. */
export interface PartColumn {
  readonly path: string;
  readonly column: Column;
  /** Where a row (from 0) is in the file. */
  readonly placeOf: (row: number) => string;
}

export type PartValues =
  /** [rows, width]; NaN where missing. */
  | { readonly kind: "numbers"; readonly values: Float64Array }
  /** Level of each row, which becomes a one among zeros; -1 where missing. */
  | { readonly kind: "levels"; readonly levels: Int32Array; readonly column: TextColumn };

export interface FeatureBlock {
  /** The column's name in the table. */
  readonly column: string;
  /** Names of the features it becomes. */
  readonly names: readonly string[];
  /** In the order of the parts. */
  readonly parts: readonly PartValues[];
}

/** Whether a row has a missing value in this block. */
export function missesAt({ names }: FeatureBlock, values: PartValues, row: number): boolean {
  if (values.kind === "levels") return (values.levels[row] as number) < 0;
  for (let k = row * names.length; k < (row + 1) * names.length; k++)
    if (Number.isNaN(values.values[k] as number)) return true;
  return false;
}
