/** Metrics over logits (or probabilities) [samples, classes]: log space, float64 sums. Runs in a browser as it is. */
import { RunError } from "../../base/errors.js";
import { PROBABILITY_FLOOR } from "../../engine/objective/support.js";

/** What a model's output holds. */
export type OutputKind = "logits" | "probabilities";

/** Bins of the expected calibration error. */
export const CALIBRATION_BINS = 15;

/**
 * Share of samples whose top class is the label.
 * @param values outputs [samples, classes], logits or probabilities
 * @param labels class index of each sample
 * @throws RunError when an output is not a number
 */
export function accuracy(values: Float32Array, labels: Int32Array, classes: number): number {
  return mean(correctness(values, labels, classes));
}

/** 1 where the top class is the label, else 0: [samples]. What a paired comparison takes (verdict.ts). */
export function correctness(values: Float32Array, labels: Int32Array, classes: number): Uint8Array {
  const top = predictions(values, classes);
  checkLabels(labels, top.length, classes);
  return Uint8Array.from(top, (c, i) => Number(c === labels[i]));
}

/** Top class of each sample, the lowest index on ties: [samples]. */
export function predictions(values: Float32Array, classes: number): Int32Array {
  checkNumbers(values, classes);
  const top = new Int32Array(rowsOf(values, classes));
  for (let row = 0; row < top.length; row++) top[row] = argmaxRow(values, row, classes);
  return top;
}

/** Index of the largest value of a row; the lowest index on ties. */
export function argmaxRow(values: ArrayLike<number>, row: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++)
    if ((values[row * classes + c] as number) > (values[row * classes + best] as number)) best = c;
  return best;
}

/** Share of samples whose label is among the k best classes; of equal outputs the lower index is the better. */
export function topK(values: Float32Array, labels: Int32Array, classes: number, k: number): number {
  return topKHits(values, labels, classes, k) / rowsOf(values, classes);
}

/** Samples whose label is among the k best classes. */
export function topKHits(values: Float32Array, labels: Int32Array, classes: number, k: number): number {
  checkNumbers(values, classes);
  const rows = rowsOf(values, classes);
  checkLabels(labels, rows, classes);
  let hits = 0;
  for (let row = 0; row < rows; row++) {
    const label = labels[row] as number;
    const own = values[row * classes + label] as number;
    let ahead = 0;
    for (let c = 0; c < classes; c++) {
      const v = values[row * classes + c] as number;
      if (v > own || (v === own && c < label)) ahead++;
    }
    hits += Number(ahead < k);
  }
  return hits;
}

/** Mean of -log p(label), in nats. */
export function negativeLogLikelihood(
  values: Float32Array,
  labels: Int32Array,
  classes: number,
  kind: OutputKind = "logits",
): number {
  const sums = newSums();
  addRows(sums, { values, kind }, labels, null, classes);
  return sums.logLoss / rowsOf(values, classes);
}

/**
 * Expected calibration error (Naeini et al., AAAI 2015; Guo et al., ICML 2017, eq. 5): 15 equal-width bins (low, high] of
 * the top class's probability; the mean distance between confidence and accuracy, weighted by the samples of a bin.
 */
export function calibrationError(
  values: Float32Array,
  labels: Int32Array,
  classes: number,
  kind: OutputKind = "logits",
  bins = CALIBRATION_BINS,
): number {
  const sums = newSums(bins);
  addRows(sums, { values, kind }, labels, null, classes);
  return totalGap(sums.gaps) / rowsOf(values, classes);
}

/** Sum of the bins' distances between accuracy and confidence. */
export function totalGap(gaps: Float64Array): number {
  return gaps.reduce((sum, g) => sum + Math.abs(g), 0);
}

/** counts[label][predicted]. */
export function confusionMatrix(values: Float32Array, labels: Int32Array, classes: number): number[][] {
  const top = predictions(values, classes);
  checkLabels(labels, top.length, classes);
  const counts = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  top.forEach((predicted, i) => {
    const row = counts[labels[i] as number] as number[];
    row[predicted] = (row[predicted] as number) + 1;
  });
  return counts;
}

export interface ClassScore {
  /** Of the samples taken for the class, the share that are of it; 0 when none was taken for it. */
  readonly precision: number;
  /** Of the samples of the class, the share taken for it; 0 when there is none. */
  readonly recall: number;
  /** Harmonic mean of precision and recall; 0 when both are 0. */
  readonly f1: number;
  /** Samples of the class. */
  readonly support: number;
}

/** Precision, recall and F1 of each class, from counts[label][predicted]. */
export function perClass(confusion: readonly (readonly number[])[]): ClassScore[] {
  return confusion.map((row, c) => {
    const hit = row[c] as number;
    const support = row.reduce((a, v) => a + v, 0);
    const predicted = confusion.reduce((a, r) => a + (r[c] as number), 0);
    const precision = predicted ? hit / predicted : 0;
    const recall = support ? hit / support : 0;
    return { precision, recall, f1: precision + recall ? (2 * precision * recall) / (precision + recall) : 0, support };
  });
}

/** Share of samples with the same top class as the teacher; each side takes the lowest index on ties. */
export function agreement(student: Float32Array, teacher: Float32Array, classes: number): number {
  checkPair(student, teacher);
  const theirs = predictions(teacher, classes);
  return mean(predictions(student, classes).map((c, i) => Number(c === theirs[i])));
}

export interface SoftKLOptions {
  /** Softens both sides alike; default 1. */
  readonly temperature?: number;
  /** Default "logits". */
  readonly teacherKind?: OutputKind;
  /** Default "logits". */
  readonly studentKind?: OutputKind;
}

/**
 * Mean over the samples of KL(teacher || student) at the temperature, in nats. Never times T^2: that belongs to a loss.
 * A class to which the teacher gives nothing (logit -Infinity) adds nothing.
 */
export function softKL(
  teacher: Float32Array,
  student: Float32Array,
  classes: number,
  options: SoftKLOptions = {},
): number {
  const { temperature = 1, teacherKind = "logits", studentKind = "logits" } = options;
  const sums = newSums();
  const sides = [
    { values: student, kind: studentKind },
    { values: teacher, kind: teacherKind },
  ] as const;
  addRows(sums, sides[0], null, sides[1], classes, temperature);
  return sums.softKL / rowsOf(student, classes);
}

/** Sums over samples: pieces added one after the other give the bits of the whole. */
export interface RowSums {
  /** Of -log p(label). */
  logLoss: number;
  /** Of KL(teacher || this). */
  softKL: number;
  /** For each bin of confidence, its samples' accuracy minus their confidence; none where it is not asked for. */
  readonly gaps: Float64Array;
}

export const newSums = (bins = 0): RowSums => ({ logLoss: 0, softKL: 0, gaps: new Float64Array(bins) });

/**
 * Adds every row of outputs [rows, classes]: against labels, against a teacher, or both with one pass over the classes.
 * @param temperature of both sides; 1 where there are labels
 */
export function addRows(
  sums: RowSums,
  own: { readonly values: Float32Array; readonly kind: OutputKind },
  labels: Int32Array | null,
  teacher: { readonly values: Float32Array; readonly kind: OutputKind } | null,
  classes: number,
  temperature = 1,
): void {
  const rows = rowsOf(own.values, classes);
  if (labels) checkLabels(labels, rows, classes);
  if (teacher) checkPair(own.values, teacher.values);
  const p = new Float64Array(classes);
  const q = new Float64Array(classes);
  for (let row = 0; row < rows; row++) {
    if (teacher) logProbabilities(teacher.values, row, classes, teacher.kind, temperature, p);
    logProbabilities(own.values, row, classes, own.kind, temperature, q);
    if (labels) addLabel(sums, q, argmaxRow(own.values, row, classes), labels[row] as number);
    if (!teacher) continue;
    for (let c = 0; c < classes; c++) {
      const lp = p[c] as number;
      if (lp > Number.NEGATIVE_INFINITY) sums.softKL += Math.exp(lp) * (lp - (q[c] as number));
    }
  }
}

function addLabel(sums: RowSums, log: Float64Array, top: number, label: number): void {
  sums.logLoss -= log[label] as number;
  const { gaps } = sums;
  if (gaps.length === 0) return;
  const confidence = Math.exp(log[top] as number);
  const bin = Math.min(gaps.length - 1, Math.max(0, Math.ceil(confidence * gaps.length) - 1));
  gaps[bin] = (gaps[bin] as number) + Number(top === label) - confidence;
}

/**
 * log p^T of one row [classes]. Logits: log-softmax of z / T. Probabilities: log-softmax of (log p) / T, which is p^(1/T)
 * renormalised; below PROBABILITY_FLOOR (2^-126, the one floor of the project) log p is the floor's.
 * @param out where to put it; a new array by default
 * @throws RunError when an output is NaN or +Infinity
 */
export function logProbabilities(
  values: ArrayLike<number>,
  row: number,
  classes: number,
  kind: OutputKind = "logits",
  temperature = 1,
  out: Float64Array = new Float64Array(classes),
): Float64Array {
  let most = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < classes; c++) {
    const v = values[row * classes + c] as number;
    if (!(v < Number.POSITIVE_INFINITY)) throw notANumber(v, row, c);
    const z = (kind === "logits" ? v : Math.log(Math.max(v, PROBABILITY_FLOOR))) / temperature;
    out[c] = z;
    if (z > most) most = z;
  }
  if (most === Number.NEGATIVE_INFINITY) throw notANumber(most, row, 0);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp((out[c] as number) - most);
  const log = most + Math.log(sum);
  for (let c = 0; c < classes; c++) out[c] = (out[c] as number) - log;
  return out;
}

function notANumber(value: number, row: number, column: number): RunError {
  return new RunError({
    code: "not-finite",
    where: "",
    found: `the model's output for sample ${row}, class ${column} is ${value}`,
    expected: "a finite number",
    cure: "The training has diverged or the model overflows: lower the learning rate, or check the scale of the model's input",
  });
}

function checkNumbers(values: Float32Array, classes: number): void {
  for (let i = 0; i < values.length; i++)
    if (Number.isNaN(values[i])) throw notANumber(Number.NaN, Math.floor(i / classes), i % classes);
}

function rowsOf(values: Float32Array, classes: number): number {
  const rows = values.length / classes;
  if (!Number.isInteger(rows) || rows === 0)
    throw new RangeError(`${values.length} outputs are not rows of ${classes} classes`);
  return rows;
}

function checkLabels(labels: Int32Array, rows: number, classes: number): void {
  if (labels.length !== rows) throw new RangeError(`${labels.length} labels for ${rows} rows of outputs`);
  for (const label of labels)
    if (label < 0 || label >= classes) throw new RangeError(`label ${label} is not one of 0 to ${classes - 1}`);
}

function checkPair(student: Float32Array, teacher: Float32Array): void {
  if (student.length !== teacher.length)
    throw new RangeError(`the student has ${student.length} outputs, the teacher ${teacher.length}`);
}

function mean(values: Uint8Array | Int32Array): number {
  let sum = 0;
  for (const v of values) sum += v;
  return sum / values.length;
}
