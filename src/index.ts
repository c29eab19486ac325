/** The public API of limbeck. */

// Data
export { type ArraySource, fromArrays, fromAsyncIterable } from "./data/dataset.js";
export type { DataSet, LoadedData, Normalisation, Splits } from "./data/types.js";
// Errors
export { InputError, InterruptedError, RunError } from "./errors.js";
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
// Objectives
export { evaluateObjective } from "./evaluate/objective.js";
export type { Comparison, ModelRow, Summary } from "./evaluate/summary.js";
export { compare, type Verdict } from "./evaluate/verdict.js";
export { loadModelFile, saveModelFile } from "./graph/file.js";
export { readModel } from "./graph/read.js";
export type * from "./graph/types.js";
export { writeModel } from "./graph/write.js";
// Models and graphs
export { type BuiltModel, buildModel } from "./models/model.js";
export type { ModelSpec } from "./models/spec.js";
export type { EvaluatedObjective, ObjectiveValues } from "./objective/evaluate.js";
export type { DistillationLossConfig, ObjectiveConfig, StudentLossConfig } from "./objective/objective.js";
export { loadData } from "./recipe/data.js";
export { loadRecipe, parseRecipe } from "./recipe/load.js";
export type { DataInput, ModelInput, Recipe, RecipeInput } from "./recipe/schema.js";
// Whole runs
export { type DistillOptions, type DistillResult, distill } from "./strategy/distill.js";
// Step by step
export {
  type CompileOptions,
  Distiller,
  type DistillerOptions,
  type FitOptions,
  type Metric,
} from "./strategy/distiller.js";
export type { RunEvent } from "./strategy/events.js";
export type { Student } from "./strategy/student.js";
// Teachers
export { type OnnxTeacherOptions, openOnnxTeacher } from "./teacher/onnx.js";
export { LabelStore, openLabelStore, readLabelStore } from "./teacher/store.js";
export type { Teacher } from "./teacher/types.js";
export type { TrainingProgress, TrainingResult } from "./train/types.js";
