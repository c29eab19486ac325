/** Trains one model of a run, exports it and lets the exported file answer the test samples. */
import type { Correction, Fitted, FitRequest } from "./fitted.js";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../node/atomic.js";
import type { DataSet } from "../../learn/data/types.js";
import { writeModel } from "../../engine/graph/write.js";
import { packageVersion } from "../../node/package-root.js";
import { settingsOf } from "../recipe/resolve.js";
import { openSession } from "../../node/session.js";
import { train } from "../../learn/train/train.js";
import type { TrainingResult } from "../../learn/train/types.js";
import { correctBias } from "./bias-correction.js";
import { fingerprint, type RunContext, teacherFolder } from "../folder/context.js";
import { fileIdentity, notePrepared, type Prepared, prepareModel } from "./prepare.js";
import { answers } from "./student.js";
import { noteTraining } from "../folder/trainings.js";
import type { Reusable } from "./reused-classifier.js";
import { assembleTraining, exportTrained, identifyTraining } from "./training.js";
import { openTrainingViews, viewsIdentity } from "./training-views.js";

/** What a training depends on, as a name: requests with the same id are the same training in the same folder. */
export function trainingOfRequest({ loaded, execution, folder }: RunContext, request: FitRequest) {
  const settings = settingsOf(request.training, request.samples.length, request.seed, execution);
  const store = request.teacher?.header;
  const identity = identifyTraining({
    loaded,
    train: request.samples,
    validation: loaded.splits.validation,
    model: request.model,
    objective: request.objective,
    settings,
    teacher: store && [store.teacherHash, store.preprocessing, store.precision, ...(store.features ?? [])],
    further: [
      ...(request.views ? [viewsIdentity(loaded.data, request.views)] : []),
      ...fileIdentity(request.model, folder),
      ...(request.shifted ? [{ shifted: request.shifted }] : []),
      ...(request.weightSeed === undefined ? [] : [{ weightSeed: request.weightSeed }]),
    ],
  });
  const print = fingerprint(...identity);
  return { settings, print, id: `${request.role}-${print.slice(0, 10)}-seed${request.seed}` };
}

/** Trains (or finds the finished training of) one model. */
export async function fit(context: RunContext, request: FitRequest): Promise<Fitted> {
  const { loaded } = context;
  const { data } = loaded;
  const { objective, teacher, samples } = request;
  const seed = request.weightSeed ?? request.seed;
  const classes = data.classes.length || (teacher?.header.classes.length ?? 0);
  const model = prepareModel(request.model, { folder: context.folder, data, classes, seed });
  notePrepared(context, request.model, model);
  const { settings, print, id } = trainingOfRequest(context, request);
  const directory = join(request.role === "teacher" ? teacherFolder(context) : context.directory, "trainings", id);
  const { task, trained } = assembleTraining({
    name: request.name,
    loaded,
    model,
    objective,
    classes,
    train: samples,
    validation: loaded.splits.validation,
    teacher,
    reusable: reusableIn(request),
    settings,
    weightSeed: seed,
  });
  const opened = request.views && (await openTrainingViews(request.views, data, settings, samples, context.signal));
  const result = await train(
    { ...task, views: opened?.views, directory, fingerprint: print },
    {
      signal: context.signal,
      resume: true,
      checkpointSeconds: context.checkpointSeconds,
      onProgress: (progress) => context.emit({ kind: "training", progress }),
      onWarning: (text) => context.emit({ kind: "warning", text }),
    },
  ).finally(() => opened?.dispose());
  for (const warning of result.warnings) context.warnings.push(warning);
  return exportFitted(context, { request, id, directory, prepared: trained, result });
}

/** A label store by itself has a name and no model. */
function reusableIn({ reusable, teacher }: FitRequest): Reusable | null {
  return reusable ?? (teacher ? { name: teacher.header.teacher, classifier: null, features: [] } : null);
}

/** Writes a training's model and its card, and says what came of it. */
export async function exportFitted(
  context: RunContext,
  fitted: Pick<Fitted, "request" | "id" | "directory" | "result"> & { readonly prepared: Prepared },
): Promise<Fitted> {
  const { loaded, plan } = context;
  const { prepared, ...made } = fitted;
  const { model, architecture, parameters, macs } = prepared;
  const raw = plan.export.raw && made.request.role !== "teacher";
  const exported = exportTrained(model, made.result, { loaded, raw, version: packageVersion() });
  const expects = raw ? loaded.normalisation : null;
  const { shifted } = made.request;
  const corrected = shifted ? await correctBias(context, exported, shifted, expects) : null;
  const file = join(made.directory, "model.onnx");
  const bytes = writeModel(corrected?.model ?? exported);
  let correction: Correction | null = null;
  if (corrected) {
    const { model: _, ...found } = corrected;
    correction = { ...found, uncorrected: join(made.directory, "model-uncorrected.onnx") };
    await writeChanged(correction.uncorrected, writeModel(exported));
  }
  await writeChanged(file, bytes);
  const { name, role, seed, teacher } = made.request;
  await noteTraining(made.directory, { name, role, seed, teacherHash: teacher?.header.teacherHash ?? null });
  return { ...made, file, expects, correction, fileBytes: bytes.length, architecture, parameters, macs };
}

async function writeChanged(file: string, bytes: Uint8Array): Promise<void> {
  if (!existsSync(file) || !readFileSync(file).equals(bytes)) await writeFileAtomic(file, bytes);
}

/** The validation score of a model as exported: after its bias correction. */
export function scoreOf({ result, correction }: Pick<Fitted, "result" | "correction">): TrainingResult["chosen"] {
  return correction ? { ...result.chosen, accuracy: correction.after } : result.chosen;
}

/** Outputs of an exported model for samples of a data set [indices.length, classes]. */
export async function answersOf(
  { file, expects }: Pick<Fitted, "file" | "expects">,
  data: DataSet,
  indices: Uint32Array,
  threads: number,
): Promise<Float32Array> {
  const opened = await answering({ file, expects }, data, threads);
  return opened.ask(indices).finally(opened.dispose);
}

/** Opens an exported model, to be asked about samples of a data set piece by piece. */
export async function answering(
  { file, expects }: Pick<Fitted, "file" | "expects">,
  data: DataSet,
  threads: number,
): Promise<{ ask(indices: Uint32Array): Promise<Float32Array>; dispose(): Promise<void> }> {
  const session = await openSession(file, { threads });
  return {
    ask: (indices) => answers(session, data, indices, expects),
    dispose: () => session.dispose(),
  };
}
