/** The recipe's teachers. */
import { assembled } from "../../../base/registry.js";
import { z } from "zod";
import { ADDRESS_REFERENCE } from "../../../base/secrets.js";
import { className, count, file, positive, rate } from "../../../base/schema-fields.js";
import { modelSchema } from "./model-schema.js";
import { trainingSchema } from "./training-schema.js";

const storePrecision = z.enum(["float32", "float16"]).default("float32").describe("Precision of the label store");

const partOfClasses = z
  .array(className)
  .min(2)
  .optional()
  .describe(
    "For groups with combine: merge, the classes this teacher knows. A trained teacher sees only samples of these classes; its answers for other classes are ignored",
  );

export const trainedTeacherSchema = assembled(() =>
  z.strictObject({
    model: modelSchema(),
    training: trainingSchema,
    labelSmoothing: rate.default(0).describe("Label smoothing when training the teacher"),
    trainOn: z
      .enum(["all", "labelled", "disjoint-half"])
      .default("all")
      .describe(
        "Labelled training samples that the teacher sees: all of them, only those the student may use, or one half while the student gets the other half",
      ),
    classes: partOfClasses,
    seeds: z.enum(["one", "each"]).default("one").describe('"each" trains one teacher per seed'),
    precision: storePrecision,
  }),
);

export const fileTeacherSchema = z.strictObject({
  file: file("ONNX classifier. {n} in the name stands for 1, 2, ..., with one teacher per seed"),
  input: z.string().optional().describe("Name of the graph input; default: the only one"),
  output: z.string().optional().describe("Name of the graph output; default: the one that matches the classes"),
  outputs: z
    .enum(["auto", "logits", "probabilities"])
    .default("auto")
    .describe("Kind of output; auto detects it from the answers and notes it"),
  layout: z.enum(["auto", "nchw", "nhwc"]).default("auto").describe("Order of image dimensions"),
  resize: z
    .enum(["auto", "none"])
    .default("auto")
    .describe("Resize images (bilinear) to the model's fixed input size if it differs"),
  normalise: z
    .union([
      z.enum(["auto", "data", "none", "unit"]),
      z.strictObject({ scale: z.number().default(1), mean: z.array(z.number()).min(1), std: z.array(positive).min(1) }),
    ])
    .default("auto")
    .describe(
      'Normalisation of raw samples for the teacher. "auto": as recorded in a file exported by limbeck; for other files "data", unless labelled samples show that raw samples or bytes / 255 work better. "data": as for the student; "none": raw; "unit": bytes / 255; or numbers: (x * scale - mean) / std',
    ),
  classes: z
    .array(className)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of the teacher's outputs, if it differs from the data's. In groups with combine: merge, only some of the classes may be listed",
    ),
  batch: count.default(64).describe("Samples per call, for models with a free batch dimension"),
  allowChance: z
    .boolean()
    .default(false)
    .describe(
      "Continue even if labelled data shows that the teacher is near chance or its classes are in a different order",
    ),
  trainedOn: z.string().optional().describe("Training data of the teacher, for the report; default: unknown"),
  precision: storePrecision,
});

export const storeTeacherSchema = z.strictObject({
  labelStore: file("Folder written by `limbeck label`"),
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
      "URL that accepts POST { shape, samples } and returns { outputs } (docs/teachers.md). $NAME is read from the environment; user:password@ is sent as a Basic authorization header",
    ),
  answers: z
    .enum(["logits", "probabilities", "log-probabilities", "labels", "top-k"])
    .describe(
      "Kind of answer: one number per class, one class number, or the most likely classes with their probabilities",
    ),
  classes: z
    .array(className)
    .min(2)
    .optional()
    .describe(
      "Class names in the order of its answers, if it differs from the data's. In groups with combine: merge, only some of the classes may be listed",
    ),
  headers: z
    .record(z.string(), z.string())
    .default({})
    .describe(
      "More headers. $NAME in a value is read from the environment; any other value is masked in copies of the recipe",
    ),
  version: z
    .string()
    .default("1")
    .describe("Change this if the endpoint's answers change; a label store belongs to one version"),
  batch: count.default(64).describe("Samples per call; also the number of answers lost if labelling is killed"),
  callsPerSecond: positive.optional().describe("Limit on calls per second; default: no limit"),
  retries: z
    .number()
    .int()
    .min(0)
    .default(4)
    .describe("Retries after a failure; the wait doubles each time, up to one minute"),
  timeoutSeconds: positive.default(60).describe("Time after which a call without an answer fails"),
  maxWaitSeconds: positive
    .default(300)
    .describe("Longest accepted Retry-After wait; a longer one ends the run, which can be resumed later"),
  trainedOn: z.string().optional().describe("Training data of the teacher, for the report; default: unknown"),
  precision: storePrecision,
});

export const singleTeacherSchema = assembled(() =>
  z.union([trainedTeacherSchema(), fileTeacherSchema, storeTeacherSchema, httpTeacherSchema]),
);

export const groupTeacherSchema = assembled(() =>
  z.strictObject({
    group: z
      .array(singleTeacherSchema())
      .min(2)
      .describe(
        "Two or more teachers: models to train, files, label stores or endpoints. Trained teachers differ in their seeds",
      ),
    combine: z
      .enum(["mean-probabilities", "mean-logits", "mean-losses", "draw", "merge"])
      .default("mean-probabilities")
      .describe(
        "How teachers are combined: means, one drawn per update, or merged for teachers that know part of the classes (docs/teachers.md)",
      ),
    weights: z
      .union([z.array(positive).min(2), z.literal("confidence")])
      .optional()
      .describe(
        'One number per teacher (with draw, its probability), or "confidence": per sample, from each teacher\'s cross-entropy with the label (Zhang 2022, CA-MKD). Default: equal weights',
      ),
  }),
);

const noTeacherSchema = z.strictObject({
  none: z.literal(true).describe("No teacher, for strategies that do not use one"),
});

export const teacherSchema = assembled(() =>
  z
    .union([
      trainedTeacherSchema(),
      fileTeacherSchema,
      storeTeacherSchema,
      httpTeacherSchema,
      groupTeacherSchema(),
      noTeacherSchema,
    ])
    .default({ none: true })
    .describe(
      "The teacher: a model to train (model, training), an ONNX file (file), a label store (label_store), an endpoint (url), or several of these (group). Strategies without a teacher (mutual, teacher-free with distilled: false) may omit it",
    ),
);
