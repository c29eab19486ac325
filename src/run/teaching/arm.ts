/** An arm of a run: the recipe itself or one of its variants, with the samples that each may see. */
import type { Plan } from "../recipe/schema/schema.js";

export interface Arm {
  /** "" for the recipe itself. */
  readonly name: string;
  readonly plan: Plan;
  /** Samples a trained teacher sees, with labels. */
  readonly teacherSamples: Uint32Array;
  /** Samples whose labels student and baseline may use. */
  readonly labelled: Uint32Array;
  /** Samples the student sees. */
  readonly transfer: Uint32Array;
  /** How many samples it could see with transfer.samples: all. */
  readonly available: number;
  readonly hasLabels: boolean;
  /** Whether a baseline is trained beside it. */
  readonly baseline: boolean;
  /** The classes that student and baseline never see; null where they see all. */
  readonly omission: Omission | null;
}

/** Classes that an arm leaves out. */
export interface Omission {
  /** Indices of the classes that student and baseline never see. */
  readonly classes: readonly number[];
  /** Indices of those whose outputs a bias correction shifts; null without one. */
  readonly shifted: readonly number[] | null;
}
