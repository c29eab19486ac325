/** What the teacher knows besides the right class: mean softened distributions, and samples it hesitates on. */
import { MOST_IN_MATRIX } from "./class-counts.js";
import { type DarkKnowledgeInputs, darkSamples, significant } from "./dark-samples.js";
import { argmaxRow, logProbabilities } from "./metrics.js";
import type { DarkKnowledge, LikelyClass } from "./summary.js";
import { topIndices } from "./top-indices.js";

/** Values of a piece of outputs, about. */
const PIECE = 2 ** 22;
/** Pairs of classes that are kept of many; and for one class, others that the teacher gives most. */
const MOST_PAIRS = 200;
const PER_CLASS = 5;

/** The summary's dark-knowledge part. Deterministic: the same outputs choose the same samples. */
export async function darkKnowledge(inputs: DarkKnowledgeInputs): Promise<DarkKnowledge> {
  const { classes, teacher, temperature, labels, test } = inputs;
  const rowOf = new Int32Array(test.length);
  const entropy = new Float64Array(test.length);
  const log = new Float64Array(classes);
  for (const places of inPieces(
    Uint32Array.from(test, (_, i) => i),
    classes,
  )) {
    const values = await teacher.rows(places);
    for (const [k, place] of places.entries()) {
      rowOf[place] = labels ? (labels[place] as number) : argmaxRow(values, k, classes);
      logProbabilities(values, k, classes, teacher.kind, 1, log);
      entropy[place] = log.reduce((h, lp) => (lp > Number.NEGATIVE_INFINITY ? h - Math.exp(lp) * lp : h), 0);
    }
  }
  return {
    temperature,
    ...(await meanAnswers(inputs, rowOf)),
    samples: await darkSamples(inputs, chooseSamples(inputs, entropy, rowOf)),
  };
}

function* inPieces(places: Uint32Array, classes: number): Generator<Uint32Array> {
  const rows = Math.max(1, Math.floor(PIECE / classes));
  for (let from = 0; from < places.length; from += rows) yield places.subarray(from, from + rows);
}

/** Class by class, so that one distribution at a time is in the making, however many classes there are. */
async function meanAnswers(
  { classes, teacher, temperature }: DarkKnowledgeInputs,
  rowOf: Int32Array,
): Promise<Pick<DarkKnowledge, "matrix" | "likeliest">> {
  const dense = classes <= MOST_IN_MATRIX;
  const matrix: (number[] | null)[] = dense ? Array(classes).fill(null) : [];
  const likeliest: LikelyClass[] = [];
  const log = new Float64Array(classes);
  const sum = new Float64Array(classes);
  let [current, count] = [-1, 0];
  const close = (): void => {
    if (count === 0) return;
    const mean = sum.map((v) => v / count);
    if (dense) matrix[current] = Array.from(mean, significant);
    else for (const other of topIndices(mean, PER_CLASS, current)) likeliest.push(pair(current, other, mean));
    sum.fill(0);
    count = 0;
  };
  const order = Uint32Array.from(rowOf, (_, i) => i).sort(
    (a, b) => (rowOf[a] as number) - (rowOf[b] as number) || a - b,
  );
  for (const places of inPieces(order, classes)) {
    const values = await teacher.rows(places);
    for (const [k, place] of places.entries()) {
      const row = rowOf[place] as number;
      if (row !== current) close();
      current = row;
      logProbabilities(values, k, classes, teacher.kind, temperature, log);
      for (let c = 0; c < classes; c++) sum[c] = (sum[c] as number) + Math.exp(log[c] as number);
      count++;
    }
  }
  close();
  if (dense) return { matrix };
  const most = likeliest.sort((a, b) => b.share - a.share || a.class - b.class || a.other - b.other);
  return { matrix, likeliest: most.slice(0, MOST_PAIRS) };
}

const pair = (row: number, other: number, mean: Float64Array): LikelyClass => ({
  class: row,
  other,
  share: significant(mean[other] as number),
});

/** Half of the samples are those with the highest entropy of the teacher, one a class first; the rest go round the classes. */
function chooseSamples(
  { classes, test, samples = 12 }: DarkKnowledgeInputs,
  entropy: Float64Array,
  rowOf: Int32Array,
): number[] {
  const wanted = Math.min(samples, test.length);
  const order = Array.from(test, (_, i) => i).sort((a, b) => (entropy[b] as number) - (entropy[a] as number) || a - b);
  const chosen = new Set<number>();
  const seen = new Set<number>();
  for (const i of order) {
    if (chosen.size >= Math.ceil(wanted / 2)) break;
    const row = rowOf[i] as number;
    if (seen.has(row) && seen.size < Math.min(classes, wanted / 2)) continue;
    seen.add(row);
    chosen.add(i);
  }
  // Ordinary samples: the median entropy of each class in turn, classes without a hesitant sample first.
  const byClass = Array.from({ length: classes }, (): number[] => []);
  for (const i of order) if (!chosen.has(i)) (byClass[rowOf[i] as number] as number[]).push(i);
  const turns = byClass.map((_, c) => c).sort((a, b) => Number(seen.has(a)) - Number(seen.has(b)) || a - b);
  for (let round = 0; chosen.size < wanted && round < test.length; round++)
    for (const c of turns) {
      const of = byClass[c] as number[];
      const at = (Math.floor(of.length / 2) + round) % Math.max(1, of.length);
      if (chosen.size < wanted && round < of.length) chosen.add(of[at] as number);
    }
  return [...chosen];
}
