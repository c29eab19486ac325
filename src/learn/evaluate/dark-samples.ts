/** The samples of the dark-knowledge view: their content, and what teacher and student answer. */
import { sampleAt } from "../data/read.js";
import type { DataSet } from "../data/types.js";
import { MOST_IN_MATRIX } from "./class-counts.js";
import { logProbabilities, type OutputKind } from "./metrics.js";
import type { DarkSample, LogitTail } from "./summary.js";
import { topIndices } from "./top-indices.js";

/** Outputs [places.length, classes] for test samples, by their places among these. */
export type RowsAt = (places: Uint32Array) => Float32Array | Promise<Float32Array>;

export interface DarkKnowledgeInputs {
  readonly data: DataSet;
  /** Test samples, as indices into `data`. */
  readonly test: Uint32Array;
  /** Class index of each test sample; null without labels. */
  readonly labels: Int32Array | null;
  readonly classes: number;
  readonly teacher: { readonly kind: OutputKind; readonly rows: RowsAt };
  /** Logits of the first seed. */
  readonly student: RowsAt;
  /** Of the distillation loss; 1 where it has none. */
  readonly temperature: number;
  /** Samples to show; default 12. */
  readonly samples?: number;
}

/** Logits of a sample that are kept one by one, of more classes than `MOST_IN_MATRIX`. */
const KEPT = 10;
/** Ranges into which the other logits are put. */
const BINS = 48;

/** @param chosen places among the test samples */
export async function darkSamples(inputs: DarkKnowledgeInputs, chosen: readonly number[]): Promise<DarkSample[]> {
  const { data, test, labels, classes, teacher, student } = inputs;
  if (chosen.length === 0) return [];
  const places = Uint32Array.from(chosen);
  const [taught, learnt] = [await teacher.rows(places), await student(places)];
  const range = rangeOf(
    data,
    chosen.map((i) => test[i] as number),
  );
  return chosen.map((place, i): DarkSample => {
    const index = test[place] as number;
    const label = labels ? (labels[place] as number) : null;
    return {
      index,
      label: label === null ? null : (data.classes[label] ?? String(label)),
      ...contentOf(data, index, range),
      ...logitsOf(rowLogits(taught, i, classes, teacher.kind), rowLogits(learnt, i, classes, "logits"), label),
    };
  });
}

/** All logits, or of many classes those of the teacher's best, of the label and of the student's best. */
function logitsOf(
  teacher: readonly number[],
  student: readonly number[],
  label: number | null,
): Pick<DarkSample, "classes" | "teacherLogits" | "studentLogits" | "rest"> {
  if (teacher.length <= MOST_IN_MATRIX) return { teacherLogits: teacher, studentLogits: student };
  const kept = new Set(topIndices(teacher, KEPT));
  if (label !== null) kept.add(label);
  for (const c of topIndices(student, 1)) kept.add(c);
  const classes = [...kept];
  const of = (logits: readonly number[]): number[] => classes.map((c) => logits[c] as number);
  const rest = (logits: readonly number[]): LogitTail => tailOf(logits.filter((_, c) => !kept.has(c)));
  return {
    classes,
    teacherLogits: of(teacher),
    studentLogits: of(student),
    rest: { teacher: rest(teacher), student: rest(student) },
  };
}

/**
 * Logits as [mean, how many] of equal ranges. A softmax over the means is off by about (range / T)^2 / 24 of what the tail
 * holds: nothing that can be drawn.
 */
export function tailOf(logits: readonly number[], bins = BINS): LogitTail {
  const known = logits.filter((z) => z > Number.NEGATIVE_INFINITY);
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const z of known) [low, high] = [Math.min(low, z), Math.max(high, z)];
  const sums = new Float64Array(bins);
  const counts = new Uint32Array(bins);
  for (const z of known) {
    const bin = high > low ? Math.min(bins - 1, Math.floor((bins * (z - low)) / (high - low))) : 0;
    sums[bin] = (sums[bin] as number) + z;
    counts[bin] = (counts[bin] as number) + 1;
  }
  return Array.from(counts, (n, bin): [number, number] => [significant((sums[bin] as number) / n), n]).filter(
    ([, n]) => n > 0,
  );
}

function rowLogits(values: Float32Array, row: number, classes: number, kind: OutputKind): number[] {
  if (kind === "logits") return Array.from(values.subarray(row * classes, (row + 1) * classes), significant);
  return Array.from(logProbabilities(values, row, classes, kind), significant);
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

/** Five digits are enough to draw. */
export function significant(v: number): number {
  return Number(v.toPrecision(5));
}
