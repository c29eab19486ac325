/** What an entry of the registry of teachers says of itself: all that shared code asks about one kind of teacher. */
import type { z } from "zod";
import type { LoadedData } from "../../learn/data/types.js";
import type { Teacher } from "../../learn/teacher/types.js";
import type { RunContext } from "../folder/context.js";
import type { RecipeTeacher, TeacherSchemas } from "../recipe/registries.js";
import type { Arm } from "./arm.js";
import type { KnownTeacher } from "./known-teacher.js";
import type { ReadyTeacher } from "./ready-teacher.js";
import type { StepTeacher, StepTeacherOptions } from "./step-teacher.js";

/** The settings of one of limbeck's teachers, every default filled in. */
export type TeacherOf<Kind extends keyof TeacherSchemas> = z.output<ReturnType<TeacherSchemas[Kind]>>;

/** For whom and what a teacher is made ready. */
export interface TeacherRequest {
  readonly context: RunContext;
  readonly arm: Arm;
  readonly seed: number;
  /** Where the label store goes; default label-stores/ in the run's folder, by its key. */
  readonly storeFolder?: string;
  /** Its number in a group, from 1. */
  readonly member?: number;
  /** Names or patterns of inner values to keep besides those that the objective compares. */
  readonly further: readonly string[];
}

/** What a teacher is opened with. */
export interface TeacherOpening {
  readonly loaded: LoadedData;
  /** Paths start here. */
  readonly folder: string;
  /** Samples to find out with how it is fed and read. */
  readonly probe: Uint32Array;
  readonly threads: number;
  /** Names or patterns of the inner values that it shall give. */
  readonly features: readonly string[];
  /** Number of the seed, from 1, for a kind with a teacher for each; default 1. */
  readonly n?: number;
  /** Whether one that is near chance may answer, whatever the recipe says. */
  readonly allowChance?: boolean;
}

/**
 * A kind of teacher: `mark`, `schema` and `open` are enough for one that can be asked at any time; it is then labelled, asked
 * about views and examined as any other. The rest is for kinds that differ.
 */
export interface TeacherEntry<Settings = unknown> extends RecipeTeacher<Settings> {
  /** Opens it. Absent where it cannot be asked before or outside of a run. */
  open?(settings: Settings, opening: TeacherOpening): Promise<Teacher>;
  /** What it was trained on, as a sentence for the report; default: unknown. */
  trainedOn?(settings: Settings): string;
  /** Makes it ready for a run: its answers are labelled. Default: opens it and labels the data once. */
  prepare?(settings: Settings, request: TeacherRequest): Promise<ReadyTeacher>;
  /** What a training step must know of it. Default: opens it and asks about some samples. */
  stepTeacher?(settings: Settings, options: StepTeacherOptions): Promise<StepTeacher | null>;
  /** Its inner values, as far as they can be known before it is asked; absent or null: not known. */
  known?(settings: Settings, loaded: LoadedData, folder: string): KnownTeacher | null;
  /** What limbeck trains first; absent for a teacher that is there already. */
  trained?(settings: Settings): TeacherOf<"trained">;
  /** Whether a recipe has none: only strategies that ask no teacher go with it. */
  readonly absent?: boolean;
  /** Class names in the order of its answers; undefined where they are those of the data. */
  classes?(settings: Settings): readonly string[] | undefined;
  /** Whether it may know classes besides those of the data. */
  readonly knowsFurtherClasses?: boolean;
  /** Path of its model, where that is a file of the recipe. */
  modelFile?(settings: Settings, folder: string): string;
  /** What a recipe says about how its model is fed and read. */
  description?(settings: Settings): object;
  /** The settings for one of several seeds, where each has a teacher of its own. @param n from 1 */
  forSeed?(settings: Settings, n: number): Settings;
  /** Whether every seed has a teacher of its own. */
  perSeed?(settings: Settings): boolean;
  /** Folder of the label store that it is. */
  store?(settings: Settings, folder: string): string;
  /** Whether its answers depend on labels that the student may use. */
  readsLabels?(settings: Settings): boolean;
  /** Why it cannot be asked about random views, and what to do; absent or null where it can. */
  cannotAnswerViews?(settings: Settings): { readonly reason: string; readonly cure: string } | null;
  /** Whether it is too slow to be asked at every step. */
  readonly slow?: boolean;
  /** Why doctor cannot ask it; default: because it has not been asked yet. */
  readonly unasked?: string;
  /** What to change where it is no better than the baseline. */
  readonly improvement?: string;
}
