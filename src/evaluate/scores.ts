/** From a model's outputs on the test samples to the figures of its row in the summary. */
import { type Aggregate, meanIntervalOf } from "./interval.js";
import {
  accuracy,
  agreement,
  type ClassScore,
  calibrationError,
  confusionMatrix,
  correctness,
  negativeLogLikelihood,
  type OutputKind,
  perClass,
  softKL,
  topK,
} from "./metrics.js";
import type { ModelRow, SeedScores } from "./summary.js";

/** Outputs [samples, classes] with what they are. */
export interface Outputs {
  readonly kind: OutputKind;
  readonly values: Float32Array;
}

export interface TestScores {
  readonly scores: SeedScores;
  /** 1 where the top class is the label: [samples]; null without labels. For `compare`. */
  readonly correct: Uint8Array | null;
  /** counts[label][predicted]; null without labels. */
  readonly confusion: number[][] | null;
}

/**
 * Every score of one model with one seed.
 * @param labels class index of each test sample; null without labels
 * @param teacher the teacher's outputs for the same samples; null for the teacher itself
 * @param k of top-k; null, or k >= classes, leaves it out
 */
export function scoreOutputs(
  outputs: Outputs,
  labels: Int32Array | null,
  teacher: Outputs | null,
  classes: number,
  k: number | null = 5,
): TestScores {
  const { values, kind } = outputs;
  const options = { teacherKind: teacher?.kind, studentKind: kind };
  return {
    scores: {
      accuracy: labels && accuracy(values, labels, classes),
      topK: labels && k !== null && k < classes ? topK(values, labels, classes, k) : null,
      nll: labels && negativeLogLikelihood(values, labels, classes, kind),
      ece: labels && calibrationError(values, labels, classes, kind),
      agreement: teacher && agreement(values, teacher.values, classes),
      softKL: teacher && softKL(teacher.values, values, classes, options),
    },
    correct: labels && correctness(values, labels, classes),
    confusion: labels && confusionMatrix(values, labels, classes),
  };
}

/** The parts of a `ModelRow` that follow from the test scores of its seeds. */
export type RowScores = Pick<
  ModelRow,
  "accuracy" | "topK" | "nll" | "ece" | "agreement" | "softKL" | "perClass" | "confusion"
>;

/**
 * Means with intervals, the mean per-class table and the summed confusion over the seeds of one model.
 * @param classes class names by index
 * @param k the k of the scores' top-k
 */
export function aggregateScores(
  seeds: readonly TestScores[],
  classes: readonly string[],
  k: number | null = 5,
): RowScores {
  const of = (key: keyof SeedScores): Aggregate | null => meanIntervalOf(seeds.map((s) => s.scores[key]));
  const top = of("topK");
  const confusions = seeds.flatMap((s) => (s.confusion ? [s.confusion] : []));
  const tables = confusions.map(perClass);
  const mean = (c: number, key: keyof ClassScore): number =>
    tables.reduce((sum, table) => sum + (table[c] as ClassScore)[key], 0) / tables.length;
  return {
    accuracy: of("accuracy"),
    topK: top && k !== null ? { ...top, k } : null,
    nll: of("nll"),
    ece: of("ece"),
    agreement: of("agreement"),
    softKL: of("softKL"),
    perClass:
      tables.length === 0
        ? []
        : classes.map((name, c) => ({
            class: name,
            precision: mean(c, "precision"),
            recall: mean(c, "recall"),
            f1: mean(c, "f1"),
            support: mean(c, "support"),
          })),
    confusion: confusions.length === 0 ? [] : sum(confusions),
  };
}

function sum(matrices: readonly number[][][]): number[][] {
  const [first = [], ...rest] = matrices;
  return first.map((row, i) => row.map((v, j) => rest.reduce((a, m) => a + (m[i]?.[j] ?? 0), v)));
}
