/** Fields that several architectures have. */
import { z } from "zod";
import { rate } from "../../base/schema-fields.js";

export const activation = z
  .enum([
    "relu",
    "relu6",
    "leaky-relu",
    "gelu",
    "tanh",
    "sigmoid",
    "silu",
    "hard-swish",
    "elu",
    "selu",
    "softplus",
    "none",
  ])
  .describe("Activation function");

export const initialiser = z
  .enum(["pytorch", "keras", "he-normal", "he-uniform", "glorot-normal", "glorot-uniform"])
  .default("pytorch")
  .describe("Initial weights: a library's layer defaults, or He / Glorot with zero biases");

export const leakySlope = z.number().min(0).default(0.2).describe("Negative slope of leaky-relu");

export const dropPath = rate
  .default(0)
  .describe("Stochastic depth (Huang et al. 2016): rate of the last residual block; earlier rates grow linearly");

/** "x0.5" behind the name of a network of another width. */
export const times = (width: number): string => (width === 1 ? "" : `x${width}`);

/** A transformer of another width, which stays a multiple of its heads. */
export const widenedHeads = <S extends { readonly dim: number; readonly heads: number }>(
  settings: S,
  factor: number,
): S => ({
  ...settings,
  dim: settings.heads * Math.max(1, Math.round((settings.dim * factor) / settings.heads)),
});
