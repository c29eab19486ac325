/** The library's hands-on way: a teacher, a student, compile, fit, evaluate, save. The shape is the one Keras users know. */
import { z } from "zod";
import { exportModel } from "../compile/export.js";
import { withNormalisation } from "../compile/normalise.js";
import { fittedNormalisation } from "../data/normalise.js";
import { splitData } from "../data/splits.js";
import type { DataSet, LoadedData, Normalisation, Splits } from "../data/types.js";
import { InputError } from "../errors.js";
import { scoreOutputs } from "../evaluate/scores.js";
import type { SeedScores } from "../evaluate/summary.js";
import { writeModel } from "../graph/write.js";
import { type ObjectiveConfig, objectiveNeeds } from "../objective/objective.js";
import { packageVersion } from "../package-root.js";
import { parseParts } from "../recipe/load.js";
import { objectiveOf, settingsOf } from "../recipe/resolve.js";
import {
  type FileTeacherInput,
  fileTeacherSchema,
  type ModelInput,
  type ModelRecipe,
  modelSchema,
  type ObjectiveInput,
  objectiveSchema,
  type TrainingInput,
  type TrainingRecipe,
  trainingSchema,
} from "../recipe/schema.js";
import { labelInMemory } from "../teacher/memory.js";
import { openOnnxTeacher } from "../teacher/onnx.js";
import { openLabelStore } from "../teacher/store.js";
import type { Teacher } from "../teacher/types.js";
import { train } from "../train/train.js";
import type { TeacherOutputs, TrainingProgress, TrainingResult } from "../train/types.js";
import { fingerprint, labelsOf } from "./context.js";
import { prepareModel } from "./prepare.js";
import { Student } from "./student.js";
import { onnxTeacherOptions } from "./teachers.js";

export interface DistillerOptions {
  /** An `.onnx` file, the recipe's description of one, or anything that answers for samples. */
  readonly teacher: string | FileTeacherInput | Teacher;
  /** As in a recipe: `{ kind: "mlp", hidden: [30, 30] }`, `{ kind: "onnx", file: "student.onnx" }` ... */
  readonly student: ModelInput;
  /** Everything random is a function of it; default 0. */
  readonly seed?: number;
  /** Threads of ONNX Runtime; 0, the default, lets it choose. */
  readonly threads?: number;
  /** Relative paths start here; default the working folder. */
  readonly folder?: string;
}

/** Scores `evaluate` can return: accuracy, topK, nll, ece against labels, agreement and softKL against the teacher. */
export type Metric = keyof SeedScores;

export interface CompileOptions {
  /** A rule by name with its defaults, or with its fields as in a recipe; default adamw. */
  readonly optimizer?: "sgd" | "adam" | "adamw" | TrainingInput["optimizer"];
  /** A constant rate; give this or `schedule`. */
  readonly learningRate?: number;
  /** As in a recipe; default one-cycle up to 0.002. */
  readonly schedule?: TrainingInput["schedule"];
  /** Clips the gradient's global norm; 0, the default, is off. */
  readonly clipNorm?: number;
  /** Against the labels; default cross-entropy. */
  readonly studentLoss?: "cross-entropy" | ObjectiveInput["student_loss"];
  /** Against the teacher; default kd. */
  readonly distillationLoss?: "kd" | "logit-mse" | ObjectiveInput["distillation_loss"];
  /**
   * How much the student follows the teacher: (1 - alpha) student loss + alpha distillation loss; 1 needs no labels.
   * Keras's tutorial means the opposite: its alpha 0.1 is 0.9 here. Default 0.9.
   */
  readonly alpha?: number;
  /** Of kd: T^2 KL(teacher || student) with both softened by T (Hinton et al. 2015). Default 4. */
  readonly temperature?: number;
  /** Default: all. */
  readonly metrics?: readonly Metric[];
}

export interface FitOptions {
  /** Passes over the samples; give this or `steps`. Default 10 epochs. */
  readonly epochs?: number;
  readonly steps?: number;
  /** Default 64. */
  readonly batchSize?: number;
  /** Fraction or number of samples of a DataSet held out to choose the weights; default 0.15. LoadedData is split already. */
  readonly validationSplit?: number;
  /** Of a DataSet: "unit" (bytes / 255), "standard" (fitted on the training part), "none" or numbers. Default: unit for bytes, none else. */
  readonly normalise?: "unit" | "standard" | "none" | Normalisation;
  /** Weights kept; default best by validation. */
  readonly select?: "best" | "last";
  /** Stop after so many validations without a better one. */
  readonly patience?: number;
  /** Keeps the teacher's answers in this folder (a label store) instead of memory. */
  readonly labelStore?: string;
  /** Keeps metrics and checkpoints in this folder; an interrupted fit continues there. Default: nothing is written. */
  readonly directory?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly onLabelling?: (done: number, total: number, rate: number) => void;
}

interface Compiled {
  readonly objective: ObjectiveConfig;
  readonly training: Pick<TrainingInput, "optimizer" | "schedule" | "clip_norm">;
  readonly metrics: readonly Metric[] | null;
}

const NONE: Normalisation = { scale: 1, mean: [0], std: [1] };

/**
 * Distils a teacher into a student.
 *
 * @example
 * const distiller = new Distiller({ teacher: "teacher.onnx", student: { kind: "mlp", hidden: [16] } });
 * distiller.compile({ optimizer: "adamw", alpha: 0.9, temperature: 4 });
 * await distiller.fit(data, { epochs: 20 });
 * console.log(await distiller.evaluate(testData));
 * await distiller.student.save("student.onnx");
 * await distiller.dispose();
 */
export class Distiller {
  readonly #teacher: DistillerOptions["teacher"];
  readonly #recipe: ModelRecipe;
  readonly #options: DistillerOptions;
  #compiled: Compiled | undefined;
  #opened: Teacher | undefined;
  #student: Student | undefined;

  /** @throws InputError when the student's description is not one */
  constructor(options: DistillerOptions) {
    this.#options = options;
    this.#teacher = options.teacher;
    this.#recipe = parseParts(z.object({ student: modelSchema }), { student: options.student }, "Distiller").student;
  }

  /** The student; made by `fit`. @throws InputError before */
  get student(): Student {
    if (!this.#student) throw new InputError("Distiller", "there is no student yet; call fit first");
    return this.#student;
  }

  /**
   * Sets the objective and the optimiser.
   * @throws InputError naming the field
   */
  compile(options: CompileOptions = {}): this {
    const { optimizer, learningRate, schedule, studentLoss, distillationLoss, temperature } = options;
    if (learningRate !== undefined && schedule !== undefined)
      throw new InputError("compile", "give either learningRate or schedule");
    const named = <T>(value: T | string | undefined): T | { kind: string } | undefined =>
      typeof value === "string" ? { kind: value } : value;
    const distillation = { kind: "kd", ...(named(distillationLoss) as object | undefined) } as Record<string, unknown>;
    if (temperature !== undefined) distillation.temperature = temperature;
    const parts = parseParts(
      z.object({ objective: objectiveSchema, training: trainingSchema }),
      {
        objective: { alpha: options.alpha, student_loss: named(studentLoss), distillation_loss: distillation },
        training: {
          steps: 1,
          optimizer: named(optimizer),
          schedule: learningRate === undefined ? schedule : { kind: "constant", lr: learningRate },
          clip_norm: options.clipNorm,
        },
      },
      "compile",
    );
    const { optimizer: rule, schedule: rate, clip_norm } = parts.training;
    this.#compiled = {
      objective: objectiveOf(parts.objective),
      training: { optimizer: rule, schedule: rate, clip_norm },
      metrics: options.metrics ?? null,
    };
    return this;
  }

  /**
   * Labels the samples once with the teacher and trains the student.
   * @returns the learning curve and how the weights were chosen
   * @throws InputError when data, teacher and objective do not fit; InterruptedError when the signal aborts
   */
  async fit(data: DataSet | LoadedData, options: FitOptions = {}): Promise<TrainingResult> {
    const { objective, training } = this.#needCompiled();
    const loaded = "splits" in data ? data : split(data, options, this.#options.seed ?? 0);
    const needs = objectiveNeeds(objective);
    if (needs.labels && labelsOf(loaded, loaded.splits.train).some((l) => l < 0))
      throw new InputError(loaded.data.name, "some training samples have no label; set alpha to 1, which needs none");
    const teacher = needs.teacher ? await this.#open(loaded) : undefined;
    const answers = teacher && (await this.#label(teacher, loaded, options));
    const { seed = 0, folder = process.cwd(), threads = 0 } = this.#options;
    const classes = loaded.data.classes.length || (teacher?.classes ?? 0);
    const prepared = prepareModel(this.#recipe, { folder, data: loaded.data, classes, seed });
    const { model } = prepared;
    const sampleType = loaded.data.samples instanceof Uint8Array ? "uint8" : "float32";
    const settings = settingsOf(trainingOf(training, options), loaded.splits.train.length, seed, {
      threads,
      device: "cpu",
    });
    const { threads: _, device: __, ...deciding } = settings;
    const identity = [loaded.data.hash, loaded.splits.train, loaded.splits.validation, loaded.normalisation];
    const result = await train(
      {
        name: "student",
        model: { ...model, graph: withNormalisation(model.graph, model.input, loaded.normalisation, sampleType) },
        data: loaded.data,
        train: loaded.splits.train,
        validation: loaded.splits.validation,
        objective,
        teacher: answers,
        settings,
        directory: options.directory ?? null,
        fingerprint: fingerprint(...identity, this.#recipe, objective, deciding, teacher?.hash),
      },
      { signal: options.signal, onProgress: options.onProgress, resume: true },
    );
    const exported = exportModel(model, result.weights, {
      normalisation: loaded.normalisation,
      classes: loaded.data.classes,
      producerVersion: packageVersion(),
    });
    await this.#student?.dispose();
    this.#student = new Student(writeModel(exported), prepared, loaded.data.classes, threads);
    return result;
  }

  /**
   * Scores the student: on every sample of a DataSet, on the test part of LoadedData.
   * @returns the metrics asked for in `compile`; null where labels or teacher are missing
   */
  async evaluate(data: DataSet | LoadedData, options: { k?: number } = {}): Promise<Partial<SeedScores>> {
    const { metrics } = this.#needCompiled();
    const all = "splits" in data ? data : { data, splits: everything(data), normalisation: NONE };
    const { test } = all.splits;
    if (test.length === 0) throw new InputError(all.data.name, "there are no test samples");
    const values = await this.student.predict(all.data, test);
    const classes = values.length / test.length;
    const labels = labelsOf(all, test);
    const wantsTeacher = this.#opened && (!metrics || metrics.includes("agreement") || metrics.includes("softKL"));
    const teacher =
      this.#opened && wantsTeacher
        ? { kind: this.#opened.kind, values: await this.#opened.answer(all.data, test) }
        : null;
    const known = labels.every((l) => l >= 0) ? labels : null;
    const { scores } = scoreOutputs({ kind: "logits", values }, known, teacher, classes, options.k ?? 5);
    if (!metrics) return scores;
    return Object.fromEntries(metrics.map((m) => [m, scores[m]]));
  }

  /** Frees sessions of teacher and student. May be called again. */
  async dispose(): Promise<void> {
    await this.#student?.dispose();
    if (this.#opened !== this.#teacher) await this.#opened?.dispose();
    this.#opened = undefined;
  }

  #needCompiled(): Compiled {
    if (!this.#compiled) this.compile();
    return this.#compiled as Compiled;
  }

  async #open(loaded: LoadedData): Promise<Teacher> {
    if (this.#opened) return this.#opened;
    const teacher = this.#teacher;
    if (typeof teacher === "object" && "answer" in teacher) {
      this.#opened = teacher;
      return teacher;
    }
    const described = typeof teacher === "string" ? { file: teacher } : teacher;
    const recipe = parseParts(z.object({ teacher: fileTeacherSchema }), { teacher: described }, "Distiller").teacher;
    const { folder = process.cwd(), threads = 0 } = this.#options;
    const { path, ...options } = onnxTeacherOptions(recipe, loaded, folder);
    const probe = loaded.splits.validation.length >= 50 ? loaded.splits.validation : loaded.splits.train;
    this.#opened = await openOnnxTeacher(path, loaded.data, probe, { ...options, threads });
    return this.#opened;
  }

  async #label(teacher: Teacher, loaded: LoadedData, options: FitOptions): Promise<TeacherOutputs> {
    const { signal, onLabelling, labelStore } = options;
    if (labelStore !== undefined)
      return openLabelStore(labelStore, teacher, loaded.data, {
        precision: "float32",
        signal,
        onProgress: onLabelling,
      });
    const { train: trained, validation } = loaded.splits;
    const wanted = Uint32Array.from([...trained, ...validation]);
    return labelInMemory(teacher, loaded.data, wanted, { signal, onProgress: onLabelling });
  }
}

function trainingOf(compiled: Compiled["training"], options: FitOptions): TrainingRecipe {
  const { epochs, steps, batchSize, select, patience } = options;
  const training = {
    ...compiled,
    ...(steps === undefined ? { epochs: epochs ?? 10 } : { steps, epochs }),
    batch: batchSize,
    select,
    early_stopping: patience === undefined ? undefined : { patience },
    gradient_shares_every: 0,
  };
  return parseParts(z.object({ training: trainingSchema }), { training }, "fit").training;
}

const everything = (data: DataSet): Splits => {
  const none = new Uint32Array(0);
  return { train: none, validation: none, test: Uint32Array.from({ length: data.size }, (_, i) => i) };
};

function split(data: DataSet, options: FitOptions, seed: number): LoadedData {
  const config = { validation: options.validationSplit ?? 0.15, test: 0, stratify: true, seed };
  const splits = splitData(data, config, null);
  const bytes = data.samples instanceof Uint8Array;
  const choice = options.normalise ?? (bytes ? "unit" : "none");
  const normalisation =
    choice === "none"
      ? NONE
      : choice === "unit"
        ? { ...NONE, scale: bytes ? 1 / 255 : 1 }
        : choice === "standard"
          ? fittedNormalisation(data, splits.train)
          : choice;
  return { data, splits, normalisation };
}
