/** Which run is continued, or why none can be. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { InputError } from "../../base/errors.js";
import { withoutSecrets } from "../../base/secrets.js";
import { packageVersion } from "../../node/package-root.js";
import { differences, differencesSaid } from "../recipe/difference.js";
import { readYaml, recipeOf } from "../recipe/load.js";
import type { Plan } from "../recipe/schema/schema.js";
import { type RunKind, readState, type State } from "./run-state.js";

/** The run's recipe, with every default filled in, without its secrets. */
export const RECIPE = "recipe.yaml";

export interface ResumeOptions {
  readonly out?: string | undefined;
  /** Continue this run (true: the newest unfinished one of this recipe). */
  readonly resume?: boolean | string | undefined;
  /** Default: distill. */
  readonly kind?: RunKind | undefined;
  /** What recipe.yaml says, where the folder is claimed under another name; default: the recipe itself. */
  readonly plan?: Plan | undefined;
}

/**
 * The folder of the run to continue.
 * @param print what a run of this recipe is known by
 * @throws InputError when there is none, or it is a run of something else
 */
export function resumedRun(options: ResumeOptions, plan: Plan, print: string): string {
  const { out, resume } = options;
  const named = typeof resume === "string" ? resume : out;
  if (named !== undefined) {
    const state = openState(named);
    if (state.recipe !== print) throw otherRun(named, state, options, plan);
    return named;
  }
  const folders = foldersOfRuns().map((directory) => ({ directory, reading: readState(directory) }));
  const runs = folders
    .flatMap(({ directory, reading }) => (reading.kind === "state" ? [{ directory, state: reading.state }] : []))
    .sort((a, b) => b.directory.localeCompare(a.directory, undefined, { numeric: true }));
  const found = runs.filter(({ state }) => state.recipe === print);
  const open = found.find(({ state }) => state.status === "running") ?? found[0];
  if (open) return open.directory;
  const near = runs.find(({ state }) => state.name === plan.name && state.status === "running");
  if (near) throw otherRun(near.directory, near.state, options, plan);
  const damaged = folders.flatMap(({ directory, reading }) =>
    reading.kind === "damaged" ? [`${directory}: ${reading.problem}`] : [],
  );
  throw new InputError({
    code: "run-missing",
    where: "--resume",
    found: `no run of this recipe is in runs/${damaged.length > 0 ? ` (left out: ${damaged.slice(0, 3).join("; ")})` : ""}`,
    cure: "Start one without --resume, or name its folder",
  });
}

/** What lies in runs/. */
function foldersOfRuns(): string[] {
  try {
    return readdirSync("runs").map((name) => join("runs", name));
  } catch {
    return [];
  }
}

/** The state of a folder that was named. */
function openState(directory: string): State {
  const reading = readState(directory);
  if (reading.kind === "state") return reading.state;
  throw reading.kind === "damaged"
    ? new InputError({
        code: "file-damaged",
        where: "--resume",
        found: `${directory} cannot be continued: ${reading.problem}`,
        expected: "the folder of a run",
        cure: "Give another folder, or start the run again without --resume",
      })
    : new InputError({
        code: "run-missing",
        where: "--resume",
        found: `${directory} is not a run of limbeck (state.json is missing)`,
        expected: "the folder of a run",
      });
}

/** Why a run cannot be continued, and what to do. */
function otherRun(
  directory: string,
  state: State,
  { kind = "distill", plan }: ResumeOptions,
  claimed: Plan,
): InputError {
  const fault = { code: "run-mismatch", where: "--resume" } as const;
  const made = state.kind ?? "distill";
  if (made !== kind)
    return new InputError({
      ...fault,
      found: `${directory} was made by \`limbeck ${made}\``,
      expected: `a run of \`limbeck ${kind}\``,
      cure: "Continue it with the command that began it",
    });
  const path = join(directory, RECIPE);
  const before = existsSync(path) ? readYaml(path) : {};
  const plain = (given: unknown): unknown => withoutSecrets(JSON.parse(JSON.stringify(given)));
  // What a recipe leaves to limbeck is a number in the run's.
  const found = differences(plain(before), plain(recipeOf(plan ?? claimed))).filter(
    (d) => !(d.after === "auto" && typeof d.before === "number"),
  );
  if (found.length > 0)
    return new InputError({
      ...fault,
      found: `${directory} was started with another recipe:\n${differencesSaid(found)}\n`,
      cure: `Change that back to continue the run (its recipe is ${path}), or start a new run with --out`,
    });
  const version = packageVersion();
  const by =
    state.version === version ? "another model of its recipe" : `limbeck ${state.version ?? "of another version"}`;
  return new InputError({
    ...fault,
    found: `${directory} was started with ${by}, this is limbeck ${version}`,
    cure: "Continue it with what began it, or start a new run with --out",
  });
}
