/** What a teacher is to the rest: a frozen model that answers for samples of a data set. */
import type { TeacherFeature } from "../../engine/compile/step.js";
import type { ReusableClassifier } from "../../engine/compile/transfer.js";
import type { DataSet } from "../data/types.js";

export interface Teacher {
  /** Short name for messages and the report. */
  readonly name: string;
  /** Hex SHA-256 of the model. */
  readonly hash: string;
  /** Path of the model, where it is a file. */
  readonly file?: string;
  /** Hash of everything between a raw sample and the model's input, of the order of classes and of how its outputs are read. */
  readonly preprocessing: string;
  /** What `answer` returns. */
  readonly kind: "logits" | "probabilities";
  /** Number of classes, in the data's order. */
  readonly classes: number;
  /** Indices of the classes it knows, ascending, when these are not all; see `partialTeacher`. */
  readonly knows?: readonly number[];
  /** Samples a call takes at best. */
  readonly batch: number;
  /** Answers a label store writes down at a time; default 512. */
  readonly block?: number;
  /** Elements of all weights, without the running statistics of batch norm; null when unknown. */
  readonly parameters: number | null;
  /** Size of the model on disk. */
  readonly bytes: number;
  /** Sentences for the user about what was found out (layout, kind of outputs ...). */
  readonly notes: readonly string[];
  /** Sentences about what is wrong with it: answers that are drawn at random. */
  readonly warnings?: readonly string[];
  /**
   * Answers for these samples [indices.length, classes], classes in the data's order.
   * @param signal stops the work: whoever has to wait for others throws InterruptedError when it aborts
   */
  answer(data: DataSet, indices: Uint32Array, signal?: AbortSignal): Promise<Float32Array>;
  /** Inner values it gives besides; absent: none. */
  readonly features?: readonly TeacherFeature[];
  /** Answers and, in the order of `features`, inner values [indices.length, ...shape] of these samples. */
  answerWithFeatures?(data: DataSet, indices: Uint32Array, signal?: AbortSignal): Promise<FullAnswers>;
  /** Reads its model, for students that end in its classifier; absent: it is none. Works after `dispose` too. */
  readonly classifier?: () => ReusableClassifier;
  /** The teachers that a fit looks at one by one; absent: `answer` is all there is to learn from. */
  readonly group?: TeacherGroup;
  dispose(): Promise<void>;
}

/** Several teachers, and what becomes of their answers; see `groupTeacher`. */
export interface TeacherGroup {
  readonly combine: "mean-probabilities" | "mean-logits" | "mean-losses" | "draw" | "merge";
  /** Two or more. */
  readonly teachers: readonly Teacher[];
  /** One a teacher, summing to 1. */
  readonly weights: readonly number[];
  /** Whether labels weigh the teachers instead, sample by sample. */
  readonly confidence: boolean;
}

export interface FullAnswers {
  readonly answers: Float32Array;
  readonly features: readonly Float32Array[];
}
