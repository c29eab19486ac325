/** Classes that a student never sees: which they are, and the samples that are left. What excludes what is in rules/. */
import type { LoadedData } from "../../learn/data/types.js";
import { labelsOf } from "../../learn/data/labels/labels.js";
import { InputError } from "../../base/errors.js";
import { nearestOf } from "../../engine/graph/nearest.js";
import { quote } from "../../base/quote.js";
import type { Plan } from "../recipe/schema/schema.js";
import type { Omission } from "./arm.js";

/** What a plan's transfer leaves out; null where it leaves out nothing. */
export function omissionOf({ transfer }: Plan, { data }: LoadedData): Omission | null {
  const { omitClasses, onlyClasses, biasCorrection } = transfer;
  if (omitClasses.length + onlyClasses.length === 0) return null;
  const named = classIndices([...omitClasses, ...onlyClasses], data.classes, "transfer");
  return { classes: omittedClasses(transfer, data.classes), shifted: biasCorrection ? named : null };
}

/** Indices of the classes that the student never sees. */
export function omittedClasses(
  { omitClasses, onlyClasses }: Plan["transfer"],
  classes: readonly string[],
): readonly number[] {
  if (omitClasses.length > 0) return classIndices(omitClasses, classes, "transfer.omit_classes");
  const kept = new Set(classIndices(onlyClasses, classes, "transfer.only_classes"));
  return classes.map((_, c) => c).filter((c) => !kept.has(c));
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
