/** The recipe's training settings: budget and optimisation. */
import { z } from "zod";
import { augmentSchema } from "./augment-schema.js";
import { count, fraction, positive, rate } from "../../../base/schema-fields.js";

const optimizer = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("sgd"),
      momentum: z.number().min(0).lt(1).default(0.9),
      nesterov: z.boolean().default(false),
      weightDecay: z.number().min(0).default(0),
    }),
    z.strictObject({
      kind: z.literal("adam"),
      beta1: rate.default(0.9),
      beta2: rate.default(0.999),
      epsilon: positive.default(1e-8),
      weightDecay: z.number().min(0).default(0),
    }),
    z.strictObject({
      kind: z.literal("adamw"),
      beta1: rate.default(0.9),
      beta2: rate.default(0.999),
      epsilon: positive.default(1e-8),
      weightDecay: z.number().min(0).default(1e-4),
    }),
  ])
  .describe("Update rule");

const warmup = z.number().int().min(0).default(0).describe("Steps of linear warm-up");
const lr = positive.describe("Peak learning rate");
const schedule = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("constant"), lr, warmup }),
    z.strictObject({ kind: z.literal("cosine"), lr, lrEnd: z.number().min(0).default(0), warmup }),
    z.strictObject({
      kind: z.literal("step"),
      lr,
      gamma: positive.default(0.1),
      milestones: z.array(fraction).min(1).describe("Fractions of the training at which lr is multiplied by gamma"),
      warmup,
    }),
    z.strictObject({
      kind: z.literal("one-cycle"),
      lr,
      warmFraction: fraction.default(0.2).describe("Fraction of the steps in which the learning rate rises"),
      divFactor: positive.default(25),
      finalDivFactor: positive.default(1e4),
      cycleMomentum: z
        .boolean()
        .default(true)
        .describe("Vary momentum (beta1) inversely to the learning rate, as PyTorch does"),
      momentumMin: rate.default(0.85),
      momentumMax: rate.default(0.95),
    }),
  ])
  .describe("Learning rate over the steps");

const ema = z
  .strictObject({
    decay: rate.default(0.999).describe("The average covers roughly the last 1 / (1 - decay) updates"),
    ramp: z
      .boolean()
      .default(true)
      .describe("Update t uses min(decay, (1 + t) / (10 + t)), so the initial weights are soon forgotten"),
  })
  .describe(
    "Validate, select and keep an exponential moving average of the weights and batch-norm statistics, instead of the weights themselves",
  );

export const trainingSchema = z
  .strictObject({
    epochs: positive.optional().describe("Passes over the training samples; set either epochs or steps"),
    steps: count.optional().describe("Number of updates; the fair budget if models see different numbers of samples"),
    batch: count.default(64).describe("Samples per step (per micro-batch with accumulate)"),
    accumulate: count.default(1).describe("Micro-batches per step"),
    optimizer: optimizer.prefault({ kind: "adamw" }),
    schedule: schedule.prefault({ kind: "one-cycle", lr: 0.002 }),
    clipNorm: z.number().min(0).default(0).describe("Limit on the gradient's global norm; 0 disables clipping"),
    recompute: z
      .boolean()
      .default(false)
      .describe(
        "Compute cheap values again in the backward pass instead of storing them: less memory, identical results",
      ),
    augment: augmentSchema.optional(),
    ema: ema.optional(),
    select: z
      .enum(["best", "last"])
      .default("best")
      .describe("Which weights to keep: those with the best validation score, or the last"),
    earlyStopping: z
      .strictObject({ patience: count })
      .optional()
      .describe("Stop after `patience` validations without improvement"),
    validateEvery: count
      .optional()
      .describe("Steps between validations; default: one epoch, but at most 40 validations"),
    gradientSharesEvery: z
      .number()
      .int()
      .min(0)
      .default(100)
      .describe("Steps between measurements of each term's share of the gradient; 0 disables them"),
  })
  .refine((t) => t.epochs === undefined || t.steps === undefined, {
    message: "epochs and steps are both given",
    params: { code: "option-conflict", cure: "Give only one of them; --set training.epochs=null removes the epochs" },
    path: ["epochs"],
  })
  .refine((t) => t.epochs !== undefined || t.steps !== undefined, {
    message: "neither epochs nor steps are given",
    params: { code: "option-missing", cure: "Give one of them" },
    path: ["epochs"],
  })
  .describe("Budget and optimisation");
