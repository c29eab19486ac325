/** From a model's description, or an ONNX file, to something that can be trained. */
import { basename, resolve } from "node:path";
import type { DataSet } from "../../learn/data/types.js";
import { modelFile } from "../../engine/models/registry.js";
import { loadModelFile } from "../../node/model-file.js";
import type { ModelPlan } from "../recipe/schema/schema.js";
import type { RunContext } from "../folder/context.js";
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

/** What start weights from a file are known by besides its name: a training from other weights is another one. */
export function fileIdentity(plan: ModelPlan, folder: string): string[] {
  const file = fileOf(plan, folder);
  return file === null ? [] : [loadModelFile(file).hash];
}

/** Says once in a run what was changed in a model that came as a file, and what is wrong with it. */
export function notePrepared(context: RunContext, plan: ModelPlan, { notes = [], warnings = [] }: Prepared): void {
  const file = modelFile(plan);
  if (file === null) return;
  const say = (list: string[], sentences: readonly string[]): void => {
    for (const sentence of sentences) {
      const named = `${basename(file)}: ${sentence}`;
      if (!list.includes(named)) list.push(named);
    }
  };
  say(context.notes, notes);
  say(context.warnings, warnings);
}

/** The file that a model comes from; null where limbeck builds it. */
export function fileOf(plan: ModelPlan, folder: string): string | null {
  const file = modelFile(plan);
  return file === null ? null : resolve(folder, file);
}

/** Builds a model with start weights, or opens the file that holds them. */
export function prepareModel(plan: ModelPlan, options: PrepareOptions): Prepared {
  const { folder, data, classes, seed } = options;
  const path = fileOf(plan, folder);
  if (path === null) return builtModel(plan, data, classes, seed);
  return foreignModel(loadModelFile(path).model, path, plan, data, classes);
}
