/** What a check of the doctor is and what it says. */
import type { TeacherFeature } from "../../engine/compile/step.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import type { Plan } from "../../run/recipe/schema/schema.js";
import type { FullAnswers } from "../../learn/teacher/types.js";
import type { RunEvent } from "../../run/folder/events.js";
import type { AuditedData } from "../../run/folder/load-audited.js";
import type { Reusable } from "../../run/students/reused-classifier.js";

/** One answer of the doctor. */
export interface Finding {
  /** Name of the check. */
  readonly check: string;
  /** "skipped": the check does not apply to this recipe, or could not be made; `found` says why. */
  readonly status: "ok" | "warn" | "fail" | "skipped";
  /** What was found, with numbers. */
  readonly found: string;
  /** Why it matters; empty when all is well, and where `found` says it. */
  readonly why: string;
  /** What to change: a field, a --set, a command; empty when all is well. */
  readonly change: string;
}

/** A teacher's answers for some samples. */
export interface Answers {
  /** [indices.length, classes]. */
  readonly values: Float32Array;
  readonly indices: Uint32Array;
  readonly kind: "logits" | "probabilities";
  readonly classes: number;
}

/** A teacher that can be asked here and now: a label store or an ONNX file. */
export interface AskedTeacher {
  readonly name: string;
  readonly kind: "logits" | "probabilities";
  readonly classes: number;
  /** Elements of its weights; null when unknown. */
  readonly parameters: number | null;
  /** The inner values it can give that the objective asks for. */
  readonly features: readonly TeacherFeature[];
  /** What of it a student may reuse. */
  readonly reusable: Reusable;
  /** Sentences about how it is fed and read, as a run notes them. */
  readonly notes: readonly string[];
  /** Why it has none of the inner values that the objective asks for; null when it has them. */
  readonly missing: string | null;
  /** Path of the recipe's own ONNX file; null for any other teacher. */
  readonly file: string | null;
  /** Answers [indices.length, classes]. */
  answer(indices: Uint32Array): Promise<Float32Array>;
  /** Answers, and the inner values in the order of `features`. */
  answerWithFeatures(indices: Uint32Array): Promise<FullAnswers>;
  dispose(): Promise<void>;
}

/** A finished run of this very recipe: its models answer in place of short trainings. */
export interface FinishedTrainings {
  readonly directory: string;
  /** Exported models, one a seed, in the order of the seeds. */
  readonly students: readonly string[];
  readonly baselines: readonly string[];
  readonly teachers: readonly string[];
}

/** What a check may look at. */
export interface Patient {
  readonly plan: Plan;
  readonly folder: string;
  readonly loaded: AuditedData;
  readonly objective: ObjectiveConfig;
  /** The teacher, where it can be asked; null otherwise. */
  readonly teacher: AskedTeacher | null;
  /** Null for a teacher that cannot be asked. */
  readonly answers: Answers | null;
  /** The same samples asked again in the opposite order, rows in the first order; null where there is no model to ask. */
  readonly again: Float32Array | null;
  readonly finished: FinishedTrainings | null;
  /** Whether checks that train are left out. */
  readonly quick: boolean;
  /** Threads of ONNX Runtime; 0 lets it choose. */
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
  readonly emit: (event: RunEvent) => void;
}

/** A check: adding one means writing its file and one line in doctor.ts. */
export type Check = (patient: Patient) => Promise<readonly Finding[]> | readonly Finding[];

/** A finding that asks for nothing. */
export const fine = (check: string, found: string): Finding => ({ check, status: "ok", found, why: "", change: "" });

/** A check that was not made. */
export const skipped = (check: string, found: string): Finding => ({
  check,
  status: "skipped",
  found,
  why: "",
  change: "",
});
