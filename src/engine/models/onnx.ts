/** A student that starts from an ONNX model and its weights. */
import { z } from "zod";
import { file } from "../../base/schema-fields.js";
import { fileModelEntry } from "./entry.js";

export const onnxModel = fileModelEntry({
  kind: "onnx",
  schema: z.strictObject({
    kind: z.literal("onnx").describe("Start from an ONNX file and its weights"),
    file: file("ONNX model"),
    trainable: z.array(z.string()).default(["*"]).describe("Initialisers to train, by name; * matches any text"),
    frozen: z
      .array(z.string())
      .default([])
      .describe("Initialisers to keep fixed, by name; takes precedence over trainable"),
    inputs: z
      .record(z.string(), z.string())
      .optional()
      .describe("The data's array that each of the model's inputs reads, if its name differs: input -> array"),
    output: z.string().optional().describe("Name of the output to train; default: the first"),
    tied: z
      .array(z.string())
      .optional()
      .describe("Initialisers that stay shared by several layers if the exporter stored them once, by name"),
  }),
  file: (settings) => settings.file,
  trained: ({ trainable, frozen, tied = [], output }) => ({ trainable, frozen, tied, output }),
  reads: ({ inputs = {} }) => inputs,
  shortName: (settings) => (settings.file.split(/[\\/]/).pop() ?? settings.file).replace(/\.onnx$/, ""),
});
