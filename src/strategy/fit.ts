/** Trains one model of a run, exports it and lets the exported file answer the test samples. */
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeFileAtomic } from "../atomic.js";
import { freeBatch } from "../compile/evaluation.js";
import { exportModel } from "../compile/export.js";
import { withNormalisation } from "../compile/normalise.js";
import type { TrainableModel } from "../compile/types.js";
import { fillBatch } from "../data/loader.js";
import type { DataSet } from "../data/types.js";
import { InputError } from "../errors.js";
import { loadModelFile } from "../graph/file.js";
import { sizeOf } from "../graph/tensor.js";
import { writeModel } from "../graph/write.js";
import { countMacs } from "../models/cost.js";
import { buildModel, trainableModel } from "../models/model.js";
import type { ObjectiveConfig } from "../objective/objective.js";
import { packageVersion } from "../package-root.js";
import { modelSpecOf, settingsOf } from "../recipe/resolve.js";
import type { ModelRecipe, TrainingRecipe } from "../recipe/schema.js";
import { openSession } from "../runtime/session.js";
import type { LabelStore } from "../teacher/store.js";
import { train } from "../train/train.js";
import type { TrainingResult } from "../train/types.js";
import { fingerprint, type RunContext } from "./context.js";

export interface FitRequest {
  /** For messages: "student, seed 2". */
  readonly name: string;
  readonly role: "teacher" | "student" | "baseline";
  readonly model: ModelRecipe;
  readonly training: TrainingRecipe;
  readonly objective: ObjectiveConfig;
  readonly samples: Uint32Array;
  readonly teacher?: LabelStore;
  readonly seed: number;
}

export interface Fitted {
  readonly request: FitRequest;
  readonly id: string;
  readonly directory: string;
  readonly result: TrainingResult;
  /** The exported model. */
  readonly file: string;
  readonly fileBytes: number;
  readonly architecture: string;
  readonly parameters: number;
  readonly macs: number | null;
}

/** Trains (or finds the finished training of) one model. */
export async function fit(context: RunContext, request: FitRequest): Promise<Fitted> {
  const { loaded, execution } = context;
  const { model, architecture, parameters, macs } = prepareModel(context, request);
  const settings = settingsOf(request.training, request.samples.length, request.seed, execution);
  const { threads: _, device: __, ...deciding } = settings;
  const store = request.teacher?.header;
  const print = fingerprint(
    loaded.data.hash,
    request.samples,
    loaded.splits.validation,
    loaded.normalisation,
    request.model,
    request.objective,
    deciding,
    store && [store.teacherHash, store.preprocessing, store.precision],
  );
  const id = `${request.role}-${print.slice(0, 10)}-seed${request.seed}`;
  const directory = join(context.directory, "trainings", id);
  const sampleType = loaded.data.samples instanceof Uint8Array ? "uint8" : "float32";
  const task = {
    name: request.name,
    model: { ...model, graph: withNormalisation(model.graph, model.input, loaded.normalisation, sampleType) },
    data: loaded.data,
    train: request.samples,
    validation: loaded.splits.validation,
    objective: request.objective,
    teacher: request.teacher,
    settings,
    directory,
    fingerprint: print,
  } as const;
  const result = await train(task, {
    signal: context.signal,
    resume: true,
    onProgress: (progress) => context.emit({ kind: "training", progress }),
  });
  for (const warning of result.warnings) context.warnings.push(warning);
  const file = join(directory, "model.onnx");
  const raw = context.recipe.export.raw && request.role !== "teacher";
  const exported = exportModel(model, result.weights, {
    normalisation: raw ? null : loaded.normalisation,
    classes: loaded.data.classes,
    producerVersion: packageVersion(),
  });
  const bytes = writeModel(exported);
  if (!existsSync(file) || !readFileSync(file).equals(bytes)) await writeFileAtomic(file, bytes);
  return { request, id, directory, result, file, fileBytes: bytes.length, architecture, parameters, macs };
}

interface Prepared {
  readonly model: TrainableModel;
  readonly architecture: string;
  readonly parameters: number;
  readonly macs: number | null;
}

function prepareModel(context: RunContext, request: FitRequest): Prepared {
  const { data } = context.loaded;
  const recipe = request.model;
  if (recipe.kind === "onnx")
    return foreignModel(resolve(context.folder, recipe.file), recipe.trainable, recipe.frozen, data);
  const classes = data.classes.length || (request.teacher?.header.classes.length ?? 0);
  const built = buildModel(modelSpecOf(recipe), {
    inputShape: data.sampleShape,
    classes,
    seed: request.seed,
    initialiser: recipe.initialiser,
  });
  return {
    model: trainableModel(built),
    architecture: built.describe,
    parameters: built.parameterCount,
    macs: built.macs,
  };
}

/** A student that limbeck did not build: its weights are the start weights, its names stay. */
function foreignModel(path: string, trainable: readonly string[], frozen: readonly string[], data: DataSet): Prepared {
  const { model } = loadModelFile(path);
  const matcher = (patterns: readonly string[]) => {
    const all = patterns.map(
      (p) =>
        new RegExp(
          `^${p
            .split("*")
            .map((s) => s.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
            .join(".*")}$`,
        ),
    );
    return (name: string): boolean => all.some((r) => r.test(name));
  };
  const [wanted, unwanted] = [matcher(trainable), matcher(frozen)];
  const statistics = model.graph.nodes
    .filter((n) => n.op === "BatchNormalization")
    .flatMap((n) => [n.inputs[3] ?? "", n.inputs[4] ?? ""]);
  const names = [...model.graph.initializers].filter(([, t]) => t.dtype === "float32").map(([name]) => name);
  const parameters = names.filter((n) => wanted(n) && !unwanted(n) && !statistics.includes(n));
  const buffers = statistics.filter((n) => names.includes(n) && !unwanted(n));
  const [input, output] = [model.graph.inputs[0], model.graph.outputs[0]];
  if (!input || !output || model.graph.inputs.length !== 1)
    throw new InputError(path, `a student has one input, found ${model.graph.inputs.length}`);
  if (parameters.length === 0)
    throw new InputError(
      "student.trainable",
      `no float32 initialiser of ${path} matches; it has ${names.slice(0, 6).join(", ")}${names.length > 6 ? ", ..." : ""}`,
    );
  const graph = freeBatch(model.graph, input.name);
  const count = parameters.reduce((s, n) => s + sizeOf(graph.initializers.get(n)?.shape ?? []), 0);
  if (data.sampleShape.length + 1 !== (input.shape?.length ?? data.sampleShape.length + 1))
    throw new InputError(path, `its input is [${input.shape}], a sample [${data.sampleShape}]`);
  return {
    model: { graph, parameters, buffers, input: input.name, output: output.name },
    architecture: `onnx ${graph.name}`,
    parameters: count,
    macs: countMacs(graph) ?? null,
  };
}

/** Outputs of an exported model for raw samples [indices.length, classes]. */
export async function answersOf(
  file: string,
  data: DataSet,
  indices: Uint32Array,
  threads: number,
): Promise<Float32Array> {
  const session = await openSession(file, { threads });
  try {
    const size = sizeOf(data.sampleShape);
    const [input, output] = [session.inputs[0]?.name as string, session.outputs[0]?.name as string];
    const parts: Float32Array[] = [];
    for (let from = 0; from < indices.length; from += 512) {
      const part = indices.subarray(from, from + 512);
      const samples = new Float32Array(part.length * size);
      fillBatch(data, part, samples);
      const result = await session.run({
        [input]: { dtype: "float32", shape: [part.length, ...data.sampleShape], data: samples },
      });
      parts.push(result[output]?.data as Float32Array);
    }
    const out = new Float32Array(parts.reduce((s, p) => s + p.length, 0));
    parts.reduce((at, p) => {
      out.set(p, at);
      return at + p.length;
    }, 0);
    return out;
  } finally {
    await session.dispose();
  }
}
