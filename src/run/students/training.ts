/**
 * How a model is trained, whoever asks for it: a run, `Distiller` or the doctor. Data, a model with its start weights,
 * an objective, the teacher's answers and the settings become a task; its result becomes the exported model. Nothing here
 * is Node's.
 */
import { exportModel } from "../../engine/compile/export.js";
import { withNormalisation } from "../../engine/compile/normalise.js";
import type { TrainableModel } from "../../engine/graph/trainable-model.js";
import type { Model } from "../../engine/graph/types.js";
import type { ObjectiveConfig } from "../../engine/objective/objective.js";
import { namedArrays } from "../../learn/data/arrays.js";
import { trainingIdentity } from "../../learn/data/read.js";
import { sampleTypeOf } from "../../learn/data/samples.js";
import { fillPorts } from "../../learn/data/ports.js";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import { NORMALISATION_KEY } from "../../learn/teacher/own-export.js";
import type { TeacherOutputs, TrainingViews } from "../../learn/teacher/taught.js";
import type { TrainingResult, TrainingSettings, TrainingTask } from "../../learn/train/types.js";
import type { Prepared } from "./foreign.js";
import { type Reusable, reusingClassifier } from "./reused-classifier.js";

/** The data of a training: the samples, and how they are normalised. */
export type TrainingData = Pick<LoadedData, "data" | "normalisation">;

export interface TrainingRequest {
  /** For messages: "student, seed 2". */
  readonly name: string;
  readonly loaded: TrainingData;
  /** As it is described, with its start weights. */
  readonly model: Prepared;
  readonly objective: ObjectiveConfig;
  readonly classes: number;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly teacher?: TeacherOutputs | undefined;
  /** Of the same teacher, for an objective that reuses its classifier. */
  readonly reusable?: Reusable | null;
  readonly views?: TrainingViews | undefined;
  readonly settings: TrainingSettings;
  /** Of the start weights, where they are not those of the settings' seed. */
  readonly weightSeed?: number | undefined;
}

/** A task without the folder that keeps it, and what it is known by there. */
export type AssembledTask = Omit<TrainingTask, "directory" | "fingerprint">;

export interface AssembledTraining {
  readonly task: AssembledTask;
  /** The model that is trained: ends in the teacher's classifier where the objective reuses it. */
  readonly trained: Prepared;
}

/** @throws InputError when the objective reuses a classifier and the teacher has none that fits */
export function assembleTraining(request: TrainingRequest): AssembledTraining {
  const { name, loaded, objective, classes, train, validation, teacher, views, settings } = request;
  const { reusable = null, weightSeed = settings.seed } = request;
  const trained = reusingClassifier(request.model, objective, reusable, loaded.data, classes, weightSeed);
  const model = withRawInput(trained, loaded);
  const { data, reads } = arraysFor(trained, loaded.data);
  const read = reads ? { reads } : {};
  return {
    trained,
    task: { name, model, data, ...read, train, validation, objective, teacher, views, settings },
  };
}

/** The data with the arrays that a model reads, and which these are; absent: its one input reads the one array. */
export function arraysFor(
  { ports }: Pick<Prepared, "ports">,
  data: DataSet,
): { readonly data: DataSet; readonly reads?: readonly string[] } {
  return ports ? fillPorts(data, ports, { where: "student", field: "student.inputs" }) : { data };
}

/** The model with the data's normalisation in front, as training graphs take it: it gets raw samples. */
export function withRawInput(
  prepared: Pick<Prepared, "model" | "ports">,
  { data: given, normalisation }: TrainingData,
): TrainableModel {
  const { model } = prepared;
  const { data, reads } = arraysFor(prepared, given);
  const graph = namedArrays(data, reads).reduce(
    (before, array, i) =>
      // The normalisation is that of the main array.
      withNormalisation(
        before,
        model.inputs[i] as string,
        array.samples === data.samples ? normalisation : null,
        sampleTypeOf(array),
      ),
    model.graph,
  );
  return { ...model, graph };
}

/** What the outcome of a training depends on. Models and teachers are given by what describes them. */
export interface TrainingParts {
  readonly loaded: TrainingData;
  readonly train: Uint32Array;
  readonly validation: Uint32Array;
  readonly model: unknown;
  readonly objective: unknown;
  readonly settings: TrainingSettings;
  readonly teacher: unknown;
  /** Whatever else decides. */
  readonly further?: readonly unknown[];
}

/** A training's identity, to be hashed: trainings with the same one give the same weights. */
export function identifyTraining(parts: TrainingParts): readonly unknown[] {
  const { loaded, train, validation, model, objective, settings, teacher, further = [] } = parts;
  // How a step is computed changes none of its numbers.
  const { threads: _, device: __, recompute: ___, ...deciding } = settings;
  const { data, normalisation } = loaded;
  return [trainingIdentity(data), train, validation, normalisation, model, objective, deciding, teacher, ...further];
}

export interface ExportOptions {
  readonly loaded: TrainingData;
  /** Version of limbeck, written into the model. */
  readonly version: string;
  /** Without the normalisation, which is written into the metadata instead; default false. */
  readonly raw?: boolean;
}

/** The model that leaves a training. */
export function exportTrained(
  model: TrainableModel,
  { weights }: Pick<TrainingResult, "weights">,
  { loaded, version, raw = false }: ExportOptions,
): Model {
  const { data, normalisation } = loaded;
  return exportModel(model, weights, {
    normalisation: raw ? null : normalisation,
    classes: data.classes,
    producerVersion: version,
    metadata: raw ? { [NORMALISATION_KEY]: JSON.stringify(normalisation) } : undefined,
  });
}
