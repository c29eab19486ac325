/** What a sweep found: the content of sweep.json. Types only. */
import type { ScoreMetric } from "./score-metric.js";
import type { DataAudit } from "../data/audit/types.js";
import type { Aggregate } from "./interval.js";

/** One training of a combination. */
export interface SweepSeed {
  readonly seed: number;
  /** Validation score of the chosen weights, 0 to 1; null when the training failed. */
  readonly score: number | null;
  readonly steps: number;
  readonly seconds: number;
  /** Folder of the training inside the run's; combinations that train the same share one. */
  readonly training: string;
}

/** One combination of values. */
export interface SweepRow {
  /** From 1, the best. */
  readonly rank: number;
  /** The swept fields' values by path. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The same as the command line's --set takes them: "objective.alpha=0.5". */
  readonly set: readonly string[];
  /** Mean validation score over the seeds with its 95 % interval; null when a training of it failed. */
  readonly score: Aggregate | null;
  /** Decides between equal scores, smaller is better: negative log-likelihood, or soft KL without labels. */
  readonly tie: number | null;
  readonly seeds: readonly SweepSeed[];
  readonly parameters: number | null;
  /** The last rung of successive halving that it was trained in, from 1; always 1 without halving. */
  readonly rung: number;
  /** Why its training failed (divergence); null when it did not. */
  readonly error: string | null;
}

export interface SweepField {
  readonly path: string;
  readonly kind: "grid" | "random";
  /** A range to draw from, as written ("log:1e-4..1e-2"); null for a list. */
  readonly range: string | null;
  /** The values of a list; those drawn, of a range. */
  readonly values: readonly unknown[];
}

export interface SweepRung {
  /** Share of the recipe's budget that its trainings had. */
  readonly budget: number;
  readonly combinations: number;
}

export interface SweepSummary {
  readonly limbeck: string;
  readonly name: string;
  readonly description: string | null;
  readonly command: string;
  readonly durationSeconds: number;
  readonly metric: ScoreMetric;
  /** Validation samples, taken from the training data: what every score is over. */
  readonly validationSamples: number;
  readonly seeds: readonly number[];
  readonly fields: readonly SweepField[];
  readonly rungs: readonly SweepRung[];
  /** Best first. */
  readonly rows: readonly SweepRow[];
  readonly teacher: string;
  /** What was found out about the data before anything was trained; absent in sweeps older than this field. */
  readonly audit?: DataAudit;
  readonly warnings: readonly string[];
  /** The recipe that was swept, with all defaults. */
  readonly recipe: unknown;
}
