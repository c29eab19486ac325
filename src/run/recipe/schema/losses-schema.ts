/** The losses a recipe may name, with their options: the recipe's side of src/objective. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { featureLossSchemas } from "./features-schema.js";
import { factor, fraction, positive, weight } from "../../../base/schema-fields.js";

const temperature = (usual: number) => ({
  temperature: z
    .union([positive, z.literal("auto")])
    .default(usual)
    .describe("T in softmax(z / T); auto: chosen from the teacher's answers, see docs/losses.md"),
  temperatureSchedule: factor
    .optional()
    .describe("A factor on the temperature that changes over the training; must stay above 0"),
});

const byConfidence = z
  .strictObject({
    low: positive.describe("Factor if the teacher is completely uncertain"),
    high: positive.describe("Factor if the teacher is certain"),
  })
  .optional()
  .describe("Gives each sample its own temperature: T (low + (high - low) (1 - H(p_t) / log C))");

const standardise = z
  .boolean()
  .default(false)
  .describe(
    "Standardise each sample's logits on both sides first (Sun et al. 2024). The paper uses T 2 and weights 0.1 and 9",
  );

const softened = (usual: number) => ({ ...temperature(usual), temperatureByConfidence: byConfidence, standardise });

/** Losses against the teacher's answers. */
export const logitLosses = [
  z.strictObject({ kind: z.literal("kd").describe("T^2 KL(teacher || student) (Hinton 2015)"), ...softened(4) }),
  z.strictObject({
    kind: z.literal("dkd").describe("Target class and other classes weighted separately (Zhao 2022); needs labels"),
    ...softened(4),
    targetWeight: weight.default(1).describe("Weight of the target class term"),
    otherWeight: weight.default(8).describe("Weight of the other classes' term"),
  }),
  z.strictObject({
    kind: z.literal("nkd").describe("Normalised KD (Yang 2023); needs labels"),
    ...softened(1),
    gamma: weight.default(1.5).describe("Weight of the other classes' term"),
  }),
  z.strictObject({
    kind: z.literal("dist").describe("Correlations within samples and within classes (Huang 2022)"),
    ...temperature(1),
    standardise,
    rowWeight: weight.default(1).describe("Weight of the term within samples"),
    columnWeight: weight.default(1).describe("Weight of the term within classes"),
  }),
  z.strictObject({ kind: z.literal("reverse-kl").describe("T^2 KL(student || teacher) (Gu 2023)"), ...softened(1) }),
  z.strictObject({
    kind: z.literal("jsd").describe("Interpolates between forward KL (beta 0) and reverse KL (beta 1); Agarwal 2023"),
    ...softened(1),
    beta: fraction.default(0.5).describe("The teacher's share of the mixture"),
  }),
  z.strictObject({ kind: z.literal("tvd").describe("Total variation distance"), ...softened(1) }),
  z.strictObject({
    kind: z.literal("logit-mse").describe("Mean squared difference of logits (Ba & Caruana 2014)"),
  }),
  z.strictObject({
    kind: z.literal("top-k-kl").describe("KL over the teacher's most likely classes (FKD 2022)"),
    ...softened(1),
    k: z.number().int().min(1).describe("Number of classes"),
    tail: z
      .enum(["renormalise", "bucket", "uniform", "zero"])
      .default("bucket")
      .describe("How the other classes are treated: docs/losses.md"),
  }),
  z.strictObject({
    kind: z.literal("bernoulli").describe("A binary KL for each class, for multi-label outputs"),
    ...temperature(1),
  }),
  z.strictObject({
    kind: z.literal("regression").describe("Numeric outputs"),
    form: z.enum(["mse", "huber"]).default("mse"),
    delta: positive.default(1).describe("Point at which Huber's loss becomes linear"),
  }),
  z.strictObject({ kind: z.literal("cosine").describe("1 - cosine of the outputs, for embeddings") }),
] as const;

export const virtualTeacherSchema = z.strictObject({
  correct: z.number().gt(0).lt(1).default(0.99).describe("Probability that the virtual teacher gives to the label"),
  temperature: positive.default(20).describe("Temperature on both sides"),
  alpha: fraction.default(0.1).describe("Weight of the virtual teacher; the labels get 1 - alpha"),
});

/** A loss against the labels. */
export const studentLossSchema = z
  .strictObject({
    kind: z.literal("cross-entropy").default("cross-entropy"),
    labelSmoothing: z.number().min(0).lt(1).default(0),
    classWeights: z.array(z.number().min(0)).optional(),
    virtualTeacher: virtualTeacherSchema
      .optional()
      .describe(
        "Also learn from a virtual teacher built from the label: (1 - alpha) cross-entropy + alpha T^2 KL (Yuan 2020)",
      ),
  })
  .prefault({})
  .describe("Loss against the labels");

export const distillationLossSchema = assembled(() =>
  z.discriminatedUnion("kind", logitLosses).prefault({ kind: "kd" }).describe("Loss against the teacher's answers"),
);

const termSettings = {
  weight: weight.default(1),
  schedule: factor.optional().describe("A factor on the weight that changes over the training"),
  name: z
    .string()
    .regex(/^[\w.-]+$/, "expected letters, digits, . _ - only")
    .optional()
    .describe("Name in logs and reports; default: the kind"),
};

/** More terms of an objective. */
export const termsSchema = assembled(() => {
  const [first, ...others] = [...logitLosses, ...featureLossSchemas].map((loss) => loss.extend(termSettings));
  return z
    .array(z.discriminatedUnion("kind", [first as NonNullable<typeof first>, ...others]))
    .optional()
    .describe(
      "More terms, added to student and distillation loss. Each kind has the same options as under distillation_loss",
    );
});
