/** The losses between inner values a recipe may name, with their options. */
import { z } from "zod";

/** Layers to compare. */
const layers = z
  .array(
    z.strictObject({
      student: z.string().min(1).describe("Tensor or node of the student; * matches any text"),
      teacher: z.string().min(1).describe("Tensor or node of the teacher; must match as many as the student's"),
    }),
  )
  .min(1)
  .describe("Layers to compare; `limbeck inspect --features` lists a model's layers");

/** Losses between inner values of student and teacher. */
export const featureLossSchemas = [
  z.strictObject({ kind: z.literal("fitnet").describe("Mean squared difference (Romero 2015)"), layers }),
  z.strictObject({ kind: z.literal("attention").describe("Spatial attention of a layer (Zagoruyko 2017)"), layers }),
  z.strictObject({ kind: z.literal("similarity").describe("Similarities between samples (Tung 2019)"), layers }),
  z.strictObject({
    kind: z.literal("rkd").describe("Distances and angles between samples (Park 2019)"),
    layers,
    distanceWeight: z.number().min(0).default(25).describe("Weight of the distances"),
    angleWeight: z.number().min(0).default(50).describe("Weight of the angles"),
  }),
  z.strictObject({
    kind: z.literal("pkt").describe("Similarity distributions within the batch (Passalis 2018)"),
    layers,
  }),
  z.strictObject({ kind: z.literal("fsp").describe("Relations between consecutive layers (Yim 2017)"), layers }),
  z.strictObject({
    kind: z.literal("vid").describe("Prediction with one variance per channel (Ahn 2019)"),
    layers,
    initialVariance: z.number().gt(1e-5).default(5).describe("Initial variances"),
  }),
  z.strictObject({
    kind: z.literal("crd").describe("Contrast with other samples, using memory banks (Tian 2020)"),
    layers,
    dimension: z.number().int().min(1).default(128).describe("Width of the embeddings"),
    temperature: z.number().gt(0).default(0.07).describe("Divisor of the cosines"),
    negatives: z
      .number()
      .int()
      .min(1)
      .default(1024)
      .describe("Other samples drawn at every step; limited to the number available"),
    momentum: z
      .number()
      .min(0)
      .lt(1)
      .default(0.5)
      .describe("Share of the old row that is kept when a row of a bank is updated"),
  }),
  z.strictObject({
    kind: z
      .literal("review")
      .describe("Deeper layers review shallower ones (Chen 2021). List layers from the input on"),
    layers,
    midChannels: z
      .number()
      .int()
      .min(1)
      .optional()
      .describe("Channels of the fused maps; default: those of the last layer, at most 512"),
  }),
  z.strictObject({
    kind: z.literal("simkd").describe("The student reuses its teacher's classifier (Chen 2022). One pair of layers"),
    layers,
    factor: z
      .number()
      .gt(0)
      .default(2)
      .describe("The inner width of the transfer is the teacher's width divided by factor"),
  }),
  z.strictObject({ kind: z.literal("hidden").describe("Hidden states of transformers (TinyBERT 2020)"), layers }),
  z.strictObject({
    kind: z.literal("attention-map").describe("Attention matrices of transformers (TinyBERT 2020)"),
    layers,
  }),
] as const;
