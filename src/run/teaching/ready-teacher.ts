/** A teacher that a run has made ready: its answers are labelled. */
import type { LabelStore } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { Fitted } from "../students/fitted.js";
import type { Reusable } from "../students/reused-classifier.js";
import type { ReadyViews } from "../students/training-views.js";

export interface ReadyTeacher {
  /** Names its answers, whatever layers are kept beside them. */
  readonly key: string;
  readonly name: string;
  readonly store: LabelStore;
  /** What it had seen, as a sentence. */
  readonly trainedOn: string;
  /** The training behind it, when limbeck trained it. */
  readonly fitted: Fitted | null;
  /** The model on disk; null for a bare label store. */
  readonly file: string | null;
  readonly bytes: number;
  readonly parameters: number | null;
  /** What it says of random views, where the student learns from those. */
  readonly views?: ReadyViews | undefined;
  /** Opens it once more, for samples that are not in the store; absent where only its answers are there. */
  readonly open?: () => Promise<Teacher>;
  /** What a student may reuse of it. */
  readonly reusable?: Reusable;
  /** Indices of the classes it knows, when these are not all: it is part of a group that merges. */
  readonly knows?: readonly number[];
  /** Of a group: its teachers. */
  readonly members?: readonly ReadyTeacher[];
}
