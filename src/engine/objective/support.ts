/** Pieces that losses share. */

import { InputError } from "../../base/errors.js";
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s, tensor } from "../graph/tensor.js";
import { constantLike, maskOf, scale } from "../ops/support.js";
import { conflict } from "./options.js";
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
  return softenedLogits(b, teacherLogits(b, teacher), temperature);
}

/** Logits of a teacher; from probabilities their logarithms, which are its logits up to a constant a row. */
export function teacherLogits(b: GraphBuilder, { values, kind }: TeacherValues): Value {
  return kind === "logits" ? values : flooredLog(b, values);
}

/** log p with p floored: the one place where a logarithm of a probability is taken. */
export function flooredLog(b: GraphBuilder, probabilities: Value): Value {
  return b.op("Log", [b.op("Max", [probabilities, constantLike(b, PROBABILITY_FLOOR, probabilities)])]);
}

/**
 * Sum over the classes, mean over the batch by `rowWeights`: [batch, classes] -> []. Never a mean over both. The one place
 * where losses become a mean over rows, with `elementMean`.
 */
export function batchMean({ builder: b, rowWeights }: LossInputs, perClass: Value): Value {
  if (rowWeights) return weightedSum(b, perClass, rowShares(b, rowWeights, total(b, rowWeights)));
  const rows = b.op("ReduceSum", [perClass, b.constant(int64s([1]))], { keepdims: int(0) });
  return b.op("ReduceMean", [rows, b.constant(int64s([0]))], { keepdims: int(0) });
}

/** Mean over the values of a row, then over the batch by `rowWeights`: [batch, n] -> []. */
export function elementMean(inputs: LossInputs, values: Value): Value {
  const { builder: b } = inputs;
  if (!inputs.rowWeights) return b.op("ReduceMean", [values], { keepdims: int(0) });
  return batchMean(inputs, b.op("ReduceMean", [values, b.constant(int64s([1]))], { keepdims: int(1) }));
}

/** The mean of a number that is the same for every row: the number, or 0 where no row counts. @param like a mean over rows */
export function constantMean({ builder: b, rowWeights }: LossInputs, number: number, like: Value): Value {
  if (!rowWeights) return constantLike(b, number, like);
  return scale(b, total(b, rowShares(b, rowWeights, total(b, rowWeights))), number);
}

/**
 * What each row counts of a mean, [batch, 1]: its weight divided by the mass of all rows. Where the mass is 0, every share is
 * 0, and so are loss and gradient. Weights are divided, not the sum: no gradient passes through the guarded quotient.
 */
export function rowShares(b: GraphBuilder, weights: Value, mass: Value): Value {
  const shares = b.op("Div", [weights, b.op("Max", [mass, constantLike(b, PROBABILITY_FLOOR, mass)])]);
  return b.op("Where", [b.op("Greater", [mass, constantLike(b, 0, mass)]), shares, constantLike(b, 0, shares)]);
}

/** Sum over rows and classes of each row times its share: [batch, classes], [batch, 1] -> []. */
export function weightedSum(b: GraphBuilder, perClass: Value, shares: Value): Value {
  return total(b, b.op("Mul", [perClass, shares]));
}

/** What each sample has, [batch, n], times what the teacher counts for that sample where that is said. */
export function weighed({ builder: b, sampleWeights }: LossInputs, each: Value): Value {
  return sampleWeights ? b.op("Mul", [each, sampleWeights]) : each;
}

/** Sum of everything: [batch, classes] -> []. */
export function total(b: GraphBuilder, values: Value): Value {
  return b.op("ReduceSum", [values], { keepdims: int(0) });
}

/** The teacher, which must be there and of the student's shape. */
export function requiredTeacher(inputs: LossInputs, loss: string): TeacherValues {
  const { studentLogits } = inputs;
  const teacher = inputs.teacher;
  if (!teacher)
    throw new InputError({
      code: "teacher-missing",
      where: "objective",
      found: `the loss "${loss}" needs a teacher, and there is none`,
      cure: "Add a teacher, or use a loss against the labels",
    });
  const { shape } = teacher.values;
  if (shape.length !== 2 || shape.some((d, i) => d !== studentLogits.shape[i])) {
    throw new InputError({
      code: "model-output",
      where: "teacher",
      found: `its outputs are [${shape}] and the student's [${studentLogits.shape}]`,
      expected: "the same classes on both sides",
    });
  }
  return teacher;
}

const labelsMissing = (loss: string): InputError =>
  new InputError({
    code: "labels-missing",
    where: "objective",
    found: `the loss "${loss}" needs labels, and there are none`,
    cure: "Add labels, or use a loss against the teacher with alpha 1",
  });

/** The labels, which must be there, one a sample. */
export function requiredLabels(inputs: LossInputs, loss: string): Value {
  const labels = inputs.labels;
  if (!labels) throw labelsMissing(loss);
  if (inputs.blend)
    throw conflict(
      "training.augment",
      `mixup and cutmix blend two samples, and the loss "${loss}" needs one label per sample`,
      "Remove mixup and cutmix, or use cross-entropy, or kd with alpha 1",
    );
  return labels;
}

/**
 * What the labels say of each class, [batch, classes] -> one-hot; of blended samples, each label with its share: Zhang et
 * al., ICLR 2018 (mixup), equation 1.
 */
export function labelTargets(inputs: LossInputs, loss: string): Value {
  const { builder: b, studentLogits: z, blend } = inputs;
  const classes = z.shape[1] as number;
  const hot = (labels: Value): Value => maskOf(b, isLabel(b, labels, classes), z);
  if (!blend) return hot(requiredLabels(inputs, loss));
  if (!inputs.labels) throw labelsMissing(loss);
  const other = hot(blend.labels);
  return b.op("Add", [other, b.op("Mul", [blend.share, b.op("Sub", [hot(inputs.labels), other])])]);
}

/** The teacher's outputs as they are: for losses to which a row's constant matters. @throws InputError for probabilities */
export function requiredOutputs(inputs: LossInputs, loss: string, field: string): Value {
  const teacher = requiredTeacher(inputs, loss);
  if (teacher.kind !== "logits") {
    throw new InputError({
      code: "model-output",
      where: field,
      found: `${loss} compares logits, and this teacher gives probabilities`,
      expected: "a teacher with logits: probabilities leave them open up to a constant per sample",
      cure: "Use kd",
    });
  }
  return teacher.values;
}

/** [batch] class indices -> [batch, classes] of false and true. */
export function isLabel(b: GraphBuilder, labels: Value, classes: number): Value {
  const column = b.op("Unsqueeze", [labels, b.constant(int64s([1]))]);
  const indices = Array.from({ length: classes }, (_, c) => c);
  return b.op("Equal", [column, b.constant(tensor("int64", indices, [1, classes]), "class_indices")]);
}

/** log(exp(a) + exp(c)) without overflow; Softplus would do, but ONNX Runtime has none in float64. */
export function logAddExp(b: GraphBuilder, a: Value, c: Value): Value {
  const apart = b.op("Neg", [b.op("Abs", [b.op("Sub", [a, c])])]);
  const rest = b.op("Log", [b.op("Add", [b.op("Exp", [apart]), constantLike(b, 1, apart)])]);
  return b.op("Add", [b.op("Max", [a, c]), rest]);
}

/** What is put in the place of a logit to take its class out of a softmax: its exponential is 0 in float32 and float64. */
const ABSENT = -1e9;

/** Logits with some classes taken out. */
export function without(b: GraphBuilder, logits: Value, classes: Value): Value {
  return b.op("Where", [classes, constantLike(b, ABSENT, logits), logits]);
}

/** log of the softmax over the other classes: what its own class has does not count, and it gets a probability of 0. */
export function softmaxWithout(b: GraphBuilder, logits: Value, classes: Value): Value {
  return b.op("LogSoftmax", [without(b, logits, classes)], { axis: int(-1) });
}
