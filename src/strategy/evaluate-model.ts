/** Measures any ONNX classifier on a data set: what stands behind `limbeck evaluate`. */
import { statSync } from "node:fs";
import { z } from "zod";
import type { LoadedData } from "../data/types.js";
import { InputError } from "../errors.js";
import type { Latency } from "../evaluate/latency.js";
import { type OutputKind, perClass } from "../evaluate/metrics.js";
import type { RobustnessSummary } from "../evaluate/robustness/types.js";
import { scoreOutputs } from "../evaluate/scores.js";
import type { ClassRow, SeedScores } from "../evaluate/summary.js";
import { noun } from "../noun.js";
import { parseParts } from "../recipe/load.js";
import { type RobustnessInput, type RobustnessRecipe, robustnessSchema } from "../recipe/robustness-schema.js";
import { labelsOf } from "./context.js";
import type { RunEvent } from "./events.js";
import { latencyOf } from "./measure.js";
import { type ModelDescription, type OpenedModel, openModel } from "./open-model.js";
import { type Askable, measureRobustness } from "./robustness.js";

/** The samples to measure on: one part of the split, or every sample. */
export type Part = "test" | "validation" | "train" | "all";

export interface EvaluateModelOptions {
  /** Another ONNX classifier: adds agreement with it and soft KL to it. */
  readonly teacher?: string;
  /** How to feed and read the model; what is absent is found out. */
  readonly description?: ModelDescription;
  /** The same for the teacher. */
  readonly teacherDescription?: ModelDescription;
  /** Default "test". */
  readonly part?: Part;
  /** Of top-k; default 5. */
  readonly topK?: number;
  /** Calls to measure at batch 1; 0 leaves the latency out. Default 200. */
  readonly latencyRuns?: number;
  /** Threads of ONNX Runtime; 0, the default, lets it choose. */
  readonly threads?: number;
  /** Ask it also under corruptions of the samples (docs/robustness.md): all of them, or which, as in a recipe. */
  readonly robustness?: RobustnessInput;
  /** An ONNX classifier whose errors under corruptions are the measure (of `mCE`); default the teacher, if there is one. */
  readonly reference?: string;
  /** How to feed and read the reference. */
  readonly referenceDescription?: ModelDescription;
  readonly onEvent?: (event: RunEvent) => void;
  readonly signal?: AbortSignal;
}

/** Everything known about one model on one set of samples. Shares are in [0, 1]. */
export interface Evaluation extends SeedScores {
  readonly model: string;
  readonly fileBytes: number;
  /** Elements of all floating-point initialisers, but for the normalisation in front. */
  readonly parameters: number;
  /** What its outputs hold. */
  readonly outputs: OutputKind;
  readonly data: { readonly name: string; readonly hash: string; readonly part: Part; readonly samples: number };
  /** Class names by index. */
  readonly classes: readonly string[];
  /** Of top-k. */
  readonly k: number;
  /** Empty without labels. */
  readonly perClass: readonly ClassRow[];
  /** Counts [label][predicted]; empty without labels. */
  readonly confusion: readonly (readonly number[])[];
  /** At batch 1; null when not measured. */
  readonly latency: Latency | null;
  /** Errors under corruptions of "model", "teacher" and "reference"; null when not asked for. */
  readonly robustness: RobustnessSummary | null;
  /** The model it was compared with, with its own scores. */
  readonly teacher: (SeedScores & { readonly model: string; readonly outputs: OutputKind }) | null;
  /** Sentences about how the models are fed and read. */
  readonly notes: readonly string[];
}

/**
 * Scores an ONNX classifier, and compares it with another one when `teacher` is given.
 * @param file `.onnx` file of a model, of limbeck or not
 * @throws InputError when a file is no model or does not fit the data
 *
 * @example
 * const data = await loadData({ source: "digits" });
 * const { accuracy, perClass } = await evaluateModel("student.onnx", data, { teacher: "teacher.onnx" });
 */
export async function evaluateModel(
  file: string,
  loaded: LoadedData,
  options: EvaluateModelOptions = {},
): Promise<Evaluation> {
  const { part = "test", topK: k = 5, threads = 0, signal, latencyRuns = 200 } = options;
  const samples = samplesOf(loaded, part);
  const labels = labelsOf(loaded, samples);
  const known = labels.every((l) => l >= 0) ? labels : null;
  const settings = robustnessOf(options);
  await checkOthers(loaded, samples, options);
  const own = await ask(file, loaded, samples, options.description, threads);
  const other =
    options.teacher === undefined
      ? null
      : await ask(options.teacher, loaded, samples, options.teacherDescription, threads);
  const classes = own.values.length / samples.length;
  if (other && other.values.length !== own.values.length)
    throw new InputError(
      options.teacher as string,
      `it has ${other.values.length / samples.length} classes, ${file} has ${classes}; they cannot be compared`,
    );
  if (known && classes !== loaded.data.classes.length)
    throw new InputError(file, `its output has ${noun(classes, "class")}, the data has ${loaded.data.classes.length}`);
  const { scores, confusion } = scoreOutputs(own, known, other, classes, k);
  const names = loaded.data.classes.length === classes ? loaded.data.classes : numbered(classes);
  const robustness = settings && (await underCorruptions(file, loaded, samples, settings, options));
  const timing = { runs: latencyRuns, threads, signal };
  return {
    model: file,
    fileBytes: statSync(file).size,
    parameters: own.parameters,
    outputs: own.kind,
    data: { name: loaded.data.name, hash: loaded.data.hash, part, samples: samples.length },
    classes: names,
    k,
    ...scores,
    perClass: confusion ? perClass(confusion).map((row, c) => ({ class: names[c] as string, ...row })) : [],
    confusion: confusion ?? [],
    latency: latencyRuns > 0 ? await latencyOf(file, timing, loaded.data.sampleShape) : null,
    robustness,
    teacher: other && {
      model: options.teacher as string,
      outputs: other.kind,
      ...scoreOutputs(other, known, null, classes, k).scores,
    },
    notes: [...own.notes.map((n) => `${file}: ${n}`), ...(other?.notes ?? []).map((n) => `${options.teacher}: ${n}`)],
  };
}

/** What is asked about corruptions; null for nothing. */
function robustnessOf({ robustness, reference }: EvaluateModelOptions): RobustnessRecipe | null {
  const settings = parseParts(z.object({ robustness: robustnessSchema }), { robustness }, "evaluateModel").robustness;
  if (!settings && reference !== undefined)
    throw new InputError("reference", "it is the measure of errors under corruptions; ask for robustness as well");
  return settings || null;
}

/** Teacher and reference must be models of this data: the first measuring must not be over when that shows. */
async function checkOthers(loaded: LoadedData, samples: Uint32Array, options: EvaluateModelOptions): Promise<void> {
  const { teacher, teacherDescription, reference, referenceDescription, threads = 0 } = options;
  const others: [string | undefined, ModelDescription | undefined][] = [
    [teacher, teacherDescription],
    [reference, referenceDescription],
  ];
  for (const [file, description] of others) {
    if (file === undefined) continue;
    const opened = await openModel(file, loaded, samples, description, threads);
    await opened.teacher.dispose();
  }
}

/** All models given, under corruptions. */
async function underCorruptions(
  file: string,
  loaded: LoadedData,
  samples: Uint32Array,
  settings: RobustnessRecipe,
  { teacher, reference, onEvent, signal, threads = 0, ...described }: EvaluateModelOptions,
): Promise<RobustnessSummary> {
  const askable = (id: string, role: Askable["role"], path: string, description?: ModelDescription): Askable => ({
    id,
    role,
    seeds: [{ seed: 0, open: async () => (await openModel(path, loaded, samples, description, threads)).teacher }],
  });
  const models = [
    askable("model", "student", file, described.description),
    ...(teacher === undefined ? [] : [askable("teacher", "teacher", teacher, described.teacherDescription)]),
    ...(reference === undefined ? [] : [askable("reference", "baseline", reference, described.referenceDescription)]),
  ];
  onEvent?.({ kind: "stage", text: "Measuring under corruptions" });
  return measureRobustness(loaded, models, {
    settings,
    samples,
    reference: reference !== undefined ? "reference" : teacher !== undefined ? "teacher" : null,
    signal,
    onProgress: (done, total, rate) => onEvent?.({ kind: "measuring", text: "corrupted samples", done, total, rate }),
  });
}

interface Asked {
  readonly kind: OutputKind;
  readonly values: Float32Array;
  readonly parameters: number;
  readonly notes: OpenedModel["notes"];
}

async function ask(
  file: string,
  loaded: LoadedData,
  samples: Uint32Array,
  description: ModelDescription | undefined,
  threads: number,
): Promise<Asked> {
  const { teacher, parameters, notes } = await openModel(file, loaded, samples, description, threads);
  try {
    const values = await teacher.answer(loaded.data, samples);
    return { kind: teacher.kind, values, parameters, notes };
  } finally {
    await teacher.dispose();
  }
}

function samplesOf(loaded: LoadedData, part: Part): Uint32Array {
  const { data, splits } = loaded;
  const samples = part === "all" ? Uint32Array.from({ length: data.size }, (_, i) => i) : splits[part];
  if (samples.length === 0)
    throw new InputError(
      "data.split",
      `the ${part} part of ${data.name} is empty; choose another part or change the split`,
    );
  return samples;
}

const numbered = (n: number): string[] => Array.from({ length: n }, (_, i) => String(i));
