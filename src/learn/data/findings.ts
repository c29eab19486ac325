/** What is found out about data before anything is trained. Readers report what they left out or converted; the audit adds what looks wrong. */

/**
 * "note": something was left out, merged or converted on purpose. "warning": it looks like a mistake.
 * The run goes on after both; what must not be trained on is an InputError.
 */
export type FindingLevel = "note" | "warning";

export interface DataFinding {
  /** Names the rule, in kebab-case: "files-skipped", "index-column", "duplicates-between-parts". Tests hold on to it. */
  readonly code: string;
  readonly level: FindingLevel;
  /** The file, column or recipe field it is about. */
  readonly where?: string;
  /** One sentence for people, with the number and a few names: "80 files were skipped (.heic 60, .jfif 20)." */
  readonly text: string;
  /** What to do about it: an imperative sentence. */
  readonly cure?: string;
  /** How many rows, files, columns or classes it concerns. */
  readonly count?: number;
  /** A few of them, by name. */
  readonly examples?: readonly string[];
  /** Ordinary enough to be left out of the screen before a run; summary, report and `limbeck data` hold it. */
  readonly quiet?: boolean;
  /** Samples that show it, as indices into the data set; a pair, for instance, of duplicates. */
  readonly samples?: readonly (readonly number[])[];
}
