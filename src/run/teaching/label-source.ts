/** Opens a teacher that can be asked, and labels the data and the student's views with it once. */
import { join } from "node:path";
import { objectiveLayers } from "../../engine/objective/objective.js";
import { type LabelOptions, openLabelStore } from "../../learn/teacher/store/store.js";
import type { Teacher } from "../../learn/teacher/types.js";
import { fingerprint, type RunContext, teacherFolder } from "../folder/context.js";
import { objectiveOf } from "../recipe/resolve.js";
import type { Fitted } from "../students/fitted.js";
import { reusableOf } from "../students/reused-classifier.js";
import type { ReadyTeacher } from "./ready-teacher.js";
import type { TeacherRequest } from "./teacher-entry.js";
import { prepareViews } from "./views.js";

/** A teacher that can be asked at any time. */
export interface TeacherSource {
  /** Opens it with these inner values. */
  open(features: readonly string[]): Promise<Teacher>;
  readonly precision: LabelOptions["precision"];
  /** Indices of the classes it knows; null: all. */
  readonly known: readonly number[] | null;
  /** The training behind it, when limbeck trained it. */
  readonly trained: Fitted | null;
  readonly trainedOn: string;
  /** The model on disk. */
  readonly file: string | null;
}

export async function labelSource(
  { open, precision, known, trained, trainedOn, file }: TeacherSource,
  { context, arm, storeFolder, member, further }: TeacherRequest,
): Promise<ReadyTeacher> {
  const { data } = context.loaded;
  const layers = objectiveLayers(objectiveOf(arm.plan.objective));
  const alone = member === undefined;
  const wanted = alone ? further : [];
  const features = [...new Set([...layers.map((l) => l.teacher), ...wanted])];
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

/** Where label stores lie, or the one of that name. */
export const labelFolder = (context: RunContext, name = ""): string =>
  join(teacherFolder(context), "label-stores", name);

export function labelOptions(
  context: RunContext,
  { name }: Teacher,
  precision: LabelOptions["precision"],
): LabelOptions {
  return {
    precision,
    signal: context.signal,
    onProgress: (done, total, rate) => context.emit({ kind: "labelling", teacher: name, done, total, rate }),
  };
}
