/** What losses are built from: the values of a batch, and what a loss may keep. entry.ts says what a loss is. */
import type { GraphBuilder, Value } from "../graph/builder.js";
import type { Distribution } from "../nn/initialisers.js";
import type { LayerPair } from "./features.js";
import type { FactorSchedule } from "./schedule.js";

/** A frozen teacher's answers for the batch. */
export interface TeacherValues {
  /** [batch, classes], of the student logits' element type. */
  readonly values: Value;
  readonly kind: "logits" | "probabilities";
  /**
   * Several teachers: a loss is taken against each and averaged with their weights, instead of against `values`. A weight is
   * a number, or one a sample: [batch, 1], of the student logits' element type.
   */
  readonly members?: readonly (TeacherValues & { readonly weight: number | Value })[];
}

/** What a sample blended of two is besides its first label. */
export interface Blend {
  /** int64 [batch], each in [0, classes). */
  readonly labels: Value;
  /** Share of the first sample, in [0, 1]: [batch, 1], of the student logits' element type. */
  readonly share: Value;
}

/** Inner values of student and teacher that belong together. */
export interface FeatureValues {
  /** The student's, [batch, ...]. */
  readonly student: Value;
  /** The teacher's, [batch, ...]: a constant. Its shape may be another. */
  readonly teacher: Value;
  /** Their tensors' names, for messages. */
  readonly names: LayerPair;
}

/** How a loss's own parameter starts. */
export type ParameterStart = Distribution | { readonly kind: "values"; readonly values: Float32Array };

/** A number or array that a loss keeps from step to step: kept in checkpoints, never exported. */
export interface LossState {
  /** What it is in this step: a constant to the gradient. */
  readonly value: Value;
  /** Says what it is in the next step. Exactly once. */
  become(next: Value): void;
}

/** What a loss may know of the samples outside the batch, and keep of them. */
export interface LossMemory {
  /** Number of different training samples. */
  readonly count: number;
  /** int64 [batch]: which of them the batch holds, by numbers from 0 to count - 1 that a sample keeps; one is there twice only where its sample is. */
  readonly rows: Value;
  /**
   * int64 [count]: numbers of training samples that the batch does not hold, drawn anew for every step (with replacement);
   * a function of the seed, the step and the name.
   */
  others(name: string, count: number): Value;
  /** State of the loss, of the logits' element type. */
  state(name: string, shape: readonly number[], start: ParameterStart): LossState;
  /** State with a row for every training sample, [count, width]; what becomes of it are the rows of the batch, [batch, width]. */
  table(name: string, width: number, start: ParameterStart): LossState;
}

/** What a loss is built from. Read `teacher` and `labels` only when the loss needs them: reading may create the input. */
export interface LossInputs {
  readonly builder: GraphBuilder;
  /** [batch, classes], float32 in training; float64 where a reference is computed. */
  readonly studentLogits: Value;
  /** A constant: no gradient is ever asked for it. */
  readonly teacher?: TeacherValues;
  /**
   * What the teacher counts for each sample, [batch, 1]: one of several whose weights differ from sample to sample. A loss
   * that is `perSample` multiplies by it before it averages; to no other it is given.
   */
  readonly sampleWeights?: Value;
  /**
   * What each row counts, [batch, 1], each at least 0; 0 leaves the row out. A loss whose `rows` are "weighted" is then
   * sum(w * loss) / sum(w) instead of the mean over the batch; no other loss is built where it is there. Unlike
   * `sampleWeights`, which multiply the numerator alone, they count in the divisor too.
   */
  readonly rowWeights?: Value;
  /** Logits of the students that learn together with this one, [batch, classes] each: constants. */
  readonly peers?: readonly Value[];
  /** int64 [batch], each in [0, classes). */
  readonly labels?: Value;
  /** Of samples that are blends of two (mixup, cutmix): the other one's label, and the share of the first. */
  readonly blend?: Blend;
  /**
   * A run-time input [] that is fed at every step: `initial`, times the schedule's factor where there is one; of the
   * logits' element type.
   */
  scalar(name: string, initial: number, schedule?: FactorSchedule): Value;
  /**
   * The values of these layers, pair by pair; patterns stand for as many pairs as they match.
   * @throws InputError for a name that is not there
   */
  features(layers: readonly LayerPair[]): FeatureValues[];
  /**
   * A parameter of the loss itself (of a connector): trained with the student, kept in checkpoints, never exported. Of
   * the logits' element type.
   */
  parameter(name: string, shape: readonly number[], start: ParameterStart): Value;
  /** What it may keep from step to step; absent outside of a training. */
  readonly memory?: LossMemory | undefined;
}
