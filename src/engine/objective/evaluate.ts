/** The value and the gradient of an objective by themselves: for teaching, debugging and conformance tests. */
import { backward } from "../autodiff/backward.js";
import { type ErrorCode, InputError } from "../../base/errors.js";
import { scalar, tensor } from "../graph/tensor.js";
import type { Graph, Tensor } from "../graph/types.js";
import { noun } from "../../base/noun.js";
import { createBuilder, opOf } from "../ops/registry.js";
import { constantLike, expand } from "../ops/support.js";
import { buildObjective, type ObjectiveConfig, type ObjectiveScalar, objectiveNeeds } from "./objective.js";
import { conflict, FROM_ZERO, onlyInTraining } from "./options.js";

/** A matrix [batch, classes], one list (or typed array) a sample. */
export type Rows = readonly ArrayLike<number>[];

export interface ObjectiveValues {
  readonly studentLogits: Rows;
  /** Give one of these two when the objective has a distillation term. */
  readonly teacherLogits?: Rows;
  readonly teacherProbabilities?: Rows;
  /** Class indices, when the objective has a label term. */
  readonly labels?: ArrayLike<number>;
  /**
   * What each row counts, at least 0; 0 leaves it out (its other values must still be valid). Each term is
   * sum(w * loss) / sum(w) over the rows, and 0 where all weights are 0. Default: every row counts the same.
   */
  readonly rowWeights?: ArrayLike<number>;
}

export interface EvaluatedObjective {
  readonly loss: number;
  /** Unweighted value and weight of each term, by name. */
  readonly terms: Readonly<Record<string, { readonly value: number; readonly weight: number }>>;
  /** d loss / d studentLogits, [batch, classes]. */
  readonly gradient: number[][];
}

/** Runs a graph of ops on feeds by input name; returns its outputs by name. Injected, so that this file knows no runtime. */
export type RunGraph = (
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor>,
) => Promise<ReadonlyMap<string, { readonly data: ArrayLike<number> }>>;

export interface ObjectiveGraph {
  /**
   * Inputs as far as the objective needs them: "student_logits" [batch, classes], "teacher" [batch, classes], "labels"
   * int64 [batch], "row_weights" [batch, 1] where rows are weighted, and each scalar by its name. Outputs: "loss" [],
   * "loss/NAME" [] of each term, unweighted, "gradient" [batch, classes].
   */
  readonly graph: Graph;
  readonly terms: readonly string[];
  readonly scalars: readonly ObjectiveScalar[];
}

/** The objective and its gradient with respect to the student's logits as a graph of its own. */
export function objectiveGraph(
  config: ObjectiveConfig,
  batch: number,
  classes: number,
  teacherKind: "logits" | "probabilities" = "logits",
  dtype: "float32" | "float64" = "float64",
  rows: "equal" | "weighted" = "equal",
): ObjectiveGraph {
  const needs = objectiveNeeds(config);
  const b = createBuilder("objective");
  const studentLogits = b.input("student_logits", dtype, [batch, classes]);
  const teacher = needs.teacher
    ? { values: b.input("teacher", dtype, [batch, classes]), kind: teacherKind }
    : undefined;
  const labels = needs.labels ? b.input("labels", "int64", [batch]) : undefined;
  const rowWeights = rows === "weighted" ? b.input("row_weights", dtype, [batch, 1]) : undefined;
  const objective = buildObjective(
    {
      builder: b,
      studentLogits,
      teacher,
      labels,
      ...(rowWeights && { rowWeights }),
      scalar: (name) => b.input(name, dtype, []),
      features: () => outsideTraining(),
      parameter: () => outsideTraining(),
    },
    config,
  );
  const [gradient] = backward(b, (call) => opOf(call).gradient, objective.total, [studentLogits]);
  b.output(objective.total, "loss");
  for (const term of objective.terms) b.output(term.value, `loss/${term.name}`);
  // A loss that reads no student logits has no gradient at all: that is 0, and the caller may say so.
  b.output(gradient ?? expand(b, constantLike(b, 0, studentLogits), studentLogits.shape), "gradient");
  return { graph: b.build(), terms: objective.terms.map((t) => t.name), scalars: objective.scalars };
}

function outsideTraining(): never {
  throw onlyInTraining("a loss between layers needs the student and the teacher");
}

/**
 * Loss, terms and gradient of an objective for given outputs, computed in float64.
 * @throws InputError when shapes disagree, a label is outside the classes, a value is not finite, probabilities are none, or
 * a loss refuses row weights
 */
export async function evaluateObjective(
  run: RunGraph,
  config: ObjectiveConfig,
  values: ObjectiveValues,
): Promise<EvaluatedObjective> {
  const batch = values.studentLogits.length;
  const classes = values.studentLogits[0]?.length ?? 0;
  if (batch === 0 || classes === 0) throw argument("data-empty", "studentLogits", "it is empty", "at least one sample");
  const kind = values.teacherProbabilities ? "probabilities" : "logits";
  const rows = values.rowWeights ? "weighted" : "equal";
  const { graph, terms, scalars } = objectiveGraph(config, batch, classes, kind, "float64", rows);
  const feeds = feedsOf(values, objectiveNeeds(config), batch, classes);
  for (const s of scalars) feeds.set(s.name, scalar(s.initial, "float64"));
  const outputs = await run(graph, feeds);
  const output = (name: string): number[] => {
    const found = outputs.get(name);
    if (!found) throw new Error(`evaluateObjective: the executor gave no output "${name}"`);
    return Array.from(found.data, Number);
  };
  const first = (name: string): number => output(name)[0] as number;
  const weightOf = (term: string): number => scalars.find((s) => s.name === `${term}/weight`)?.initial ?? 0;
  const gradient = output("gradient");
  return {
    loss: first("loss"),
    terms: Object.fromEntries(terms.map((t) => [t, { value: first(`loss/${t}`), weight: weightOf(t) }])),
    gradient: Array.from({ length: batch }, (_, i) => gradient.slice(i * classes, (i + 1) * classes)),
  };
}

/** The error for an argument of `evaluateObjective`. */
function argument(code: ErrorCode, where: string, found: string, expected: string): InputError {
  return new InputError({ code, where, found, expected });
}

/** The inputs of the objective's graph that it needs, checked. */
function feedsOf(
  values: ObjectiveValues,
  needs: { readonly teacher: boolean; readonly labels: boolean },
  batch: number,
  classes: number,
): Map<string, Tensor> {
  const { teacherLogits, teacherProbabilities, labels } = values;
  if (teacherLogits && teacherProbabilities)
    throw conflict(
      "teacherProbabilities",
      "both teacherLogits and teacherProbabilities are given",
      "Give only one of them",
    );
  const matrix = (rows: Rows, field: string): Tensor => {
    if (rows.length !== batch)
      throw argument("array-mismatch", field, `it has ${noun(rows.length, "sample")}`, `${batch}, as in studentLogits`);
    return tensor("float64", flatten(rows, classes, field), [batch, classes]);
  };
  const feeds = new Map<string, Tensor>([["student_logits", matrix(values.studentLogits, "studentLogits")]]);
  if (needs.teacher) {
    if (teacherProbabilities) feeds.set("teacher", probabilities(matrix(teacherProbabilities, "teacherProbabilities")));
    else if (teacherLogits) feeds.set("teacher", matrix(teacherLogits, "teacherLogits"));
    else
      throw argument("teacher-missing", "teacherLogits", "missing", "the teacher's logits for the distillation term");
  }
  if (needs.labels) feeds.set("labels", tensor("int64", checkedLabels(labels, batch, classes)));
  if (values.rowWeights) feeds.set("row_weights", checkedRowWeights(values.rowWeights, batch));
  return feeds;
}

function flatten(rows: Rows, classes: number, field: string): number[] {
  const flat: number[] = [];
  for (const [i, row] of rows.entries()) {
    if (row.length !== classes)
      throw argument(
        "array-mismatch",
        field,
        `sample ${i} has ${noun(row.length, "value")}`,
        `${classes}, one per class`,
      );
    for (const v of Array.from(row)) {
      if (!Number.isFinite(v)) throw argument("not-finite", field, `sample ${i} holds ${v}`, "finite numbers");
      flat.push(v);
    }
  }
  return flat;
}

/** Logits given as probabilities are a silent mistake everywhere else: refused here. */
function probabilities(values: Tensor): Tensor {
  const data = values.data as Float64Array;
  const classes = values.shape[1] as number;
  for (let i = 0; i < data.length; i += classes) {
    const row = data.subarray(i, i + classes);
    const sum = row.reduce((a, v) => a + v, 0);
    if (row.some((v) => v < 0) || Math.abs(sum - 1) > 1e-3) {
      throw new InputError({
        code: "row-invalid",
        where: "teacherProbabilities",
        found: `sample ${i / classes} sums to ${sum}${row.some((v) => v < 0) ? " with a number below 0" : ""}`,
        expected: "numbers of at least 0 that sum to 1",
        cure: "Give logits as teacherLogits",
      });
    }
  }
  return values;
}

function checkedRowWeights(weights: ArrayLike<number>, batch: number): Tensor {
  if (weights.length !== batch)
    throw argument(
      "array-mismatch",
      "rowWeights",
      `found ${noun(weights.length, "weight")}`,
      `${batch}, one per sample`,
    );
  const list = Array.from(weights, Number);
  const wrong = list.findIndex((w) => !(Number.isFinite(w) && w >= 0));
  if (wrong >= 0) throw argument("option-invalid", "rowWeights", `sample ${wrong} has ${list[wrong]}`, FROM_ZERO);
  return tensor("float64", list, [batch, 1]);
}

function checkedLabels(labels: ArrayLike<number> | undefined, batch: number, classes: number): number[] {
  if (!labels)
    throw argument("labels-missing", "labels", "missing", "labels for the loss against them (alpha below 1)");
  if (labels.length !== batch)
    throw argument("array-mismatch", "labels", `found ${noun(labels.length, "label")}`, `${batch}, one per sample`);
  const list = Array.from(labels, Number);
  const wrong = list.findIndex((v) => !Number.isInteger(v) || v < 0 || v >= classes);
  if (wrong >= 0) {
    throw argument(
      "class-unknown",
      "labels",
      `sample ${wrong} has the label ${list[wrong]}`,
      `a whole number from 0 to ${classes - 1}`,
    );
  }
  return list;
}
