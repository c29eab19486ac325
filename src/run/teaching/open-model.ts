/** Opens any ONNX classifier to be asked or measured: the handling of a teacher, with what limbeck's own exports say of themselves. */
import { fileTeacherSchema, type FileTeacherInput } from "./kinds/file-schema.js";
import { spelledFields } from "../recipe/spelling.js";
import { resolve } from "node:path";
import { z } from "zod";
import { takesRaw } from "../../engine/compile/mark.js";
import { NORMALISE } from "../../engine/compile/normalise.js";
import { modelSize } from "../../engine/compile/parameters.js";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import type { Normalisation } from "../../engine/graph/samples.js";
import { loadModelFile } from "../../node/model-file.js";
import { isFloat } from "../../engine/graph/tensor.js";
import type { Model } from "../../engine/graph/types.js";
import { parseParts } from "../recipe/load.js";
import { openOnnxTeacher } from "../../learn/teacher/onnx.js";
import { classNames, expectedNormalisation } from "../../learn/teacher/own-export.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { classifierOptions } from "./classifier-options.js";

export { classNames, expectedNormalisation, NORMALISATION_KEY } from "../../learn/teacher/own-export.js";

/** How to feed and read a model, as in a recipe's `teacher` with a file. What is absent is found out. */
export type ModelDescription = Omit<FileTeacherInput, "file" | "precision" | "allow_chance">;

export interface OpenedModel {
  readonly teacher: Teacher;
  readonly model: Model;
  /** Elements of its weights; neither statistics of batch norm nor the normalisation in front count. */
  readonly parameters: number;
  /** Sentences about how it is fed and read. */
  readonly notes: readonly string[];
}

/**
 * @param file `.onnx` file
 * @param loaded its training samples, where there are any, show how the model is fed and read
 * @param probe samples to look at otherwise
 * @throws InputError when the file is no model or does not fit the data
 */
export async function openModel(
  file: string,
  loaded: Pick<LoadedData, "data" | "normalisation"> & Partial<Pick<LoadedData, "splits">>,
  probe: Uint32Array,
  described: ModelDescription = {},
  threads = 0,
): Promise<OpenedModel> {
  const { model } = loadModelFile(file);
  const { data } = loaded;
  const own = ownDescription(model, data);
  const schema = z.object({ teacher: fileTeacherSchema });
  const given = Object.fromEntries(Object.entries(described).filter(([, v]) => v !== undefined && v !== "auto"));
  const teacher = { ...own, ...given, file: resolve(file), ...spelledFields({ allowChance: true }) };
  const plan = parseParts(schema, { teacher }, file).teacher;
  const options = classifierOptions(plan, loaded);
  const train = loaded.splits?.train;
  // What is measured must not choose how: that is for training samples. How much it knows is for whoever measures it to say.
  const seen = train && train.length > 0 ? { data, probe: train } : { data: { ...data, labels: null }, probe };
  const opened = await openOnnxTeacher(resolve(file), seen.data, seen.probe, { ...options, judged: false, threads });
  return {
    teacher: opened,
    model,
    parameters: modelSize(model.graph).parameters,
    notes: [...normalisationNote(plan.normalise, model), ...opened.notes, ...(opened.warnings ?? [])],
  };
}

/** Of whole numbers nothing has to be said here: a teacher gets them as they are. */
function takesRawSamples(model: Model): boolean {
  return hasNormalisation(model) || (takesRaw(model.metadata) && isFloat(model.graph.inputs[0]?.dtype ?? "float32"));
}

/** What a model's own metadata says about its input and classes. */
function ownDescription(model: Model, data: DataSet): Pick<ModelDescription, "normalise" | "classes"> {
  const classes = classNames(model);
  return {
    normalise: takesRawSamples(model) ? "none" : (affineOf(model) ?? "auto"),
    classes: classes && data.classes.length > 0 ? classes : undefined,
  };
}

/** The normalisation that a raw export expects, in the recipe's fields: what stands in for missing values is read from its file. */
export function affineOf(model: Model): Pick<Normalisation, "scale" | "mean" | "std"> | null {
  const { scale, mean, std } = expectedNormalisation(model) ?? {};
  return scale === undefined || !mean || !std ? null : { scale, mean: [...mean], std: [...std] };
}

/** Whether nodes in front normalise: limbeck exported it so, lately or before its exports said it in their metadata. */
export function hasNormalisation(model: Model): boolean {
  return model.graph.nodes.some((n) => n.name.startsWith(NORMALISE));
}

function normalisationNote(choice: unknown, model: Model): string[] {
  // What becomes of whole numbers the teacher's own notes say.
  if (!isFloat(model.graph.inputs[0]?.dtype ?? "float32") && choice === "data") return [];
  if (takesRawSamples(model) && choice === "none") return ["it contains its normalisation"];
  // What was tried is said where it is tried.
  if (choice === "auto") return [];
  if (choice === "data") return ["it gets samples with the normalisation of the recipe's data"];
  if (choice === "unit") return ["it gets bytes divided by 255"];
  return choice === "none" ? ["it gets raw samples"] : ["it gets samples normalised with fixed numbers"];
}
