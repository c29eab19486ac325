/** From label texts to classes: what is a class, what is a missing label, and whether the parts agree. Nothing here is Node's. */
import { InputError } from "../../../base/errors.js";
import { noun } from "../../../base/noun.js";
import { indexOfLabels } from "./class-lists.js";
import { comparePartClasses } from "./class-parts.js";
import type { DataFinding } from "../findings.js";
import type { CountedPart, LabelPart } from "./label-parts.js";
import { isNumberText, type LabelKind, missingMarks } from "./missing-labels.js";
import { listed } from "../words.js";

export interface LabelClasses {
  readonly classes: readonly string[];
  /** Class index of each sample of all parts, -1 where unknown; null when no part has labels. */
  readonly labels: Int32Array | null;
  readonly findings: readonly DataFinding[];
}

export interface LabelOptions {
  /** Class names of the recipe, in the order of the indices. */
  readonly classes?: readonly string[] | undefined;
  readonly kind: LabelKind;
  /** Whether all labels may be missing where the classes are listed. */
  readonly mayBeMissing?: boolean;
}

/**
 * Classes of all parts and each sample's index among them.
 * @throws InputError when there are no classes to learn, a label is none of the given names, or the parts disagree
 */
export function classLabels(parts: readonly LabelPart[], options: LabelOptions): LabelClasses {
  const { kind, mayBeMissing = false } = options;
  const names = options.classes?.map((name) => name.trim());
  if (names) refuseRepeated(names);
  if (parts.every((p) => !p.labels)) return { classes: names ?? [], labels: null, findings: [] };
  const findings: DataFinding[] = [];
  const trimmed = trimLabels(parts, findings);
  const marks = missingMarks(distinctOf(trimmed), kind, new Set(names));
  const counted = trimmed.map((part) => withoutMissing(part, marks));
  reportMissing(trimmed, counted, marks, findings);
  const found = distinctOf(counted);
  const { where } = firstLabelled(parts);
  if (found.length === 0 && !(names && mayBeMissing)) throw noLabels(parts, where, marks);
  if (!names) refuseFractions(counted, found, kind);
  const classes = names ?? sortedClasses(found);
  if (classes.length < 2)
    throw new InputError({
      code: "class-too-few",
      where,
      found: `it holds ${noun(classes.length, "class")}${classes.length === 1 ? ` ("${classes[0]}")` : ""}`,
      expected: "at least 2 classes",
      cure: "Check that the labels are the right ones, or set data.labels to ignore",
    });
  comparePartClasses(counted, names !== undefined, findings);
  const labels = indicesOf(counted, names ? indexOfLabels(counted, names, findings) : placesOf(classes));
  return { classes, labels, findings };
}

const placesOf = (classes: readonly string[]): ReadonlyMap<string, number> => new Map(classes.map((c, i) => [c, i]));

function refuseRepeated(names: readonly string[]): void {
  if (new Set(names).size === names.length) return;
  const repeated = names.find((name, i) => names.indexOf(name) !== i);
  throw new InputError({
    code: "class-duplicate",
    where: "data.classes",
    found: `the class "${repeated}" occurs twice`,
    expected: "every class once",
    cure: "Remove one of them",
  });
}

const noLabels = (parts: readonly LabelPart[], where: string, marks: ReadonlySet<string>): InputError =>
  new InputError({
    code: "labels-missing",
    where,
    found: `none of ${noun(
      parts.reduce((sum, p) => sum + p.count, 0),
      "sample",
    )} has a label (all are ${listed([...marks].map((m) => (m === "" ? "empty" : m)))})`,
    expected: "a label for at least some samples",
    cure: "Check that the labels are the right ones, or set data.labels to ignore",
  });

function distinctOf(parts: readonly CountedPart[]): string[] {
  const found = new Set<string>();
  for (const { counts } of parts) for (const text of counts.keys()) found.add(text);
  return [...found];
}

function trimLabels(parts: readonly LabelPart[], findings: DataFinding[]): CountedPart[] {
  const examples = new Set<string>();
  let changed = 0;
  const trimmed = parts.map((part): CountedPart => {
    const counts = new Map<string, number>();
    const texts = (part.labels ?? []).map((label) => {
      const text = label.trim();
      if (text !== label) {
        changed++;
        if (text !== "") examples.add(text);
      }
      counts.set(text, (counts.get(text) ?? 0) + 1);
      return text;
    });
    return { ...part, texts, counts };
  });
  if (changed > 0 && examples.size > 0)
    findings.push({
      code: "labels-trimmed",
      level: "note",
      where: firstLabelled(parts).where,
      text: `Spaces around ${noun(changed, "label")} were removed (${listed([...examples].map((e) => `"${e}"`))}).`,
      count: changed,
      examples: [...examples].slice(0, 5),
    });
  return trimmed;
}

function withoutMissing(part: CountedPart, marks: ReadonlySet<string>): CountedPart {
  const counts = new Map(part.counts);
  for (const mark of marks) counts.delete(mark);
  return { ...part, counts, texts: part.texts.map((text) => (marks.has(text) ? "" : text)) };
}

function reportMissing(
  all: readonly CountedPart[],
  counted: readonly CountedPart[],
  marks: ReadonlySet<string>,
  findings: DataFinding[],
): void {
  const without = counted.filter((p) => !p.labels);
  const kinds = [...marks]
    .map((mark) => ({ mark, count: all.reduce((sum, p) => sum + (p.counts.get(mark) ?? 0), 0) }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .map(({ mark, count }) => ({ count, text: `${mark === "" ? "empty" : mark}: ${count.toLocaleString("en-US")}` }));
  for (const { name, count } of without)
    kinds.push({ count, text: `${name} part without labels: ${count.toLocaleString("en-US")}` });
  const count = kinds.reduce((sum, k) => sum + k.count, 0);
  if (count === 0) return;
  const total = counted.reduce((sum, p) => sum + p.count, 0);
  const numbers = [...marks].filter((mark) => mark !== "" && Number.isFinite(Number(mark)));
  findings.push({
    code: "labels-missing",
    level: "note",
    where: firstLabelled(counted).where,
    text: `${count.toLocaleString("en-US")} of ${noun(total, "sample")} ${count === 1 ? "has" : "have"} no label (${listed(kinds.map((k) => k.text))}). Only a teacher can teach on them.`,
    ...(numbers.length > 0
      ? { cure: `List ${numbers.join(" and ")} with the other classes in data.classes if it is a class.` }
      : {}),
    count,
    examples: kinds.map((k) => k.text).slice(0, 5),
  });
}

/** So many different values may be classes whatever they look like. */
const FEW = 20;
/** Measured values are not classes. @throws InputError for fractions, unless they are few in a table */
function refuseFractions(parts: readonly CountedPart[], found: readonly string[], kind: LabelKind): void {
  const { where } = firstLabelled(parts);
  const labelled = parts.reduce((sum, p) => sum + p.texts.reduce((n, t) => n + (t === "" ? 0 : 1), 0), 0);
  const different = `${found.length.toLocaleString("en-US")} different ${found.length === 1 ? "label" : "labels"}`;
  const fraction = found.every(isNumberText) ? found.find((text) => !Number.isInteger(Number(text))) : undefined;
  const few = found.length <= FEW && (found.length * 2 <= labelled || found.length <= 2);
  if (fraction !== undefined && kind !== "names" && (kind === "numbers" || !few))
    throw new InputError({
      code: "label-type",
      where,
      found: `the labels look like a regression target: ${different} of ${noun(labelled, "sample")}, such as ${fraction}`,
      expected: "class names or class indices",
      cure: "Name the column or file that holds the classes, or put the values into classes first",
    });
}

const firstLabelled = <T extends LabelPart>(parts: readonly T[]): T => parts.find((p) => p.labels) as T;

function sortedClasses(found: readonly string[]): string[] {
  const numbers = found.every((t) => /^-?\d+$/.test(t));
  return numbers ? found.toSorted((a, b) => Number(a) - Number(b)) : found.toSorted();
}

function indicesOf(parts: readonly CountedPart[], indexOf: ReadonlyMap<string, number>): Int32Array {
  const labels = new Int32Array(parts.reduce((sum, p) => sum + p.count, 0)).fill(-1);
  let at = 0;
  for (const { texts, count } of parts) {
    texts.forEach((text, i) => {
      if (text !== "") labels[at + i] = indexOf.get(text) as number;
    });
    at += count;
  }
  return labels;
}
