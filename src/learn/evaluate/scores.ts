/** From a model's outputs on the test samples to the figures of its row in the summary. */
import { sumOfCosines } from "./cosine.js";
import {
  type ClassCounts,
  classScores,
  confusedPairs,
  confusionOf,
  countClasses,
  MOST_IN_MATRIX,
  meanRecall,
} from "./class-counts.js";
import { type Aggregate, meanIntervalOf } from "./interval.js";
import {
  addRows,
  CALIBRATION_BINS,
  type ClassScore,
  newSums,
  type OutputKind,
  predictions,
  topKHits,
  totalGap,
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
  /** Class by class, against the labels; null without labels. */
  readonly counts: ClassCounts | null;
  /** Class by class, against the teacher's top classes; null for the teacher itself. */
  readonly againstTeacher: ClassCounts | null;
  /** Top class of each sample. */
  readonly answers: Int32Array;
}

/** What a `Scorer` takes. */
export interface ScorerOptions {
  readonly classes: number;
  /** Class index of each sample, in the order in which they come; null without labels. */
  readonly labels: Int32Array | null;
  readonly kind: OutputKind;
  /** What the teacher's outputs are; null for the teacher itself. */
  readonly teacherKind: OutputKind | null;
  /** Of top-k; null, or k >= classes, leaves it out. Default 5. */
  readonly k?: number | null;
  /** Whether to measure the cosine with the teacher's outputs, where both are logits. */
  readonly cosine?: boolean;
}

/** Scores one model with one seed, piece by piece: outputs for many classes need not be in memory together. */
export class Scorer {
  readonly #answers: Int32Array[] = [];
  readonly #teachers: Int32Array[] = [];
  readonly #sums = newSums(CALIBRATION_BINS);
  #rows = 0;
  #topK = 0;
  #cosines = 0;

  constructor(private readonly options: ScorerOptions) {}

  /** The outputs [rows, classes] of the next samples, with the teacher's for the same ones. */
  add(values: Float32Array, teacher: Float32Array | null): void {
    const { classes, labels, kind, teacherKind } = this.options;
    const top = predictions(values, classes);
    this.#answers.push(top);
    const own = labels?.subarray(this.#rows, this.#rows + top.length) ?? null;
    const k = this.#k;
    if (own && k !== null) this.#topK += topKHits(values, own, classes, k);
    const taught = teacher && teacherKind ? { values: teacher, kind: teacherKind } : null;
    if (taught && this.#directions) this.#cosines += sumOfCosines(values, taught.values, classes);
    if (taught) this.#teachers.push(predictions(taught.values, classes));
    if (own || taught) addRows(this.#sums, { values, kind }, own, taught, classes);
    this.#rows += top.length;
  }

  /** The scores over all samples that were added. */
  finish(): TestScores {
    const { labels, classes, teacherKind } = this.options;
    const rows = this.#rows;
    if (labels && labels.length !== rows) throw new RangeError(`${labels.length} labels for ${rows} rows of outputs`);
    const answers = joined(this.#answers, rows);
    const counts = labels && countClasses(labels, answers, classes);
    const taught = rows > 0 && teacherKind !== null;
    const againstTeacher = taught ? countClasses(joined(this.#teachers, rows), answers, classes) : null;
    return {
      scores: {
        accuracy: counts && hitsOf(counts) / rows,
        balancedAccuracy: counts && meanRecall(counts),
        topK: labels && this.#k !== null ? this.#topK / rows : null,
        nll: labels && this.#sums.logLoss / rows,
        ece: labels && totalGap(this.#sums.gaps) / rows,
        agreement: againstTeacher && hitsOf(againstTeacher) / rows,
        softKL: taught ? this.#sums.softKL / rows : null,
        ...(taught && this.#directions ? { cosine: this.#cosines / rows } : {}),
      },
      correct: labels && Uint8Array.from(answers, (c, i) => Number(c === labels[i])),
      counts,
      againstTeacher,
      answers,
    };
  }

  get #directions(): boolean {
    const { cosine = false, kind, teacherKind } = this.options;
    return cosine && kind === "logits" && teacherKind === "logits";
  }

  get #k(): number | null {
    const { k = 5, classes } = this.options;
    return k !== null && k < classes ? k : null;
  }
}

const hitsOf = ({ hits }: ClassCounts): number => hits.reduce((a, v) => a + v, 0);

function joined(parts: readonly Int32Array[], rows: number): Int32Array {
  const all = new Int32Array(rows);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * Every score of one model with one seed, of outputs that are in memory.
 * @param labels class index of each test sample; null without labels
 * @param teacher the teacher's outputs for the same samples; null for the teacher itself
 * @param k of top-k; null, or k >= classes, leaves it out
 */
export function scoreOutputs(
  { values, kind }: Outputs,
  labels: Int32Array | null,
  teacher: Outputs | null,
  classes: number,
  k: number | null = 5,
): TestScores {
  const scorer = new Scorer({ classes, labels, kind, teacherKind: teacher?.kind ?? null, k });
  scorer.add(values, teacher?.values ?? null);
  return scorer.finish();
}

/** The parts of a `ModelRow` that follow from the test scores of its seeds. */
export type RowScores = Pick<
  ModelRow,
  | "accuracy"
  | "balancedAccuracy"
  | "topK"
  | "nll"
  | "ece"
  | "agreement"
  | "softKL"
  | "cosine"
  | "perClass"
  | "confusion"
  | "confused"
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
  const of = (key: keyof SeedScores): Aggregate | null => meanIntervalOf(seeds.map((s) => s.scores[key] ?? null));
  const top = of("topK");
  const cosine = of("cosine");
  const counts = seeds.flatMap((s) => (s.counts ? [s.counts] : []));
  const tables = counts.map(classScores);
  const mean = (c: number, key: keyof ClassScore): number =>
    tables.reduce((sum, table) => sum + (table[c] as ClassScore)[key], 0) / tables.length;
  const dense = classes.length <= MOST_IN_MATRIX;
  return {
    accuracy: of("accuracy"),
    balancedAccuracy: of("balancedAccuracy"),
    topK: top && k !== null ? { ...top, k } : null,
    nll: of("nll"),
    ece: of("ece"),
    agreement: of("agreement"),
    softKL: of("softKL"),
    ...(cosine ? { cosine } : {}),
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
    confusion: dense && counts.length > 0 ? confusionOf(counts) : [],
    ...(dense || counts.length === 0 ? {} : { confused: confusedPairs(counts) }),
  };
}
