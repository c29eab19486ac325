/** Whether a teacher knows the task: its answers for labelled samples against their labels. */
import type { DataSet } from "../data/types.js";
import { InputError } from "../errors.js";
import { accuracy } from "../evaluate/metrics.js";
import { maxOf } from "../extremes.js";

/** Fewer labelled samples say nothing. */
const FEWEST = 50;
/** Another order of the classes must explain the labels better by this much (a fifth of the samples). */
const MARGIN = 0.2;

/**
 * Refuses a teacher that knows no more than chance (most often wrong normalisation or layout), and one that would be
 * right if its classes were read in another order.
 * @param answers rows of the teacher for these samples, columns in the data's order of classes
 * @returns a sentence about what it knows; null when too little is labelled
 * @throws InputError unless `allowChance`
 */
export function checkKnowledge(
  path: string,
  answers: Float32Array,
  data: DataSet,
  indices: Uint32Array,
  classes: number,
  options: { readonly classes?: readonly string[]; readonly allowChance: boolean },
): string | null {
  const known = labelledRows(answers, data, indices, classes);
  if (!known) return null;
  const { rows, labels } = known;
  const score = accuracy(rows, labels, classes);
  const sentence = `it is correct on ${percent(score)} of ${labels.length} labelled samples`;
  if (options.allowChance) return sentence;
  const better = clearlyBetterOrder(rows, labels, classes, score);
  if (better)
    throw new InputError({
      code: "class-order",
      where: path,
      found: `${sentence}, but on ${percent(better.score)} with its classes in a different order`,
      expected: "the data's classes in the order of the model's outputs",
      cure: `Set teacher.classes: ${JSON.stringify(namesIn(better.order, data, options.classes))}, or teacher.allow_chance: true to continue anyway`,
    });
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const chance = maxOf(counts.values()) / labels.length;
  const limit = chance + 3 * Math.sqrt((chance * (1 - chance)) / labels.length);
  if (score > limit) return sentence;
  throw new InputError({
    code: "chance-teacher",
    where: path,
    found: `it is correct on ${percent(score)} of ${labels.length} labelled samples, which is not better than always predicting the most common class (${percent(chance)})`,
    expected: "a teacher that knows the classes",
    cure: "Check teacher.classes (order), teacher.normalise, teacher.layout and teacher.output, or set teacher.allow_chance: true to continue anyway",
  });
}

/** A sentence for models that are only measured: whether they would be right with their classes in another order. */
export function orderNote(
  _path: string,
  answers: Float32Array,
  data: DataSet,
  indices: Uint32Array,
  classes: number,
  options: { readonly classes?: readonly string[] },
): string | null {
  const known = labelledRows(answers, data, indices, classes);
  if (!known) return null;
  const { rows, labels } = known;
  const score = accuracy(rows, labels, classes);
  const better = clearlyBetterOrder(rows, labels, classes, score);
  if (!better) return null;
  const names = JSON.stringify(namesIn(better.order, data, options.classes));
  return `it is correct on ${percent(score)} of ${labels.length} labelled samples, but on ${percent(better.score)} with its classes in a different order: ${names}`;
}

/** Answers and labels of the samples that have one; null when that is too little, or the classes are not the data's. */
function labelledRows(
  answers: Float32Array,
  data: DataSet,
  indices: Uint32Array,
  classes: number,
): { readonly rows: Float32Array; readonly labels: Int32Array } | null {
  const kept = Array.from(indices, (sample, row) => ({ row, label: data.labels?.[sample] ?? -1 })).filter(
    (k) => k.label >= 0,
  );
  if (kept.length < FEWEST || classes !== data.classes.length) return null;
  const rows = new Float32Array(kept.length * classes);
  kept.forEach(({ row }, i) => {
    rows.set(answers.subarray(row * classes, (row + 1) * classes), i * classes);
  });
  return { rows, labels: Int32Array.from(kept, (k) => k.label) };
}

/** The classes in the order of the model's outputs. @param given what was taken for it */
function namesIn(
  order: readonly number[],
  data: DataSet,
  given: readonly string[] = data.classes,
): (string | undefined)[] {
  return given.map((name) => {
    const meant = order[data.classes.indexOf(name)];
    return meant === undefined ? name : data.classes[meant];
  });
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** @returns null unless it explains the labels much better than the order taken, which is right in `score` */
export function clearlyBetterOrder(
  rows: Float32Array,
  labels: Int32Array,
  classes: number,
  score: number,
): { readonly order: readonly number[]; readonly score: number } | null {
  const better = betterOrder(rows, labels, classes);
  return better && better.score > score + MARGIN ? better : null;
}

/** The class that each column's highest answers mostly belong to; null unless every class is there once. */
function betterOrder(
  rows: Float32Array,
  labels: Int32Array,
  classes: number,
): { readonly order: readonly number[]; readonly score: number } | null {
  if (labels.length < classes - 1) return null;
  const counts = Array.from({ length: classes }, () => new Uint32Array(classes));
  labels.forEach((label, i) => {
    const row = rows.subarray(i * classes, (i + 1) * classes);
    const column = counts[row.indexOf(maxOf(row))];
    if (column) column[label] = (column[label] as number) + 1;
  });
  const order = counts.map((column) => column.indexOf(maxOf(column)));
  if (new Set(order).size !== classes) return null;
  const right = counts.reduce((sum, column, c) => sum + (column[order[c] as number] as number), 0);
  return { order, score: right / labels.length };
}
