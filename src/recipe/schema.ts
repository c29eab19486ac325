/**
 * The recipe: the declarative description of a run. Every field, its default and its meaning live in these schemas and
 * nowhere else: here, and for its larger sections in a file each beside this one.
 */
import { z } from "zod";
import { dataSchema } from "./data-schema.js";
import { count, fraction } from "./fields.js";
import { distillationLossSchema, factorSchema, studentLossSchema, termsSchema } from "./losses-schema.js";
import { modelSchema } from "./model-schema.js";
import { robustnessSchema } from "./robustness-schema.js";
import { strategySchema } from "./strategy-schema.js";
import { sweepSchema } from "./sweep-schema.js";
import {
  type fileTeacherSchema,
  type groupTeacherSchema,
  type httpTeacherSchema,
  type singleTeacherSchema,
  type storeTeacherSchema,
  teacherSchema,
  type trainedTeacherSchema,
} from "./teacher-schema.js";
import { trainingSchema } from "./training-schema.js";
import { omissionFields } from "./transfer-schema.js";
import { pseudoLabelsSchema, viewsSchema } from "./views-schema.js";

export { dataSchema } from "./data-schema.js";
export { modelSchema } from "./model-schema.js";
export { asksNoTeacher, STRATEGIES } from "./strategy-schema.js";
export { fileTeacherSchema, teacherSchema } from "./teacher-schema.js";
export { trainingSchema } from "./training-schema.js";

export const objectiveSchema = z
  .strictObject({
    alpha: fraction
      .optional()
      .describe("How much the student follows the teacher rather than the labels; 1 needs no labels. Default 0.9"),
    alpha_schedule: factorSchema
      .optional()
      .describe("Multiplies alpha over the training; the student loss gets the rest up to 1"),
    weights: z
      .strictObject({ student: z.number().min(0), distillation: z.number().min(0) })
      .optional()
      .describe("Explicit weights instead of alpha; they need not sum to 1"),
    student_loss: studentLossSchema,
    distillation_loss: distillationLossSchema,
    terms: termsSchema,
  })
  .refine((o) => o.alpha === undefined || o.weights === undefined, {
    message: "give either alpha or weights",
    path: ["weights"],
  })
  .describe("What the student minimises");

export const recipeSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w.-]+$/, "expected letters, digits, . _ - only")
      .default("distillation")
      .describe("Names the run's folder"),
    description: z.string().optional().describe("One paragraph for the report"),
    seed: z.number().int().min(0).default(0).describe("Everything random is a function of it"),
    seeds: count.default(1).describe("How many students (and baselines) are trained, with seeds seed, seed + 1, ..."),
    data: dataSchema,
    teacher: teacherSchema,
    student: modelSchema,
    training: trainingSchema,
    objective: objectiveSchema.prefault({}),
    strategy: strategySchema.prefault({ kind: "one-shot" }),
    transfer: z
      .strictObject({
        labelled: z
          .union([z.literal("all"), count])
          .default("all")
          .describe("Training samples whose labels the student and its baseline may use"),
        samples: z
          .enum(["labelled", "all"])
          .default("labelled")
          .describe(
            "Training samples the student sees: the labelled ones, or all of them (then without labels: objective.alpha 1)",
          ),
        part: z
          .enum(["all", "second-half"])
          .default("all")
          .describe(
            "second-half: only the half that a teacher with train_on: disjoint-half leaves to the student, also when the teacher is another one",
          ),
        views: viewsSchema,
        pseudo_labels: pseudoLabelsSchema,
        ...omissionFields,
      })
      .prefault({})
      .describe("What the student may see of the training data"),
    baseline: z
      .boolean()
      .default(true)
      .describe("Also train the same student on labels alone, with the same number of updates"),
    variants: z
      .array(
        z.strictObject({
          name: z.string().min(1),
          set: z.record(z.string(), z.unknown()).describe("Recipe fields to change: path -> value"),
        }),
      )
      .default([])
      .describe("Further students in the same run: this recipe with some fields changed"),
    sweep: sweepSchema.optional(),
    evaluation: z
      .strictObject({
        top_k: count.default(5),
        latency_runs: count.default(200).describe("Calls at batch 1, after warm-up"),
        robustness: robustnessSchema,
      })
      .prefault({}),
    export: z
      .strictObject({ raw: z.boolean().default(false).describe("Leave the normalisation out of the exported graph") })
      .prefault({}),
  })
  .describe("A limbeck recipe");

/** Readonly all the way down: what is taken is never changed. */
export type Given<T> = T extends (infer E)[]
  ? readonly Given<E>[]
  : T extends object
    ? { readonly [K in keyof T]: Given<T[K]> }
    : T;

/** A recipe as written: defaults may be missing. */
export type RecipeInput = Given<z.input<typeof recipeSchema>>;
export type DataInput = Given<z.input<typeof dataSchema>>;
export type ModelInput = Given<z.input<typeof modelSchema>>;
export type TrainingInput = Given<z.input<typeof trainingSchema>>;
export type ObjectiveInput = Given<z.input<typeof objectiveSchema>>;
export type FileTeacherInput = Given<z.input<typeof fileTeacherSchema>>;
/** A recipe with every default filled in. */
export type Recipe = z.output<typeof recipeSchema>;
export type DataRecipe = z.output<typeof dataSchema>;
export type ModelRecipe = z.output<typeof modelSchema>;
export type TrainingRecipe = z.output<typeof trainingSchema>;
export type ObjectiveRecipe = z.output<typeof objectiveSchema>;
export type TrainedTeacherRecipe = z.output<typeof trainedTeacherSchema>;
export type FileTeacherRecipe = z.output<typeof fileTeacherSchema>;
export type SweepRecipe = z.output<typeof sweepSchema>;
export type StrategyRecipe = z.output<typeof strategySchema>;
export type TeacherRecipe = z.output<typeof teacherSchema>;
export type SingleTeacherRecipe = z.output<typeof singleTeacherSchema>;
export type GroupTeacherRecipe = z.output<typeof groupTeacherSchema>;
export type StoreTeacherRecipe = z.output<typeof storeTeacherSchema>;
export type HttpTeacherRecipe = z.output<typeof httpTeacherSchema>;
