/** One training, from initial weights to chosen weights. */
import type { TeacherFeature } from "../../engine/compile/step.js";
import type { TrainableModel } from "../../engine/compile/types.js";
import type { Augmentation, DataSet, SampleArray } from "../data/types.js";
import type { BlendedWith } from "../data/views.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import type { Schedule, UpdateRule, WeightAverage } from "../../engine/optim/types.js";

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

export interface TrainingSettings {
  /** Samples of a micro-batch. */
  readonly batch: number;
  /** Updates in all. */
  readonly steps: number;
  readonly rule: UpdateRule;
  readonly schedule: Schedule;
  /** 0 is off. */
  readonly clipNorm: number;
  readonly accumulate: number;
  /** The average of the weights is what is validated, chosen and kept; absent: the weights themselves are. */
  readonly average?: WeightAverage;
  readonly seed: number;
  readonly augmentation: Augmentation | null;
  /** Which weights leave: those with the best validation score, or the last. */
  readonly select: "best" | "last";
  /** Stop after so many validations without a better one. */
  readonly patience: number | null;
  /** Steps between validations; null: every epoch, but at most 40 times in a training. */
  readonly validateEvery: number | null;
  /** Steps between measurements of each term's share of the gradient; 0 is never. */
  readonly diagnoseEvery: number;
  /** Compute cheap values again in the backward pass instead of keeping them. Less memory, the same numbers. */
  readonly recompute?: boolean;
  readonly threads: number;
  readonly device: "cpu" | "webgpu";
}

export interface TrainingTask {
  /** Who is trained, for messages: "student, seed 2". */
  readonly name: string;
  /** Takes raw samples: normalisation is in front, initial weights are inside. */
  readonly model: TrainableModel;
  readonly data: DataSet;
  /** Samples trained on. Those with label -1 may only be used by an objective without labels. */
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly objective: ObjectiveConfig;
  readonly teacher?: TeacherOutputs;
  /** Absent: views drawn by `settings.augmentation` and the training's own seed, if any. */
  readonly views?: TrainingViews;
  readonly settings: TrainingSettings;
  /** Where metrics, checkpoints and the result go; null keeps everything in memory. */
  readonly directory: string | null;
  /** Hash of everything the outcome depends on; a checkpoint with another one is refused. */
  readonly fingerprint: string;
}

/** Scores on the validation samples. */
export interface ValidationScore {
  /** Against labels; null without labels. */
  readonly accuracy: number | null;
  readonly nll: number | null;
  /** Against the teacher; null without one. */
  readonly agreement: number | null;
  readonly softKL: number | null;
}

export interface CurvePoint extends ValidationScore {
  readonly step: number;
  readonly epoch: number;
  /** Mean training loss since the last point. */
  readonly loss: number;
  /** Mean of each unweighted term since the last point. */
  readonly terms: Readonly<Record<string, number>>;
}

export interface GradientShare {
  readonly step: number;
  readonly shares: Readonly<Record<string, number>>;
}

export interface TrainingResult {
  /** Chosen weights: trainable parameters and buffers by name. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly steps: number;
  readonly epochs: number;
  readonly seconds: number;
  /** In words for the summary: "best by validation accuracy (94.4 %), epoch 12 of 20". */
  readonly selection: string;
  readonly chosen: CurvePoint;
  readonly curve: readonly CurvePoint[];
  readonly gradientShares: readonly GradientShare[];
  readonly warnings: readonly string[];
}

export interface TrainingProgress {
  readonly name: string;
  readonly step: number;
  readonly steps: number;
  readonly epoch: number;
  /** Steps a second over the last few seconds. */
  readonly rate: number;
  readonly secondsLeft: number;
  readonly loss: number;
  /** Last validation score: accuracy, or agreement without labels. */
  readonly score: { readonly metric: "accuracy" | "agreement"; readonly value: number } | null;
}

export interface TrainingHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Continue from the checkpoint in the directory when there is one. */
  readonly resume?: boolean;
  /** Seconds between checkpoints; default 2, more where one takes longer than a tenth of a second. */
  readonly checkpointSeconds?: number;
  /** Leaves the last checkpoint of a finished training, for whoever looks at its state. Default: it is removed. */
  readonly keepCheckpoint?: boolean;
}
