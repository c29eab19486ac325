/** What a strategy is: the ordinary runs it is made of, what they are compared with, and which student leaves. */
import { trainedTeachersOf } from "../teaching/registry.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { join, relative } from "node:path";
import type { Plan } from "../recipe/schema/schema.js";
import { HOPS } from "../folder/trainings.js";

/** One run of a strategy. */
export interface Hop {
  /** What its student is called in tables; unique in the plan. */
  readonly title: string;
  /** Its folder in hops/. */
  readonly folder: string;
  /** A distillation, or a training of the recipe's student or teacher on labels alone. */
  readonly command: "distill" | "train-student" | "train-teacher";
  /** A complete recipe of its own. */
  readonly plan: Plan;
  /** Who teaches, for the table; null for a training on labels alone. */
  readonly teacher: string | null;
  /** Whether that is the recipe's own teacher, whose row then stands first in the table. */
  readonly ownTeacher?: boolean;
}

/** A hop that is done. */
export interface FinishedHop {
  readonly hop: Hop;
  readonly directory: string;
  /** With the scores of every class. */
  readonly summary: Summary;
  /** Its exported models, one a seed. */
  readonly students: readonly string[];
  /** Those of its baseline; none without one. */
  readonly baselines: readonly string[];
}

/** Folder of a hop in a strategy's run. */
export function hopFolder(directory: string, folder: string): string {
  return join(directory, HOPS, folder);
}

/** A student to hold against another model over the same test samples. */
export interface Pair {
  /** Heading, "" for none. */
  readonly title: string;
  /** Title of the hop, or of the ensemble. */
  readonly student: string;
  /** Its hop's own baseline; or the student of another hop; or that hop's baseline. */
  readonly against: "own baseline" | { readonly hop: string; readonly role: "student" | "baseline" };
  /** Begins the sentence of a pair that is not a hop's own: "With assistants vs. direct distillation". */
  readonly what?: string;
}

/** Several students that answer together. */
export interface Ensemble {
  readonly title: string;
  /** Titles of the hops whose students they are. */
  readonly hops: readonly string[];
}

export interface HopPlan {
  readonly hops: readonly Hop[];
  /** The first is the strategy's own verdict. */
  readonly pairs: readonly Pair[];
  readonly ensemble?: Ensemble;
  /** Whether every hop's student leaves too, as student-<title>.onnx. */
  readonly everyStudent?: boolean;
  /** Sentences about what was done and the reader should know. */
  remarks?(done: readonly FinishedHop[]): readonly string[];
  /** The hop whose student becomes student.onnx. */
  deliver(done: readonly FinishedHop[]): { readonly hop: FinishedHop; readonly reason: string };
}

/** The recipe of a single run: what a hop starts from. */
export function single(plan: Plan, changes: Partial<Plan>): Plan {
  return { ...plan, strategy: { kind: "one-shot" }, variants: [], ...changes };
}

/**
 * The recipe with the models of an earlier hop as teachers: for each of the seeds the model that this hop trained with it.
 * Their path starts at the folder of the hop that they teach.
 * @param seeds how many models that hop trained
 */
export function taughtBy(
  plan: Plan,
  directory: string,
  hop: Pick<Hop, "folder" | "title" | "command">,
  seeds: number,
): Plan {
  const { teacher } = plan;
  const halved = trainedTeachersOf(teacher).some(({ trainOn }) => trainOn === "disjoint-half");
  const models = join(hopFolder(directory, hop.folder), "models");
  return {
    ...plan,
    teacher: {
      // From the folder of another hop, so that the run's folder can be moved as a whole.
      file: `../${relative(hopFolder(directory, ""), models).replaceAll("\\", "/")}/${seeds > 1 ? "student-{n}.onnx" : "student-1.onnx"}`,
      outputs: "logits",
      layout: "nchw",
      resize: "none",
      // A trained teacher is never exported raw.
      normalise: plan.export.raw && hop.command !== "train-teacher" ? "data" : "none",
      batch: 256,
      allowChance: true,
      trainedOn: `the training data of ${hop.title}`,
      precision: "precision" in teacher ? teacher.precision : "float32",
    },
    transfer: { ...plan.transfer, part: halved ? "second-half" : plan.transfer.part },
  };
}

/** Titles that occur again get a number. */
export function distinct(titles: readonly string[]): string[] {
  return titles.map((title, i) => {
    const before = titles.slice(0, i).filter((t) => t === title).length;
    return before > 0 ? `${title} (${before + 1})` : title;
  });
}

/** A folder's name from a number and a title: "2-mlp-30". */
export function folderName(n: number, title: string): string {
  return `${n}-${title.replace(/[^\w.]+/g, "-").replace(/^-|-$/g, "")}`;
}
