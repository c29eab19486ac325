/** Dividing samples into parts, by seed, keeping class proportions. */

import { InputError } from "../errors.js";
import { noun } from "../noun.js";
import { Random } from "../random/random.js";
import type { SplitConfig } from "./config.js";
import type { DataSet, Splits } from "./types.js";

/**
 * Splits a data set. Validation and test hold labelled samples only, unless there are no labels at all.
 * @param testFrom index of the first sample of the source's own test part; null when there is none
 */
export function splitData(data: DataSet, config: SplitConfig, testFrom: number | null): Splits {
  const wanted = config.test ?? (testFrom === null ? 0.2 : "source");
  if (wanted === "source" && testFrom === null)
    throw new InputError(
      "data.split.test",
      `"source", but ${data.name} has no test part of its own; give a fraction such as 0.2`,
    );
  let pool = range(0, testFrom ?? data.size);
  let test: Uint32Array;
  if (wanted === "source") {
    test = scored(data, range(testFrom as number, data.size));
    if (test.length === 0)
      throw new InputError(
        "data.split.test",
        `"source", but no sample of the test part of ${data.name} has a label to compare with; give a fraction such as 0.2`,
      );
  } else [test, pool] = take(data, pool, wanted, config, "test");
  const [validation, train] = take(data, pool, config.validation, config, "validation");
  if (train.length === 0)
    throw new InputError(
      "data.split",
      `nothing is left to train on (${noun(data.size, "sample")}, ${validation.length} for validation, ${test.length} for the test)`,
    );
  return { train, validation, test };
}

const range = (from: number, to: number): Uint32Array =>
  Uint32Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/** Where some samples have labels, only those can choose and judge; the others are for learning from a teacher. */
function scored(data: DataSet, pool: Uint32Array): Uint32Array {
  const { labels } = data;
  return labels?.some((l) => l >= 0) ? pool.filter((i) => (labels[i] as number) >= 0) : pool;
}

function take(
  data: DataSet,
  pool: Uint32Array,
  amount: number,
  config: SplitConfig,
  part: "test" | "validation",
): [Uint32Array, Uint32Array] {
  const candidates = scored(data, pool);
  const count = amount < 1 ? Math.round(amount * candidates.length) : amount;
  if (!Number.isInteger(count) || count > candidates.length)
    throw new InputError(
      `data.split.${part}`,
      `${amount} of ${candidates.length} ${candidates === pool ? "" : "labelled "}samples cannot be held out`,
    );
  const stratified = config.stratify && data.labels?.some((l) => l >= 0);
  const chosen = stratified
    ? stratifiedSubset(data.labels as Int32Array, candidates, count, config.seed, data.classes, part)
    : shuffled(candidates, config.seed, part).slice(0, count);
  const set = new Set(chosen);
  return [chosen.sort(), pool.filter((i) => !set.has(i))];
}

function shuffled(pool: Uint32Array, seed: number, stream: string): Uint32Array {
  return new Random(seed, `split/${stream}`).permutation(pool.length).map((i) => pool[i] as number);
}

/**
 * `count` of these samples with the class proportions of the whole, by largest remainder.
 * @throws InputError when a class would be left without any sample on either side
 */
export function stratifiedSubset(
  labels: Int32Array,
  indices: Uint32Array,
  count: number,
  seed: number,
  classes: readonly string[],
  stream = "subset",
): Uint32Array {
  const groups = new Map<number, number[]>();
  for (const i of shuffled(indices, seed, stream)) {
    const label = labels[i] as number;
    const group = groups.get(label) ?? [];
    group.push(i);
    groups.set(label, group);
  }
  const shares = [...groups]
    .sort(([a], [b]) => a - b)
    .map(([label, members]) => ({ label, members, exact: (count * members.length) / indices.length }));
  const counts = new Map(shares.map((s) => [s.label, Math.floor(s.exact)]));
  let missing = count - [...counts.values()].reduce((a, c) => a + c, 0);
  for (const s of [...shares].sort((a, b) => (b.exact % 1) - (a.exact % 1) || a.label - b.label)) {
    if (missing-- <= 0) break;
    counts.set(s.label, (counts.get(s.label) as number) + 1);
  }
  for (const s of shares) {
    if (count > 0 && s.label >= 0 && counts.get(s.label) === 0) {
      throw new InputError(
        "data.split",
        `the class "${classes[s.label]}" has ${s.members.length} ${s.members.length === 1 ? "sample" : "samples"}, too few for ${count} of ${indices.length} (${stream}); collect more, merge classes, or set data.split.stratify to false`,
      );
    }
  }
  return Uint32Array.from(shares.flatMap((s) => s.members.slice(0, counts.get(s.label)))).sort();
}

/** Two disjoint stratified halves. */
export function halves(
  labels: Int32Array | null,
  indices: Uint32Array,
  seed: number,
  classes: readonly string[],
): [Uint32Array, Uint32Array] {
  const count = Math.floor(indices.length / 2);
  const first = labels
    ? stratifiedSubset(labels, indices, count, seed, classes, "halves")
    : shuffled(indices, seed, "halves").slice(0, count).sort();
  const set = new Set(first);
  return [first, indices.filter((i) => !set.has(i))];
}
