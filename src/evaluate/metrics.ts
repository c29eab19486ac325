/** Metrics over logits (or probabilities) [samples, classes], in float64, from log space. */

/** Probabilities are floored here before their logarithm, in this one place. */
export const LOG_FLOOR = 1e-12;

export type OutputKind = "logits" | "probabilities";

/** Index of the largest value of row i; the lowest index on ties. */
export function argmaxRow(values: Float32Array, row: number, classes: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++)
    if ((values[row * classes + c] as number) > (values[row * classes + best] as number)) best = c;
  return best;
}

/** Log-probabilities of one row: log-softmax of logits / T, or log of probabilities (renormalised when T differs from 1). */
export function logProbabilities(
  values: Float32Array,
  row: number,
  classes: number,
  kind: OutputKind = "logits",
  temperature = 1,
): Float64Array {
  const z = Float64Array.from({ length: classes }, (_, c) => {
    const v = values[row * classes + c] as number;
    if (Number.isNaN(v)) throw new RangeError(`the model's output for sample ${row}, class ${c} is not a number`);
    return (kind === "logits" ? v : Math.log(Math.max(v, LOG_FLOOR))) / temperature;
  });
  const most = z.reduce((a, v) => Math.max(a, v), Number.NEGATIVE_INFINITY);
  const log = most + Math.log(z.reduce((s, v) => s + Math.exp(v - most), 0));
  return z.map((v) => v - log);
}

function rowsOf(values: Float32Array, classes: number): number {
  const rows = values.length / classes;
  if (!Number.isInteger(rows) || rows === 0)
    throw new RangeError(`${values.length} outputs are no rows of ${classes} classes`);
  return rows;
}

function mean(rows: number, of: (row: number) => number): number {
  let sum = 0;
  for (let i = 0; i < rows; i++) sum += of(i);
  return sum / rows;
}

/** Share of samples whose top class is the label. */
export function accuracy(values: Float32Array, labels: Int32Array, classes: number): number {
  return mean(rowsOf(values, classes), (i) => Number(argmaxRow(values, i, classes) === labels[i]));
}

/** Share of samples whose label is among the k best classes; ties count for the lower index. */
export function topK(values: Float32Array, labels: Int32Array, classes: number, k: number): number {
  return mean(rowsOf(values, classes), (i) => {
    const label = labels[i] as number;
    const own = values[i * classes + label] as number;
    let ahead = 0;
    for (let c = 0; c < classes; c++) {
      const v = values[i * classes + c] as number;
      if (v > own || (v === own && c < label)) ahead++;
    }
    return Number(ahead < k);
  });
}

/** Mean of -log p(label). */
export function negativeLogLikelihood(
  values: Float32Array,
  labels: Int32Array,
  classes: number,
  kind: OutputKind = "logits",
): number {
  return mean(
    rowsOf(values, classes),
    (i) => -(logProbabilities(values, i, classes, kind)[labels[i] as number] as number),
  );
}

/** Expected calibration error (Naeini et al., AAAI 2015; Guo et al., ICML 2017): equal-width bins of top-1 confidence, (lower, upper]. */
export function calibrationError(
  values: Float32Array,
  labels: Int32Array,
  classes: number,
  kind: OutputKind = "logits",
  bins = 15,
): number {
  const rows = rowsOf(values, classes);
  const gap = new Float64Array(bins);
  for (let i = 0; i < rows; i++) {
    const top = argmaxRow(values, i, classes);
    const confidence = Math.exp(logProbabilities(values, i, classes, kind)[top] as number);
    const bin = Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1));
    gap[bin] = (gap[bin] as number) + Number(top === labels[i]) - confidence;
  }
  return gap.reduce((s, g) => s + Math.abs(g), 0) / rows;
}

/** counts[label][predicted]. */
export function confusionMatrix(values: Float32Array, labels: Int32Array, classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  for (let i = 0; i < rowsOf(values, classes); i++) {
    const row = counts[labels[i] as number] as number[];
    const top = argmaxRow(values, i, classes);
    row[top] = (row[top] as number) + 1;
  }
  return counts;
}

export interface ClassScore {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  /** Samples of the class. */
  readonly support: number;
}

/** Precision, recall and F1 of each class; 0 where nothing was predicted or nothing is there. */
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

/** Share of samples with the same top-1 class as the teacher. */
export function agreement(student: Float32Array, teacher: Float32Array, classes: number): number {
  return mean(rowsOf(student, classes), (i) =>
    Number(argmaxRow(student, i, classes) === argmaxRow(teacher, i, classes)),
  );
}

export interface SoftKLOptions {
  readonly temperature?: number;
  readonly teacherKind?: OutputKind;
  readonly studentKind?: OutputKind;
}

/** Mean KL(teacher || student) at the temperature (1 unless given), in nats. */
export function softKL(
  teacher: Float32Array,
  student: Float32Array,
  classes: number,
  options: SoftKLOptions = {},
): number {
  const { temperature = 1, teacherKind = "logits", studentKind = "logits" } = options;
  return mean(rowsOf(student, classes), (i) => {
    const p = logProbabilities(teacher, i, classes, teacherKind, temperature);
    const q = logProbabilities(student, i, classes, studentKind, temperature);
    return p.reduce((s, lp, c) => s + Math.exp(lp) * (lp - (q[c] as number)), 0);
  });
}
