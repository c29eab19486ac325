/** What is measured beside the steps of `workloads.ts`: rows of the table with work of their own. */
import type { Machine } from "../harness/machine.js";

/** One system in one case of a row. */
export interface Measurement {
  readonly system: string;
  /** "PyTorch, channels_last". */
  readonly title: string;
  readonly version: string;
  readonly detail: string;
  /** One value a round, in the case's unit. */
  readonly values: readonly number[];
  /** What a value is made of, or what else was seen; one value a round. Names carry the unit: "labelling, s". */
  readonly parts?: Readonly<Record<string, readonly number[]>>;
  /** How far its results are from limbeck's; null for limbeck and where nothing can be compared. */
  readonly difference: number | null;
  readonly peakBytes: number | null;
}

/** A system that did not do it: not installed, cannot, or failed. */
export interface Absence {
  readonly system: string;
  readonly title: string;
  readonly reason: string;
}

/** Systems doing the same work. */
export interface RowCase {
  readonly name: string;
  readonly title: string;
  /** "samples per second", "s", "ms". */
  readonly unit: string;
  /** Whether more of the unit is better. */
  readonly higher: boolean;
  /** What `difference` compares, and how much of it is too much; null where nothing is compared. */
  readonly compared: { readonly what: string; readonly tolerance: number } | null;
  readonly measurements: readonly Measurement[];
  readonly absences: readonly Absence[];
}

/** A quantity that is followed along another one, for a chart of curves. */
export interface Curve {
  readonly chart: string;
  /** In tables and keys: "PyTorch". */
  readonly system: string;
  readonly version: string;
  /** What the axes count, units included. */
  readonly x: string;
  readonly y: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface RowResult {
  readonly row: string;
  readonly title: string;
  /** What was done, in sentences. */
  readonly about: readonly string[];
  readonly date: string;
  readonly commit: string | null;
  readonly machine: Machine;
  readonly threads: number;
  readonly rounds: number;
  readonly seconds: number;
  /** What measures this row again. */
  readonly command: string;
  readonly cases: readonly RowCase[];
  readonly curves?: readonly Curve[];
}

export interface RowOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly python: string;
  /** Only these systems; absent: all. */
  readonly systems?: readonly string[];
  readonly log: (line: string) => void;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** Rounds when none are asked for. */
  readonly rounds: number;
  /** Whether plain `npm run bench` measures it, or only when it is named. */
  readonly always: boolean;
  measure(options: RowOptions): Promise<Pick<RowResult, "about" | "cases" | "curves">>;
}
