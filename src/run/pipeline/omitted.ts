/** Classes that a student never sees: which they are, what is left of its samples, and how well it does on them. */
import type { LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { type Aggregate, meanInterval } from "../../learn/evaluate/interval.js";
import type { BiasCorrection, OmittedScores } from "../../learn/evaluate/summary.js";
import { nearestOf } from "../../engine/graph/nearest.js";
import { namesOf } from "../../base/names.js";
import { quote } from "../../base/quote.js";
import type { Plan } from "../recipe/schema/schema.js";
import type { Arm, Omission } from "../teaching/arm.js";
import { labelsOf, type RunContext } from "../folder/context.js";
import type { Fitted } from "../students/fitted.js";
import { scoreExported, testLabels } from "./judge.js";

/**
 * What a recipe's transfer leaves out; null where it leaves out nothing.
 * @throws InputError naming the field: unknown classes, none left, labels that are not there
 */
export function omissionOf({ transfer }: Plan, loaded: LoadedData): Omission | null {
  const { data, splits } = loaded;
  const { omitClasses: omit, onlyClasses: only, biasCorrection: corrected } = transfer;
  const field = only.length > 0 ? "transfer.only_classes" : "transfer.omit_classes";
  if (omit.length > 0 && only.length > 0)
    throw new InputError({
      code: "option-conflict",
      where: "transfer.only_classes",
      found: "only_classes and omit_classes are both given",
      cure: "Give the classes to omit or those to keep",
    });
  if (omit.length === 0 && only.length === 0) {
    if (!corrected) return null;
    throw new InputError({
      code: "option-conflict",
      where: "transfer.bias_correction",
      found: "no class is omitted, so there is no bias to correct",
      cure: "Give omit_classes or only_classes, or switch it off",
    });
  }
  if (data.labels === null)
    throw new InputError({
      code: "labels-missing",
      where: field,
      found: "the data has no labels, which tell the samples of these classes",
      cure: "Add labels, or remove the field",
    });
  const named = classIndices([...omit, ...only], data.classes, field);
  const given = new Set(named);
  const others = data.classes.map((_, c) => c).filter((c) => !given.has(c));
  const classes = omit.length > 0 ? named : others;
  if (others.length === 0)
    throw new InputError({
      code: "class-too-few",
      where: field,
      found: `all ${data.classes.length} classes are named`,
      expected: "at least one class on either side",
    });
  if (data.classes.length - classes.length < 2)
    throw new InputError({
      code: "class-too-few",
      where: field,
      found: "one class is left",
      expected: "at least 2 for a student",
    });
  if (corrected && !labelsOf(loaded, splits.validation).some((l) => l >= 0))
    throw new InputError({
      code: "budget-invalid",
      where: "transfer.bias_correction",
      found: "no validation sample has a label to choose it on",
      cure: "Raise data.split.validation",
    });
  return { classes, shifted: corrected ? named : null };
}

/** The same transfer of every class: what a teacher by itself looks at. */
export function seeingAllClasses(transfer: Plan["transfer"]): Plan["transfer"] {
  return { ...transfer, omitClasses: [], onlyClasses: [], biasCorrection: false };
}

/** Indices by name, ascending. @throws InputError for an unknown name */
export function classIndices(
  names: readonly (string | number)[],
  classes: readonly string[],
  field: string,
): readonly number[] {
  const places = new Map(classes.map((name, c) => [name, c]));
  const found = names.map((given) => {
    const name = String(given);
    const index = places.get(name);
    if (index !== undefined) return index;
    const near = nearestOf(name, classes);
    throw new InputError({
      code: "class-unknown",
      where: field,
      found: `the data has no class ${quote(name)}`,
      expected: `one of ${classes.slice(0, 12).join(", ")}${classes.length > 12 ? ", ..." : ""}`,
      cure: near && `Did you mean ${quote(near)}?`,
    });
  });
  return [...new Set(found)].sort((a, b) => a - b);
}

/** Samples that are of none of these classes. @throws InputError when the class of one is not known */
export function withoutClasses(samples: Uint32Array, { classes }: Omission, loaded: LoadedData): Uint32Array {
  const labels = labelsOf(loaded, samples);
  const unknown = labels.filter((l) => l < 0).length;
  if (unknown > 0)
    throw new InputError({
      code: "labels-missing",
      where: "transfer.omit_classes",
      found: `${unknown} of ${samples.length} samples have no label, so they may be of an omitted class`,
      cure: "Set transfer.samples to labelled",
    });
  const left = new Set(classes);
  return samples.filter((_, i) => !left.has(labels[i] as number));
}

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
