/** What a run tells while it goes. */
import type { TrainingProgress } from "../train/types.js";

export type RunEvent =
  /** A new part begins: "training the teacher". */
  | { readonly kind: "stage"; readonly text: string }
  /** What is about to happen, or was found out: a line to read, not progress. */
  | { readonly kind: "info"; readonly text: string }
  | { readonly kind: "training"; readonly progress: TrainingProgress }
  | {
      readonly kind: "labelling";
      readonly teacher: string;
      readonly done: number;
      readonly total: number;
      readonly rate: number;
    }
  | { readonly kind: "warning"; readonly text: string };
