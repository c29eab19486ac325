/**
 * What the rooms above the recipe register for it to name: teachers and strategies. Each entry's file also adds its schema
 * to the interfaces here (declaration merging), so that a Plan has the exact types of all entries. entries.ts loads them.
 */
import type { z } from "zod";
import { type Entry, Registry } from "../../base/registry.js";
import type { StarterLine } from "../../learn/data/sources/entry.js";

/** The schemas of teachers that answer alone, by their kinds. */
// biome-ignore lint/suspicious/noEmptyInterface: the entries add their schemas to it
export interface SingleTeacherSchemas {}

/** The schemas of all teachers, by their kinds. */
export interface TeacherSchemas extends SingleTeacherSchemas {}

/** The schemas of strategies, by their kinds. */
// biome-ignore lint/suspicious/noEmptyInterface: the entries add their schemas to it
export interface StrategySchemas {}

/** The schemas of one of these interfaces. */
type Of<Schemas> = Schemas[keyof Schemas] extends () => infer Schema ? Extract<Schema, z.ZodType> : never;

/** A teacher's settings, every default filled in. */
export type TeacherPlan = z.output<Of<TeacherSchemas>>;
export type SingleTeacherPlan = z.output<Of<SingleTeacherSchemas>>;
export type StrategySettings = z.output<Of<StrategySchemas>>;
/** What a plan may say: defaults may be missing. */
export type TeacherSettingsInput = z.input<Of<TeacherSchemas>>;
export type SingleTeacherInput = z.input<Of<SingleTeacherSchemas>>;
export type StrategyInput = z.input<Of<StrategySchemas>>;

/** What `limbeck init --teacher <name>` writes. */
export interface TeacherStarter {
  readonly name: string;
  /** Its fields, in their order. @param of.images whether samples are images for small convolutional networks */
  lines(of: { readonly images: boolean }): readonly StarterLine[];
  /** A temperature that usually fits its answers; default "auto": they may be probabilities, which can be soft already. */
  readonly temperature?: number;
}

/** A kind of teacher, as far as recipes have to know it. */
export interface RecipeTeacher<Settings = unknown> extends Entry {
  /** The field by which it is recognised, named as in code: "labelStore". */
  readonly mark: string;
  /** Its fields, with their meanings. */
  readonly schema: () => z.ZodType;
  /** What it is, with its fields, where messages list the kinds: "an ONNX file (file)". Absent: they leave it out. */
  readonly words?: string;
  /** Absent: `limbeck init` does not offer it. */
  readonly starter?: TeacherStarter;
  /** The teachers that it consists of; absent for one that answers alone. */
  members?(settings: Settings): readonly SingleTeacherPlan[];
}

/** A strategy, as far as recipes and the rooms below strategies have to know it. */
export interface RecipeStrategy<Settings = unknown> extends Entry {
  /** Its fields, with their meanings; `kind` is a literal. */
  readonly schema: () => z.ZodObject;
  /** Whether it ever asks the recipe's teacher, which may be left out otherwise. */
  asksTeacher(settings: Settings): boolean;
  /** Whether its students teach each other: the objective is not all they have. */
  readonly studentsTeach?: boolean;
  /** Whether it compares students of different sizes: the report then shows what accuracy costs. */
  readonly comparesSizes?: boolean;
}

export const teachers = new Registry<RecipeTeacher>("teacher");
export const strategies = new Registry<RecipeStrategy>("strategy");

/** The kinds of teachers, in words. */
export const teacherWords = (): readonly string[] => teachers.entries.flatMap(({ words }) => words ?? []);

/** The entry of a teacher in a plan. */
export function teacherEntry(settings: TeacherPlan): RecipeTeacher {
  return must(teachers.entries.find(({ mark }) => mark in (settings as object)));
}

/** The entry of a strategy in a plan. */
export function strategyEntry({ kind }: StrategySettings): RecipeStrategy {
  return must(strategies.find(kind));
}

/** A plan has been checked by the entries' schemas: it names what they know. */
function must<E>(entry: E | undefined): E {
  if (!entry) throw new Error("the plan's entry is not registered (any more); src/run/entries.ts loads limbeck's own");
  return entry;
}

/** The recipe's teachers one by one. */
export function teachersOf(settings: TeacherPlan): readonly SingleTeacherPlan[] {
  return teacherEntry(settings).members?.(settings) ?? [settings as SingleTeacherPlan];
}

/** Whether a strategy is carried out without ever asking the recipe's teacher, which may then be left out. */
export const asksNoTeacher = (settings: StrategySettings): boolean => !strategyEntry(settings).asksTeacher(settings);
