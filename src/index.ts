/** The public API of limbeck. */
export { InputError, InterruptedError, RunError } from "./errors.js";
export { fromArrays, fromAsyncIterable } from "./data/dataset.js";
export type { DataSet, LoadedData, Normalisation, Splits } from "./data/types.js";
export { loadModelFile, saveModelFile } from "./graph/file.js";
export { readModel } from "./graph/read.js";
export type * from "./graph/types.js";
export { writeModel } from "./graph/write.js";
export { loadRecipe, parseRecipe } from "./recipe/load.js";
export type { Recipe, RecipeInput } from "./recipe/schema.js";
export type { Summary } from "./evaluate/summary.js";
export { distill, type DistillOptions, type DistillResult } from "./strategy/distill.js";
export type { RunEvent } from "./strategy/events.js";
