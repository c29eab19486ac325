/** The options of a `Distiller`, wherever it runs. Nothing here is Node's. */
import type { Normalisation } from "../../engine/graph/samples.js";
import type { CustomLoss } from "../../engine/objective/custom.js";
import type { FactorSchedule } from "../../engine/objective/schedule.js";
import type { SeedScores } from "../../learn/evaluate/summary.js";
import type { TrainingProgress } from "../../learn/train/types.js";
import type {
  AlphaScheduleInput,
  DistillationLossInput,
  ObjectiveInput,
  StudentLossInput,
  TrainingInput,
} from "../../run/recipe/schema/schema.js";

/** Options of every distiller. */
export interface DistillerSettings {
  /** Seed of all random numbers; default 0. */
  readonly seed?: number;
  /** Number of ONNX Runtime threads; 0 (the default) chooses automatically. */
  readonly threads?: number;
  /** Device for training steps; default "cpu". */
  readonly device?: "cpu" | "webgpu";
}

/** Scores `evaluate` can return: accuracy, topK, nll and ece use labels; agreement and softKL use the teacher. */
export type Metric = keyof SeedScores;

export interface CompileOptions {
  /** An update rule by name, or with its fields as in a recipe; default adamw. */
  readonly optimizer?: "sgd" | "adam" | "adamw" | TrainingInput["optimizer"];
  /** A constant learning rate; set either this or `schedule`. */
  readonly learningRate?: number;
  /** As in a recipe; default one-cycle up to 0.002. */
  readonly schedule?: TrainingInput["schedule"];
  /** Limit on the gradient's global norm; 0 (the default) disables clipping. */
  readonly clipNorm?: number;
  /** Keeps an exponential moving average of the weights, as `training.ema` in a recipe; default off. */
  readonly ema?: TrainingInput["ema"];
  /** Computes cheap values again in the backward pass instead of storing them: less memory, identical results; default false. */
  readonly recompute?: boolean;
  /** Loss against the labels; default cross-entropy. */
  readonly studentLoss?: "cross-entropy" | StudentLossInput;
  /** Loss against the teacher's answers; default kd. */
  readonly distillationLoss?: DistillationLossName | DistillationLossInput | CustomLoss;
  /** More terms, each a loss with `weight` and `schedule` as in a recipe, or `{ loss, weight, schedule }` with your own loss. */
  readonly terms?: readonly (NonNullable<ObjectiveInput["terms"]>[number] | CustomTerm)[];
  /**
   * How closely the student follows the teacher: (1 - alpha) student loss + alpha distillation loss. 1 needs no labels.
   * In Keras's tutorial, alpha is the weight of the label loss: its 0.1 is 0.9 here. Default 0.9.
   */
  readonly alpha?: number;
  /** A factor on alpha that changes over the training. */
  readonly alphaSchedule?: AlphaScheduleInput;
  /** Two weights instead of alpha; they need not sum to 1. */
  readonly weights?: ObjectiveInput["weights"];
  /** Temperature of kd: T^2 KL(teacher || student) with both softened by T (Hinton et al. 2015). Default 4; "auto": chosen from the teacher's answers. */
  readonly temperature?: number | "auto";
  /** Default: all. */
  readonly metrics?: readonly Metric[];
}

/** A distillation loss by name, with its defaults. */
export type DistillationLossName = NonNullable<DistillationLossInput>["kind"];

/** A term with a custom loss. */
export interface CustomTerm {
  readonly loss: CustomLoss;
  /** Default 1. */
  readonly weight?: number;
  readonly schedule?: FactorSchedule;
  readonly name?: string;
}

export interface FitOptionsAnywhere {
  /** Passes over the samples; set either this or `steps`. Default 10 epochs. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Default 64. */
  readonly batchSize?: number;
  /** Fraction or number of samples of a DataSet held out to select the weights; default 0.15. LoadedData is already split. */
  readonly validationSplit?: number;
  /** Normalisation of a DataSet: "unit" (bytes / 255), "standard" (computed on the training part), "none" or numbers. Default: unit for bytes, otherwise none. */
  readonly normalise?: "unit" | "standard" | "none" | Normalisation;
  /** Random views of the samples, as `training.augment` in a recipe: shift, crop, rotate, mixup ... */
  readonly augment?: TrainingInput["augment"];
  /**
   * The teacher's answer for a view: for exactly that view, computed at every step, or for the unchanged sample. Default
   * online. Recipes can also replay views that were labelled once (`openViewStore`).
   */
  readonly views?: "online" | "clean";
  /** Which weights to keep; default: the best validation score. */
  readonly select?: "best" | "last";
  /** Number of validations without improvement after which training stops. */
  readonly patience?: number;
  /** Steps between measurements of each term's share of the gradient (with two or more terms); default 100, 0 disables them. */
  readonly gradientSharesEvery?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onLabelling?: (done: number, total: number, rate: number) => void;
}
