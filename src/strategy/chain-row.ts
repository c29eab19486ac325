/** A row of a strategy's table with the models behind it. */
import type { ModelRow } from "../evaluate/summary.js";
import { knownClasses } from "../teacher/partial.js";
import type { RunContext } from "./context.js";
import { answersOf } from "./fit.js";
import { type Answering, type Askable, openExported, type Unasked } from "./robustness.js";

export interface ChainRow {
  readonly row: ModelRow;
  /** Exported models, one a seed; none where there is no file. */
  readonly files: readonly string[];
  /** Opens it where its file alone does not say how it is asked; default: as what limbeck exports. */
  readonly open?: () => Promise<Answering>;
  /** Where each test sample is right, one array a seed: for comparisons. */
  right(): Promise<Uint8Array[]>;
}

/** Logits of an exported model of this run on the test samples. */
export function answer({ loaded, recipe, execution }: RunContext, file: string): Promise<Float32Array> {
  const expects = recipe.export.raw ? loaded.normalisation : null;
  return answersOf({ file, expects }, loaded.data, loaded.splits.test, execution.threads);
}

/** A row's models, to be asked about other samples. */
export function askable(
  { loaded, recipe, execution }: RunContext,
  { row: { id, role, seeds }, files, open }: ChainRow,
): Askable | Unasked {
  if (files.length === 0) return { id, why: "it has no file of its own" };
  const { teacher } = recipe;
  if (role === "teacher" && "classes" in teacher && knownClasses(teacher.classes, loaded.data, "file" in teacher))
    return { id, why: "it knows only part of the classes" };
  // Teachers are never exported raw.
  const expects = recipe.export.raw && role !== "teacher" ? loaded.normalisation : null;
  const opened = files.map((file, i) => ({
    seed: seeds[i]?.seed ?? i,
    open: open ?? (() => openExported({ file, expects }, execution.threads)),
  }));
  return { id, role, seeds: opened };
}
