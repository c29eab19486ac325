/**
 * How the losses of distributions see student and teacher: temperature (scheduled, per sample), standardised logits,
 * log space. Every loss that softens goes through here, so that each option works with each of them.
 */
import { factor, positive } from "../../base/schema-fields.js";
import { z } from "zod";
import { InputError } from "../../base/errors.js";
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s, scalar } from "../graph/tensor.js";
import { constantLike, scale } from "../ops/support.js";
import type { FactorSchedule } from "./schedule.js";
import { batchMean, requiredTeacher, softenedLogits, softenedTeacher, teacherLogits, weighed } from "./support.js";
import type { LossInputs } from "./types.js";

/** The temperature of a loss. @param usual where none is given: the one of its paper */
export const temperature = (usual: number) => ({
  temperature: z
    .union([positive, z.literal("auto")])
    .default(usual)
    .describe("T in softmax(z / T); auto: chosen from the teacher's answers, see docs/losses.md"),
  temperatureSchedule: factor
    .optional()
    .describe("A factor on the temperature that changes over the training; must stay above 0"),
});

/** Whether the logits of both sides are standardised. */
export const standardise = z
  .boolean()
  .default(false)
  .describe(
    "Standardise each sample's logits on both sides first (Sun et al. 2024). The paper uses T 2 and weights 0.1 and 9",
  );

/** Options that every loss of softened distributions takes. */
export const softened = (usual: number) => ({
  ...temperature(usual),
  temperatureByConfidence: z
    .strictObject({
      low: positive.describe("Factor if the teacher is completely uncertain"),
      high: positive.describe("Factor if the teacher is certain"),
    })
    .optional()
    .describe("Gives each sample its own temperature: T (low + (high - low) (1 - H(p_t) / log C))"),
  standardise,
});

/** The settings of these options. */
export interface Softening {
  /** T in p^T = softmax(z / T). */
  readonly temperature: number;
  /** Multiplies the temperature over the training. */
  readonly temperatureSchedule?: FactorSchedule | undefined;
  /**
   * Gives each sample a temperature of its own by the teacher's confidence: T (low + (high - low) c(x)), where
   * c = 1 - H(p_t) / log C is 1 for a teacher that is sure and 0 for one that does not know, at T = 1.
   */
  readonly temperatureByConfidence?: { readonly low: number; readonly high: number } | undefined;
  /** Standardises the logits of both sides per sample first: Sun et al., CVPR 2024. */
  readonly standardise?: boolean;
}

/** log p^T of both sides, [batch, classes]. */
export interface LogSides {
  readonly student: Value;
  readonly teacher: Value;
}

/** The temperature: [] for all samples, or [batch, 1] for each its own. */
export function temperatureOf(inputs: LossInputs, config: Softening, loss: string): Value {
  const { builder: b } = inputs;
  const base = inputs.scalar("temperature", config.temperature, config.temperatureSchedule);
  const range = config.temperatureByConfidence;
  if (!range) return base;
  const confidence = confidenceOf(b, requiredTeacher(inputs, loss));
  const factor = b.op("Add", [scale(b, confidence, range.high - range.low), constantLike(b, range.low, base)]);
  return b.op("Mul", [factor, base]);
}

/** 1 - H(p) / log C of the teacher at T = 1, [batch, 1]. */
function confidenceOf(b: GraphBuilder, teacher: NonNullable<LossInputs["teacher"]>): Value {
  const classes = teacher.values.shape[1] as number;
  const logP = softenedTeacher(b, teacher, b.constant(scalar(1, teacher.values.dtype)));
  const negative = sumOverClasses(b, b.op("Mul", [b.op("Exp", [logP]), logP]));
  const known = scale(b, negative, 1 / Math.log(Math.max(2, classes)));
  return b.op("Add", [known, constantLike(b, 1, known)]);
}

/** log p^T of both sides at a temperature. @throws InputError when the teacher is missing or of another shape */
export function logSides(inputs: LossInputs, config: Softening, loss: string, temperature: Value): LogSides {
  const { builder: b, studentLogits } = inputs;
  const teacher = requiredTeacher(inputs, loss);
  if (!config.standardise)
    return {
      student: softenedLogits(b, studentLogits, temperature),
      teacher: softenedTeacher(b, teacher, temperature),
    };
  return {
    student: softenedLogits(b, standardised(b, studentLogits, loss), temperature),
    teacher: softenedLogits(b, standardised(b, teacherLogits(b, teacher), loss), temperature),
  };
}

/**
 * (z - mean) / (1e-7 + std) of each row, std unbiased. Sun et al., CVPR 2024, algorithm 1 (the constant is their code's).
 * The logits of a teacher that gives probabilities are known up to a constant a row, which the mean takes away.
 */
export function standardised(b: GraphBuilder, logits: Value, loss: string): Value {
  const classes = logits.shape[1] as number;
  if (classes < 2)
    throw new InputError({
      code: "class-too-few",
      where: "objective",
      found: `the loss "${loss}" standardises logits, and there is one class`,
      expected: "at least 2 classes",
      cure: "Remove standardise",
    });
  const axis = b.constant(int64s([1]));
  const centred = b.op("Sub", [logits, b.op("ReduceMean", [logits, axis], { keepdims: int(1) })]);
  const std = scale(b, b.op("ReduceL2", [centred, axis], { keepdims: int(1) }), 1 / Math.sqrt(classes - 1));
  return b.op("Div", [centred, b.op("Add", [std, constantLike(b, 1e-7, std)])]);
}

/**
 * T^2 times the sum over the classes, averaged over the batch: [batch, classes] -> []; T may differ by sample, and so may
 * what the teacher and the row count for.
 */
export function meanTimesT2(inputs: LossInputs, perClass: Value, temperature: Value): Value {
  const { builder: b } = inputs;
  const each = weighed(inputs, perClass);
  const squared = b.op("Mul", [temperature, temperature]);
  if (squared.shape.length === 0) return b.op("Mul", [batchMean(inputs, each), squared]);
  return batchMean(inputs, b.op("Mul", [each, squared]));
}

/** p (log p - log q) of each class, from log p and log q. */
export function divergence(b: GraphBuilder, logP: Value, logQ: Value): Value {
  return b.op("Mul", [b.op("Exp", [logP]), b.op("Sub", [logP, logQ])]);
}

/** [batch, classes] -> [batch, 1]. */
export function sumOverClasses(b: GraphBuilder, perClass: Value): Value {
  return b.op("ReduceSum", [perClass, b.constant(int64s([1]))], { keepdims: int(1) });
}
