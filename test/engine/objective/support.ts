/** Executors for objective graphs: the float64 reference evaluator and ONNX Runtime (its float64 kernels). */
import { evaluateObjective, type ObjectiveValues, type RunGraph } from "../../../src/engine/objective/evaluate.js";
import type { ObjectiveConfig } from "../../../src/engine/objective/objective.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { evaluateReference } from "../ops/support/reference.js";

export const reference: RunGraph = async (graph, feeds) => evaluateReference(graph, feeds);
export const onnxRuntime: RunGraph = (graph, feeds) => runInOnnxRuntime(graph, feeds);

export const evaluate = (config: ObjectiveConfig, values: ObjectiveValues) =>
  evaluateObjective(reference, config, values);

export const CE = { kind: "cross-entropy", labelSmoothing: 0 } as const;

/** alpha 1: the kd loss alone. */
export const kdAt = (temperature: number): ObjectiveConfig => ({
  alpha: 1,
  studentLoss: CE,
  distillationLoss: { kind: "kd", temperature },
});

export const labelsAlone: ObjectiveConfig = { studentLoss: CE };

/** A fixed matrix of numbers in about [-scale, scale]. */
export function matrix(rows: number, columns: number, seed: number, scale = 3): number[][] {
  return Array.from({ length: rows }, (_, i) =>
    Array.from({ length: columns }, (_, j) => scale * Math.sin(seed + 1.7 * i * columns + 2.3 * j + 0.1 * i * j)),
  );
}

export function softmax(row: readonly number[], temperature = 1): number[] {
  const top = Math.max(...row);
  const e = row.map((z) => Math.exp((z - top) / temperature));
  const sum = e.reduce((a, v) => a + v, 0);
  return e.map((v) => v / sum);
}

export const norm = (m: readonly (readonly number[])[]): number => Math.hypot(...m.flat());
