/** One training, from initial weights to chosen weights. */
import type { ScoreMetric } from "../evaluate/score-metric.js";
import type { TrainableModel } from "../../engine/graph/trainable-model.js";
import type { Augmentation, DataSet } from "../data/types.js";
import type { TeacherOutputs, TrainingViews } from "../teacher/taught.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import type { Schedule, UpdateRule, WeightAverage } from "../../engine/optim/types.js";

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
  /** Names of the data's arrays that the model's inputs read, in their order; absent: its one input reads the main array. */
  readonly reads?: readonly string[];
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
  /** Mean cosine of the outputs with the teacher's. Only without labels, where the objective compares directions. */
  readonly cosine?: number;
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
  /** Last validation score: accuracy; without labels agreement, or the cosine. */
  readonly score: { readonly metric: ScoreMetric; readonly value: number } | null;
}

export interface TrainingHooks {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Told of what may stop the training before it begins. */
  readonly onWarning?: (text: string) => void;
  /** Continue from the checkpoint in the directory when there is one. */
  readonly resume?: boolean;
  /** Seconds between checkpoints; default 2, more where one takes longer than a tenth of a second. */
  readonly checkpointSeconds?: number;
  /** Leaves the last checkpoint of a finished training, for whoever looks at its state. Default: it is removed. */
  readonly keepCheckpoint?: boolean;
}
