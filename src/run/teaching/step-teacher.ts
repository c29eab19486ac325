/** What a training step must know of a recipe's teacher, without a run: kinds of answers and shapes of inner values. */
import type { StepOptions, TeacherFeature } from "../../engine/compile/step.js";
import type { LoadedData } from "../../learn/data/types.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { Reusable } from "../students/reused-classifier.js";

export interface StepTeacher {
  readonly classes: number;
  /** Kind of its answers. */
  readonly kind: Teacher["kind"];
  readonly features: readonly TeacherFeature[];
  /** What a student may end in. */
  readonly reusable: Reusable | null;
  /** The teachers whose losses are averaged, where it is a group of that kind. */
  readonly members?: StepOptions["teacherMembers"];
  readonly weighed: boolean;
}

export interface StepTeacherOptions {
  readonly loaded: LoadedData;
  /** Paths start here. */
  readonly folder: string;
  readonly classes: number;
  /** Names or patterns of the inner values that the objective compares. */
  readonly layers: readonly string[];
  readonly threads: number;
}

/** What most teachers have not. */
export const PLAIN_STEP = { features: [], reusable: null, weighed: false } as const;
