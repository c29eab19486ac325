/** The teacher as the doctor asks it: a label store, an ONNX file, or the teacher that a finished run has trained. */

import { OWN_EXPORT } from "../../run/teaching/kinds/trained.js";
import { modelFileOf, storeOf, teacherEntryOf, trainedTeacherOf } from "../../run/teaching/registry.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError, InterruptedError } from "../../base/errors.js";
import { sizeOf } from "../../engine/graph/tensor.js";
import { matchFeatures } from "../../engine/objective/features.js";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { objectiveOf } from "../../run/recipe/resolve.js";
import type { Plan } from "../../run/recipe/schema/schema.js";
import { openOnnxTeacher } from "../../learn/teacher/onnx.js";
import { readLabelStore } from "../../learn/teacher/store/store.js";
import type { FullAnswers, Teacher } from "../../learn/teacher/types.js";
import type { RunEvent } from "../../run/folder/events.js";
import { reusableOf } from "../../run/students/reused-classifier.js";
import type { AskedTeacher, FinishedTrainings } from "./types.js";

export interface AskingOptions {
  readonly folder: string;
  readonly loaded: LoadedData;
  /** Samples to find out with what the teacher's outputs are. */
  readonly probe: Uint32Array;
  readonly finished: FinishedTrainings | null;
  readonly threads: number;
  readonly signal: AbortSignal | undefined;
  readonly emit: (event: RunEvent) => void;
}

/** Samples asked about between looks at the signal. */
const BLOCK = 256;

/**
 * Opens the recipe's teacher; null for one that cannot be asked: still to be trained, several, an endpoint.
 * @throws InputError when it does not fit the data
 */
export async function openAsked(plan: Plan, options: AskingOptions): Promise<AskedTeacher | null> {
  const { teacher } = plan;
  const { folder, loaded, finished } = options;
  const wanted = [...new Set(objectiveLayers(objectiveOf(plan.objective)).map((l) => l.teacher))];
  const store = storeOf(teacher, folder);
  if (store !== null) return askedStore(store, loaded, wanted);
  const { probe, threads } = options;
  const entry = teacherEntryOf(teacher);
  if (entry.open) {
    const open = entry.open.bind(entry);
    const opening = { loaded, folder, probe, threads, allowChance: true };
    const asked = await askedModel((features) => open(teacher, { ...opening, features }), wanted, options);
    return { ...asked, file: modelFileOf(teacher, folder) };
  }
  const [trained] = finished?.teachers ?? [];
  if (!trainedTeacherOf(teacher) || !trained) return null;
  const own = { ...OWN_EXPORT, name: "teacher", threads };
  return askedModel((features) => openOnnxTeacher(trained, loaded.data, probe, { ...own, features }), wanted, options);
}

function askedStore(folder: string, { data }: LoadedData, wanted: readonly string[]): AskedTeacher {
  const store = readLabelStore(folder, data, { checkHash: false });
  const { teacher: name, classes } = store.header;
  const missing = orReason(() => {
    for (const pattern of wanted) matchFeatures(pattern, store.features, `label store ${folder}`);
  });
  const features = missing === null && wanted.length > 0 ? store.features : [];
  const answer = async (indices: Uint32Array): Promise<Float32Array> => {
    const values = new Float32Array(indices.length * classes.length);
    store.gather(indices, values);
    return values;
  };
  return {
    name,
    kind: store.kind,
    classes: classes.length,
    parameters: null,
    features,
    notes: [],
    reusable: { name, classifier: null, features },
    missing,
    file: null,
    answer,
    async answerWithFeatures(indices) {
      const inner = features.map((f) => {
        const out = new Float32Array(indices.length * sizeOf(f.shape));
        f.gather(indices, out);
        return out;
      });
      return { answers: await answer(indices), features: inner };
    },
    async dispose() {},
  };
}

async function askedModel(
  open: (features: readonly string[]) => Promise<Teacher>,
  wanted: readonly string[],
  options: AskingOptions,
): Promise<AskedTeacher> {
  // What it knows is a finding here, not a reason to stop; and so is a layer that it does not have.
  let missing: string | null = null;
  const opened = await open(wanted).catch((error: unknown) => {
    if (!(error instanceof InputError) || wanted.length === 0) throw error;
    missing = error.message;
    return open([]);
  });
  return {
    name: opened.name,
    kind: opened.kind,
    classes: opened.classes,
    parameters: opened.parameters,
    features: opened.features ?? [],
    notes: opened.notes,
    reusable: reusableOf(opened),
    missing,
    file: null,
    answer: async (indices) => (await inBlocks(opened, indices, false, options)).answers,
    answerWithFeatures: (indices) => inBlocks(opened, indices, true, options),
    dispose: () => opened.dispose(),
  };
}

/** Asks block by block, telling how far it is. @throws InterruptedError when the signal aborts */
async function inBlocks(
  teacher: Teacher,
  indices: Uint32Array,
  inner: boolean,
  { loaded: { data }, signal, emit }: AskingOptions,
): Promise<FullAnswers> {
  const started = performance.now();
  const widths = [teacher.classes, ...(inner ? (teacher.features ?? []).map((f) => sizeOf(f.shape)) : [])];
  const all = widths.map((width) => new Float32Array(indices.length * width));
  for (let from = 0; from < indices.length; from += BLOCK) {
    if (signal?.aborted) throw new InterruptedError("doctor: stopped while the teacher was asked");
    const part = indices.subarray(from, from + BLOCK);
    const { answers, features } =
      inner && teacher.answerWithFeatures
        ? await teacher.answerWithFeatures(data, part, signal)
        : { answers: await teacher.answer(data, part, signal), features: [] };
    for (const [i, values] of [answers, ...features].entries())
      (all[i] as Float32Array).set(values, from * (widths[i] as number));
    const done = from + part.length;
    const rate = (done * 1000) / Math.max(performance.now() - started, 1);
    emit({ kind: "labelling", teacher: teacher.name, done, total: indices.length, rate });
  }
  const [answers = new Float32Array(0), ...features] = all;
  return { answers, features };
}

/** The message of an input error, null when there is none. */
export function orReason(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}
