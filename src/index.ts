/** The public API of limbeck. */

// What schemas of entries are written with: one copy of zod, limbeck's own
export { z } from "zod";

import "./run/entries.js";

// Biases of classes that a student never saw
export { withOutputBias } from "./engine/compile/output-bias.js";
// Data
export { file as fileField } from "./base/schema-fields.js";
export type { SourceEntry, SourceSchema, SourceSettings, Starter, StarterLine } from "./learn/data/sources/entry.js";
export { registerSource } from "./learn/data/sources/registry.js";
export type { RawPart, RawSource, SourceContext } from "./learn/data/source.js";
export { auditData } from "./learn/data/audit/audit.js";
export type { ClassAudit, DataAudit, DuplicateCounts, FeatureAudit, PartCounts } from "./learn/data/audit/types.js";
export {
  type ArraySource,
  type FunctionSource,
  fromArrays,
  fromAsyncIterable,
  fromFunction,
} from "./learn/data/dataset.js";
export type { DataFinding } from "./learn/data/findings.js";
export type { Augmentation, BlockLayout, DataSet, LoadedData, Splits } from "./learn/data/types.js";
export type { Normalisation, SampleArray, SampleType } from "./engine/graph/samples.js";
// Errors
export { type ErrorCode, type Fault, InputError, InterruptedError, RunError } from "./base/errors.js";
export { type BiasOffset, biasOffset } from "./learn/evaluate/bias-offset.js";
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
} from "./learn/evaluate/metrics.js";
// Objectives
export { evaluateObjective } from "./learn/evaluate/objective.js";
export { CORRUPTION_NAMES, type CorruptionName, corrupt, valueRange } from "./learn/evaluate/robustness/corruptions.js";
export { meanCorruptionError } from "./learn/evaluate/robustness/score.js";
export type { RobustnessRow, RobustnessSummary } from "./learn/evaluate/robustness/types.js";
export type { Comparison, ModelRow, Summary } from "./learn/evaluate/summary.js";
export type { SweepRow, SweepSummary } from "./learn/evaluate/sweep.js";
export { compare, type Verdict } from "./learn/evaluate/verdict.js";
export { float, int, ints, text } from "./engine/graph/attributes.js";
export type { BuiltCall, GraphBuilder, OpCall, StaticType, Value } from "./engine/graph/builder.js";
export { loadModelFile, saveModelFile } from "./node/model-file.js";
export { readModel } from "./engine/graph/read.js";
export { int64s, scalar, tensor } from "./engine/graph/tensor.js";
export type * from "./engine/graph/types.js";
export { writeModel } from "./engine/graph/write.js";
// Models and graphs
export * as layers from "./engine/nn/layers.js";
export type { ModelScope } from "./engine/nn/scope.js";
export { type BuiltModel, buildModel } from "./engine/models/model.js";
export type { BuiltModelEntry, FileModelEntry, ModelEntry, ModelSchema } from "./engine/models/entry.js";
export { type ModelSpec, registerModel } from "./engine/models/registry.js";
export type { EvaluatedObjective, ObjectiveValues } from "./engine/objective/evaluate.js";
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
} from "./engine/objective/objective.js";
export type { CustomLoss } from "./engine/objective/custom.js";
export type {
  ClassifierReuse,
  LossEntry,
  LossNeeds,
  LossReference,
  LossSchema,
  RowTreatment,
} from "./engine/objective/entry.js";
export { registerLoss } from "./engine/objective/registry.js";
// Ops
export type { GradientContext, GradientRule, OpDefinition } from "./engine/ops/definition.js";
export { registerOp } from "./engine/ops/registry.js";
export { loadData } from "./run/recipe/data.js";
export { loadRecipe, parseRecipe } from "./run/recipe/load.js";
export type { DataInput, ModelInput, Recipe, RecipeInput } from "./run/recipe/schema/schema.js";
// Whole runs
export type { DistillOptions, DistillResult } from "./run/pipeline/one-shot.js";
export { distill } from "./run/strategies/distill.js";
// Teachers and strategies of your own
export { registerStrategy } from "./run/strategies/registry.js";
export type { StrategyEntry } from "./run/strategies/strategy-entry.js";
export { type FinishedHop, type Hop, type HopPlan, type Pair, taughtBy } from "./run/strategies/hop-plan.js";
export type { Plan } from "./run/recipe/schema/schema.js";
export { registerTeacher } from "./run/teaching/registry.js";
export type { TeacherEntry, TeacherOpening } from "./run/teaching/teacher-entry.js";
// Step by step
export {
  type CompileOptions,
  type CustomTerm,
  Distiller,
  type DistillerOptions,
  type FitOptions,
  type Metric,
} from "./app/library/distiller.js";
// What the other commands do, as functions
export { type ExamineOptions, examine } from "./app/doctor/doctor.js";
export { probeLoss } from "./app/doctor/loss-probe.js";
export type { Finding } from "./app/doctor/types.js";
export { type EvaluateModelOptions, type Evaluation, evaluateModel, type Part } from "./app/commands/evaluate-model.js";
export type { RunEvent } from "./run/folder/events.js";
export { type ExportRunOptions, type ExportRunResult, exportRun } from "./app/commands/export-run.js";
export { type LabelDataOptions, type LabelDataResult, labelData } from "./app/commands/label.js";
export type { ModelDescription } from "./run/teaching/open-model.js";
export { type Prediction, type PredictOptions, predictFiles } from "./app/commands/predict.js";
export { listRuns, type RunInfo } from "./run/folder/runs.js";
export { type StarterOptions, starterRecipe } from "./app/commands/starter-recipe.js";
export type { Student } from "./run/students/student.js";
export { type SweepOptions, type SweepResult, sweep } from "./app/sweep/sweep.js";
export { type TrainModelOptions, type TrainModelResult, trainModel } from "./run/pipeline/train-model.js";
// Teachers
export { AskError, type FunctionTeacherOptions, functionTeacher, type Question } from "./learn/teacher/function.js";
export type { AnswerKind, Answers, TopK } from "./learn/teacher/endpoint/answer-rows.js";
export { type GroupOptions, groupTeacher } from "./learn/teacher/group/group-teacher.js";
export { type HttpTeacherOptions, httpTeacher } from "./learn/teacher/endpoint/http.js";
export { mergeAnswers, type PartialAnswers } from "./learn/teacher/group/merge.js";
export { type OnnxTeacherOptions, openOnnxTeacher } from "./learn/teacher/onnx.js";
export { partialTeacher } from "./learn/teacher/partial.js";
export { type PseudoLabelOptions, type PseudoLabels, pseudoLabels } from "./learn/teacher/pseudo-labels.js";
export { LabelStore, openLabelStore, readLabelStore } from "./learn/teacher/store/store.js";
export type { Teacher, TeacherGroup } from "./learn/teacher/types.js";
export { openViewStore, type ViewPlan, ViewStore } from "./learn/teacher/store/view-store.js";
export type { TrainingProgress, TrainingResult } from "./learn/train/types.js";
