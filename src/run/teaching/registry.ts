/** The registry of teachers, as shared code asks it: one question a function. */
import { z } from "zod";
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
 * @throws InputError when there is one of this kind, or a recipe's fields would not tell it from another
 */
export function registerTeacher<Settings>(entry: TeacherEntry<Settings>): () => void {
  const own = fieldsOf(entry);
  for (const other of teachers.entries) {
    const shared = own.find((field) => field === other.mark) ?? fieldsOf(other).find((field) => field === entry.mark);
    if (shared === undefined || other.kind === entry.kind) continue;
    throw new InputError({
      code: "option-conflict",
      where: `teacher "${entry.kind}"`,
      found: `a recipe with the field ${quote(shared)} may describe the teacher "${other.kind}"`,
      cure: "Give that field another name",
    });
  }
  return teachers.register(entry);
}

/** The fields of a kind of teacher. */
function fieldsOf({ schema, mark }: Pick<TeacherEntry, "schema" | "mark">): readonly string[] {
  const fields = schema();
  return fields instanceof z.ZodObject ? Object.keys(fields.shape) : [mark];
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
