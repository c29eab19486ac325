/** A run that is finished already has the models that a check would have to train. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Plan } from "../../run/recipe/schema/schema.js";
import { isFinished } from "../../run/folder/run-directory.js";
import { listTrainings } from "../../run/folder/trainings.js";
import type { FinishedTrainings } from "./types.js";

/**
 * The newest finished run of this very recipe; null when there is none.
 * @param out its folder; default: those in runs/ that `limbeck distill` would have chosen
 */
export function finishedRun(plan: Plan, out?: string): FinishedTrainings | null {
  const directory = out ?? folders(plan.name).find((folder) => isFinished(folder, plan));
  if (directory === undefined || !isFinished(directory, plan)) return null;
  const trainings = listTrainings(directory);
  // Variants have names of their own; the recipe itself has none.
  const files = (role: string, name: RegExp): string[] =>
    trainings.filter((t) => t.role === role && t.names.some((n) => name.test(n))).map((t) => t.file);
  return {
    directory,
    students: files("student", /^student, seed \d+$/),
    baselines: files("baseline", /^baseline, seed \d+$/),
    teachers: files("teacher", /^teacher(, seed \d+)?$/),
  };
}

/** runs/NAME, runs/NAME-2 ..., the newest first. */
function folders(name: string): string[] {
  if (!existsSync("runs")) return [];
  const number = (folder: string): number =>
    folder === name ? 1 : folder.startsWith(`${name}-`) ? Number(folder.slice(name.length + 1)) : Number.NaN;
  return readdirSync("runs")
    .filter((folder) => number(folder) >= 1)
    .sort((a, b) => number(b) - number(a))
    .map((folder) => join("runs", folder));
}
