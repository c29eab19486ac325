/** Gets an arm's teacher and its label store: trains, opens or reads, and labels the data once. */

import type { EndpointTeacherPlan } from "./kinds/endpoint.js";
import type { StoreTeacherPlan } from "./kinds/store.js";
import type { TrainedTeacherPlan } from "./kinds/trained.js";
import type { FileTeacherPlan } from "./kinds/file-schema.js";
import type { ReadyTeacher } from "./ready-teacher.js";
import { join, resolve } from "node:path";
import { RAW } from "../../learn/data/normalise.js";
import type { LoadedData } from "../../learn/data/types.js";
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { SingleTeacherPlan } from "../recipe/schema/schema.js";
import type { ClassifierOptions } from "../../learn/teacher/classifier.js";
import { openOnnxTeacher } from "../../learn/teacher/onnx.js";
import { dataOfClasses, knownClasses, ordered, partialTeacher } from "../../learn/teacher/partial.js";
import { type LabelOptions, openLabelStore, readLabelStore } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { Arm } from "./arm.js";
import { classifierOptions } from "./classifier-options.js";
import { fingerprint, type RunContext, teacherFolder } from "../folder/context.js";
import { openEndpoint } from "./endpoint.js";
import { fit } from "../students/fit.js";
import type { Fitted } from "../students/fitted.js";
import { namesOf, probeOf, samplesOfClasses, storeOfClasses } from "./partial-teachers.js";
import { combineTeachers, noTeacher } from "./teacher-group.js";
import { reusableOf } from "../students/reused-classifier.js";
import { prepareViews, viewAnswersOf } from "./views.js";
import type { ReadyViews } from "../students/training-views.js";

/**
 * @param storeFolder where the label store goes; default label-stores/ in the run's folder, by its key
 * @param further names or patterns of inner values to keep besides those that the objective compares
 */
export async function prepareTeacher(
  context: RunContext,
  arm: Arm,
  seed: number,
  storeFolder?: string,
  further: readonly string[] = [],
): Promise<ReadyTeacher> {
  const { teacher } = arm.plan;
  if ("none" in teacher) throw noTeacher();
  if (!("group" in teacher)) return prepareSingle(context, arm, teacher, seed, { storeFolder, further });
  const members: ReadyTeacher[] = [];
  for (const [i, member] of teacher.group.entries())
    members.push(await prepareSingle(context, arm, member, seed, { member: i + 1 }));
  const group = combineTeachers(context, arm, teacher, members);
  return { ...group, views: await viewsOfGroup(context, arm, group) };
}

/** A group is asked about views as one: its members' answers for them are combined before they are kept. */
async function viewsOfGroup(context: RunContext, arm: Arm, { open }: ReadyTeacher): Promise<ReadyViews | undefined> {
  const answers = viewAnswersOf(arm.plan);
  if (!open || answers === null || answers === "clean") return undefined;
  const opened = await open();
  try {
    const into = { folder: labelFolder(context), options: labelOptions(context, opened, "float32") };
    return await prepareViews(arm, context.loaded.data, opened, open, into);
  } finally {
    await opened.dispose();
  }
}

/** @param of.member its number in a group, from 1 */
async function prepareSingle(
  context: RunContext,
  arm: Arm,
  teacher: SingleTeacherPlan,
  seed: number,
  {
    storeFolder,
    member,
    further = [],
  }: { readonly storeFolder?: string; readonly member?: number; readonly further?: readonly string[] },
): Promise<ReadyTeacher> {
  if ("labelStore" in teacher) return readStore(context, teacher);
  if ("url" in teacher) return prepareEndpoint(context, arm, teacher, storeFolder);
  return prepareModelFile(context, arm, await modelFileOf(context, arm, teacher, seed, member), {
    storeFolder,
    further,
    alone: member === undefined,
  });
}

/** A teacher that is an ONNX file: the recipe's own, or trained first. */
interface ModelFile {
  readonly path: string;
  /** How it is asked. */
  readonly options: ClassifierOptions;
  readonly precision: LabelOptions["precision"];
  /** Indices of the classes it knows; null: all. */
  readonly known: readonly number[] | null;
  readonly trained: Fitted | null;
  readonly trainedOn: string;
}

async function modelFileOf(
  context: RunContext,
  arm: Arm,
  teacher: TrainedTeacherPlan | FileTeacherPlan,
  seed: number,
  member: number | undefined,
): Promise<ModelFile> {
  const { loaded, folder, plan } = context;
  const { precision } = teacher;
  if ("file" in teacher) {
    // It may know classes besides that this data has not.
    const known = knownClasses(teacher.classes, loaded.data, true);
    const { path, ...options } = onnxTeacherOptions(teacher, loaded, folder, seed - plan.seed + 1);
    const unknown = "unknown: the teacher is a file and may have seen any of this data";
    return { path, options, precision, known, trained: null, trainedOn: teacher.trainedOn ?? unknown };
  }
  const known = knownClasses(teacher.classes, loaded.data);
  const samples = known ? samplesOfClasses(context, arm.teacherSamples, known) : arm.teacherSamples;
  const trained = await trainTeacher(context, { ...teacher, samples }, seed, member);
  const { name } = trained.request;
  const trainedOn = `${noun(samples.length, "sample")} with labels${overlap(arm, samples)}`;
  return { path: trained.file, options: { ...OWN, name }, precision, known, trained, trainedOn };
}

/** How models are asked that limbeck exported. */
const OWN = {
  outputs: "logits",
  layout: "nchw",
  resize: "none",
  normalisation: RAW,
  batch: 256,
  allowChance: true,
} as const satisfies ClassifierOptions;

interface Preparation {
  readonly storeFolder: string | undefined;
  /** Layers to be kept besides those that the objective names. */
  readonly further: readonly string[];
  /** Whether it is no member of a group. */
  readonly alone: boolean;
}

/** Opens it, and labels the data and the student's views with it once. */
async function prepareModelFile(
  context: RunContext,
  arm: Arm,
  { path: file, options, precision, known, trained, trainedOn }: ModelFile,
  { storeFolder, further, alone }: Preparation,
): Promise<ReadyTeacher> {
  const { data } = context.loaded;
  const layers = objectiveLayers(objectiveOf(arm.plan.objective));
  const features = [...new Set([...layers.map((l) => l.teacher), ...further])];
  const { threads } = context.execution;
  const seen = known && !trained ? dataOfClasses(data, namesOf(known, data)) : data;
  const open = async (inner: readonly string[]): Promise<Teacher> => {
    const raw = await openOnnxTeacher(file, seen, probeOf(context, seen), { ...options, threads, features: inner });
    return known ? partialTeacher(raw, known, data.classes.length) : raw;
  };
  const opened = await open(features);
  try {
    if (!trained) for (const note of opened.notes) context.notes.push(`${opened.name}: ${note}`);
    for (const warning of opened.warnings ?? []) context.warnings.push(`${opened.name}: ${warning}`);
    const kept = opened.features?.length ? [opened.features] : [];
    const print = (...layers: readonly unknown[]): string =>
      fingerprint(opened.hash, opened.preprocessing, precision, ...layers);
    const [key, stored] = [print(), print(...kept)];
    const labelling = labelOptions(context, opened, precision);
    const store = await openLabelStore(
      storeFolder ?? labelFolder(context, stored.slice(0, 12)),
      opened,
      data,
      labelling,
    );
    const again = (): Promise<Teacher> => open(features);
    const into = { folder: labelFolder(context), options: labelling };
    // `limbeck label` writes a store of the samples as they are.
    const views = storeFolder || !alone ? undefined : await prepareViews(arm, data, opened, again, into);
    return {
      key,
      name: opened.name,
      store,
      trainedOn,
      fitted: trained,
      file,
      ...(known ? { knows: known } : {}),
      bytes: opened.bytes,
      parameters: trained?.parameters ?? opened.parameters,
      views,
      open: () => open([]),
      reusable: reusableOf(opened),
    };
  } finally {
    await opened.dispose();
  }
}

/** Answers that are there already. */
function readStore({ folder, loaded }: RunContext, teacher: StoreTeacherPlan): ReadyTeacher {
  const found = readLabelStore(resolve(folder, teacher.labelStore), loaded.data);
  const known = knownClasses(teacher.classes, loaded.data);
  const store = known ? storeOfClasses(found, known) : found;
  const { teacherHash, preprocessing, kind, precision, outputsHash, teacher: name } = store.header;
  // What is in it, not where it lies: it may be moved.
  const answers = outputsHash ?? store.folder;
  return {
    key: fingerprint(teacherHash, preprocessing, kind, precision, answers, ...(known ? [known] : [])),
    name,
    store,
    trainedOn: "unknown: the answers come from a label store",
    fitted: null,
    file: null,
    bytes: 0,
    parameters: null,
    ...(known ? { knows: known } : {}),
  };
}

/** An endpoint's answers, as far as they are there already, or come. */
async function prepareEndpoint(
  context: RunContext,
  arm: Arm,
  teacher: EndpointTeacherPlan,
  storeFolder?: string,
): Promise<ReadyTeacher> {
  const { data } = context.loaded;
  if (data.classes.length === 0)
    throw new InputError({
      code: "option-missing",
      where: "data.classes",
      found: "the data names no classes, and an endpoint does not say how many there are",
      expected: "their names",
    });
  const named = teacher.classes && data.classes.join("\0") !== teacher.classes.join("\0") ? teacher.classes : null;
  const known = named && (knownClasses(named, data) ?? named.map((c) => data.classes.indexOf(c)));
  const asked = openEndpoint(context, teacher, known?.length ?? data.classes.length);
  const opened = known ? ordered(asked, known, data.classes.length) : asked;
  for (const note of opened.notes) context.notes.push(`${opened.name}: ${note}`);
  const key = fingerprint(opened.hash, opened.preprocessing, teacher.precision);
  const options = labelOptions(context, opened, teacher.precision);
  const store = await openLabelStore(storeFolder ?? labelFolder(context, key.slice(0, 12)), opened, data, options);
  const open = async (): Promise<Teacher> => opened;
  const views = storeFolder
    ? undefined
    : await prepareViews(arm, data, opened, open, { folder: labelFolder(context), options });
  const trainedOn = teacher.trainedOn ?? "unknown: the answers come from an endpoint";
  const { knows } = opened;
  const unknown = { fitted: null, file: null, bytes: 0, parameters: null };
  return { key, name: opened.name, store, trainedOn, ...unknown, views, ...(knows ? { knows } : {}) };
}

/** Where label stores lie, or the one of that name. */
const labelFolder = (context: RunContext, name = ""): string => join(teacherFolder(context), "label-stores", name);

function labelOptions(context: RunContext, { name }: Teacher, precision: LabelOptions["precision"]): LabelOptions {
  return {
    precision,
    signal: context.signal,
    onProgress: (done, total, rate) => context.emit({ kind: "labelling", teacher: name, done, total, rate }),
  };
}

function overlap(arm: Arm, samples: Uint32Array): string {
  const seen = new Set(samples);
  const shared = arm.transfer.reduce((n, i) => n + Number(seen.has(i)), 0);
  if (shared === 0) return ", none of them shared with the student";
  return shared === arm.transfer.length
    ? ", including all that the student sees"
    : `, including ${shared} of the ${arm.transfer.length} that the student sees`;
}

function trainTeacher(
  context: RunContext,
  teacher: TrainedTeacherPlan & { readonly samples: Uint32Array },
  seed: number,
  member?: number,
): Promise<Fitted> {
  const name = member === undefined ? "teacher" : `teacher ${member}`;
  // Teachers of one kind would be one teacher if they began alike.
  const shift = ((member ?? 1) - 1) * context.plan.seeds;
  return fit(context, {
    name: teacher.seeds === "each" ? `${name}, seed ${seed}` : name,
    role: "teacher",
    model: teacher.model,
    training: teacher.training,
    objective: { alpha: 0, studentLoss: { kind: "cross-entropy", labelSmoothing: teacher.labelSmoothing } },
    samples: teacher.samples,
    seed: shift + (teacher.seeds === "each" ? seed : context.plan.seed),
  });
}

/**
 * What a recipe's ONNX teacher means for this data.
 * @param n number of the seed, from 1: what {n} in the file's name stands for
 */
export function onnxTeacherOptions(
  teacher: FileTeacherPlan,
  loaded: LoadedData,
  folder: string,
  n = 1,
): ClassifierOptions & { readonly path: string } {
  return { path: resolve(folder, teacher.file.replaceAll("{n}", String(n))), ...classifierOptions(teacher, loaded) };
}
