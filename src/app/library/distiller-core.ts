/**
 * The parts of `Distiller` that Node and the browser share: compile, fit, evaluate. Subclasses open teachers, execute steps
 * and store files. Nothing here depends on Node.
 */

import type { CompileOptions, DistillerSettings, FitOptionsAnywhere, Metric } from "./options.js";
import { z } from "zod";
import { labelsOf, labelsOnly } from "../../learn/data/labels/labels.js";
import { RAW } from "../../learn/data/normalise.js";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { scoreOutputs } from "../../learn/evaluate/scores.js";
import type { SeedScores } from "../../learn/evaluate/summary.js";
import { writeModel } from "../../engine/graph/write.js";
import { type ObjectiveConfig, objectiveLayers, objectiveNeeds } from "../../engine/objective/objective.js";
import { parseParts } from "../../run/recipe/parse.js";
import { spelledFields } from "../../run/recipe/spelling.js";
import { objectiveOf, settingsOf } from "../../run/recipe/resolve.js";
import { objectiveSchema } from "../../run/recipe/schema/objective-schema.js";
import type { ObjectivePlan, TrainingPlan } from "../../run/recipe/schema/schema.js";
import { trainingSchema } from "../../run/recipe/schema/training-schema.js";
import type { StoredMember } from "../../learn/teacher/group/group.js";
import { checkGroupFit, groupOutputs } from "../../learn/teacher/group/group-teacher.js";
import { labelInMemory } from "../../learn/teacher/memory.js";
import { onlineViews } from "../../learn/teacher/store/online-views.js";
import type { AnswersToSoften } from "../../learn/teacher/temperature.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { TrainingResult } from "../../learn/train/types.js";
import type { TeacherOutputs } from "../../learn/teacher/taught.js";
import { answersToSoften, leavesTemperature, settleTemperatures } from "../../run/teaching/auto-temperature.js";
import { identityOf, withCustomLosses } from "./custom-losses.js";
import { everything, split } from "./fit-data.js";
import type { Prepared } from "../../run/students/foreign.js";
import type { TrainedStudent } from "../../run/students/trained-student.js";
import { reusableOf } from "../../run/students/reused-classifier.js";
import { type AssembledTask, assembleTraining, exportTrained, identifyTraining } from "../../run/students/training.js";

type AnyFields = Record<string, unknown>;

interface Compiled {
  /** With usual temperatures where they are left to limbeck. */
  readonly objective: ObjectiveConfig;
  /** The same once the teacher's answers are there, with sentences about what was chosen; absent where nothing is left. */
  readonly settle?: (answers: AnswersToSoften) => { readonly objective: ObjectiveConfig; readonly said: string[] };
  /** What it says of the training, as a recipe spells it. */
  readonly training: Record<string, unknown>;
  readonly metrics: readonly Metric[] | null;
}

/** What a training is known by, besides its settings. */
export type Identity = readonly unknown[];

export abstract class DistillerCore<S extends TrainedStudent, F extends FitOptionsAnywhere> {
  #compiled: Compiled | undefined;
  #student: S | undefined;
  #teacher: Teacher | undefined;
  #features = "";

  constructor(protected readonly settings: DistillerSettings) {}

  /**
   * Opens the teacher, or returns it; called again only when other inner values are needed.
   * @param features names or patterns of inner values it shall give
   */
  protected abstract openTeacher(loaded: LoadedData, features: readonly string[]): Promise<Teacher>;
  /** Whether the teacher belongs to the caller, who disposes it. */
  protected abstract readonly keepsTeacher: boolean;
  protected abstract prepare(data: DataSet, classes: number): Prepared;
  protected abstract train(task: AssembledTask, identity: Identity, options: F): Promise<TrainingResult>;
  protected abstract makeStudent(bytes: Uint8Array, prepared: Prepared, classes: readonly string[]): S;
  /** The description of the student, for the training's identity. */
  protected abstract readonly plan: unknown;
  /** Version of limbeck, written into the student. */
  protected abstract readonly version: string;

  /**
   * A teacher's answers for the samples of a fit.
   * @param _member which of a group's teachers it is, from 1; absent: there is one
   */
  protected label(teacher: Teacher, loaded: LoadedData, options: F, _member?: number): Promise<TeacherOutputs> {
    const { train: trained, validation } = loaded.splits;
    const wanted = Uint32Array.from([...trained, ...validation]);
    return labelInMemory(teacher, loaded.data, wanted, { signal: options.signal, onProgress: options.onLabelling });
  }

  /** The teacher that can answer for these data, if it was opened. */
  protected teacherFor(_data: DataSet): Teacher | undefined {
    return this.#teacher;
  }

  /** The student; made by `fit`. @throws InputError before */
  get student(): S {
    if (!this.#student)
      throw new InputError({
        code: "option-missing",
        where: "Distiller",
        found: "there is no student yet",
        cure: "Call fit first",
      });
    return this.#student;
  }

  /**
   * Sets the objective and the optimiser.
   * @throws InputError naming the field
   */
  compile(options: CompileOptions = {}): this {
    const { optimizer, learningRate, schedule, studentLoss, distillationLoss, temperature } = options;
    if (learningRate !== undefined && schedule !== undefined)
      throw new InputError({
        code: "option-conflict",
        where: "compile",
        found: "learningRate and schedule are both given",
        cure: "Give only one of them",
      });
    const named = <T>(value: T | string | undefined): T | { kind: string } | undefined =>
      typeof value === "string" ? { kind: value } : value;
    const own = typeof distillationLoss === "object" && "build" in distillationLoss ? distillationLoss : undefined;
    const distillation = own ? undefined : ({ kind: "kd", ...(named(distillationLoss) as object) } as AnyFields);
    if (distillation && temperature !== undefined) distillation.temperature = temperature;
    const terms = options.terms ?? [];
    const training = spelledFields({
      optimizer: named(optimizer),
      schedule: learningRate === undefined ? schedule : { kind: "constant", lr: learningRate },
      clipNorm: options.clipNorm,
      ema: options.ema,
      recompute: options.recompute,
    });
    const parts = parseParts(
      z.object({ objective: objectiveSchema(), training: trainingSchema }),
      {
        objective: spelledFields({
          alpha: options.alpha,
          alphaSchedule: options.alphaSchedule,
          weights: options.weights,
          studentLoss: named(studentLoss),
          distillationLoss: distillation,
          terms: terms.filter((t) => !("loss" in t)),
        }),
        training: { steps: 1, ...training },
      },
      "compile",
    );
    const build = (objective: ObjectivePlan): ObjectiveConfig => withCustomLosses(objectiveOf(objective), own, terms);
    const settle = (answers: AnswersToSoften) => {
      const { objective, temperatures } = settleTemperatures(parts.objective, answers);
      return { objective: build(objective), said: temperatures.map((t) => t.said) };
    };
    this.#compiled = {
      objective: build(parts.objective),
      ...(leavesTemperature(parts.objective) ? { settle } : {}),
      training,
      metrics: options.metrics ?? null,
    };
    return this;
  }

  /**
   * Labels the samples once with the teacher and trains the student.
   * @returns the learning curve and how the weights were selected
   * @throws InputError if data, teacher and objective do not match; InterruptedError if the signal aborts
   */
  async fit(data: DataSet | LoadedData, options: F = {} as F): Promise<TrainingResult> {
    const { objective: given, training, settle } = this.#needCompiled();
    const loaded = "splits" in data ? data : split(data, options, this.settings.seed ?? 0);
    const needs = objectiveNeeds(given);
    if (needs.labels) checkLabels(loaded);
    const teacher = needs.teacher ? await this.#open(loaded, given) : undefined;
    const { seed = 0, threads = 0, device = "cpu" } = this.settings;
    const execution = { threads, device };
    const settings = settingsOf(trainingOf(training, options), loaded.splits.train.length, seed, execution);
    const { augmentation } = settings;
    if (teacher?.group) checkGroupFit(teacher.group, given, augmentation, options.views ?? "online");
    const answers = teacher && (await this.#answers(teacher, loaded, options));
    const classes = loaded.data.classes.length || (teacher?.classes ?? 0);
    const settled = settle && answers && settle(answersToSoften(answers, loaded.splits.train, classes));
    const objective = settled?.objective ?? given;
    const whole = this.prepare(loaded.data, classes);
    const online = teacher && augmentation && options.views !== "clean";
    const views = online && onlineViews(teacher, loaded.data, augmentation, seed, loaded.splits.train, options.signal);
    const { train, validation } = loaded.splits;
    const { task, trained } = assembleTraining({
      name: "student",
      loaded,
      model: whole,
      objective,
      classes,
      train,
      validation,
      teacher: answers,
      reusable: teacher ? reusableOf(teacher) : null,
      views: views || undefined,
      settings,
    });
    const identity = identifyTraining({
      loaded,
      train,
      validation,
      model: this.plan,
      objective: identityOf(objective),
      settings,
      teacher: teacher?.hash,
      further: views ? ["online"] : [],
    });
    const result = await this.train(task, identity, options);
    const exported = exportTrained(trained.model, result, { loaded, version: this.version });
    await this.#student?.dispose();
    this.#student = this.makeStudent(writeModel(exported), trained, loaded.data.classes);
    const { notes = [], warnings = [] } = whole;
    const said = [...(teacher?.warnings ?? []), ...notes, ...warnings, ...(settled?.said ?? [])];
    return { ...result, warnings: [...said, ...result.warnings] };
  }

  /**
   * Scores the student on every sample of a DataSet, or on the test part of LoadedData.
   * @returns the metrics selected in `compile`; null if labels or teacher are missing
   */
  async evaluate(data: DataSet | LoadedData, options: { k?: number } = {}): Promise<Partial<SeedScores>> {
    const { metrics } = this.#needCompiled();
    const all = "splits" in data ? data : { data, splits: everything(data), normalisation: RAW };
    const { test } = all.splits;
    if (test.length === 0)
      throw new InputError({
        code: "data-empty",
        where: all.data.name,
        found: "it has no test samples",
        cure: "Give LoadedData with a test part, or a DataSet, all of which is tested",
      });
    const values = await this.student.predict(all.data, test);
    const classes = values.length / test.length;
    const labels = labelsOf(all, test);
    const asked =
      !metrics || metrics.includes("agreement") || metrics.includes("softKL") ? this.teacherFor(all.data) : undefined;
    const teacher = asked ? { kind: asked.kind, values: await asked.answer(all.data, test) } : null;
    const known = labels.every((l) => l >= 0) ? labels : null;
    const { scores } = scoreOutputs({ kind: "logits", values }, known, teacher, classes, options.k ?? 5);
    if (!metrics) return scores;
    return Object.fromEntries(metrics.map((m) => [m, scores[m]]));
  }

  /** Frees the sessions of teacher and student. May be called repeatedly. */
  async dispose(): Promise<void> {
    await this.#student?.dispose();
    if (!this.keepsTeacher) await this.#teacher?.dispose();
    this.#teacher = undefined;
  }

  /** The teacher's answers; of a group that is looked at one by one, each of its teachers'. */
  async #answers(teacher: Teacher, loaded: LoadedData, options: F): Promise<TeacherOutputs> {
    if (!teacher.group) return this.label(teacher, loaded, options);
    const stored: StoredMember[] = [];
    for (const [i, member] of teacher.group.teachers.entries()) {
      const outputs = await this.label(member, loaded, options, i + 1);
      stored.push({ kind: outputs.kind, gather: (indices, out) => outputs.gather(indices, out), knows: member.knows });
    }
    return groupOutputs(teacher.group, stored, labelsOnly(loaded.data, loaded.splits.train), teacher.classes);
  }

  #needCompiled(): Compiled {
    if (!this.#compiled) this.compile();
    return this.#compiled as Compiled;
  }

  async #open(loaded: LoadedData, objective: ObjectiveConfig): Promise<Teacher> {
    const features = [...new Set(objectiveLayers(objective).map((l) => l.teacher))];
    if (this.#teacher && this.#features !== features.join("\0") && !this.keepsTeacher) {
      await this.#teacher.dispose();
      this.#teacher = undefined;
    }
    this.#features = features.join("\0");
    this.#teacher ??= await this.openTeacher(loaded, features);
    return this.#teacher;
  }
}

function trainingOf(compiled: Compiled["training"], options: FitOptionsAnywhere): TrainingPlan {
  const { epochs, steps, batchSize, select, patience } = options;
  const training = {
    ...compiled,
    ...(steps === undefined ? { epochs: epochs ?? 10 } : { steps, epochs }),
    ...spelledFields({
      batch: batchSize,
      select,
      earlyStopping: patience === undefined ? undefined : { patience },
      augment: options.augment,
      gradientSharesEvery: options.gradientSharesEvery ?? 100,
    }),
  };
  return parseParts(z.object({ training: trainingSchema }), { training }, "fit").training;
}

/** @throws InputError where a training sample has no label */
function checkLabels(loaded: LoadedData): void {
  if (labelsOf(loaded, loaded.splits.train).some((l) => l < 0))
    throw new InputError({
      code: "labels-missing",
      where: loaded.data.name,
      found: "some training samples have no label",
      cure: "Set alpha to 1, which needs none",
    });
}
