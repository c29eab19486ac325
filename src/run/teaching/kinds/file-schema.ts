/** The fields of a teacher that is an ONNX file. Nothing here is Node's: the browser describes its models with them. */
import { z } from "zod";
import { className, count, file, type Given, positive } from "../../../base/schema-fields.js";
import type { Spelled } from "../../recipe/spelling.js";
import { storePrecision } from "./fields.js";

export const fileTeacherSchema = z.strictObject({
  file: file("ONNX classifier. {n} in the name stands for 1, 2, ..., with one teacher per seed"),
  input: z.string().optional().describe("Name of the graph input; default: the only one"),
  inputs: z
    .record(z.string(), z.string())
    .optional()
    .describe("The data's array that each of the model's inputs reads, if its name differs: input -> array"),
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

export type FileTeacherPlan = z.output<typeof fileTeacherSchema>;
export type FileTeacherInput = Given<Spelled<z.input<typeof fileTeacherSchema>>>;
