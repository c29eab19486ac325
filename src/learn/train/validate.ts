/** Scores a student on the validation samples and decides which of two scores is better. */

import { readArrays } from "../data/arrays.js";
import { sumOfCosines } from "../evaluate/cosine.js";
import { addRows, newSums, predictions } from "../evaluate/metrics.js";
import type { ScoreMetric } from "../evaluate/score-metric.js";
import { comparesDirections } from "../../engine/objective/directions.js";
import type { Executor } from "../../engine/runtime/types.js";
import { describeOverflow } from "./divergence.js";
import type { TrainingTask, ValidationScore } from "./types.js";

/** Samples of a call at most; with many classes fewer, so that their outputs take little memory. */
const CHUNK = 1024;
/** What a call's samples are a multiple of: as many go through the graph at a time. */
const STEP = 256;
const VALUES = 2 ** 22;

/** Logits [part.length, width] of the executor's current weights, in the order of `indices`. */
async function* logitsInPieces(
  executor: Executor,
  { data, reads }: Pick<TrainingTask, "data" | "reads">,
  indices: Uint32Array,
  width: number,
): AsyncGenerator<{ readonly from: number; readonly part: Uint32Array; readonly logits: Float32Array }> {
  const rows = Math.min(CHUNK, Math.max(1, Math.floor(VALUES / width / STEP)) * STEP);
  for (let from = 0; from < indices.length; from += rows) {
    const part = indices.subarray(from, from + rows);
    yield { from, part, logits: await executor.evaluate(readArrays(data, part, reads), part.length) };
  }
}

/**
 * Validation score of the executor's current weights.
 * @param kept where the last checkpoint lies, for the message
 * @throws RunError when they have diverged
 */
export async function validate(
  executor: Executor,
  task: TrainingTask,
  classes: number,
  step: number,
  kept: () => string | null,
): Promise<ValidationScore> {
  const indices = task.validation;
  if (indices.length === 0) return { accuracy: null, nll: null, agreement: null, softKL: null };
  const peers = task.objective.peers ?? 1;
  const labels = task.data.labels && Int32Array.from(indices, (i) => (task.data.labels as Int32Array)[i] as number);
  const labelled = labels?.every((l) => l >= 0) ? labels : null;
  const teacher = peers > 1 ? null : (task.teacher ?? null);
  const directions = !labelled && teacher?.kind === "logits" && comparesDirections(task.objective);
  const sums = Array.from({ length: peers }, () => ({ hits: 0, agreed: 0, cosines: 0, rows: newSums() }));
  for await (const { from, part, logits } of logitsInPieces(executor, task, indices, classes * peers)) {
    if (!logits.every(Number.isFinite)) throw describeOverflow(task, step, kept());
    const own = labelled?.subarray(from, from + part.length);
    for (const [p, sum] of sums.entries()) {
      const z = peers > 1 ? ofPeer(logits, p, peers, classes) : logits;
      const top = predictions(z, classes);
      if (own) for (const [i, c] of top.entries()) sum.hits += Number(c === own[i]);
      const answers = teacher && new Float32Array(z.length);
      if (teacher && answers) {
        teacher.gather(part, answers);
        const theirs = predictions(answers, classes);
        for (const [i, c] of top.entries()) sum.agreed += Number(c === theirs[i]);
        if (directions) sum.cosines += sumOfCosines(z, answers, classes);
      }
      const taught = teacher && answers && { values: answers, kind: teacher.kind };
      if (own || taught) addRows(sum.rows, { values: z, kind: "logits" }, own ?? null, taught, classes);
    }
  }
  // Students that learn together are one training: its score is their mean.
  const mean = (of: (sum: (typeof sums)[number]) => number): number =>
    sums.reduce((a, sum) => a + of(sum) / indices.length, 0) / peers;
  return {
    accuracy: labelled && mean((s) => s.hits),
    nll: labelled && mean((s) => s.rows.logLoss),
    agreement: teacher && mean((s) => s.agreed),
    softKL: teacher && mean((s) => s.rows.softKL),
    ...(directions ? { cosine: mean((s) => s.cosines) } : {}),
  };
}

/** One student's columns of the logits [samples, peers * classes]. */
function ofPeer(logits: Float32Array, peer: number, peers: number, classes: number): Float32Array {
  const own = new Float32Array(logits.length / peers);
  for (let row = 0; row * classes < own.length; row++) {
    const from = (row * peers + peer) * classes;
    own.set(logits.subarray(from, from + classes), row * classes);
  }
  return own;
}

/** True when a is better than b: by accuracy; without labels by the cosine, or by agreement. Ties by NLL, or soft KL. */
export function isBetter(a: ValidationScore, b: ValidationScore | undefined): boolean {
  if (!b) return true;
  const main = mainScore(a)?.metric ?? "agreement";
  const tie = main === "accuracy" ? "nll" : "softKL";
  const [x, y] = [a[main] ?? 0, b[main] ?? 0];
  if (x !== y) return x > y;
  return (a[tie] ?? 0) < (b[tie] ?? 0);
}

/** The score that selects, for people. */
export function mainScore(score: ValidationScore): { metric: ScoreMetric; value: number } | null {
  if (score.accuracy !== null) return { metric: "accuracy", value: score.accuracy };
  if (score.cosine !== undefined) return { metric: "cosine", value: score.cosine };
  return score.agreement !== null ? { metric: "agreement", value: score.agreement } : null;
}
