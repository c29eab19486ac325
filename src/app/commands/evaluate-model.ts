/** Evaluates any ONNX classifier on a data set; the implementation of `limbeck evaluate`. */
import { statSync } from "node:fs";
import { z } from "zod";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import {
  type ConfusedPairs,
  classScores,
  confusedPairs,
  confusionOf,
  MOST_IN_MATRIX,
} from "../../learn/evaluate/class-counts.js";
import type { Latency } from "../../learn/evaluate/latency.js";
import type { OutputKind } from "../../learn/evaluate/metrics.js";
import type { RobustnessSummary } from "../../learn/evaluate/robustness/types.js";
import { Scorer, type TestScores } from "../../learn/evaluate/scores.js";
import type { ClassRow, SeedScores } from "../../learn/evaluate/summary.js";
import { weaknesses } from "../../learn/evaluate/weak-models.js";
import { noun } from "../../base/noun.js";
import { parseParts } from "../../run/recipe/load.js";
import {
  type RobustnessInput,
  type RobustnessPlan,
  robustnessSchema,
} from "../../run/recipe/schema/robustness-schema.js";
import { labelsOf } from "../../run/folder/context.js";
import type { RunEvent } from "../../run/folder/events.js";
import { type Answers, scoreAnswers } from "../../run/pipeline/judge.js";
import { latencyOf } from "../../run/measure/measure.js";
import { type ModelDescription, type OpenedModel, openModel } from "../../run/teaching/open-model.js";
import { type Askable, measureRobustness } from "../../run/measure/robustness.js";
import { factsOf } from "../../run/teaching/rules/facts.js";
import { checkRules } from "../../run/teaching/rules/rule.js";
import { RULES } from "../../run/teaching/rules/rules.js";

/** The samples to evaluate on: one part of the split, or all samples. */
export type Part = "test" | "validation" | "train" | "all";

export interface EvaluateModelOptions {
  /** Another ONNX classifier; adds agreement and soft KL. */
  readonly teacher?: string;
  /** How to feed and read the model; missing fields are detected. */
  readonly description?: ModelDescription;
  /** How to feed and read the teacher. */
  readonly teacherDescription?: ModelDescription;
  /** Default "test". */
  readonly part?: Part;
  /** k for top-k accuracy; default 5. */
  readonly topK?: number;
  /** Number of timed calls at batch size 1; 0 skips the latency. Default 200. */
  readonly latencyRuns?: number;
  /** Number of ONNX Runtime threads; 0 (the default) chooses automatically. */
  readonly threads?: number;
  /** Also evaluate under corruptions of the samples (docs/robustness.md): all of them, or a selection, as in a recipe. */
  readonly robustness?: RobustnessInput;
  /** Reference of `mCE`: an ONNX classifier to compare errors under corruptions with; default: the teacher, if given. */
  readonly reference?: string;
  /** How to feed and read the reference. */
  readonly referenceDescription?: ModelDescription;
  readonly onEvent?: (event: RunEvent) => void;
  readonly signal?: AbortSignal;
}

/** The scores of one model on one set of samples. Shares are in [0, 1]. */
export interface Evaluation extends SeedScores {
  readonly model: string;
  readonly fileBytes: number;
  /** Elements of all floating-point initialisers, except the normalisation in front. */
  readonly parameters: number;
  /** Kind of its outputs. */
  readonly outputs: OutputKind;
  readonly data: { readonly name: string; readonly hash: string; readonly part: Part; readonly samples: number };
  /** Class names by index. */
  readonly classes: readonly string[];
  /** Of top-k. */
  readonly k: number;
  /** Empty without labels. */
  readonly perClass: readonly ClassRow[];
  /** Counts [label][predicted]; empty without labels, and above 100 classes. */
  readonly confusion: readonly (readonly number[])[];
  /** The most frequent errors, by index into `classes`, where there are more than 100 classes; else null. */
  readonly confused: ConfusedPairs | null;
  /** At batch size 1; null if not measured. */
  readonly latency: Latency | null;
  /** Errors under corruptions of "model", "teacher" and "reference"; null if not requested. */
  readonly robustness: RobustnessSummary | null;
  /** The model it was compared with, with its own scores. */
  readonly teacher: (SeedScores & { readonly model: string; readonly outputs: OutputKind }) | null;
  /** Sentences about how the models are fed and read. */
  readonly notes: readonly string[];
  /** What makes its accuracy misleading: it names one class alone, or is no better than chance. */
  readonly warnings: readonly string[];
}

/**
 * Scores an ONNX classifier, and compares it with another one if `teacher` is given.
 * @param file `.onnx` file of any model
 * @throws InputError if a file is not a model or does not match the data
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
  const evaluation = { robustness: settings ?? (false as const) };
  checkRules(RULES, ["evaluation"], { plan: { evaluation }, data: factsOf(loaded, samples) });
  await checkOthers(loaded, samples, options);
  const { own, other, scored, teacherScored } = await scoreBoth(file, loaded, samples, known, options);
  const { classes } = own;
  const { scores, counts } = scored;
  const names = loaded.data.classes.length === classes ? loaded.data.classes : numbered(classes);
  const dense = classes <= MOST_IN_MATRIX;
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
    perClass: counts ? classScores(counts).map((row, c) => ({ class: names[c] as string, ...row })) : [],
    confusion: counts && dense ? confusionOf([counts]) : [],
    confused: counts && !dense ? confusedPairs([counts]) : null,
    latency: latencyRuns > 0 ? await latencyOf(file, timing, loaded.data.sampleShape) : null,
    robustness,
    teacher: other && {
      model: options.teacher as string,
      outputs: other.kind,
      ...(teacherScored as TestScores).scores,
    },
    notes: [...own.notes.map((n) => `${file}: ${n}`), ...(other?.notes ?? []).map((n) => `${options.teacher}: ${n}`)],
    warnings: [
      ...weaknesses("model", [{ seed: 0, scored }], names),
      ...(teacherScored ? weaknesses("teacher", [{ seed: 0, scored: teacherScored }], names) : []),
    ],
  };
}

interface Asked {
  readonly kind: OutputKind;
  readonly classes: number;
  readonly parameters: number;
  readonly notes: OpenedModel["notes"];
}

/** Both models are open at once and answer piece by piece. */
async function scoreBoth(
  file: string,
  loaded: LoadedData,
  samples: Uint32Array,
  labels: Int32Array | null,
  { teacher, description, teacherDescription, threads = 0, topK: k = 5 }: EvaluateModelOptions,
): Promise<{ own: Asked; other: Asked | null; scored: TestScores; teacherScored: TestScores | null }> {
  const { data } = loaded;
  const opened: OpenedModel[] = [];
  try {
    opened.push(await openModel(file, loaded, samples, description, threads));
    if (teacher !== undefined) opened.push(await openModel(teacher, loaded, samples, teacherDescription, threads));
    const [own, other = null] = opened as [OpenedModel, OpenedModel?];
    checkClasses(file, own, other, labels && data.classes.length, teacher);
    const asked = ({ teacher: { kind, classes }, parameters, notes }: OpenedModel): Asked => ({
      kind,
      classes,
      parameters,
      notes,
    });
    const answers = ({ teacher: model }: OpenedModel, seen: (values: Float32Array) => void = () => {}): Answers => ({
      kind: model.kind,
      async ask(indices) {
        const values = await model.answer(data, indices);
        seen(values);
        return values;
      },
    });
    // The teacher's answers are scored as they pass.
    const passing =
      other && new Scorer({ classes: other.teacher.classes, labels, kind: other.teacher.kind, teacherKind: null, k });
    const teaching = other && answers(other, (values) => passing?.add(values, null));
    const scored = await scoreAnswers(data, samples, labels, answers(own), teaching, { k });
    return { own: asked(own), other: other && asked(other), scored, teacherScored: passing && passing.finish() };
  } finally {
    for (const model of opened) await model.teacher.dispose();
  }
}

/** @param wanted classes of labelled data; null without labels */
function checkClasses(
  file: string,
  own: OpenedModel,
  other: OpenedModel | null,
  wanted: number | null,
  teacher = "",
): void {
  const { classes } = own.teacher;
  if (other && other.teacher.classes !== classes)
    throw new InputError({
      code: "model-output",
      where: teacher,
      found: `it has ${noun(other.teacher.classes, "class")}, and ${file} has ${classes}`,
      expected: "two models with the same classes",
    });
  if (wanted !== null && classes !== wanted)
    throw new InputError({
      code: "model-output",
      where: file,
      found: `its output has ${noun(classes, "class")}`,
      expected: `the ${wanted} of the data`,
      cure: "Give a model of these classes, or other data with --data",
    });
}

/** What is asked about corruptions; null for nothing. */
function robustnessOf({ robustness, reference }: EvaluateModelOptions): RobustnessPlan | null {
  const settings = parseParts(z.object({ robustness: robustnessSchema }), { robustness }, "evaluateModel").robustness;
  if (!settings && reference !== undefined)
    throw new InputError({
      code: "option-conflict",
      where: "reference",
      found: "it measures errors under corruptions, and none are asked for",
      cure: "Set robustness",
    });
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
  settings: RobustnessPlan,
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
  onEvent?.({ kind: "stage", text: "Evaluating under corruptions" });
  return measureRobustness(loaded, models, {
    settings,
    samples,
    reference: reference !== undefined ? "reference" : teacher !== undefined ? "teacher" : null,
    signal,
    onProgress: (done, total, rate) => onEvent?.({ kind: "measuring", text: "corrupted samples", done, total, rate }),
  });
}

function samplesOf(loaded: LoadedData, part: Part): Uint32Array {
  const { data, splits } = loaded;
  const samples = part === "all" ? Uint32Array.from({ length: data.size }, (_, i) => i) : splits[part];
  if (samples.length === 0)
    throw new InputError({
      code: "data-empty",
      where: "data.split",
      found: `the ${part} part of ${data.name} is empty`,
      cure: "Choose another part, or change the split",
    });
  return samples;
}

const numbered = (n: number): string[] => Array.from({ length: n }, (_, i) => String(i));
