/** The recipe's teachers. */
import { z } from "zod";
import { ADDRESS_REFERENCE } from "../secrets.js";
import { className, count, file, positive, rate } from "./fields.js";
import { modelSchema } from "./model-schema.js";
import { trainingSchema } from "./training-schema.js";

const storePrecision = z.enum(["float32", "float16"]).default("float32").describe("Precision of the label store");

const partOfClasses = z
  .array(className)
  .min(2)
  .optional()
  .describe(
    "In a group that merges: the only classes it knows. A trained teacher sees samples of these alone; answers about others do not count",
  );

export const trainedTeacherSchema = z.strictObject({
  model: modelSchema,
  training: trainingSchema,
  label_smoothing: rate.default(0).describe("Label smoothing of the teacher's own training"),
  train_on: z
    .enum(["all", "labelled", "disjoint-half"])
    .default("all")
    .describe(
      "Training samples the teacher sees with labels: all, only those the student may use, or one half while the student gets the other",
    ),
  classes: partOfClasses,
  seeds: z.enum(["one", "each"]).default("one").describe('"each" trains a teacher for every seed'),
  precision: storePrecision,
});

export const fileTeacherSchema = z.strictObject({
  file: file("ONNX classifier; {n} in the name stands for 1, 2, ... and makes a teacher for each of the seeds"),
  input: z.string().optional().describe("Name of the graph input; default: the only one"),
  output: z.string().optional().describe("Name of the graph output; default: the one that fits the classes"),
  outputs: z
    .enum(["auto", "logits", "probabilities"])
    .default("auto")
    .describe("What the output holds; auto looks at the answers and says so"),
  layout: z.enum(["auto", "nchw", "nhwc"]).default("auto").describe("Order of image dimensions"),
  resize: z
    .enum(["auto", "none"])
    .default("auto")
    .describe("Resize images to the model's fixed input size (bilinear) when it differs"),
  normalise: z
    .union([
      z.enum(["auto", "data", "none", "unit"]),
      z.strictObject({ scale: z.number().default(1), mean: z.array(z.number()).min(1), std: z.array(positive).min(1) }),
    ])
    .default("auto")
    .describe(
      'Applied to raw samples before the teacher: "auto" what a file exported by limbeck says of itself, for others "data" unless labelled samples show that they want raw ones; "data" as for the student, "none" raw, "unit" bytes / 255, or numbers (x * scale - mean) / std',
    ),
  classes: z
    .array(className)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of the teacher's outputs, when it differs from the data's; in a group that merges it may know only some of them",
    ),
  batch: count.default(64).describe("Samples a call, for models with a free batch dimension"),
  allow_chance: z
    .boolean()
    .default(false)
    .describe("Go on although labelled data shows the teacher near chance, or its classes in another order"),
  trained_on: z.string().optional().describe("What it had seen, for the report; default: unknown"),
  precision: storePrecision,
});

export const storeTeacherSchema = z.strictObject({
  label_store: file("Folder written by `limbeck label`"),
  classes: partOfClasses,
});

/** Whether it is the address of an endpoint, or will be once its references are replaced. */
function isAddress(text: string): boolean {
  if (/^\$[A-Z_]/.test(text)) return true;
  const url = text.replace(ADDRESS_REFERENCE, "1");
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

export const httpTeacherSchema = z.strictObject({
  url: z
    .string()
    .min(1)
    .refine(isAddress, { message: "expected an http or https address" })
    .describe(
      "Address that takes POST { shape, samples } and answers { outputs }: docs/teachers.md. $NAME is taken from the environment; user:password@ is sent as a Basic authorization header",
    ),
  answers: z
    .enum(["logits", "probabilities", "log-probabilities", "labels", "top-k"])
    .describe("What an answer is: a number a class, one class number, or the best classes with their probabilities"),
  classes: z
    .array(className)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of its answers, when these are not the data's or, in a group that merges, only some",
    ),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "Further headers. $NAME in a value is taken from the environment; any other value is masked in copies of the recipe",
    ),
  version: z
    .string()
    .default("1")
    .describe("Change it when the endpoint answers differently: a label store belongs to one version"),
  batch: count.default(64).describe("Samples a call, and answers that a killed labelling can lose"),
  calls_per_second: positive.optional().describe("At most so many calls; default no limit"),
  retries: z
    .number()
    .int()
    .min(0)
    .default(4)
    .describe("Further tries after a failure, each after twice the wait, at most a minute"),
  timeout_seconds: positive.default(60).describe("A call without an answer by then counts as failed"),
  max_wait_seconds: positive
    .default(300)
    .describe("Longest wait that Retry-After may ask for; a longer one ends the run, which can be resumed later"),
  trained_on: z.string().optional().describe("What it had seen, for the report; default: unknown"),
  precision: storePrecision,
});

export const singleTeacherSchema = z.union([
  trainedTeacherSchema,
  fileTeacherSchema,
  storeTeacherSchema,
  httpTeacherSchema,
]);

export const groupTeacherSchema = z.strictObject({
  group: z
    .array(singleTeacherSchema)
    .min(2)
    .describe("Two teachers or more, each a model, a file or a label store; trained ones differ in their seeds"),
  combine: z
    .enum(["mean-probabilities", "mean-logits", "mean-losses", "draw", "merge"])
    .default("mean-probabilities")
    .describe(
      "What is averaged, or that each batch draws one teacher, or that teachers of part of the classes are merged: see docs/teachers.md",
    ),
  weights: z
    .union([z.array(positive).min(2), z.literal("confidence")])
    .optional()
    .describe(
      'One number a teacher, with draw its probability; or "confidence": a sample at a time by each teacher\'s cross-entropy with its label, Zhang 2022 (CA-MKD). Default: all alike',
    ),
});

const noTeacherSchema = z.strictObject({
  none: z.literal(true).describe("Nobody teaches: what a strategy without a teacher means by leaving the teacher out"),
});

export const teacherSchema = z
  .union([
    trainedTeacherSchema,
    fileTeacherSchema,
    storeTeacherSchema,
    httpTeacherSchema,
    groupTeacherSchema,
    noTeacherSchema,
  ])
  .default({ none: true })
  .describe(
    "Who teaches: a model to train (model, training), an ONNX file (file), a label store (label_store), an endpoint (url), or several of these (group). Strategies without a teacher (mutual, teacher-free with distilled: false) may leave it out",
  );
