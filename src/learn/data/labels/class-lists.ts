/** Labels read with the class names of a recipe: by name, or as indices into them. Nothing here is Node's. */
import { InputError } from "../../../base/errors.js";
import { nearestOf } from "../../../engine/graph/nearest.js";
import { noun } from "../../../base/noun.js";
import { nearEqualNames } from "./class-names.js";
import type { DataFinding } from "../findings.js";
import type { CountedPart } from "./label-parts.js";
import { listed } from "../words.js";

/** A whole number, also as a table of floating-point numbers writes it. */
const WHOLE = /^(0|[1-9]\d*)(\.0*)?$/;

/**
 * The place of each label among the names. Labels that are the given names are read by name; where none is, and all are whole numbers from 0 to n-1, they are
 * indices into the names.
 * @throws InputError for a label that is neither, and where both readings are possible for some only
 */
export function indexOfLabels(
  parts: readonly CountedPart[],
  names: readonly string[],
  findings: DataFinding[],
): ReadonlyMap<string, number> {
  const byName = new Map(names.map((name, i) => [name, i]));
  const labels = new Map(parts.flatMap((p) => [...p.counts.keys()].map((text) => [text, p] as const)));
  const strange = [...labels.keys()].filter((text) => !byName.has(text));
  const isIndex = (text: string): boolean => WHOLE.test(text) && Number(text) < names.length;
  const indices = labels.size > 0 && [...labels.keys()].every(isIndex);
  if (strange.length === 0) return byName;
  if (!indices) {
    const beyond = numeric(labels) ? strange.filter((text) => !isIndex(text)) : [];
    throw unknownLabel(beyond.length > 0 ? beyond : strange, labels, names);
  }
  if (strange.length < labels.size) throw ambiguous(strange, labels, names);
  findings.push({
    code: "labels-as-indices",
    level: "note",
    where: "data.classes",
    text: `The labels are whole numbers and are read as indices into data.classes: 0 is "${names[0]}", ${names.length - 1} is "${names[names.length - 1]}".`,
    count: labels.size,
  });
  return new Map([...labels.keys()].map((text) => [text, Number(text)]));
}

const numeric = (labels: ReadonlyMap<string, CountedPart>): boolean => [...labels.keys()].every((t) => WHOLE.test(t));

function unknownLabel(
  strange: readonly string[],
  labels: ReadonlyMap<string, CountedPart>,
  names: readonly string[],
): InputError {
  const known = new Set(names);
  const alike = nearEqualNames([...names, ...strange]).find((pair) => known.has(pair.first) && !known.has(pair.other));
  const label = alike?.other ?? (strange[0] as string);
  const part = labels.get(label) as CountedPart;
  const numbers = numeric(labels);
  const near =
    alike?.first ?? (names.length <= 2000 && label.length > 2 && !numbers ? nearestOf(label, names) : undefined);
  const fromOne = numbers && !labels.has("0") && labels.has(String(names.length));
  const reading = numbers ? `, neither by name nor as an index from 0 to ${names.length - 1}` : "";
  const more = strange.length > 1 ? `, and ${noun(strange.length - 1, "more label")}` : "";
  return new InputError({
    code: "class-unknown",
    where: part.where,
    found: `the label "${label}" (${noun(part.counts.get(label) as number, "sample")} of the ${part.name} part) is not among data.classes${reading}${more}`,
    expected: `one of ${listed(names)}`,
    cure: cureOf(near, fromOne),
  });
}

function cureOf(near: string | undefined, fromOne: boolean): string {
  if (fromOne) return "Subtract 1 from the labels, which seem to begin at 1 and not at 0";
  return near
    ? `Did you mean "${near}"? Correct the label, or add it to data.classes`
    : "Add it to data.classes, or correct the labels";
}

function ambiguous(
  strange: readonly string[],
  labels: ReadonlyMap<string, CountedPart>,
  names: readonly string[],
): InputError {
  const both = [...labels.keys()].filter((text) => !strange.includes(text));
  return new InputError({
    code: "class-unknown",
    where: "data.classes",
    found: `the labels can be read in two ways: "${both[0]}" is a name of the list, but "${strange[0]}" could only be an index into it ("${names[Number(strange[0])]}")`,
    expected: "either every label as a name, or none",
    cure: "List the labels themselves, or names that are not numbers",
  });
}
