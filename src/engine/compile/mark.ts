/** What limbeck writes into the metadata of its exports about how they are fed and read, so that nobody has to guess it later. */

/** Metadata key: "raw" where the normalisation is inside. */
const SAMPLES = "limbeck.samples";

/** Metadata key: "logits". On every export, so that its absence tells files of other origin or of before. */
const OUTPUTS = "limbeck.outputs";

type Metadata = Readonly<Record<string, string>>;

/** The metadata with the marks of an export. @param raw whether the model takes raw samples */
export function marked(metadata: Metadata, raw: boolean): Record<string, string> {
  const { [SAMPLES]: _, ...rest } = metadata;
  return { ...rest, ...(raw ? { [SAMPLES]: "raw" } : {}), [OUTPUTS]: "logits" };
}

/** Whether the marks are there at all. */
export const isMarked = (metadata: Metadata): boolean => metadata[OUTPUTS] === "logits";

/** Whether the model says that it takes raw samples: its normalisation, if any, is inside. */
export const takesRaw = (metadata: Metadata): boolean => isMarked(metadata) && metadata[SAMPLES] === "raw";
