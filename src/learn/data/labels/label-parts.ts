/** The labels of a source's parts while classes are made of them. Nothing here is Node's. */

/** A part's labels, as its source writes them. */
export interface LabelPart {
  readonly name: "training" | "validation" | "test";
  /** Null without labels. */
  readonly labels: readonly string[] | null;
  readonly count: number;
  /** File, folder or column of the labels, for messages. */
  readonly where: string;
}

/** The labels of a part without spaces around them, and how often each occurs. */
export interface CountedPart extends LabelPart {
  /** "" where a label is missing. */
  readonly texts: readonly string[];
  /** Missing labels are not among them. */
  readonly counts: ReadonlyMap<string, number>;
}
