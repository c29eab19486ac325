/** What the teacher knows besides the right class: mean softened distributions, and samples it hesitates on. */
import { sampleAt } from "../data/read.js";
import type { DataSet } from "../data/types.js";
import { argmaxRow, logProbabilities, type OutputKind } from "./metrics.js";
import type { DarkKnowledge, DarkSample } from "./summary.js";

export interface DarkKnowledgeInputs {
  readonly data: DataSet;
  /** Test samples, as indices into `data`. */
  readonly test: Uint32Array;
  /** Class index of each test sample; null without labels. */
  readonly labels: Int32Array | null;
  readonly classes: number;
  /** Outputs [test.length, classes]. */
  readonly teacher: { readonly kind: OutputKind; readonly values: Float32Array };
  /** Logits [test.length, classes] of the first seed. */
  readonly student: Float32Array;
  /** Of the distillation loss; 1 where it has none. */
  readonly temperature: number;
  /** Samples to show; default 12. */
  readonly samples?: number;
}

/** The summary's dark-knowledge part. Deterministic: the same outputs choose the same samples. */
export function darkKnowledge(inputs: DarkKnowledgeInputs): DarkKnowledge {
  const { classes, teacher, student, temperature, labels, test } = inputs;
  const rowOf = (i: number): number => (labels ? (labels[i] as number) : argmaxRow(teacher.values, i, classes));
  const chosen = chooseSamples(inputs, rowOf);
  const range = rangeOf(
    inputs.data,
    chosen.map((i) => test[i] as number),
  );
  return {
    temperature,
    matrix: meanDistributions(inputs, rowOf),
    samples: chosen.map((i): DarkSample => {
      const index = test[i] as number;
      return {
        index,
        label: labels ? (inputs.data.classes[labels[i] as number] ?? String(labels[i])) : null,
        ...contentOf(inputs.data, index, range),
        teacherLogits: rowLogits(teacher.values, i, classes, teacher.kind),
        studentLogits: rowLogits(student, i, classes, "logits"),
      };
    }),
  };
}

function meanDistributions(
  { classes, teacher, temperature, test }: DarkKnowledgeInputs,
  rowOf: (i: number) => number,
): (number[] | null)[] {
  const sums = Array.from({ length: classes }, () => new Float64Array(classes));
  const counts = new Float64Array(classes);
  const log = new Float64Array(classes);
  for (let i = 0; i < test.length; i++) {
    const row = rowOf(i);
    logProbabilities(teacher.values, i, classes, teacher.kind, temperature, log);
    const into = sums[row] as Float64Array;
    for (let c = 0; c < classes; c++) into[c] = (into[c] as number) + Math.exp(log[c] as number);
    counts[row] = (counts[row] as number) + 1;
  }
  return sums.map((s, c) => (counts[c] ? Array.from(s, (v) => significant(v / (counts[c] as number))) : null));
}

/** Half of the samples are those with the highest entropy of the teacher, one a class first; the rest go round the classes. */
function chooseSamples(inputs: DarkKnowledgeInputs, rowOf: (i: number) => number): number[] {
  const { classes, teacher, test, samples = 12 } = inputs;
  const wanted = Math.min(samples, test.length);
  const log = new Float64Array(classes);
  const entropy = Float64Array.from(test, (_, i) => {
    logProbabilities(teacher.values, i, classes, teacher.kind, 1, log);
    return log.reduce((h, lp) => (lp > Number.NEGATIVE_INFINITY ? h - Math.exp(lp) * lp : h), 0);
  });
  const order = Array.from(test, (_, i) => i).sort((a, b) => (entropy[b] as number) - (entropy[a] as number) || a - b);
  const chosen = new Set<number>();
  const seen = new Set<number>();
  for (const i of order) {
    if (chosen.size >= Math.ceil(wanted / 2)) break;
    if (seen.has(rowOf(i)) && seen.size < Math.min(classes, wanted / 2)) continue;
    seen.add(rowOf(i));
    chosen.add(i);
  }
  // Ordinary samples: the median entropy of each class in turn, classes without a hesitant sample first.
  const byClass = Array.from({ length: classes }, (_, c) => order.filter((i) => rowOf(i) === c && !chosen.has(i)));
  const turns = byClass.map((_, c) => c).sort((a, b) => Number(seen.has(a)) - Number(seen.has(b)) || a - b);
  for (let round = 0; chosen.size < wanted && round < test.length; round++)
    for (const c of turns) {
      const of = byClass[c] as number[];
      const at = (Math.floor(of.length / 2) + round) % Math.max(1, of.length);
      if (chosen.size < wanted && round < of.length) chosen.add(of[at] as number);
    }
  return [...chosen];
}

function rowLogits(values: Float32Array, row: number, classes: number, kind: OutputKind): number[] {
  if (kind === "logits") return Array.from(values.subarray(row * classes, (row + 1) * classes), significant);
  return Array.from(logProbabilities(values, row, classes, kind), significant);
}

/** Five digits are enough to draw. */
function significant(v: number): number {
  return Number(v.toPrecision(5));
}

/** Least and largest raw value of these samples: what black and white stand for. */
function rangeOf(data: DataSet, indices: readonly number[]): readonly [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const index of indices)
    for (const v of sampleAt(data, index)) {
      low = Math.min(low, v);
      high = Math.max(high, v);
    }
  return [low, high];
}

const LARGEST_SIDE = 64;

function contentOf(
  data: DataSet,
  index: number,
  [low, high]: readonly [number, number],
): Pick<DarkSample, "shape" | "values" | "features"> {
  const raw = sampleAt(data, index);
  const [channels = 0, height = 0, width = 0] = data.sampleShape;
  if (data.sampleShape.length !== 3 || (channels !== 1 && channels !== 3)) {
    const names = data.features ?? Array.from(raw, (_, i) => `feature ${i + 1}`);
    return {
      shape: data.sampleShape,
      values: raw instanceof Int32Array ? [...raw] : Array.from(raw, significant),
      features: [...names],
    };
  }
  // Every n-th pixel of what is larger than the report can show.
  const every = Math.ceil(Math.max(height, width) / LARGEST_SIDE);
  const [rows, columns] = [Math.ceil(height / every), Math.ceil(width / every)];
  const values: number[] = [];
  for (let c = 0; c < channels; c++)
    for (let y = 0; y < rows; y++)
      for (let x = 0; x < columns; x++) {
        const v = raw[(c * height + y * every) * width + x * every] as number;
        values.push(high > low ? Number(((v - low) / (high - low)).toFixed(3)) : 0);
      }
  return { shape: [channels, rows, columns], values };
}
