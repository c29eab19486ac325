/** The recipe's trainings: budget and optimisation. */
import { z } from "zod";
import { augmentSchema } from "./augment-schema.js";
import { count, fraction, positive, rate } from "./fields.js";

const optimizer = z
  .discriminatedUnion("kind", [
    z.strictObject({
      kind: z.literal("sgd"),
      momentum: z.number().min(0).lt(1).default(0.9),
      nesterov: z.boolean().default(false),
      weight_decay: z.number().min(0).default(0),
    }),
    z.strictObject({
      kind: z.literal("adam"),
      beta1: rate.default(0.9),
      beta2: rate.default(0.999),
      epsilon: positive.default(1e-8),
      weight_decay: z.number().min(0).default(0),
    }),
    z.strictObject({
      kind: z.literal("adamw"),
      beta1: rate.default(0.9),
      beta2: rate.default(0.999),
      epsilon: positive.default(1e-8),
      weight_decay: z.number().min(0).default(1e-4),
    }),
  ])
  .describe("Update rule");

const warmup = z.number().int().min(0).default(0).describe("Steps of linear warm-up");
const lr = positive.describe("Learning rate (the highest)");
const schedule = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("constant"), lr, warmup }),
    z.strictObject({ kind: z.literal("cosine"), lr, lr_end: z.number().min(0).default(0), warmup }),
    z.strictObject({
      kind: z.literal("step"),
      lr,
      gamma: positive.default(0.1),
      milestones: z.array(fraction).min(1).describe("Fractions of the training after which lr is multiplied by gamma"),
      warmup,
    }),
    z.strictObject({
      kind: z.literal("one-cycle"),
      lr,
      warm_fraction: fraction.default(0.2).describe("Part of the steps spent rising"),
      div_factor: positive.default(25),
      final_div_factor: positive.default(1e4),
      cycle_momentum: z
        .boolean()
        .default(true)
        .describe("Cycle momentum (beta1) against the learning rate, as PyTorch does"),
      momentum_min: rate.default(0.85),
      momentum_max: rate.default(0.95),
    }),
  ])
  .describe("Learning rate over the steps");

const ema = z
  .strictObject({
    decay: rate.default(0.999).describe("About the last 1 / (1 - decay) updates count"),
    ramp: z
      .boolean()
      .default(true)
      .describe("Update t uses min(decay, (1 + t) / (10 + t)): the initial weights are soon forgotten"),
  })
  .describe(
    "Validate, choose and keep an exponential moving average of the weights (batch-norm statistics too) instead of the weights themselves",
  );

export const trainingSchema = z
  .strictObject({
    epochs: positive.optional().describe("Passes over the samples trained on; give this or steps"),
    steps: count.optional().describe("Updates; the fair budget when runs see different numbers of samples"),
    batch: count.default(64).describe("Samples a step (of a micro-batch with accumulate)"),
    accumulate: count.default(1).describe("Micro-batches a step"),
    optimizer: optimizer.prefault({ kind: "adamw" }),
    schedule: schedule.prefault({ kind: "one-cycle", lr: 0.002 }),
    clip_norm: z.number().min(0).default(0).describe("Clip the gradient's global norm; 0 is off"),
    recompute: z
      .boolean()
      .default(false)
      .describe(
        "Compute cheap values again in the backward pass instead of keeping them: less memory, the same numbers",
      ),
    augment: augmentSchema.optional(),
    ema: ema.optional(),
    select: z.enum(["best", "last"]).default("best").describe("Weights kept: best by validation, or last"),
    early_stopping: z
      .strictObject({ patience: count })
      .optional()
      .describe("Stop after so many validations without a better one"),
    validate_every: count
      .optional()
      .describe("Steps between validations; default: an epoch, but at most 40 validations"),
    gradient_shares_every: z
      .number()
      .int()
      .min(0)
      .default(100)
      .describe("Steps between measurements of each term's share of the gradient; 0 is never"),
  })
  .refine((t) => (t.epochs === undefined) !== (t.steps === undefined), {
    message: "give either epochs or steps (null takes one away: --set training.epochs=null)",
    path: ["epochs"],
  })
  .describe("Budget and optimisation");
