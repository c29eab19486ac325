/** Runs as they lie on disk: listing them, and opening one to go on working with its models. */
import { existsSync, lstatSync, readdirSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { InputError } from "../../base/errors.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import type { Verdict } from "../../learn/evaluate/verdict.js";
import { loadRecipe } from "../recipe/load.js";
import { isRunning } from "./claim.js";
import type { Plan } from "../recipe/schema/schema.js";
import { type RunKind, readJson, readState, type State } from "./run-state.js";

export interface RunInfo {
  readonly name: string;
  /** Which command made it; null where that cannot be read. */
  readonly kind: RunKind | null;
  /** `running`: a process of this machine writes to it. `damaged`: its state cannot be read. */
  readonly state: "done" | "running" | "unfinished" | "damaged";
  /** What is wrong with it; null: nothing. */
  readonly problem: string | null;
  /** Of a strategy with several runs: which, and how many of its hops are done; null for a single run. */
  readonly strategy: { readonly kind: string; readonly done: number; readonly hops: number } | null;
  /** ISO 8601: when it was last written to; "" where that cannot be read. */
  readonly date: string;
  /** Mean test accuracy of the student (of the model, for a training); null when unfinished or without labels. */
  readonly accuracy: number | null;
  readonly verdict: Verdict | null;
  readonly path: string;
}

/**
 * The runs under a folder, newest first; label stores count as runs. What cannot be read is listed with the reason.
 * @throws InputError when there is no such folder
 */
export function listRuns(folder = "runs"): RunInfo[] {
  const entries = entriesOf(folder).map((name) => join(folder, name));
  // Nothing but a run of its own: a folder of runs that holds a damaged state.json is no run.
  const own = readState(folder).kind === "state" ? [folder] : [];
  return [...own, ...entries]
    .map(describeRun)
    .filter((run) => run !== null)
    .sort((a, b) => b.date.localeCompare(a.date) || a.path.localeCompare(b.path, undefined, { numeric: true }));
}

function entriesOf(folder: string): string[] {
  if (!existsSync(folder))
    throw new InputError({
      code: "file-missing",
      where: folder,
      found: "no such folder",
      expected: "the folder that holds the runs",
      cure: "Give the folder that --out named; without it runs are written to runs/",
    });
  if (!statSync(folder).isDirectory())
    throw new InputError({
      code: "file-is-folder",
      where: folder,
      found: "it is a file",
      expected: "the folder that holds the runs",
    });
  try {
    return readdirSync(folder);
  } catch (cause) {
    const found = `it cannot be read (${(cause as NodeJS.ErrnoException).code})`;
    throw new InputError(
      { code: "file-unreadable", where: folder, found, cure: "Check that the folder may be read" },
      { cause },
    );
  }
}

function describeRun(path: string): RunInfo | null {
  const reading = readState(path);
  if (reading.kind === "none") return null;
  if (reading.kind === "damaged") {
    const unknown = { kind: null, strategy: null, accuracy: null, verdict: null };
    const problem = reading.problem;
    return { ...unknown, name: basename(path), state: "damaged", problem, date: dateOf(path), path };
  }
  const { state } = reading;
  return {
    name: state.name,
    kind: state.kind ?? "distill",
    state: state.status === "done" ? "done" : isRunning(path) ? "running" : "unfinished",
    strategy: state.strategy ?? null,
    date: dateOf(join(path, "state.json")),
    ...figuresOf(path, state),
    path,
  };
}

function dateOf(path: string): string {
  try {
    return lstatSync(path).mtime.toISOString();
  } catch {
    return "";
  }
}

/** What is read of a summary here; the rest is the report's. */
const summarySchema = z.looseObject({
  models: z.array(z.looseObject({ id: z.string(), accuracy: z.looseObject({ mean: z.number() }).nullish() })),
  comparisons: z.array(z.looseObject({ student: z.string(), verdict: z.string().nullish() })),
});

function figuresOf(
  path: string,
  { status, kind = "distill" }: State,
): Pick<RunInfo, "accuracy" | "verdict" | "problem"> {
  const none = { accuracy: null, verdict: null };
  const read = readSummaryFile(path);
  // A label store and a sweep have none.
  const wanted = status === "done" && (kind === "distill" || kind === "train");
  if (read === null) return { ...none, problem: wanted ? "summary.json is missing" : null };
  if ("problem" in read) return { ...none, problem: read.problem };
  const { comparisons, models } = read.summary;
  const [comparison] = comparisons;
  const row = models.find((m) => (comparison ? m.id === comparison.student : true));
  return { accuracy: row?.accuracy?.mean ?? null, verdict: comparison?.verdict ?? null, problem: null };
}

/** A run's summary.json; null when it has none that can be read. */
export function readSummary(run: string): Summary | null {
  const read = readSummaryFile(run);
  return read && "summary" in read ? read.summary : null;
}

function readSummaryFile(run: string): { readonly summary: Summary } | { readonly problem: string } | null {
  const read = readJson(join(run, "summary.json"), "summary.json");
  if (read === null || "problem" in read) return read;
  return summarySchema.safeParse(read.value).success
    ? { summary: read.value as Summary }
    : { problem: "summary.json is not the summary of a run" };
}

export interface OpenedRun {
  readonly directory: string;
  readonly plan: Plan;
  /** Paths in its recipe start here. */
  readonly folder: string;
  /** The model it delivered: student.onnx, or model.onnx of a training. */
  readonly model: string;
}

/** Opens a finished run. @throws InputError when the folder is none, or the run is not finished */
export function openRun(directory: string): OpenedRun {
  const reading = readState(directory);
  if (reading.kind === "damaged")
    throw new InputError({
      code: "file-damaged",
      where: directory,
      found: reading.problem,
      expected: "the folder of a finished run",
    });
  if (reading.kind === "none")
    throw new InputError({
      code: "run-missing",
      where: directory,
      found: `it is not a run of limbeck (${basename(directory)}/state.json is missing)`,
      expected: "the folder of a finished run",
    });
  const { state } = reading;
  if (state.kind === "sweep")
    throw new InputError({
      code: "run-mismatch",
      where: directory,
      found: "it is a sweep, which delivers no model of its own",
      expected: "the folder of a distillation or a training",
      cure: "Run its best.yaml with `limbeck distill`",
    });
  const recipe = join(directory, "recipe.yaml");
  const model = ["student.onnx", "model.onnx"].map((name) => join(directory, name)).find((path) => existsSync(path));
  if (!model || !existsSync(recipe))
    throw new InputError({
      code: "run-missing",
      where: directory,
      found: `this run is not finished (${model ? "recipe.yaml" : "its model"} is missing)`,
      expected: "a finished run",
      cure: "Continue it with --resume first",
    });
  const folder = state.folder === undefined ? resolve(".") : resolve(directory, state.folder);
  return { directory, plan: loadRecipe(recipe).plan, folder, model };
}
