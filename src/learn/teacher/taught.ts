/** What a training sees of its teacher: answers by sample, inner values, and both for random views. */
import type { TeacherFeature } from "../../engine/compile/step.js";
import type { SampleArray } from "../../engine/graph/samples.js";
import type { BlendedWith } from "../data/views.js";

/** A frozen teacher's answers, looked up by sample index: never by position in a batch. */
export interface TeacherOutputs {
  readonly kind: "logits" | "probabilities";
  /** Copies the rows of these samples into out [indices.length, classes]. */
  gather(indices: Uint32Array, out: Float32Array): void;
  /** There when every loss against the teacher is the mean of the losses against these; `gather` then serves scores only. */
  readonly members?: readonly TeacherMember[];
  /**
   * Copies what each of the members counts for these samples into out [indices.length, members.length], rows that sum to 1;
   * absent: each counts by its `weight`.
   */
  weigh?(indices: Uint32Array, out: Float32Array): void;
  /** There when each update learns from one of these, drawn with its weight as probability; `gather` then serves scores only. */
  readonly drawn?: readonly TeacherMember[];
  /** Inner values it kept too, by sample index as well. */
  readonly features?: readonly FeatureOutputs[];
}

/** One of several teachers: a term of a mean of losses, or what may be drawn. */
export interface TeacherMember extends Pick<TeacherOutputs, "kind" | "gather"> {
  /** Of its loss in the mean, or the probability of being drawn; all of them sum to 1. */
  readonly weight: number;
}

/** An inner value of a teacher for every sample. */
export interface FeatureOutputs extends TeacherFeature {
  /** Copies the rows of these samples into out [indices.length, ...shape]. */
  gather(indices: Uint32Array, out: Float32Array): void;
}

/** Random views of the samples: what a training sees of them in each epoch, and what the teacher says of that. */
export interface TrainingViews {
  /** Whether a view may be a blend of two samples (mixup, cutmix). */
  readonly blends: boolean;
  /**
   * Makes the views of these samples in an epoch, [indices.length, ...sampleShape].
   * @returns what was blended into them; null when they are no blends
   */
  render(indices: Uint32Array, epoch: number, out: SampleArray): BlendedWith | null;
  /**
   * The teacher's answers for these very views, and its inner values in the order of its features; absent: its answers for
   * the unchanged samples stand for all their views.
   * @param samples the views, as rendered
   * @param step the update they are for, from 0
   */
  readonly answers?: (indices: Uint32Array, epoch: number, samples: SampleArray, step: number) => Promise<ViewAnswers>;
}

export interface ViewAnswers {
  /** [indices.length, classes]; with `members` [indices.length, members.length, classes]. */
  readonly answers: Float32Array;
  /** What each of the members counts for these views, [indices.length, members.length]; absent: what it does for the samples. */
  readonly weights?: Float32Array;
  /** [indices.length, ...shape] each. */
  readonly features: readonly Float32Array[];
}
