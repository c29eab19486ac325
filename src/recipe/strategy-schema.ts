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
    z.strictObject({
      kind: z
        .literal("consistent")
        .describe(
          "The teacher answers for the very view that the student sees, mixup included, and no label is used, Beyer 2022. Views come from training.augment; mixup is added where it is missing",
        ),
      answers: z
        .enum(["replayed", "online"])
        .default("replayed")
        .describe("Views labelled once and replayed, or a teacher asked at every step"),
      count: count.optional().describe("replayed: how many views of each sample; default one an epoch, at most 8"),
      compare: z
        .array(z.enum(["replayed", "online", "clean"]))
        .default(["clean"])
        .describe(
          "Also distil the same student with these answers, to stand beside it; clean are those for unchanged samples",
        ),
    }),
    z.strictObject({
      kind: z
        .literal("noisy-student")
        .describe(
          "The teacher labels what has no label; an equal or larger student learns it under noise and teaches the next round, Xie 2020. Input noise is training.augment (default RandAugment of images, mixup of other data), model noise the student's dropout and drop_path",
        ),
      rounds: count.default(3).describe("Students in a row; each teaches the next"),
      models: z
        .array(modelSchema)
        .min(1)
        .optional()
        .describe("The students of the rounds; default: the recipe's student in each"),
      labels: z
        .enum(["soft", "hard"])
        .default("soft")
        .describe("Pseudo-labels: the teacher's probabilities, or its best class"),
      min_confidence: fraction.default(0.3).describe("Samples whose best class the teacher gives less are left out"),
      balance: z.boolean().default(true).describe("As many pseudo-labelled samples of each class"),
      ablation: z
        .boolean()
        .default(false)
        .describe(
          "Also train round 1 with each part taken away: noise, filter, balance, soft labels, the clean teacher",
        ),
    }),
  ])
  .describe("The schedule over whole trainings; docs/strategies.md says when which");

/** The kinds of strategies. */
export const STRATEGIES = strategySchema.options.flatMap((o) => [...o.shape.kind.values]);

/** Whether a strategy is carried out without ever asking the recipe's teacher, which may then be left out. */
export function asksNoTeacher(strategy: z.output<typeof strategySchema>): boolean {
  return strategy.kind === "mutual" || (strategy.kind === "teacher-free" && !strategy.distilled);
}
