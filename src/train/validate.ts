/** Scores a student on the validation samples and decides which of two scores is better. */

import { fillBatch } from "../data/read.js";
import { allocateSamples } from "../data/samples.js";
import type { DataSet } from "../data/types.js";
import { accuracy, agreement, negativeLogLikelihood, softKL } from "../evaluate/metrics.js";
import type { Executor } from "../runtime/types.js";
import { describeOverflow } from "./divergence.js";
import type { TrainingTask, ValidationScore } from "./types.js";

const CHUNK = 1024;

/** Logits [indices.length, classes] of the executor's current weights, in the order of `indices`. */
export async function predictAll(
  executor: Executor,
  data: DataSet,
  indices: Uint32Array,
  classes: number,
): Promise<Float32Array> {
  const size = data.sampleShape.reduce((p, d) => p * d, 1);
  const logits = new Float32Array(indices.length * classes);
  for (let from = 0; from < indices.length; from += CHUNK) {
    const part = indices.subarray(from, from + CHUNK);
    const samples = allocateSamples(data.samples, part.length * size);
    fillBatch(data, part, samples);
    logits.set(await executor.evaluate(samples, part.length), from * classes);
  }
  return logits;
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
  const logits = await predictAll(executor, task.data, indices, classes * peers);
  if (!logits.every(Number.isFinite)) throw describeOverflow(task, step, kept());
  const labels = task.data.labels && Int32Array.from(indices, (i) => (task.data.labels as Int32Array)[i] as number);
  const labelled = labels?.every((l) => l >= 0) ? labels : null;
  if (peers > 1) return meanOverPeers(logits, labelled, peers, classes);
  let teacher: Float32Array | null = null;
  if (task.teacher) {
    teacher = new Float32Array(logits.length);
    task.teacher.gather(indices, teacher);
  }
  const kind = task.teacher?.kind ?? "logits";
  return {
    accuracy: labelled && accuracy(logits, labelled, classes),
    nll: labelled && negativeLogLikelihood(logits, labelled, classes),
    agreement: teacher && agreement(logits, teacher, classes),
    softKL: teacher && softKL(teacher, logits, classes, { teacherKind: kind }),
  };
}

/** Students that learn together are one training: its score is their mean. @param logits [samples, peers * classes] */
function meanOverPeers(
  logits: Float32Array,
  labels: Int32Array | null,
  peers: number,
  classes: number,
): ValidationScore {
  const samples = logits.length / (peers * classes);
  const own = Array.from({ length: peers }, (_, p) =>
    Float32Array.from(
      { length: samples * classes },
      (_, k) => logits[Math.floor(k / classes) * peers * classes + p * classes + (k % classes)] as number,
    ),
  );
  const mean = (of: (z: Float32Array) => number): number => own.reduce((sum, z) => sum + of(z), 0) / peers;
  return {
    accuracy: labels && mean((z) => accuracy(z, labels, classes)),
    nll: labels && mean((z) => negativeLogLikelihood(z, labels, classes)),
    agreement: null,
    softKL: null,
  };
}

/** True when a is better than b: by accuracy, or by agreement without labels; ties by NLL, or soft KL. */
export function isBetter(a: ValidationScore, b: ValidationScore | undefined): boolean {
  if (!b) return true;
  const [main, tie] = a.accuracy !== null ? (["accuracy", "nll"] as const) : (["agreement", "softKL"] as const);
  const [x, y] = [a[main] ?? 0, b[main] ?? 0];
  if (x !== y) return x > y;
  return (a[tie] ?? 0) < (b[tie] ?? 0);
}

/** The score that selects, for people. */
export function mainScore(score: ValidationScore): { metric: "accuracy" | "agreement"; value: number } | null {
  if (score.accuracy !== null) return { metric: "accuracy", value: score.accuracy };
  return score.agreement !== null ? { metric: "agreement", value: score.agreement } : null;
}
