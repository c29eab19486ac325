/** What a summary says about errors under corruptions. Plain JSON; shares are in [0, 1]. */
import type { Aggregate } from "../interval.js";

export interface RobustnessSummary {
  /** Names, in the order of every list below. */
  readonly corruptions: readonly string[];
  /** Of 1 to 5, ascending. */
  readonly severities: readonly number[];
  /** Test samples that were corrupted. */
  readonly samples: number;
  readonly seed: number;
  /** Lowest and highest value of the data: what amounts are relative to. */
  readonly range: readonly [low: number, high: number];
  /** Id of the model whose errors are the measure of the others' (`meanCorruptionError`); null without one. */
  readonly reference: string | null;
  /** Corruptions under which the reference makes no error: no ratio to it is finite, and `mCE` goes without them. */
  readonly leftOut: readonly string[];
  readonly models: readonly RobustnessRow[];
  /** Sentences about models that could not be asked. */
  readonly notes: readonly string[];
}

/** Errors of one model over its seeds. */
export interface RobustnessRow extends MeasuredModel {
  /** Error on the same samples as they are. */
  readonly clean: Aggregate;
  /** Error under each corruption, the mean over severities. */
  readonly errors: readonly Aggregate[];
  /** Mean of `errors`. */
  readonly meanError: Aggregate;
  /** Mean corruption error, relative to the reference, whose own is 1; null without a reference that errs. */
  readonly mCE: Aggregate | null;
}

export interface MeasuredModel {
  /** As in the summary's `models`. */
  readonly id: string;
  readonly role: "teacher" | "student" | "baseline";
  readonly seeds: readonly SeedErrors[];
}

/** What one model with one seed gets wrong. */
export interface SeedErrors {
  readonly seed: number;
  readonly clean: number;
  /** Share of wrong answers by corruption and severity: [corruption][severity]. */
  readonly errors: readonly (readonly number[])[];
}
