/** The registry of teachers, as shared code asks it: one question a function. */
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import type { LoadedData } from "../../learn/data/types.js";
import { knownClasses } from "../../learn/teacher/partial.js";
import { teacherEntry, teachers, teachersOf } from "../recipe/registries.js";
import type { TeacherPlan } from "../recipe/schema/schema.js";
import type { KnownTeacher } from "./known-teacher.js";
import type { TeacherEntry, TeacherOf } from "./teacher-entry.js";

/**
 * Adds a kind of teacher: recipes may describe one from now on.
 * @returns takes it away again
 * @throws InputError when there is one of this kind, or one that is recognised by the same field
 */
export function registerTeacher<Settings>(entry: TeacherEntry<Settings>): () => void {
  const other = teachers.entries.find(({ mark }) => mark === entry.mark);
  if (other)
    throw new InputError({
      code: "option-conflict",
      where: `teacher "${entry.kind}"`,
      found: `its mark ${quote(entry.mark)} is that of the teacher "${other.kind}"`,
      cure: "Give it a field of its own as mark",
    });
  return teachers.register(entry);
}

/** The entry of a teacher in a plan; only `registerTeacher` adds to the registry. */
export const teacherEntryOf = (settings: TeacherPlan): TeacherEntry => teacherEntry(settings) as TeacherEntry;

/** Whether the recipe has none. */
export const isAbsent = (settings: TeacherPlan): boolean => teacherEntryOf(settings).absent === true;

/** Whether it consists of several. */
export const isSeveral = (settings: TeacherPlan): boolean => teachersOf(settings).length > 1;

/** What limbeck trains; null for a teacher that is there already, and for several. */
export const trainedTeacherOf = (settings: TeacherPlan): TeacherOf<"trained"> | null =>
  teacherEntryOf(settings).trained?.(settings) ?? null;

/** All that limbeck trains of the recipe's teachers. */
export const trainedTeachersOf = (settings: TeacherPlan): readonly TeacherOf<"trained">[] =>
  teachersOf(settings).flatMap((one) => trainedTeacherOf(one) ?? []);

/** Folder of the label store that the teacher is; null for any other. */
export const storeOf = (settings: TeacherPlan, folder: string): string | null =>
  teacherEntryOf(settings).store?.(settings, folder) ?? null;

/** Path of the teacher's model, where that is a file of the recipe. */
export const modelFileOf = (settings: TeacherPlan, folder: string): string | null =>
  teacherEntryOf(settings).modelFile?.(settings, folder) ?? null;

/** Indices of the data's classes that a teacher knows; null: all. @throws InputError for a class that the data does not have */
export function knownClassesOf(
  settings: TeacherPlan,
  data: Parameters<typeof knownClasses>[1],
): readonly number[] | null {
  const entry = teacherEntryOf(settings);
  return knownClasses(entry.classes?.(settings), data, entry.knowsFurtherClasses);
}

/** The inner values of a teacher that is there already; null where they cannot be looked at without asking it. */
export const teacherAtHand = (settings: TeacherPlan, loaded: LoadedData, folder: string): KnownTeacher | null =>
  teacherEntryOf(settings).known?.(settings, loaded, folder) ?? null;

/** Whether it can be asked about samples beyond the data once it is ready. */
export function isReopened(settings: TeacherPlan): boolean {
  const { open, trained } = teacherEntryOf(settings);
  return open !== undefined || trained !== undefined;
}
