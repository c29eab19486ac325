/** limbeck in the browser (`limbeck/web`): arrays in, model bytes out. Nothing it reaches is Node's. */
// What schemas of entries are written with: limbeck's copy of zod
export { z } from "zod";

import {
  type ArraySource,
  dataFromArrays,
  dataFromFunction,
  dataFromIterable,
  type FunctionSource,
} from "../learn/data/assemble.js";
import type { DataSet } from "../learn/data/types.js";

export type { ArraySource, FunctionSource } from "../learn/data/assemble.js";
export type { Augmentation, BlockLayout, DataSet, LoadedData, Splits } from "../learn/data/types.js";
export type { Normalisation, SampleArray, SampleType } from "../engine/graph/samples.js";
export { type ErrorCode, type Fault, InputError, InterruptedError, RunError } from "../base/errors.js";
export {
  accuracy,
  agreement,
  calibrationError,
  confusionMatrix,
  negativeLogLikelihood,
  perClass,
  softKL,
  topK,
} from "../learn/evaluate/metrics.js";
export { readModel } from "../engine/graph/read.js";
export { writeModel } from "../engine/graph/write.js";
export type { BuiltModelEntry, ModelSchema } from "../engine/models/entry.js";
export { registerModel } from "../engine/models/registry.js";
export * as layers from "../engine/nn/layers.js";
export type { ModelScope } from "../engine/nn/scope.js";
export type { LossEntry, LossSchema } from "../engine/objective/entry.js";
export { registerLoss } from "../engine/objective/registry.js";
export type { OpDefinition } from "../engine/ops/definition.js";
export { registerOp } from "../engine/ops/registry.js";
export type { WebModule } from "../engine/runtime/web-module.js";
export type { CompileOptions, CustomTerm, Metric } from "../app/library/options.js";
export type { TrainedStudent } from "../run/students/trained-student.js";
export { type GroupOptions, groupTeacher } from "../learn/teacher/group/group-teacher.js";
export type { Teacher, TeacherGroup } from "../learn/teacher/types.js";
export type { TrainingProgress, TrainingResult } from "../learn/train/types.js";
export { VERSION } from "../base/version.js";
export { Distiller, type DistillerOptions, type FitOptions, type OnnxStudent } from "./distiller.js";
export type { AnswerFunction, KnownAnswers, ModelTeacher, TeacherSource } from "./teachers.js";

/** Nothing is kept between visits, so nothing has to be recognised. */
const unhashed = (): string => "";

/** A data set from arrays. Samples are copied unless they already are one Float32Array or Uint8Array. */
export function fromArrays(source: ArraySource): DataSet {
  return dataFromArrays(source, unhashed);
}

/** A data set whose samples a function makes when they are asked for. */
export function fromFunction(source: FunctionSource): DataSet {
  return dataFromFunction(source, unhashed);
}

/** Collects an iterable of samples. */
export function fromAsyncIterable(
  source: AsyncIterable<{ sample: ArrayLike<number>; label?: string | number }>,
  options: Omit<ArraySource, "samples" | "labels"> = {},
): Promise<DataSet> {
  return dataFromIterable(source, options, unhashed);
}
