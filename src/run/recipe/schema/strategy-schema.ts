/** The strategies a recipe may name: schedules of complete training runs. The recipe's side of src/strategy. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { count, fraction } from "../../../base/schema-fields.js";
import { virtualTeacherSchema } from "../../../engine/objective/losses/virtual-teacher.js";
import { modelSchema } from "./model-schema.js";
import { trainingSchema } from "./training-schema.js";

/** Every training of a strategy that names none of its own takes the recipe's. */
const ownTraining = trainingSchema
  .optional()
  .describe("Budget and optimisation of these models; default: the recipe's training");

const strategies = [
  z.strictObject({ kind: z.literal("one-shot").describe("The teacher teaches the student (Hinton 2015)") }),
  z.strictObject({
    kind: z
      .literal("assistants")
      .describe(
        "The teacher teaches the first assistant, each assistant teaches the next, and the last teaches the student (Mirzadeh 2020)",
      ),
    models: z.array(modelSchema()).min(1).describe("The assistants, in order from teacher to student"),
    training: ownTraining,
    direct: z
      .boolean()
      .default(true)
      .describe("Also distil the student directly from the teacher, as the result that assistants have to beat"),
  }),
  z.strictObject({
    kind: z
      .literal("born-again")
      .describe(
        "Each generation has the student's architecture and fresh weights, and the previous generation as teacher (Furlanello 2018)",
      ),
    generations: count.default(3).describe("Number of generations; the recipe's teacher is generation 0"),
    ensemble: z.boolean().default(true).describe("Also score the mean of the generations' probabilities"),
  }),
  z.strictObject({
    kind: z.literal("teacher-free").describe("Methods without a teacher, which a distillation has to beat (Yuan 2020)"),
    methods: z
      .array(z.enum(["label-smoothing", "virtual-teacher", "self"]))
      .min(1)
      .default(["label-smoothing", "virtual-teacher", "self"])
      .describe(
        "label-smoothing; virtual-teacher: softened answers of a teacher built from the label; self: a copy of the student, trained on labels alone, as teacher",
      ),
    labelSmoothing: z.number().gt(0).lt(1).default(0.1).describe("Smoothing of the label-smoothing method"),
    virtual: virtualTeacherSchema.prefault({}).describe("Settings of the virtual-teacher method"),
    distilled: z.boolean().default(true).describe("Also distil from the recipe's teacher, for comparison"),
  }),
  z.strictObject({
    kind: z.literal("ladder").describe("One teacher, many students: accuracy by size and time"),
    models: z.array(modelSchema()).min(1).optional().describe("The students; set either models or widths"),
    widths: z
      .array(z.number().positive())
      .min(1)
      .optional()
      .describe("Factors on the units, filters or width of the recipe's student, one student for each"),
    tolerance: fraction
      .default(0.01)
      .describe(
        "The smallest student whose validation accuracy is within this distance of the best becomes student.onnx",
      ),
  }),
  z.strictObject({
    kind: z
      .literal("mutual")
      .describe("Students that train together, each on the labels and on the others' answers (Zhang 2018)"),
    students: z
      .number()
      .int()
      .min(2)
      .optional()
      .describe(
        "Number of copies of the recipe's student, each with its own weights; default 2. Set either students or models",
      ),
    models: z.array(modelSchema()).min(1).optional().describe("Other models that train with the recipe's student"),
    weight: z.number().min(0).default(1).describe("Weight of the loss between the students"),
    temperature: z.number().positive().default(1).describe("Temperature of their answers, on both sides"),
  }),
  z.strictObject({
    kind: z
      .literal("consistent")
      .describe(
        "The teacher answers for exactly the view that the student sees, including mixup; labels are not used (Beyer 2022). Views come from training.augment; mixup is added if it is missing",
      ),
    answers: z
      .enum(["replayed", "online"])
      .default("replayed")
      .describe("replayed: views are labelled once and reused; online: the teacher answers at every step"),
    count: count.optional().describe("For replayed: views per sample; default: one per epoch, at most 8"),
    compare: z
      .array(z.enum(["replayed", "online", "clean"]))
      .default(["clean"])
      .describe(
        "Also distil the same student with these answers, for comparison; clean: the answers for unchanged samples",
      ),
  }),
  z.strictObject({
    kind: z
      .literal("noisy-student")
      .describe(
        "The teacher labels unlabelled samples; an equal or larger student learns them under noise and teaches the next round (Xie 2020). Input noise is training.augment (default: RandAugment for images, mixup for other data). Model noise is the student's dropout and drop_path",
      ),
    rounds: count.default(3).describe("Number of students; each teaches the next"),
    models: z.array(modelSchema()).min(1).optional().describe("One student per round; default: the recipe's student"),
    labels: z
      .enum(["soft", "hard"])
      .default("soft")
      .describe("Pseudo-labels: the teacher's probabilities (soft) or its most likely class (hard)"),
    minConfidence: fraction
      .default(0.3)
      .describe("Samples whose most likely class has a lower probability are dropped"),
    balance: z.boolean().default(true).describe("Use the same number of pseudo-labelled samples for each class"),
    ablation: z
      .boolean()
      .default(false)
      .describe("Also train round 1 without each part: noise, filter, balance, soft labels, clean teacher"),
  }),
] as const;

export const strategySchema = assembled(() =>
  z
    .discriminatedUnion("kind", strategies)
    .describe("The schedule of complete training runs; docs/strategies.md explains when to use which"),
);

/** The kinds of strategies. */
export const STRATEGIES = strategySchema().options.flatMap((o) => [...o.shape.kind.values]);

/** Whether a strategy is carried out without ever asking the recipe's teacher, which may then be left out. */
export function asksNoTeacher(strategy: z.output<ReturnType<typeof strategySchema>>): boolean {
  return strategy.kind === "mutual" || (strategy.kind === "teacher-free" && !strategy.distilled);
}
