/** From test answers to the rows of the summary: collects what evaluate/scores.ts takes. */
import type { LoadedData } from "../data/types.js";
import { correctness, type OutputKind } from "../evaluate/metrics.js";
import { aggregateScores, type RowScores, scoreOutputs } from "../evaluate/scores.js";
import type { ModelRow } from "../evaluate/summary.js";
import type { Teacher } from "../teacher/types.js";
import { labelsOf } from "./context.js";

/** One trained model's answers on the test samples. */
export interface Judged {
  readonly seed: number;
  readonly answers: Float32Array;
  readonly kind: OutputKind;
  /** The teacher's answers on the same samples. */
  readonly teacher: { readonly answers: Float32Array; readonly kind: OutputKind } | null;
  readonly selection: string;
  readonly steps: number;
  readonly seconds: number;
  /** Of a teacher: opens it for other samples; absent where only its answers are there. */
  readonly open?: () => Promise<Teacher>;
}

/** Labels of the test samples; null unless every one is known. */
export function testLabels(loaded: LoadedData): Int32Array | null {
  const labels = labelsOf(loaded, loaded.splits.test);
  return labels.length > 0 && labels.every((l) => l >= 0) ? labels : null;
}

/** Means, intervals, per-class scores and confusion over the seeds of one row. */
export function aggregate(
  loaded: LoadedData,
  judged: readonly Judged[],
  k: number,
): RowScores & Pick<ModelRow, "seeds"> {
  const labels = testLabels(loaded);
  const scored = judged.map(({ answers, kind, teacher }) => {
    const classes = answers.length / loaded.splits.test.length;
    const outputs = teacher && { kind: teacher.kind, values: teacher.answers };
    return scoreOutputs({ kind, values: answers }, labels, outputs, classes, k);
  });
  return {
    seeds: judged.map(({ seed, selection, steps, seconds }, i) => ({
      seed,
      ...(scored[i] as (typeof scored)[number]).scores,
      selection,
      steps,
      seconds,
    })),
    ...aggregateScores(scored, loaded.data.classes, k),
  };
}

/** 1 where the answer's top class is the label, for a paired comparison. */
export function hits(loaded: LoadedData, answers: Float32Array): Uint8Array {
  const labels = labelsOf(loaded, loaded.splits.test);
  return correctness(answers, labels, answers.length / labels.length);
}
