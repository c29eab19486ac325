/** Gets an arm's teacher and its label store: trains, opens or reads, and labels the data once. */
import type { RunContext } from "../folder/context.js";
import type { TeacherPlan } from "../recipe/schema/schema.js";
import type { Arm } from "./arm.js";
import { labelSource } from "./label-source.js";
import { probeOf } from "./partial-teachers.js";
import type { ReadyTeacher } from "./ready-teacher.js";
import { knownClassesOf, teacherEntryOf } from "./registry.js";
import type { TeacherRequest } from "./teacher-entry.js";

/**
 * @param storeFolder where the label store goes; default label-stores/ in the run's folder, by its key
 * @param further names or patterns of inner values to keep besides those that the objective compares
 */
export function prepareTeacher(
  context: RunContext,
  arm: Arm,
  seed: number,
  storeFolder?: string,
  further: readonly string[] = [],
): Promise<ReadyTeacher> {
  return prepareOne(arm.plan.teacher, { context, arm, seed, storeFolder, further });
}

/** A teacher, or a member of a group. */
export function prepareOne(teacher: TeacherPlan, request: TeacherRequest): Promise<ReadyTeacher> {
  const entry = teacherEntryOf(teacher);
  return entry.prepare ? entry.prepare(teacher, request) : prepareOpened(teacher, request);
}

/** A teacher that only says how it is opened. */
function prepareOpened(teacher: TeacherPlan, request: TeacherRequest): Promise<ReadyTeacher> {
  const entry = teacherEntryOf(teacher);
  if (!entry.open) throw new Error(`the teacher "${entry.kind}" has neither prepare nor open`);
  const open = entry.open.bind(entry);
  const { context, seed } = request;
  const { loaded, folder, plan, execution } = context;
  const opening = { loaded, folder, probe: probeOf(context, loaded.data), threads: execution.threads };
  return labelSource(
    {
      open: (features) => open(teacher, { ...opening, features, n: seed - plan.seed + 1 }),
      precision: "float32",
      known: knownClassesOf(teacher, loaded.data),
      trained: null,
      trainedOn: entry.trainedOn?.(teacher) ?? "unknown: nothing was said about the teacher's training data",
      file: entry.modelFile?.(teacher, folder) ?? null,
    },
    request,
  );
}
