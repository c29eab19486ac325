/** Whether a teacher knows the task: its answers for labelled samples against their labels. */
import type { DataSet } from "../data/types.js";
import { InputError } from "../../base/errors.js";
import { type ChanceCheck, checkChance, mostOf, oneAnswer } from "../evaluate/chance.js";
import { type ClassCounts, countClasses } from "../evaluate/class-counts.js";
import { predictions } from "../evaluate/metrics.js";

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
  const counts = labelledCounts(answers, data, indices, classes);
  if (!counts) return null;
  const sentence = `it is correct on ${percent(scoreOf(counts))} of ${counts.samples} labelled samples`;
  if (options.allowChance) return sentence;
  const better = clearlyBetterOrder(counts);
  if (better)
    throw new InputError({
      code: "class-order",
      where: path,
      found: `${sentence}, but on ${percent(better.score)} with its classes in a different order`,
      expected: "the data's classes in the order of the model's outputs",
      cure: `Set teacher.classes: ${JSON.stringify(namesIn(better.order, data, options.classes))}, or teacher.allow_chance: true to continue anyway`,
    });
  const check = checkChance(counts, FEWEST);
  if (check && !check.above) throw noBetterThanChance(path, counts, check, data.classes);
  return check ? `${sentence}${besideLargest(check, data.classes)}` : sentence;
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
  const counts = labelledCounts(answers, data, indices, classes);
  const better = counts && clearlyBetterOrder(counts);
  if (!better) return null;
  const names = JSON.stringify(namesIn(better.order, data, options.classes));
  return `it is correct on ${percent(scoreOf(counts))} of ${counts.samples} labelled samples, but on ${percent(better.score)} with its classes in a different order: ${names}`;
}

/** Answers against labels, of the samples that have one; null when that is too little, or the classes are not the data's. */
function labelledCounts(
  answers: Float32Array,
  data: DataSet,
  indices: Uint32Array,
  classes: number,
): ClassCounts | null {
  const kept = Array.from(indices, (sample, row) => ({ row, label: data.labels?.[sample] ?? -1 })).filter(
    (k) => k.label >= 0,
  );
  if (kept.length < FEWEST || classes !== data.classes.length) return null;
  const top = predictions(answers, classes);
  return countClasses(
    kept.map((k) => k.label),
    kept.map((k) => top[k.row] as number),
    classes,
  );
}

const scoreOf = ({ hits, samples }: ClassCounts): number => hits.reduce((a, v) => a + v, 0) / samples;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** The classes in the order of the model's outputs. @param given what was taken for it */
function namesIn(
  order: readonly number[],
  data: DataSet,
  given: readonly string[] = data.classes,
): (string | undefined)[] {
  const places = new Map(data.classes.map((name, c) => [name, c]));
  return given.map((name) => {
    const meant = order[places.get(name) ?? -1];
    return meant === undefined ? name : data.classes[meant];
  });
}

/** What accuracy does not say where one class is most of the samples; "" where it says enough. */
function besideLargest(
  { largest, largestShare, beatsLargest, balanced }: ChanceCheck,
  names: readonly string[],
): string {
  if (beatsLargest) return "";
  return `; always predicting "${names[largest]}" would be correct on ${percent(largestShare)}, but its balanced accuracy of ${percent(balanced)} shows that it tells the classes apart`;
}

function noBetterThanChance(
  path: string,
  counts: ClassCounts,
  { accuracy, largest, largestShare, balanced }: ChanceCheck,
  names: readonly string[],
): InputError {
  const alone = oneAnswer(counts);
  const said = alone ? ` and predicts "${names[alone.class]}" for ${percent(alone.share)} of them` : "";
  return new InputError({
    code: "chance-teacher",
    where: path,
    found: `it is correct on ${percent(accuracy)} of ${counts.samples} labelled samples${said}, which is not better than chance: always predicting the largest class, "${names[largest]}", is correct on ${percent(largestShare)}, and its balanced accuracy is ${percent(balanced)}`,
    expected: "a teacher that knows the classes",
    cure: "Check teacher.classes (order), teacher.normalise, teacher.layout and teacher.output, or set teacher.allow_chance: true to continue anyway",
  });
}

interface Order {
  /** Of each output the class that it mostly stands for. */
  readonly order: readonly number[];
  readonly score: number;
}

/** @returns null unless it explains the labels much better than the order taken */
export function clearlyBetterOrder(counts: ClassCounts): Order | null {
  const better = betterOrder(counts);
  return better && better.score > scoreOf(counts) + MARGIN ? better : null;
}

/** The class that each column's highest answers mostly belong to; null unless every class is there once. */
function betterOrder({ samples, labels, hits, errors }: ClassCounts): Order | null {
  const classes = labels.length;
  if (samples < classes - 1) return null;
  const byAnswer = Array.from({ length: classes }, (_, c) => new Map([[c, hits[c] as number]]));
  for (const [key, count] of errors) byAnswer[key % classes]?.set(Math.floor(key / classes), count);
  // A column that is never the highest stands for the first class, as one with as many samples of each does.
  const chosen = byAnswer.map((own) => {
    const found = [...own].filter(([, n]) => n > 0).sort(([a], [b]) => a - b);
    return found[mostOf(found.map(([, n]) => n))] ?? ([0, 0] as const);
  });
  const order = chosen.map(([label]) => label);
  if (new Set(order).size !== classes) return null;
  return { order, score: chosen.reduce((sum, [, n]) => sum + n, 0) / samples };
}
