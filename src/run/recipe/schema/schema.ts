/**
 * The recipe: the declarative description of a run. Every field, its default and its meaning live in these schemas and
 * nowhere else: here, and for its larger sections in a file each beside this one.
 */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { type Spelled, spelled } from "../spelling.js";
import { dataSchema } from "./data-schema.js";
import { changesTo, count, type Given } from "../../../base/schema-fields.js";
import { modelSchema } from "./model-schema.js";
import { objectiveSchema } from "./objective-schema.js";
import { robustnessSchema } from "./robustness-schema.js";
import { strategySchema } from "./strategy-schema.js";
import { sweepSchema } from "./sweep-schema.js";
import { teacherSchema } from "./teacher-schema.js";
import { trainingSchema } from "./training-schema.js";
import { omissionFields } from "./transfer-schema.js";
import { pseudoLabelsSchema, viewsSchema } from "./views-schema.js";

export { dataSchema } from "./data-schema.js";
export { modelSchema } from "./model-schema.js";
export { objectiveSchema } from "./objective-schema.js";
export { teacherSchema } from "./teacher-schema.js";
export type { SingleTeacherPlan, StrategySettings, TeacherPlan } from "../registries.js";
export { trainingSchema } from "./training-schema.js";

const transferSchema = z
  .strictObject({
    labelled: z
      .union([z.literal("all"), count])
      .default("all")
      .describe("Number of training samples whose labels the student and its baseline may use"),
    samples: z
      .enum(["labelled", "all"])
      .default("labelled")
      .describe(
        "Training samples that the student sees: only labelled ones, or all (without labels; needs objective.alpha 1)",
      ),
    part: z
      .enum(["all", "second-half"])
      .default("all")
      .describe(
        "second-half: use only the half that train_on: disjoint-half leaves to the student, even with a different teacher",
      ),
    views: viewsSchema,
    pseudoLabels: pseudoLabelsSchema,
    ...omissionFields,
  })
  .prefault({})
  .describe("The part of the training data that the student may see");

export const planSchema = assembled(() =>
  z
    .strictObject({
      name: z
        .string()
        .regex(/^[\w.-]+$/, "expected letters, digits, . _ - only")
        .refine((name) => !/^\.*$/.test(name) && name.length <= 100, {
          message: "expected at most 100 characters, and not dots alone: it names a folder",
        })
        .default("distillation")
        .describe("Name of the run's folder"),
      description: z.string().optional().describe("A paragraph for the report"),
      seed: z.number().int().min(0).default(0).describe("Seed of all random numbers"),
      seeds: count
        .default(1)
        .describe("Number of students (and baselines) to train, with the seeds seed, seed + 1, ..."),
      data: dataSchema(),
      teacher: teacherSchema(),
      student: modelSchema(),
      training: trainingSchema,
      objective: objectiveSchema().prefault({}),
      strategy: strategySchema().prefault({ kind: "one-shot" }),
      transfer: transferSchema,
      baseline: z
        .boolean()
        .default(true)
        .describe("Also train the same student on labels alone, with the same number of updates"),
      variants: z
        .array(
          z.strictObject({
            name: z.string().min(1),
            set: changesTo(z.unknown()).describe("Recipe fields to change: path -> value"),
          }),
        )
        .default([])
        .describe("More students in the same run: this recipe with some fields changed"),
      sweep: sweepSchema.optional(),
      evaluation: z
        .strictObject({
          topK: count.default(5),
          latencyRuns: count.default(200).describe("Calls at batch size 1, after warm-up"),
          robustness: robustnessSchema,
        })
        .prefault({}),
      export: z
        .strictObject({ raw: z.boolean().default(false).describe("Export the graph without the normalisation") })
        .prefault({}),
    })
    .describe("A limbeck recipe"),
);

/** What a recipe may say. */
export const recipeSchema = assembled(() => spelled(planSchema()));

/** A recipe as written: defaults may be missing. */
export type RecipeInput = Given<z.input<ReturnType<typeof recipeSchema>>>;
export type DataInput = Given<Spelled<z.input<ReturnType<typeof dataSchema>>>>;
export type ModelInput = Given<Spelled<z.input<ReturnType<typeof modelSchema>>>>;
export type TrainingInput = Given<Spelled<z.input<typeof trainingSchema>>>;
export type ObjectiveInput = Given<Spelled<z.input<ReturnType<typeof objectiveSchema>>>>;
export type StudentLossInput = ObjectiveInput["student_loss"];
export type DistillationLossInput = ObjectiveInput["distillation_loss"];
export type AlphaScheduleInput = ObjectiveInput["alpha_schedule"];
/** A recipe with every default filled in. */
export type Recipe = Spelled<Plan>;

/** What a recipe is resolved to: every default filled in, fields named as the code names them. */
export type Plan = z.output<ReturnType<typeof planSchema>>;
export type DataPlan = z.output<ReturnType<typeof dataSchema>>;
export type ModelPlan = z.output<ReturnType<typeof modelSchema>>;
export type TrainingPlan = z.output<typeof trainingSchema>;
export type ObjectivePlan = z.output<ReturnType<typeof objectiveSchema>>;
export type SweepPlan = z.output<typeof sweepSchema>;
