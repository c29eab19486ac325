/** The recipe's objective: the losses and how they are weighed. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { factor, fraction } from "../../../base/schema-fields.js";
import { distillationLossSchema, studentLossSchema, termsSchema } from "./losses-schema.js";

export const objectiveSchema = assembled(() =>
  z
    .strictObject({
      alpha: fraction
        .optional()
        .describe(
          "How closely the student follows the teacher rather than the labels; 1 needs no labels. Default: 0.9",
        ),
      alphaSchedule: factor
        .optional()
        .describe("A factor on alpha that changes over the training; the student loss gets the weight 1 - alpha"),
      weights: z
        .strictObject({ student: z.number().min(0), distillation: z.number().min(0) })
        .optional()
        .describe("Explicit weights instead of alpha; they need not sum to 1"),
      studentLoss: studentLossSchema(),
      distillationLoss: distillationLossSchema(),
      terms: termsSchema(),
    })
    .refine((o) => o.alpha === undefined || o.weights === undefined, {
      message: "alpha and weights are both given",
      params: { code: "option-conflict", cure: "Give only one of them" },
      path: ["weights"],
    })
    .describe("The loss that the student minimises"),
);
