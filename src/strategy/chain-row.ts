/** A row of a strategy's table with the models behind it. */
import type { ModelRow } from "../evaluate/summary.js";
import type { RunContext } from "./context.js";
import { answersOf } from "./fit.js";

export interface ChainRow {
  readonly row: ModelRow;
  /** Exported models, one a seed; none where there is no file. */
  readonly files: readonly string[];
  /** Where each test sample is right, one array a seed: for comparisons. */
  right(): Promise<Uint8Array[]>;
}

/** Logits of an exported model of this run on the test samples. */
export function answer({ loaded, recipe, execution }: RunContext, file: string): Promise<Float32Array> {
  const expects = recipe.export.raw ? loaded.normalisation : null;
  return answersOf({ file, expects }, loaded.data, loaded.splits.test, execution.threads);
}
