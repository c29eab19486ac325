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
  }),
  file: (settings) => settings.file,
  trained: ({ trainable, frozen }) => ({ trainable, frozen }),
  shortName: (settings) => (settings.file.split(/[\\/]/).pop() ?? settings.file).replace(/\.onnx$/, ""),
});
