/** The losses a recipe may name, with their options: the recipe's side of src/objective. */
import { z } from "zod";
import { featureLossSchemas } from "./features-schema.js";
import { fraction, positive } from "./fields.js";

const weight = z.number().min(0);

/** A factor over the training. */
export const factorSchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("constant").describe("Factor 1") }),
    ...(["linear", "cosine"] as const).map((kind) =>
      z.strictObject({
        kind: z.literal(kind).describe(kind === "linear" ? "A straight ramp" : "A ramp with gentle ends"),
        from: weight.default(0).describe("Factor before the ramp"),
        to: weight.default(1).describe("Factor after it"),
        begin: fraction.default(0).describe("Fraction of the training where it begins"),
        end: fraction.default(1).describe("Fraction of the training where it ends"),
      }),
    ),
    z.strictObject({
      kind: z.literal("warm-up").describe("Rises evenly to 1"),
      steps: z.number().int().min(1).describe("Steps it takes"),
    }),
    z.strictObject({
      kind: z.literal("step").describe("1, multiplied at each milestone"),
      gamma: weight.default(0.1).describe("What it is multiplied by"),
      milestones: z.array(fraction).min(1).describe("Fractions of the training"),
    }),
  ])
  .describe("A factor over the training");

const temperature = (usual: number) => ({
  temperature: positive.default(usual).describe("T in softmax(z / T)"),
  temperature_schedule: factorSchema
    .optional()
    .describe("Multiplies the temperature over the training; never reaches 0"),
});

const byConfidence = z
  .strictObject({
    low: positive.describe("Factor for a teacher that does not know"),
    high: positive.describe("Factor for a teacher that is sure"),
  })
  .optional()
  .describe("A temperature for each sample: T (low + (high - low) (1 - H(p_t) / log C))");

const standardise = z
  .boolean()
  .default(false)
  .describe("Standardise the logits of both sides per sample first (Sun et al. 2024); then T 2, weights 0.1 and 9");

const softened = (usual: number) => ({ ...temperature(usual), temperature_by_confidence: byConfidence, standardise });

/** Losses against the teacher's answers. */
export const logitLosses = [
  z.strictObject({ kind: z.literal("kd").describe("T^2 KL(teacher || student), Hinton 2015"), ...softened(4) }),
  z.strictObject({
    kind: z.literal("dkd").describe("Target class and the others apart, Zhao 2022; needs labels"),
    ...softened(4),
    target_weight: weight.default(1).describe("Weight of the target class's part"),
    other_weight: weight.default(8).describe("Weight of the other classes' part"),
  }),
  z.strictObject({
    kind: z.literal("nkd").describe("Normalised KD, Yang 2023; needs labels"),
    ...softened(1),
    gamma: weight.default(1.5).describe("Weight of the other classes' part"),
  }),
  z.strictObject({
    kind: z.literal("dist").describe("Correlations within samples and within classes, Huang 2022"),
    ...temperature(1),
    standardise,
    row_weight: weight.default(1).describe("Weight of the term within samples"),
    column_weight: weight.default(1).describe("Weight of the term within classes"),
  }),
  z.strictObject({ kind: z.literal("reverse-kl").describe("T^2 KL(student || teacher), Gu 2023"), ...softened(1) }),
  z.strictObject({
    kind: z.literal("jsd").describe("Between forward (0) and reverse KL (1), Agarwal 2023"),
    ...softened(1),
    beta: fraction.default(0.5).describe("The teacher's share in the mixture"),
  }),
  z.strictObject({ kind: z.literal("tvd").describe("Total variation distance"), ...softened(1) }),
  z.strictObject({
    kind: z.literal("logit-mse").describe("Mean squared difference of logits, Ba & Caruana 2014"),
  }),
  z.strictObject({
    kind: z.literal("top-k-kl").describe("KL over the teacher's best classes, FKD 2022"),
    ...softened(1),
    k: z.number().int().min(1).describe("How many"),
    tail: z
      .enum(["renormalise", "bucket", "uniform", "zero"])
      .default("bucket")
      .describe("What becomes of the others: docs/losses.md"),
  }),
  z.strictObject({
    kind: z.literal("bernoulli").describe("A binary KL for each class: multi-label outputs"),
    ...temperature(1),
  }),
  z.strictObject({
    kind: z.literal("regression").describe("Outputs as numbers"),
    form: z.enum(["mse", "huber"]).default("mse"),
    delta: positive.default(1).describe("Where Huber's parabola becomes a line"),
  }),
  z.strictObject({ kind: z.literal("cosine").describe("1 - cosine of the outputs: embeddings") }),
] as const;

export const virtualTeacherSchema = z.strictObject({
  correct: z.number().gt(0).lt(1).default(0.99).describe("The made-up teacher's probability of the label"),
  temperature: positive.default(20).describe("T on both sides"),
  alpha: fraction.default(0.1).describe("Weight of the made-up teacher; the labels get the rest up to 1"),
});

/** A loss against the labels. */
export const studentLossSchema = z
  .strictObject({
    kind: z.literal("cross-entropy").default("cross-entropy"),
    label_smoothing: z.number().min(0).lt(1).default(0),
    class_weights: z.array(z.number().min(0)).optional(),
    virtual_teacher: virtualTeacherSchema
      .optional()
      .describe(
        "Also learn from a teacher made up from the label: (1 - alpha) cross-entropy + alpha T^2 KL, Yuan 2020",
      ),
  })
  .prefault({})
  .describe("Loss against the labels");

export const distillationLossSchema = z
  .discriminatedUnion("kind", logitLosses)
  .prefault({ kind: "kd" })
  .describe("Loss against the teacher");

const termSettings = {
  weight: weight.default(1),
  schedule: factorSchema.optional().describe("Multiplies the weight over the training"),
  name: z
    .string()
    .regex(/^[\w.-]+$/, "expected letters, digits, . _ - only")
    .optional()
    .describe("In logs and reports; default the kind"),
};

const [first, ...others] = [...logitLosses, ...featureLossSchemas].map((loss) => loss.extend(termSettings));

/** Further terms of an objective. */
export const termsSchema = z
  .array(z.discriminatedUnion("kind", [first as NonNullable<typeof first>, ...others]))
  .optional()
  .describe("Further terms, added to student and distillation loss; options of each kind as for distillation_loss");
