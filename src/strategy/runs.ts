/** Runs as they lie on disk: listing them, and opening one to go on working with its models. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { InputError } from "../errors.js";
import type { Summary } from "../evaluate/summary.js";
import type { Verdict } from "../evaluate/verdict.js";
import { loadRecipe } from "../recipe/load.js";
import type { Recipe } from "../recipe/schema.js";
import { type RunKind, stateOf } from "./run-directory.js";

export interface RunInfo {
  readonly name: string;
  /** Which command made it. */
  readonly kind: RunKind;
  readonly state: "done" | "unfinished";
  /** Of a strategy with several runs: which, and how many of its hops are done; null for a single run. */
  readonly strategy: { readonly kind: string; readonly done: number; readonly hops: number } | null;
  /** ISO 8601: when it was last written to. */
  readonly date: string;
  /** Mean test accuracy of the student (of the model, for a training); null when unfinished or without labels. */
  readonly accuracy: number | null;
  readonly verdict: Verdict | null;
  readonly path: string;
}

/**
 * The runs under a folder, newest first; label stores count as runs.
 * @throws InputError when there is no such folder
 */
export function listRuns(folder = "runs"): RunInfo[] {
  if (!existsSync(folder))
    throw new InputError(folder, "no such folder; runs lie in runs/ unless --out said otherwise");
  if (!statSync(folder).isDirectory())
    throw new InputError(folder, "it is a file; give the folder that holds the runs");
  const own = stateOf(folder) ? [folder] : [];
  return [...own, ...readdirSync(folder).map((name) => join(folder, name))]
    .map(describeRun)
    .filter((run) => run !== null)
    .sort((a, b) => b.date.localeCompare(a.date) || a.path.localeCompare(b.path, undefined, { numeric: true }));
}

function describeRun(path: string): RunInfo | null {
  const state = statSync(path).isDirectory() ? stateOf(path) : null;
  if (!state) return null;
  const summary = readSummary(path);
  const [comparison] = summary?.comparisons ?? [];
  const row = summary?.models.find((m) => (comparison ? m.id === comparison.student : true));
  return {
    name: state.name,
    kind: state.kind ?? "distill",
    state: state.status === "done" ? "done" : "unfinished",
    strategy: state.strategy ?? null,
    date: statSync(join(path, "state.json")).mtime.toISOString(),
    accuracy: row?.accuracy?.mean ?? null,
    verdict: comparison?.verdict ?? null,
    path,
  };
}

/** A run's summary.json; null when it has none that can be read. */
export function readSummary(run: string): Summary | null {
  const path = join(run, "summary.json");
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Summary;
  } catch {
    return null;
  }
}

export interface OpenedRun {
  readonly directory: string;
  readonly recipe: Recipe;
  /** Paths in its recipe start here. */
  readonly folder: string;
  /** The model it delivered: student.onnx, or model.onnx of a training. */
  readonly model: string;
}

/** Opens a finished run. @throws InputError when the folder is none, or the run is not finished */
export function openRun(directory: string): OpenedRun {
  const state = stateOf(directory);
  const recipe = join(directory, "recipe.yaml");
  const model = ["student.onnx", "model.onnx"].map((name) => join(directory, name)).find((path) => existsSync(path));
  if (!state) throw new InputError(directory, `no run of limbeck (${basename(directory)}/state.json is missing)`);
  if (state.kind === "sweep")
    throw new InputError(directory, "a sweep delivers no model of its own; run its best.yaml with `limbeck distill`");
  if (!model || !existsSync(recipe))
    throw new InputError(directory, "this run is not finished; continue it with --resume first");
  const folder = state.folder === undefined ? resolve(".") : resolve(directory, state.folder);
  return { directory, recipe: loadRecipe(recipe).recipe, folder, model };
}
