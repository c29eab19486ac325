/** The strategies a recipe may name: schedules over whole trainings. The recipe's side of src/strategy. */
import { z } from "zod";
import { count, fraction } from "./fields.js";
import { virtualTeacherSchema } from "./losses-schema.js";
import { modelSchema } from "./model-schema.js";
import { trainingSchema } from "./training-schema.js";

/** Every training of a strategy that names none of its own takes the recipe's. */
const ownTraining = trainingSchema.optional().describe("Their budget and optimisation; default: the recipe's training");

export const strategySchema = z
  .discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("one-shot").describe("The teacher teaches the student, Hinton 2015") }),
    z.strictObject({
      kind: z
        .literal("assistants")
        .describe(
          "The teacher teaches the first assistant, each assistant the next, the last the student, Mirzadeh 2020",
        ),
      models: z.array(modelSchema).min(1).describe("The assistants, from the teacher's side to the student's"),
      training: ownTraining,
      direct: z
        .boolean()
        .default(true)
        .describe("Also distil the student from the teacher directly: what the assistants have to beat"),
    }),
    z.strictObject({
      kind: z
        .literal("born-again")
        .describe(
          "Each generation has the student's architecture, fresh weights and the one before as teacher, Furlanello 2018",
        ),
      generations: count.default(3).describe("Students in a row; the recipe's teacher is generation 0"),
      ensemble: z.boolean().default(true).describe("Also score the mean of the generations' probabilities"),
    }),
    z.strictObject({
      kind: z
        .literal("teacher-free")
        .describe("The baselines that need no teacher, and that a distillation has to beat, Yuan 2020"),
      methods: z
        .array(z.enum(["label-smoothing", "virtual-teacher", "self"]))
        .min(1)
        .default(["label-smoothing", "virtual-teacher", "self"])
        .describe(
          "Smoothed labels; the softened answers of a made-up teacher; the student's own labels-only twin as teacher",
        ),
      label_smoothing: z.number().gt(0).lt(1).default(0.1).describe("Label smoothing of that method"),
      virtual: virtualTeacherSchema.prefault({}).describe("The virtual-teacher method"),
      distilled: z.boolean().default(true).describe("Also distil from the recipe's teacher, to stand beside them"),
    }),
    z.strictObject({
      kind: z.literal("ladder").describe("One teacher, many students: what accuracy costs in size and time"),
      models: z.array(modelSchema).min(1).optional().describe("The students; give these or widths"),
      widths: z
        .array(z.number().positive())
        .min(1)
        .optional()
        .describe("The recipe's student, with its units, filters or width multiplied by each of these"),
      tolerance: fraction
        .default(0.01)
        .describe("The smallest student whose validation accuracy is at most this below the best becomes student.onnx"),
    }),
    z.strictObject({
      kind: z
        .literal("mutual")
        .describe("Students that learn together, each from the labels and from the others' answers, Zhang 2018"),
      students: z
        .number()
        .int()
        .min(2)
        .optional()
        .describe("How many copies of the recipe's student, with weights of their own; default 2; give this or models"),
      models: z.array(modelSchema).min(1).optional().describe("The others that learn with the recipe's student"),
      weight: z.number().min(0).default(1).describe("Weight of what they learn from each other"),
      temperature: z.number().positive().default(1).describe("T of their answers, on both sides"),
    }),
  ])
  .describe("The schedule over whole trainings; docs/strategies.md says when which");

/** The kinds of strategies. */
export const STRATEGIES = strategySchema.options.flatMap((o) => [...o.shape.kind.values]);
