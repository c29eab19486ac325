/** The `Distiller` of the browser: the same words and the same core as in Node, arrays in and model bytes out. */
import { z } from "zod";
import type { DataSet, LoadedData } from "../learn/data/types.js";
import { InputError } from "../base/errors.js";
import { modelFile } from "../engine/models/registry.js";
import { readModel } from "../engine/graph/read.js";
import { parseParts } from "../run/recipe/parse.js";
import { modelSchema } from "../run/recipe/schema/model-schema.js";
import type { ModelInput, ModelPlan } from "../run/recipe/schema/schema.js";
import { createInlineExecutor } from "../engine/runtime/inline-executor.js";
import { type OnnxRuntime, openSessionOn } from "../engine/runtime/ort.js";
import { webRuntime } from "../engine/runtime/web.js";
import type { WebModule } from "../engine/runtime/web-module.js";
import { DistillerCore, type Identity } from "../app/library/distiller-core.js";
import type { DistillerSettings, FitOptionsAnywhere } from "../app/library/options.js";
import { builtModel, foreignModel, type Prepared } from "../run/students/foreign.js";
import { inModel } from "../run/students/in-model.js";
import { noTeacherGiven } from "../app/library/missing-teacher.js";
import type { AssembledTask } from "../run/students/training.js";
import { TrainedStudent } from "../run/students/trained-student.js";
import type { Teacher } from "../learn/teacher/types.js";
import { runLoop } from "../learn/train/loop.js";
import type { TrainingResult } from "../learn/train/types.js";
import { VERSION } from "../base/version.js";
import { asBytes, openTeacher, type TeacherSource } from "./teachers.js";

const STUDENT = "the student";

/** A student that starts from an ONNX model, given by its bytes. */
export interface OnnxStudent {
  readonly kind: "onnx";
  readonly model: Uint8Array | ArrayBuffer;
  /** Initialisers to train, by name; * matches any text. Default all. */
  readonly trainable?: readonly string[];
  /** Initialisers to leave alone; wins over trainable. */
  readonly frozen?: readonly string[];
}

export interface DistillerOptions extends DistillerSettings {
  /**
   * The bytes of an `.onnx` model, `{ model: bytes, layout: "nhwc", ... }`, answers known already
   * (`{ answers: Float32Array }`), a function from samples to logits, or anything with the interface `Teacher`. Not needed where
   * nothing of the objective reads a teacher (alpha 0).
   */
  readonly teacher?: TeacherSource;
  /** As in a recipe: `{ kind: "mlp", hidden: [30, 30] }` ...; an ONNX model by its bytes. */
  readonly student: Exclude<ModelInput, { readonly kind: "onnx" }> | OnnxStudent;
  /** A loaded onnxruntime-web; default: `onnxruntime-web/wasm` (or `/webgpu`) is imported on first use. */
  readonly ort?: WebModule;
}

export type FitOptions = FitOptionsAnywhere;

/**
 * Distils a teacher into a student, in the page or in a web worker.
 *
 * @example
 * const data = fromArrays({ samples, sampleShape: [1, 8, 8], labels });
 * const teacher = await (await fetch("teacher.onnx")).arrayBuffer();
 * const distiller = new Distiller({ teacher, student: { kind: "mlp", hidden: [16] } });
 * distiller.compile({ alpha: 0.9, temperature: 4 });
 * await distiller.fit(data, { epochs: 20, onProgress: (p) => console.log(p.step, p.loss) });
 * const bytes = distiller.student.bytes; // an .onnx file
 * await distiller.dispose();
 */
export class Distiller extends DistillerCore<TrainedStudent, FitOptions> {
  protected readonly plan: ModelPlan;
  protected readonly version = VERSION;
  readonly #options: DistillerOptions;
  #runtime: Promise<OnnxRuntime> | undefined;
  #fitted: DataSet | undefined;

  /** @throws InputError when the student's description is not one */
  constructor(options: DistillerOptions) {
    super(options);
    this.#options = options;
    const { student } = options;
    const described = "model" in student ? { ...student, model: undefined, file: STUDENT } : student;
    this.plan = parseParts(
      z.object({ student: modelSchema() }),
      { student: JSON.parse(JSON.stringify(described)) },
      "Distiller",
    ).student;
  }

  protected get keepsTeacher(): boolean {
    const { teacher } = this.#options;
    return typeof teacher === "object" && "answer" in teacher;
  }

  protected openTeacher(loaded: LoadedData, features: readonly string[]): Promise<Teacher> {
    const { teacher } = this.#options;
    if (teacher === undefined) throw noTeacherGiven();
    return openTeacher(teacher, loaded, () => this.#load(), this.settings.threads ?? 0, features);
  }

  protected override teacherFor(data: DataSet): Teacher | undefined {
    const teacher = super.teacherFor(data);
    // Known answers belong to the samples of the fit.
    const { teacher: given } = this.#options;
    return this.#fitted !== data && given && "answers" in given ? undefined : teacher;
  }

  protected prepare(data: DataSet, classes: number): Prepared {
    this.#fitted = data;
    const { plan } = this;
    const { student, seed = 0 } = this.#options;
    if (modelFile(plan) === null) return inModel("student", null, () => builtModel(plan, data, classes, seed));
    if (!("model" in student))
      throw new InputError({
        code: "option-missing",
        where: "student.model",
        found: "missing",
        expected: "the bytes of an ONNX model",
      });
    const model = readModel(asBytes(student.model), { where: STUDENT });
    return foreignModel(model, STUDENT, plan, data, classes);
  }

  protected async train(task: AssembledTask, _identity: Identity, options: FitOptions): Promise<TrainingResult> {
    const runtime = await this.#load();
    const host = {
      createExecutor: (config, initial) => createInlineExecutor(runtime, config, initial),
      // wasm has no blocked layout.
      target: task.settings.device === "webgpu" ? "webgpu" : "plain",
      environment: "",
      log: { bytes: 0, append() {} },
      save: null,
      kept: () => null,
    } satisfies Parameters<typeof runLoop>[2];
    const { signal, onProgress } = options;
    return runLoop({ ...task, directory: null, fingerprint: "" }, { signal, onProgress }, host, null);
  }

  protected makeStudent(bytes: Uint8Array, prepared: Prepared, classes: readonly string[]): TrainedStudent {
    const { threads } = this.settings;
    return new TrainedStudent(bytes, prepared, classes, async (model) =>
      openSessionOn(await this.#load(), model, { threads }),
    );
  }

  #load(): Promise<OnnxRuntime> {
    const { ort, device = "cpu", threads = 0 } = this.#options;
    this.#runtime ??= webRuntime({ ort, device, threads });
    return this.#runtime;
  }
}
