/** What a run tells while it goes. */
import type { DataAudit } from "../../learn/data/audit/types.js";
import type { TrainingProgress } from "../../learn/train/types.js";

/** Trainings that run at a time, seen as one. */
export interface Together {
  readonly trainings: number;
  readonly atATime: number;
  /** Trainings finished. */
  readonly done: number;
  /** Over all of them, estimated where one has not begun. */
  readonly step: number;
  readonly steps: number;
  /** Steps a second of all together. */
  readonly rate: number;
  readonly secondsLeft: number;
}

export type RunEvent =
  /** A new part begins: "training the teacher". */
  | { readonly kind: "stage"; readonly text: string }
  /** A strategy goes to its next run, the hop-th (from 1) of hops. */
  | { readonly kind: "hop"; readonly hop: number; readonly hops: number; readonly text: string }
  /** What is about to happen, or was found out: a line to read, not progress. */
  | { readonly kind: "info"; readonly text: string }
  /** The data is loaded: what it is and what looks wrong with it. Once for a command, before anything is trained. */
  | { readonly kind: "audit"; readonly audit: DataAudit }
  | {
      readonly kind: "training";
      readonly progress: TrainingProgress;
      /** There when several trainings run at a time: all of them as one. */
      readonly together?: Together;
    }
  | {
      readonly kind: "labelling";
      readonly teacher: string;
      readonly done: number;
      readonly total: number;
      readonly rate: number;
    }
  | {
      /** Models answer for samples once more: `text` says for which. */
      readonly kind: "measuring";
      readonly text: string;
      readonly done: number;
      readonly total: number;
      /** Samples a second. */
      readonly rate: number;
    }
  | { readonly kind: "warning"; readonly text: string };
