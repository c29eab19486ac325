/** `evaluateObjective` on ONNX Runtime: value and gradient of an objective by themselves. */

import { asModel } from "../../engine/compile/compile.js";
import { lowerGraph } from "../../engine/compile/lower.js";
import type { Graph, Tensor } from "../../engine/graph/types.js";
import { writeModel } from "../../engine/graph/write.js";
import {
  type EvaluatedObjective,
  evaluateObjective as evaluateWith,
  type ObjectiveValues,
} from "../../engine/objective/evaluate.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { runOnce } from "../../node/session.js";

/**
 * Loss, terms and gradient of an objective for given logits, computed in float64: for teaching, debugging and
 * conformance tests.
 *
 * @param objective as in `ObjectiveConfig`: losses, alpha or weights
 * @param values studentLogits [batch, classes], teacherLogits or teacherProbabilities, labels, rowWeights (0 masks a row)
 * @returns loss, each term, and d loss / d studentLogits [batch, classes]
 * @throws InputError when shapes disagree, a label is outside the classes, a value is not finite, probabilities are none,
 * or a loss refuses row weights
 */
export function evaluateObjective(objective: ObjectiveConfig, values: ObjectiveValues): Promise<EvaluatedObjective> {
  return evaluateWith(runGraph, objective, values);
}

/** Runs a graph on ONNX Runtime. */
export async function runGraph(
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
): Promise<ReadonlyMap<string, { readonly data: ArrayLike<number> }>> {
  const outputs = await runOnce(writeModel(asModel(lowerGraph(graph))), Object.fromEntries(feeds), { threads: 1 });
  return new Map(Object.entries(outputs).map(([name, t]) => [name, { data: Array.from(t.data, Number) }]));
}
