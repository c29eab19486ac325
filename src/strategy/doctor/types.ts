/** What a check of the doctor is and what it says. */
import type { LoadedData } from "../../data/types.js";
import type { ObjectiveConfig } from "../../objective/objective.js";
import type { Recipe } from "../../recipe/schema.js";

/** One answer of the doctor. */
export interface Finding {
  /** Name of the check. */
  readonly check: string;
  readonly status: "ok" | "warn" | "fail";
  /** What was found, with numbers. */
  readonly found: string;
  /** Why it matters; empty when all is well. */
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

/** What a check may look at. */
export interface Patient {
  readonly recipe: Recipe;
  readonly folder: string;
  readonly loaded: LoadedData;
  readonly objective: ObjectiveConfig;
  /** Null for a teacher that is still to be trained. */
  readonly answers: Answers | null;
  /** The same samples asked again in the opposite order, rows in the first order; null where there is no model to ask. */
  readonly again: Float32Array | null;
  /** Path of the teacher, when it is an ONNX file. */
  readonly teacherFile: string | null;
}

/** A check: adding one means writing its file and one line in doctor.ts. */
export type Check = (patient: Patient) => Promise<readonly Finding[]> | readonly Finding[];

/** A finding that asks for nothing. */
export const fine = (check: string, found: string): Finding => ({ check, status: "ok", found, why: "", change: "" });
