/** The library's hands-on way: a teacher, a student, compile, fit, evaluate, save. The shape is the one Keras users know. */
import { onnxTeacherOptions } from "../../run/teaching/onnx-teacher.js";
import { fileTeacherSchema, type FileTeacherInput } from "../../run/teaching/kinds/file-schema.js";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { DataSet, LoadedData } from "../../learn/data/types.js";
import { packageVersion } from "../../node/package-root.js";
import { parseParts } from "../../run/recipe/parse.js";
import { type ModelInput, type ModelPlan, modelSchema } from "../../run/recipe/schema/schema.js";
import { openSession } from "../../node/session.js";
import { openOnnxTeacher } from "../../learn/teacher/onnx.js";
import { openLabelStore } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { train } from "../../learn/train/train.js";
import type { TrainingResult } from "../../learn/train/types.js";
import type { TeacherOutputs } from "../../learn/teacher/taught.js";
import { type Claim, claimFolder } from "../../run/folder/claim.js";
import { fingerprint } from "../../run/folder/context.js";
import { DistillerCore, type Identity } from "./distiller-core.js";
import type { DistillerSettings, FitOptionsAnywhere } from "./options.js";
import type { Prepared } from "../../run/students/foreign.js";
import { inModel } from "../../run/students/in-model.js";
import { noTeacherGiven } from "./missing-teacher.js";
import { fileOf, prepareModel } from "../../run/students/prepare.js";
import { Student } from "../../run/students/student.js";
import type { AssembledTask } from "../../run/students/training.js";

export type { CompileOptions, CustomTerm, DistillationLossName, Metric } from "./options.js";

export interface DistillerOptions extends DistillerSettings {
  /**
   * An `.onnx` file, the recipe's description of one, or anything that answers for samples. Not needed where nothing of the
   * objective reads a teacher (alpha 0).
   */
  readonly teacher?: string | FileTeacherInput | Teacher;
  /** As in a recipe: `{ kind: "mlp", hidden: [30, 30] }`, `{ kind: "onnx", file: "student.onnx" }` ... */
  readonly student: ModelInput;
  /** Relative paths start here; default the working folder. */
  readonly folder?: string;
}

export interface FitOptions extends FitOptionsAnywhere {
  /**
   * Keeps the teacher's answers in this folder (a label store) instead of memory; of a group that a fit looks at one by one, in a
   * folder of each teacher inside it.
   */
  readonly labelStore?: string;
  /** Keeps metrics and checkpoints in this folder; an interrupted fit continues there. Default: nothing is written. */
  readonly directory?: string;
}

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
export class Distiller extends DistillerCore<Student, FitOptions> {
  readonly #teacher: DistillerOptions["teacher"];
  readonly #folder: string;
  protected readonly plan: ModelPlan;
  protected readonly version = packageVersion();

  /** @throws InputError when the student's description is not one */
  constructor(options: DistillerOptions) {
    super(options);
    this.#teacher = options.teacher;
    this.#folder = options.folder ?? process.cwd();
    this.plan = parseParts(z.object({ student: modelSchema() }), { student: options.student }, "Distiller").student;
  }

  /**
   * Labels the samples once with the teacher and trains the student. The folders among the options belong to this fit until
   * it is over.
   * @returns the learning curve and how the weights were selected
   * @throws InputError if data, teacher and objective do not match, or another process or fit writes to one of the folders;
   *   InterruptedError if the signal aborts
   */
  override async fit(data: DataSet | LoadedData, options: FitOptions = {}): Promise<TrainingResult> {
    const { directory, labelStore } = options;
    const folders = [directory, labelStore].flatMap((folder) => (folder === undefined ? [] : [resolve(folder)]));
    const claims: Claim[] = [];
    try {
      for (const folder of new Set(folders)) claims.push(await claimFolder(folder));
      const result = await super.fit(data, options);
      return { ...result, warnings: [...claims.flatMap((c) => c.takenOver ?? []), ...result.warnings] };
    } finally {
      for (const claim of claims) claim.release();
    }
  }

  protected get keepsTeacher(): boolean {
    return typeof this.#teacher === "object" && "answer" in this.#teacher;
  }

  protected async openTeacher(loaded: LoadedData, features: readonly string[]): Promise<Teacher> {
    const teacher = this.#teacher;
    if (teacher === undefined) throw noTeacherGiven();
    if (typeof teacher === "object" && "answer" in teacher) return teacher;
    const described = typeof teacher === "string" ? { file: teacher } : teacher;
    const plan = parseParts(z.object({ teacher: fileTeacherSchema }), { teacher: described }, "Distiller").teacher;
    const { path, ...options } = onnxTeacherOptions(plan, loaded, this.#folder);
    const probe = loaded.splits.validation.length >= 50 ? loaded.splits.validation : loaded.splits.train;
    return openOnnxTeacher(path, loaded.data, probe, { ...options, features, threads: this.settings.threads ?? 0 });
  }

  protected override label(
    teacher: Teacher,
    loaded: LoadedData,
    options: FitOptions,
    member?: number,
  ): Promise<TeacherOutputs> {
    const { signal, onLabelling, labelStore } = options;
    if (labelStore === undefined) return super.label(teacher, loaded, options);
    const stored = { precision: "float32" as const, signal, onProgress: onLabelling };
    const folder = member === undefined ? labelStore : join(labelStore, `teacher-${member}`);
    return openLabelStore(folder, teacher, loaded.data, stored);
  }

  protected prepare(data: DataSet, classes: number): Prepared {
    const options = { folder: this.#folder, data, classes, seed: this.settings.seed ?? 0 };
    return inModel("student", fileOf(this.plan, this.#folder), () => prepareModel(this.plan, options));
  }

  protected train(task: AssembledTask, identity: Identity, options: FitOptions): Promise<TrainingResult> {
    return train(
      { ...task, directory: options.directory ?? null, fingerprint: fingerprint(...identity) },
      { signal: options.signal, onProgress: options.onProgress, resume: true },
    );
  }

  protected makeStudent(bytes: Uint8Array, prepared: Prepared, classes: readonly string[]): Student {
    const { threads = 0 } = this.settings;
    return new Student(bytes, prepared, classes, (model) => openSession(model, { threads }));
  }
}
