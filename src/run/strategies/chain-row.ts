/** A row of a strategy's table with the models behind it. */
import { knownClassesOf } from "../teaching/registry.js";
import type { ModelRow } from "../../learn/evaluate/summary.js";
import type { RunContext } from "../folder/context.js";
import { answering } from "../students/fit.js";
import { type Answers, scoreExported } from "../pipeline/judge.js";
import { type Answering, type Askable, openExported, type Unasked } from "../measure/robustness.js";

export interface ChainRow {
  readonly row: ModelRow;
  /** Exported models, one a seed; none where there is no file. */
  readonly files: readonly string[];
  /** Opens it where its file alone does not say how it is asked; default: as what limbeck exports. */
  readonly open?: () => Promise<Answering>;
  /** Where each test sample is right, one array a seed: for comparisons. */
  right(): Promise<Uint8Array[]>;
}

/** How an exported model of this run is asked. */
const asExported = ({ loaded, plan }: RunContext, file: string) => ({
  file,
  expects: plan.export.raw ? loaded.normalisation : null,
});

/** Opens an exported model of this run. */
export async function openAnswers(
  context: RunContext,
  file: string,
): Promise<Answers & { readonly dispose: () => Promise<void> }> {
  const opened = await answering(asExported(context, file), context.loaded.data, context.execution.threads);
  return { kind: "logits", ...opened };
}

/** Where an exported model of this run is right on the test samples, which have labels. */
export async function rightIn(context: RunContext, file: string): Promise<Uint8Array> {
  return (await scoreExported(context, asExported(context, file), null)).correct as Uint8Array;
}

/** A row's models, to be asked about other samples. */
export function askable(
  { loaded, plan, execution }: RunContext,
  { row: { id, role, seeds }, files, open }: ChainRow,
): Askable | Unasked {
  if (files.length === 0) return { id, why: "it has no file" };
  const { teacher } = plan;
  if (role === "teacher" && knownClassesOf(teacher, loaded.data))
    return { id, why: "it knows only part of the classes" };
  // Teachers are never exported raw.
  const expects = plan.export.raw && role !== "teacher" ? loaded.normalisation : null;
  const opened = files.map((file, i) => ({
    seed: seeds[i]?.seed ?? i,
    open: open ?? (() => openExported({ file, expects }, execution.threads)),
  }));
  return { id, role, seeds: opened };
}
