/** The losses between inner values a recipe may name, with their options. */
import { z } from "zod";

/** Layers to compare. */
const layers = z
  .array(
    z.strictObject({
      student: z.string().min(1).describe("Tensor or node of the student; * stands for any text"),
      teacher: z.string().min(1).describe("Tensor or node of the teacher, as many as of the student"),
    }),
  )
  .min(1)
  .describe("Layers compared; `limbeck inspect` lists a model's");

/** Losses between inner values of student and teacher. */
export const featureLossSchemas = [
  z.strictObject({ kind: z.literal("fitnet").describe("Mean squared difference, Romero 2015"), layers }),
  z.strictObject({ kind: z.literal("attention").describe("Where a layer looks, Zagoruyko 2017"), layers }),
  z.strictObject({ kind: z.literal("similarity").describe("Which samples are alike, Tung 2019"), layers }),
  z.strictObject({
    kind: z.literal("rkd").describe("Distances and angles between samples, Park 2019"),
    layers,
    distance_weight: z.number().min(0).default(25).describe("Weight of the distances"),
    angle_weight: z.number().min(0).default(50).describe("Weight of the angles"),
  }),
  z.strictObject({
    kind: z.literal("pkt").describe("Distribution over neighbours in the batch, Passalis 2018"),
    layers,
  }),
  z.strictObject({ kind: z.literal("fsp").describe("How consecutive layers turn into each other, Yim 2017"), layers }),
  z.strictObject({
    kind: z.literal("vid").describe("Prediction with a variance a channel, Ahn 2019"),
    layers,
    initial_variance: z.number().gt(1e-5).default(5).describe("The variances at the start"),
  }),
  z.strictObject({
    kind: z.literal("crd").describe("Contrast with other samples through memory banks, Tian 2020"),
    layers,
    dimension: z.number().int().min(1).default(128).describe("Width of the embeddings compared"),
    temperature: z.number().gt(0).default(0.07).describe("What cosines are divided by"),
    negatives: z
      .number()
      .int()
      .min(1)
      .default(1024)
      .describe("Other samples drawn at every step, at most those there are"),
    momentum: z.number().min(0).lt(1).default(0.5).describe("Share of its old row that a sample keeps in the banks"),
  }),
  z.strictObject({
    kind: z.literal("review").describe("Deeper layers review shallower ones, Chen 2021; layers from the input on"),
    layers,
    mid_channels: z.number().int().min(1).optional().describe("Channels of the fused maps; default the last layer's"),
  }),
  z.strictObject({
    kind: z.literal("simkd").describe("The student ends in its teacher's classifier, Chen 2022; one pair of layers"),
    layers,
    factor: z.number().gt(0).default(2).describe("The transfer's inner width is the teacher's divided by it"),
  }),
  z.strictObject({ kind: z.literal("hidden").describe("Hidden states of transformers, TinyBERT 2020"), layers }),
  z.strictObject({
    kind: z.literal("attention-map").describe("Attention matrices of transformers, TinyBERT 2020"),
    layers,
  }),
] as const;
