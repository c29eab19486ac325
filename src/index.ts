/** The public API of limbeck. */

// Whole runs
export { distill, type DistillOptions, type DistillResult } from "./strategy/distill.js";
export type { RunEvent } from "./strategy/events.js";
export { loadRecipe, parseRecipe } from "./recipe/load.js";
export type { DataInput, ModelInput, Recipe, RecipeInput } from "./recipe/schema.js";
export type { Comparison, ModelRow, Summary } from "./evaluate/summary.js";

// Step by step
export {
  type CompileOptions,
  Distiller,
  type DistillerOptions,
  type FitOptions,
  type Metric,
} from "./strategy/distiller.js";
export type { Student } from "./strategy/student.js";
export type { TrainingProgress, TrainingResult } from "./train/types.js";

// Data
export { type ArraySource, fromArrays, fromAsyncIterable } from "./data/dataset.js";
export { loadData } from "./recipe/data.js";
export type { DataSet, LoadedData, Normalisation, Splits } from "./data/types.js";

// Teachers
export { type OnnxTeacherOptions, openOnnxTeacher } from "./teacher/onnx.js";
export { LabelStore, openLabelStore, readLabelStore } from "./teacher/store.js";
export type { Teacher } from "./teacher/types.js";

// Objectives
export { evaluateObjective } from "./evaluate/objective.js";
export type { EvaluatedObjective, ObjectiveValues } from "./objective/evaluate.js";
export type { DistillationLossConfig, ObjectiveConfig, StudentLossConfig } from "./objective/objective.js";

// Metrics
export {
  accuracy,
  agreement,
  calibrationError,
  confusionMatrix,
  negativeLogLikelihood,
  perClass,
  softKL,
  topK,
} from "./evaluate/metrics.js";
export { compare, type Verdict } from "./evaluate/verdict.js";

// Models and graphs
export { type BuiltModel, buildModel } from "./models/model.js";
export type { ModelSpec } from "./models/spec.js";
export { loadModelFile, saveModelFile } from "./graph/file.js";
export { readModel } from "./graph/read.js";
export type * from "./graph/types.js";
export { writeModel } from "./graph/write.js";

// Errors
export { InputError, InterruptedError, RunError } from "./errors.js";
