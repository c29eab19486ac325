/** The recipe's teachers: what their entries (src/run/teaching/kinds) say of their fields. */
import { z } from "zod";
import { assembled } from "../../../base/registry.js";
import {
  type RecipeTeacher,
  type SingleTeacherInput,
  type SingleTeacherPlan,
  type TeacherPlan,
  type TeacherSettingsInput,
  teachers,
  teacherWords,
} from "../registries.js";

/** A teacher that answers alone: what a group is made of. */
export const singleTeacherSchema = assembled(
  () => unionOf(teachers.entries.filter((entry) => !entry.members)) as z.ZodType<SingleTeacherPlan, SingleTeacherInput>,
);

export const teacherSchema = assembled(() =>
  (unionOf(teachers.entries) as z.ZodType<TeacherPlan, TeacherSettingsInput>)
    .default({ none: true })
    .describe(
      `The teacher: ${listed(teacherWords())}. Strategies without a teacher (mutual, teacher-free with distilled: false) may omit it`,
    ),
);

const listed = (words: readonly string[]): string => [...words.slice(0, -1), `or ${words.at(-1)}`].join(", ");

const unionOf = (entries: readonly RecipeTeacher[]): z.ZodType => z.union(entries.map((entry) => entry.schema()));
