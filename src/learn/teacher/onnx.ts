/** ONNX files as teachers. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { modelSize } from "../../engine/compile/parameters.js";
import type { DataSet } from "../data/types.js";
import { loadModelFile } from "../../node/model-file.js";
import { inferenceForm } from "../../engine/graph/inference-form.js";
import { type ClassifierOptions, classifierTeacher } from "./classifier.js";
import { openClassifier } from "./open.js";
import { asSaid } from "./own-export.js";
import type { Teacher } from "./types.js";

export { detectKind } from "./outputs.js";

export interface OnnxTeacherOptions extends ClassifierOptions {
  readonly threads: number;
  /** Names or patterns of inner values it shall give besides: tensors or nodes. */
  readonly features?: readonly string[];
}

/**
 * Opens an ONNX model as a teacher.
 * @param probe samples to look at (training samples; labels are used where there are any)
 * @throws InputError when the model does not fit the data, or is near chance on labelled samples
 */
export async function openOnnxTeacher(
  path: string,
  data: DataSet,
  probe: Uint32Array,
  options: OnnxTeacherOptions,
): Promise<Teacher> {
  const { threads, features } = options;
  const { model, hash, size, session, asked } = await openClassifier(path, { threads }, features);
  // Answers of a model in training mode are others: a label store of theirs is not this one.
  const form = asked.trainingMode ? "in inference form: " : "";
  const identity = {
    name: basename(path),
    hash,
    // Trees keep their numbers in attributes, which nobody counts.
    parameters: modelSize(model.graph).parameters || null,
    bytes: size,
    // Read again when it is wanted: a large teacher need not stay in memory beside its session.
    model: () => inferenceForm(loadModelFile(path).model, path).model,
    digest: (text: string) => createHash("sha256").update(form).update(text).digest("hex"),
  };
  try {
    const said = asSaid({ ...options, ownClasses: asked.classes, inner: asked.inner }, model);
    const teacher = await classifierTeacher(session, path, data, probe, said.options, identity);
    const notes = [...said.notes, ...asked.notes, ...teacher.notes];
    return { ...teacher, notes, warnings: asked.warnings, file: path };
  } catch (error) {
    await session.dispose();
    throw error;
  }
}
