/** From a model's description, or an ONNX file, to something that can be trained. */
import { basename, resolve } from "node:path";
import type { DataSet } from "../data/types.js";
import { type Fault, faultOf, InputError, relocated, within } from "../errors.js";
import { loadModelFile } from "../graph/file.js";
import type { ModelRecipe } from "../recipe/schema.js";
import type { RunContext } from "./context.js";
import { builtModel, foreignModel, type Prepared } from "./foreign.js";

export type { Prepared } from "./foreign.js";

export interface PrepareOptions {
  /** Paths start here. */
  readonly folder: string;
  readonly data: DataSet;
  readonly classes: number;
  /** Of the start weights. */
  readonly seed: number;
}

/** Parts of a graph, as errors name them. */
const PART = /^(attribute|layer|node|output|parameter) /;

/**
 * Runs the work; what is wrong with a model is told with its recipe's field, or with its file.
 * @param field of the recipe that describes the model: "student"
 */
export function inModel<T>(recipe: ModelRecipe, folder: string, field: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    if (/^model\b/.test(error.where)) throw moved(error, error.where.replace("model", field));
    if (!PART.test(error.where)) throw error;
    throw recipe.kind === "onnx" ? relocated(error, resolve(folder, recipe.file)) : within(error, field);
  }
}

const moved = (error: InputError, where: string): InputError =>
  new InputError({ ...(faultOf(error) as Fault), where }, { cause: error });

/** What start weights from a file are known by besides its name: a training from other weights is another one. */
export function fileIdentity(recipe: ModelRecipe, folder: string): string[] {
  return recipe.kind === "onnx" ? [loadModelFile(resolve(folder, recipe.file)).hash] : [];
}

/** Says once in a run what was changed in a model that came as a file, and what is wrong with it. */
export function notePrepared(context: RunContext, recipe: ModelRecipe, { notes = [], warnings = [] }: Prepared): void {
  if (recipe.kind !== "onnx") return;
  const say = (list: string[], sentences: readonly string[]): void => {
    for (const sentence of sentences) {
      const named = `${basename(recipe.file)}: ${sentence}`;
      if (!list.includes(named)) list.push(named);
    }
  };
  say(context.notes, notes);
  say(context.warnings, warnings);
}

/** Builds a model with start weights, or opens the file that holds them. */
export function prepareModel(recipe: ModelRecipe, options: PrepareOptions): Prepared {
  const { folder, data, classes, seed } = options;
  if (recipe.kind !== "onnx") return builtModel(recipe, data, classes, seed);
  const path = resolve(folder, recipe.file);
  return foreignModel(loadModelFile(path).model, path, recipe.trainable, recipe.frozen, data, classes);
}
