/** The public API of limbeck. */

// Biases of classes that a student never saw
export { withOutputBias } from "./compile/output-bias.js";
// Data
export { auditData } from "./data/audit/audit.js";
export type { ClassAudit, DataAudit, DuplicateCounts, FeatureAudit, PartCounts } from "./data/audit/types.js";
export { type ArraySource, type FunctionSource, fromArrays, fromAsyncIterable, fromFunction } from "./data/dataset.js";
export type { DataFinding } from "./data/findings.js";
export type {
  Augmentation,
  BlockLayout,
  DataSet,
  LoadedData,
  Normalisation,
  SampleArray,
  SampleType,
  Splits,
} from "./data/types.js";
// Errors
export { type ErrorCode, type Fault, InputError, InterruptedError, RunError } from "./errors.js";
export { type BiasOffset, biasOffset } from "./evaluate/bias-offset.js";
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
export { CORRUPTION_NAMES, type CorruptionName, corrupt, valueRange } from "./evaluate/robustness/corruptions.js";
export { meanCorruptionError } from "./evaluate/robustness/score.js";
export type { RobustnessRow, RobustnessSummary } from "./evaluate/robustness/types.js";
export type { Comparison, ModelRow, Summary } from "./evaluate/summary.js";
export type { SweepRow, SweepSummary } from "./evaluate/sweep.js";
export { compare, type Verdict } from "./evaluate/verdict.js";
export { float, int, ints, text } from "./graph/attributes.js";
export type { GraphBuilder, Value } from "./graph/builder.js";
export { loadModelFile, saveModelFile } from "./graph/file.js";
export { readModel } from "./graph/read.js";
export { int64s, scalar, tensor } from "./graph/tensor.js";
export type * from "./graph/types.js";
export { writeModel } from "./graph/write.js";
// Models and graphs
export { type BuiltModel, buildModel } from "./models/model.js";
export type { ModelSpec } from "./models/spec.js";
export type { EvaluatedObjective, ObjectiveValues } from "./objective/evaluate.js";
export type {
  CustomLossConfig,
  DistillationLossConfig,
  FactorSchedule,
  FeatureLossConfig,
  LayerPair,
  LossInputs,
  ObjectiveConfig,
  StudentLossConfig,
  TermConfig,
} from "./objective/objective.js";
export type { CustomLoss } from "./objective/registry.js";
export { loadData } from "./recipe/data.js";
export { loadRecipe, parseRecipe } from "./recipe/load.js";
export type { DataInput, ModelInput, Recipe, RecipeInput } from "./recipe/schema.js";
// Whole runs
export { type DistillOptions, type DistillResult, distill } from "./strategy/distill.js";
// Step by step
export {
  type CompileOptions,
  type CustomTerm,
  Distiller,
  type DistillerOptions,
  type FitOptions,
  type Metric,
} from "./strategy/distiller.js";
// What the other commands do, as functions
export { type ExamineOptions, examine } from "./strategy/doctor/doctor.js";
export { probeLoss } from "./strategy/doctor/loss-probe.js";
export type { Finding } from "./strategy/doctor/types.js";
export { type EvaluateModelOptions, type Evaluation, evaluateModel, type Part } from "./strategy/evaluate-model.js";
export type { RunEvent } from "./strategy/events.js";
export { type ExportRunOptions, type ExportRunResult, exportRun } from "./strategy/export-run.js";
export { type LabelDataOptions, type LabelDataResult, labelData } from "./strategy/label.js";
export type { ModelDescription } from "./strategy/open-model.js";
export { type Prediction, type PredictOptions, predictFiles } from "./strategy/predict.js";
export { listRuns, type RunInfo } from "./strategy/runs.js";
export { type StarterOptions, starterRecipe } from "./strategy/starter-recipe.js";
export type { Student } from "./strategy/student.js";
export { type SweepOptions, type SweepResult, sweep } from "./strategy/sweep/sweep.js";
export { type TrainModelOptions, type TrainModelResult, trainModel } from "./strategy/train-model.js";
// Teachers
export {
  type AnswerKind,
  type Answers,
  AskError,
  type FunctionTeacherOptions,
  functionTeacher,
  type Question,
  type TopK,
} from "./teacher/function.js";
export { type GroupOptions, groupTeacher } from "./teacher/group-teacher.js";
export { type HttpTeacherOptions, httpTeacher } from "./teacher/http.js";
export { mergeAnswers, type PartialAnswers } from "./teacher/merge.js";
export { type OnnxTeacherOptions, openOnnxTeacher } from "./teacher/onnx.js";
export { partialTeacher } from "./teacher/partial.js";
export { type PseudoLabelOptions, type PseudoLabels, pseudoLabels } from "./teacher/pseudo-labels.js";
export { LabelStore, openLabelStore, readLabelStore } from "./teacher/store.js";
export type { Teacher, TeacherGroup } from "./teacher/types.js";
export { openViewStore, type ViewPlan, ViewStore } from "./teacher/view-store.js";
export type { TrainingProgress, TrainingResult } from "./train/types.js";
