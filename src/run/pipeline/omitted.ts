/** Classes that a student never sees: which they are in words, and how well it does on them. */
import type { LoadedData } from "../../learn/data/types.js";
import { type Aggregate, meanInterval } from "../../learn/evaluate/interval.js";
import type { BiasCorrection, OmittedScores } from "../../learn/evaluate/summary.js";
import { namesOf } from "../../base/names.js";
import type { Arm, Omission } from "../teaching/arm.js";
import type { RunContext } from "../folder/context.js";
import type { Fitted } from "../students/fitted.js";
import { scoreExported, testLabels } from "./judge.js";

/** What the transfer set lacks, in words: "" where it lacks nothing. */
export function withoutSaid({ omission }: Arm, classes: readonly string[]): string {
  if (!omission) return "";
  const name = (c: number): string => classes[c] ?? String(c);
  const left = new Set(omission.classes);
  const kept = classes.map((_, c) => c).filter((c) => !left.has(c));
  return omission.classes.length <= kept.length
    ? `, without class ${namesOf(omission.classes.map(name))}`
    : `, only classes ${namesOf(kept.map(name))}`;
}

/**
 * How a model does on the classes it never saw, before and after its bias correction.
 * @param right where each test sample is right, as exported: one array a seed
 */
export async function omittedScores(
  context: RunContext,
  omission: Omission,
  fitted: readonly Fitted[],
  right: readonly Uint8Array[],
): Promise<OmittedScores> {
  const { loaded } = context;
  const { data } = loaded;
  const names = (indices: readonly number[]): string[] => indices.map((c) => data.classes[c] as string);
  const left = new Set(omission.classes);
  const omitted = (label: number): boolean => left.has(label);
  const scores: OmittedScores = {
    classes: names(omission.classes),
    accuracy: partAccuracy(loaded, right, omitted),
    correction: null,
  };
  const corrected = fitted.flatMap(({ correction, ...f }) => (correction ? [{ ...f, correction }] : []));
  if (!omission.shifted || corrected.length === 0) return scores;
  const before: Uint8Array[] = [];
  for (const { correction, expects } of corrected) {
    const { correct } = await scoreExported(context, { file: correction.uncorrected, expects }, null);
    if (correct) before.push(correct);
  }
  const correction: BiasCorrection = {
    classes: names(omission.shifted),
    offset: meanInterval(corrected.map((f) => f.correction.offset)),
    before: {
      accuracy: partAccuracy(loaded, before, () => true),
      omitted: partAccuracy(loaded, before, omitted),
    },
    seeds: corrected.map(({ request, correction: c }) => ({
      seed: request.seed,
      offset: c.offset,
      validationBefore: c.before,
      validationAfter: c.after,
    })),
  };
  return { ...scores, correction };
}

/** Accuracy over the seeds on the test samples whose label is wanted; null where there is none. */
function partAccuracy(
  loaded: LoadedData,
  right: readonly Uint8Array[],
  wanted: (label: number) => boolean,
): Aggregate | null {
  const labels = testLabels(loaded);
  const rows = labels ? [...labels.keys()].filter((i) => wanted(labels[i] as number)) : [];
  if (rows.length === 0) return null;
  return meanInterval(right.map((hits) => rows.reduce((sum, row) => sum + (hits[row] as number), 0) / rows.length));
}
