/** Pieces that losses share. */

import { InputError } from "../errors.js";
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import { constantLike } from "../ops/support.js";
import type { LossInputs, TeacherValues } from "./types.js";

/**
 * The least probability whose logarithm is taken, 2^-126: the smallest normal float32. A teacher's exact 0 counts as
 * this (log -87.3), so that the logarithm is finite and the true size of small probabilities survives.
 */
export const PROBABILITY_FLOOR = 2 ** -126;

/** log p^T of logits [batch, classes]: log-softmax of z / T. */
export function softenedLogits(b: GraphBuilder, logits: Value, temperature: Value): Value {
  return b.op("LogSoftmax", [b.op("Div", [logits, temperature])], { axis: int(-1) });
}

/**
 * log p^T of a teacher, whatever it outputs. From probabilities: p^(1/T), renormalised, which for p = softmax(z) is
 * softmax(z / T) exactly: log p differs from z by a constant of the row, and log-softmax does not see that.
 */
export function softenedTeacher(b: GraphBuilder, teacher: TeacherValues, temperature: Value): Value {
  const { values, kind } = teacher;
  if (kind === "logits") return softenedLogits(b, values, temperature);
  const floored = b.op("Max", [values, constantLike(b, PROBABILITY_FLOOR, values)]);
  return softenedLogits(b, b.op("Log", [floored]), temperature);
}

/** Sum over the classes, mean over the batch: [batch, classes] -> []. Never a mean over both (methods.md, pitfall 1). */
export function batchMean(b: GraphBuilder, perClass: Value): Value {
  const rows = b.op("ReduceSum", [perClass, b.constant(int64s([1]))], { keepdims: int(0) });
  return b.op("ReduceMean", [rows, b.constant(int64s([0]))], { keepdims: int(0) });
}

/** Sum of everything: [batch, classes] -> []. */
export function total(b: GraphBuilder, values: Value): Value {
  return b.op("ReduceSum", [values], { keepdims: int(0) });
}

/** The teacher, which must be there and of the student's shape. */
export function requiredTeacher(inputs: LossInputs, loss: string): TeacherValues {
  const { studentLogits } = inputs;
  const teacher = inputs.teacher;
  if (!teacher) throw new InputError("objective", `the loss "${loss}" needs a teacher, and there is none`);
  const { shape } = teacher.values;
  if (shape.length !== 2 || shape.some((d, i) => d !== studentLogits.shape[i])) {
    throw new InputError(
      "teacher",
      `its outputs are [${shape}], the student's are [${studentLogits.shape}]; both must give one value a class`,
    );
  }
  return teacher;
}

/** The labels, which must be there. */
export function requiredLabels(inputs: LossInputs, loss: string): Value {
  const labels = inputs.labels;
  if (!labels) throw new InputError("objective", `the loss "${loss}" needs labels, and there are none`);
  return labels;
}
