/** From test answers to the rows of the summary. */

import type { LoadedData } from "../data/types.js";
import { meanInterval } from "../evaluate/interval.js";
import type { OutputKind } from "../evaluate/metrics.js";
import {
  accuracy,
  agreement,
  calibrationError,
  confusionMatrix,
  negativeLogLikelihood,
  perClass,
  softKL,
  topK,
} from "../evaluate/metrics.js";
import type { ModelRow, SeedResult } from "../evaluate/summary.js";
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
}

export function judgeSeed(loaded: LoadedData, judged: Judged, k: number): SeedResult {
  const { answers, kind, teacher } = judged;
  const labels = labelsOf(loaded, loaded.splits.test);
  const known = labels.length > 0 && labels.every((l) => l >= 0);
  const classes = answers.length / labels.length;
  return {
    seed: judged.seed,
    accuracy: known ? accuracy(answers, labels, classes) : null,
    topK: known ? topK(answers, labels, classes, k) : null,
    nll: known ? negativeLogLikelihood(answers, labels, classes, kind) : null,
    ece: known ? calibrationError(answers, labels, classes, kind) : null,
    agreement: teacher && agreement(answers, teacher.answers, classes),
    softKL: teacher && softKL(teacher.answers, answers, classes, { teacherKind: teacher.kind, studentKind: kind }),
    selection: judged.selection,
    steps: judged.steps,
    seconds: judged.seconds,
  };
}

type Metric = "accuracy" | "topK" | "nll" | "ece" | "agreement" | "softKL";

/** Means, intervals, per-class scores and confusion over the seeds of one row. */
export function aggregate(
  loaded: LoadedData,
  judged: readonly Judged[],
  k: number,
): Pick<ModelRow, Metric | "seeds" | "perClass" | "confusion"> {
  const seeds = judged.map((j) => judgeSeed(loaded, j, k));
  const over = (metric: Metric) => {
    const values = seeds.map((s) => s[metric]).filter((v): v is number => v !== null);
    return values.length > 0 ? meanInterval(values) : null;
  };
  const labels = labelsOf(loaded, loaded.splits.test);
  const known = labels.length > 0 && labels.every((l) => l >= 0);
  const names = loaded.data.classes;
  const matrices = known ? judged.map((j) => confusionMatrix(j.answers, labels, names.length)) : [];
  const scores = matrices.map(perClass);
  const mean = (c: number, field: "precision" | "recall" | "f1"): number =>
    scores.reduce((s, m) => s + (m[c]?.[field] ?? 0), 0) / scores.length;
  return {
    seeds,
    accuracy: over("accuracy"),
    topK: over("topK"),
    nll: over("nll"),
    ece: over("ece"),
    agreement: over("agreement"),
    softKL: over("softKL"),
    perClass: known
      ? names.map((name, c) => ({
          class: name,
          precision: mean(c, "precision"),
          recall: mean(c, "recall"),
          f1: mean(c, "f1"),
          support: scores[0]?.[c]?.support ?? 0,
        }))
      : [],
    confusion: known
      ? names.map((_, t) => names.map((__, p) => matrices.reduce((s, m) => s + (m[t]?.[p] ?? 0), 0)))
      : [],
  };
}

/** 1 where the answer's top class is the label. */
export function hits(loaded: LoadedData, answers: Float32Array): Uint8Array {
  const labels = labelsOf(loaded, loaded.splits.test);
  const classes = answers.length / labels.length;
  return Uint8Array.from(labels, (label, i) => {
    const row = answers.subarray(i * classes, (i + 1) * classes);
    return Number(row.indexOf(row.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY)) === label);
  });
}
