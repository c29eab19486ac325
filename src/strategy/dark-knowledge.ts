/** What the teacher's soft targets say beyond the labels: the material of the report's dark-knowledge view. */
import { argmaxRow, logProbabilities } from "../evaluate/metrics.js";
import type { DarkKnowledge, ModelRow } from "../evaluate/summary.js";
import type { RunContext } from "./context.js";
import { labelsOf } from "./context.js";
import type { Judged } from "./judge.js";

const SAMPLES = 12;

interface Source {
  readonly judged: readonly Judged[];
  readonly role: ModelRow["role"];
}

/** Mean softened distribution per class and a dozen test samples, those first where the teacher hesitates most. */
export function darkKnowledge(
  context: RunContext,
  teacher: Source | undefined,
  student: Source | undefined,
): DarkKnowledge | null {
  const [t, s] = [teacher?.judged[0], student?.judged[0]];
  const { data, splits, normalisation } = context.loaded;
  const classes = data.classes.length;
  if (!t || !s || classes === 0) return null;
  const loss = context.recipe.objective.distillation_loss;
  const temperature = loss.kind === "kd" ? loss.temperature : 1;
  const labels = labelsOf(context.loaded, splits.test);
  const sums = Array.from({ length: classes }, () => new Float64Array(classes));
  const counts = new Float64Array(classes);
  labels.forEach((label, i) => {
    const row = label >= 0 ? label : argmaxRow(t.answers, i, classes);
    counts[row] = (counts[row] as number) + 1;
    logProbabilities(t.answers, i, classes, t.kind, temperature).forEach((lp, c) => {
      (sums[row] as Float64Array)[c] = ((sums[row] as Float64Array)[c] as number) + Math.exp(lp);
    });
  });
  const size = data.sampleShape.reduce((p, d) => p * d, 1);
  const logitsOf = (j: Judged, i: number): number[] =>
    Array.from(
      j.kind === "logits"
        ? j.answers.subarray(i * classes, (i + 1) * classes)
        : logProbabilities(j.answers, i, classes, j.kind),
    );
  const samples = chooseSamples(t, labels, classes).map((i) => {
    const index = splits.test[i] as number;
    const label = labels[i] as number;
    const values = Array.from(
      data.samples.subarray(index * size, (index + 1) * size),
      (v) => Math.round(v * normalisation.scale * 1000) / 1000,
    );
    return {
      index,
      label: label >= 0 ? (data.classes[label] as string) : null,
      shape: data.sampleShape,
      values,
      teacherLogits: logitsOf(t, i),
      studentLogits: logitsOf(s, i),
    };
  });
  return {
    temperature,
    matrix: sums.map((row, c) => Array.from(row, (v) => v / Math.max(counts[c] as number, 1))),
    samples,
  };
}

/** Half of them where the teacher's margin is smallest, half spread over the classes. */
function chooseSamples(t: Judged, labels: Int32Array, classes: number): number[] {
  const margin = (i: number): number => {
    const sorted = logProbabilities(t.answers, i, classes, t.kind).sort();
    return (sorted[classes - 1] as number) - (sorted[classes - 2] as number);
  };
  const unsure = Array.from(labels, (_, i) => ({ i, m: margin(i) })).sort((a, b) => a.m - b.m);
  const chosen = new Set(unsure.slice(0, SAMPLES / 2).map((u) => u.i));
  for (let c = 0; c < classes && chosen.size < SAMPLES; c++) {
    const i = labels.findIndex((l, k) => l === c && !chosen.has(k));
    if (i >= 0) chosen.add(i);
  }
  return [...chosen];
}
