/** One training of a run: what it is asked for, and what came of it. */
import type { Normalisation } from "../../engine/graph/samples.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import type { LabelStore } from "../../learn/teacher/store/store.js";
import type { TrainingResult } from "../../learn/train/types.js";
import type { ModelPlan, TrainingPlan } from "../recipe/schema/schema.js";
import type { Reusable } from "./reused-classifier.js";
import type { ReadyViews } from "./training-views.js";

export interface FitRequest {
  /** For messages: "student, seed 2". */
  readonly name: string;
  readonly role: "teacher" | "student" | "baseline";
  readonly model: ModelPlan;
  readonly training: TrainingPlan;
  readonly objective: ObjectiveConfig;
  readonly samples: Uint32Array;
  readonly teacher?: LabelStore;
  /** What the teacher says of random views; absent: its answers for the unchanged samples count. */
  readonly views?: ReadyViews | undefined;
  /** Of the same teacher, for an objective with simkd. */
  readonly reusable?: Reusable;
  readonly seed: number;
  /** Of the start weights alone, where they are not those of `seed`. */
  readonly weightSeed?: number;
  /** Classes whose outputs a bias correction shifts after the training; none without one. */
  readonly shifted?: readonly number[] | null;
}

export interface Fitted {
  readonly request: FitRequest;
  readonly id: string;
  readonly directory: string;
  readonly result: TrainingResult;
  /** The exported model. */
  readonly file: string;
  /** What its caller has to apply to raw samples (export.raw); null: it is inside. */
  readonly expects: Normalisation | null;
  /** What was added to some of its outputs; null without a bias correction. */
  readonly correction: Correction | null;
  readonly fileBytes: number;
  readonly architecture: string;
  readonly parameters: number;
  readonly macs: number | null;
}

/** What a bias correction did. */
export interface Correction {
  /** Added to the outputs of the classes. */
  readonly offset: number;
  /** Accuracy on the validation samples that chose it. */
  readonly before: number;
  readonly after: number;
  /** The model without it. */
  readonly uncorrected: string;
}
