/** Dividing samples into parts, by seed, keeping class proportions. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import type { SplitSettings } from "./common-fields.js";
import type { DataFinding } from "./findings.js";
import { drawStratified, shuffled } from "./stratify.js";
import type { DataSet, Splits } from "./types.js";
import { listed } from "./words.js";

/** Where the source's own parts lie behind its training part: the first sample of each, and the one behind the last. */
export interface OwnParts {
  readonly validation?: readonly [from: number, to: number] | null;
  readonly test?: readonly [from: number, to: number] | null;
}

type Part = "test" | "validation";
type Report = (finding: DataFinding) => void;

const DEFAULTS: Readonly<Record<Part, number>> = { test: 0.2, validation: 0.15 };
/** Classes that a message names. */
const NAMED = 5;

/**
 * Splits a data set. Validation and test hold labelled samples only, unless there are no labels at all. The training part
 * keeps at least one sample of every class.
 * @param own parts of the source; null when it has none
 * @param report takes what is worth knowing about the split
 */
export function splitData(
  data: DataSet,
  config: SplitSettings,
  own: OwnParts | null,
  report: Report = () => {},
): Splits {
  const trainEnd = Math.min(own?.validation?.[0] ?? data.size, own?.test?.[0] ?? data.size);
  let pool = range(0, trainEnd);
  const hold = (part: Part): Uint32Array => {
    const there = own?.[part] ?? null;
    const wanted = config[part] ?? (there ? "source" : DEFAULTS[part]);
    if (wanted === "source") return ownPart(data, part, there);
    if (there) report(unused(part, there, wanted));
    const [chosen, rest] = take(data, pool, wanted, config, part, report);
    pool = rest;
    return chosen;
  };
  const test = hold("test");
  const validation = hold("validation");
  checkTraining(data, range(0, trainEnd), pool, config);
  return { train: pool, validation, test };
}

const range = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Where some samples have labels, only those can choose and judge; the others are for learning from a teacher. */
function scored(data: DataSet, pool: Uint32Array): Uint32Array {
  const { labels } = data;
  return labels?.some((l) => l >= 0) ? pool.filter((i) => (labels[i] as number) >= 0) : pool;
}

function ownPart(data: DataSet, part: Part, there: readonly [number, number] | null): Uint32Array {
  const where = `data.split.${part}`;
  const cure = "Give a fraction such as 0.2";
  if (!there)
    throw new InputError({
      code: "option-invalid",
      where,
      found: `"source", but ${data.name} has no ${part} part of its own`,
      expected: "a fraction or a number of samples",
      cure,
    });
  const chosen = scored(data, range(...there));
  if (chosen.length === 0)
    throw new InputError({
      code: "labels-missing",
      where,
      found: `"source", but no sample of the ${part} part of ${data.name} has a label`,
      expected: "labels to compare answers with",
      cure: `Add its labels, or ${cure.toLowerCase()}`,
    });
  return chosen;
}

const unused = (part: Part, [from, to]: readonly [number, number], wanted: number): DataFinding => ({
  code: "part-unused",
  level: "warning",
  where: `data.split.${part}`,
  text: `The source's own ${part} part (${noun(to - from, "sample")}) is not used, because data.split.${part} is ${wanted}.`,
  cure: `Set data.split.${part} to source.`,
  count: to - from,
});

function take(
  data: DataSet,
  pool: Uint32Array,
  amount: number,
  config: SplitSettings,
  part: Part,
  report: Report,
): [Uint32Array, Uint32Array] {
  const candidates = scored(data, pool);
  const count = heldOut(amount, candidates.length, part, candidates === pool ? "sample" : "labelled sample");
  const { labels } = data;
  let chosen: Uint32Array;
  if (config.stratify && labels?.some((l) => l >= 0)) {
    const draw = drawStratified(labels, candidates, count, config.seed, part, true);
    chosen = draw.chosen;
    if (chosen.length < count && chosen.length === 0)
      throw new InputError({
        code: "budget-invalid",
        where: `data.split.${part}`,
        found: `no class has a second sample that could be held out (${noun(candidates.length, "sample")})`,
        expected: "at least one class with two samples",
        cure: `Check the labels, or set data.split.${part} to 0`,
      });
    if (draw.rare.length > 0) report(tooRare(draw.rare, data.classes, part, [chosen.length, count]));
  } else chosen = shuffled(candidates, config.seed, part).slice(0, count).sort();
  const set = new Set(chosen);
  return [chosen, pool.filter((i) => !set.has(i))];
}

/** How many samples are held out. @throws InputError when there are fewer, or a fraction is less than one sample */
function heldOut(amount: number, there: number, part: Part, kind: string): number {
  const where = `data.split.${part}`;
  const count = amount < 1 ? Math.round(amount * there) : amount;
  if (!Number.isInteger(count))
    throw new InputError({
      code: "option-invalid",
      where,
      found: `${amount} is neither a fraction nor a whole number`,
      expected: "a fraction below 1 or a number of samples",
      cure: `Write ${Math.round(amount)} for so many samples`,
    });
  if (count > there)
    throw new InputError({
      code: "budget-invalid",
      where,
      found: `${noun(count, kind)} cannot be held out of ${there.toLocaleString("en-US")}`,
      expected: "fewer samples than there are",
      cure: "Give a fraction such as 0.2",
    });
  if (amount > 0 && count === 0)
    throw new InputError({
      code: "budget-invalid",
      where,
      found: `${amount} of ${noun(there, kind)} is less than one`,
      expected: "at least one sample",
      cure: `Collect more samples, or set ${where} to 0`,
    });
  return count;
}

/** @param drawn samples that were drawn, and that were asked for */
function tooRare(
  rare: readonly number[],
  classes: readonly string[],
  part: Part,
  [drawn, asked]: readonly [number, number],
): DataFinding {
  const one = rare.length === 1;
  const fewer =
    drawn < asked
      ? ` The part has ${drawn.toLocaleString("en-US")} samples instead of ${asked.toLocaleString("en-US")}.`
      : "";
  return {
    code: "classes-too-rare",
    level: "note",
    where: `data.split.${part}`,
    text: `${noun(rare.length, "class")} ${one ? "has" : "have"} too few samples for the ${part} part and ${one ? "stays" : "stay"} in training (${namesOf(rare, classes)}).${fewer}`,
    count: rare.length,
    examples: rare.slice(0, NAMED).map((l) => classes[l] as string),
  };
}

const namesOf = (labels: readonly number[], classes: readonly string[]): string =>
  listed(
    labels.map((l) => `"${classes[l]}"`),
    NAMED,
  );

/** @throws InputError when nothing is left to train on, or a class has lost all its samples to other parts */
function checkTraining(data: DataSet, before: Uint32Array, train: Uint32Array, config: SplitSettings): void {
  if (train.length === 0)
    throw new InputError({
      code: "budget-invalid",
      where: "data.split",
      found: `nothing is left to train on: all of ${noun(before.length, "sample")} ${before.length === 1 ? "is" : "are"} held out`,
      expected: "samples for training",
      cure: "Lower data.split.test or data.split.validation",
    });
  const { labels, classes } = data;
  if (!labels) return;
  const left = new Set(train.map((i) => labels[i] as number));
  left.delete(-1);
  if (left.size === 0) return;
  const lost = [...new Set(before.map((i) => labels[i] as number))].filter((l) => l >= 0 && !left.has(l));
  if (lost.length > 0)
    throw new InputError({
      code: "class-unseen",
      where: "data.split",
      found: `${noun(lost.length, "class")} would have no sample left for training (${namesOf(lost, classes)})`,
      expected: "at least one training sample of every class",
      cure: config.stratify
        ? "Hold out fewer samples"
        : "Set data.split.stratify to true, or use another data.split.seed",
    });
}

/**
 * `count` of these samples with the class proportions of the whole, by largest remainder.
 * @param where the recipe field that asks for it, for messages
 * @throws InputError when a class would be left without any sample
 */
export function stratifiedSubset(
  labels: Int32Array,
  indices: Uint32Array,
  count: number,
  seed: number,
  classes: readonly string[],
  stream = "subset",
  where = "data.split",
): Uint32Array {
  const { chosen, rare } = drawStratified(labels, indices, count, seed, stream, false);
  if (rare.length > 0)
    throw new InputError({
      code: "budget-invalid",
      where,
      found: `${noun(count, "sample")} of ${indices.length.toLocaleString("en-US")} would hold none of ${noun(rare.length, "class")} (${namesOf(rare, classes)})`,
      expected: "at least one sample of every class",
      cure: "Take more samples, merge classes or collect more of them",
    });
  return chosen;
}

/** Two disjoint stratified halves. @param where the recipe field that asks for them, for messages */
export function halves(
  labels: Int32Array | null,
  indices: Uint32Array,
  seed: number,
  classes: readonly string[],
  where = "data.split",
): [Uint32Array, Uint32Array] {
  const count = Math.floor(indices.length / 2);
  const first = labels
    ? stratifiedSubset(labels, indices, count, seed, classes, "halves", where)
    : shuffled(indices, seed, "halves").slice(0, count).sort();
  const set = new Set(first);
  return [first, indices.filter((i) => !set.has(i))];
}
