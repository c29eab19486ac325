/** The folder of a run: where it is, whether it is finished, what it belongs to. */
import { accessSync, constants, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isTemporary, makeFolder, writeFileAtomic } from "../../node/atomic.js";
import { InputError } from "../../base/errors.js";
import { packageVersion } from "../../node/package-root.js";
import { differences, differencesSaid } from "../recipe/difference.js";
import { readYaml, recipeToYaml } from "../recipe/load.js";
import type { Recipe } from "../recipe/schema/schema.js";
import { withoutSecrets } from "../../base/secrets.js";
import { fingerprint } from "./context.js";
import { type RunKind, readState, type State, stateOf } from "./run-state.js";

/** The run's recipe, with every default filled in, without its secrets. */
const RECIPE = "recipe.yaml";

/** What a run is known by. Its secrets are not part of it: neither they nor a hash of them are kept. */
const printOf = (recipe: Recipe): string => fingerprint(withoutSecrets(recipe));

export interface DirectoryOptions {
  readonly out?: string;
  readonly resume?: boolean | string;
  readonly folder?: string;
  /** Default: distill. */
  readonly kind?: RunKind;
  /** What recipe.yaml says, where the folder is claimed under another name; default: the recipe itself. */
  readonly recipe?: Recipe;
}

/** Picks and marks the folder of a run, and writes its recipe with every default into it. @throws InputError when it holds something else */
export async function claimDirectory(recipe: Recipe, options: DirectoryOptions): Promise<string> {
  const print = printOf(recipe);
  const directory = options.resume ? resumed(options, recipe, print) : fresh(recipe, options);
  writableFolder(directory);
  for (const leftover of leftovers(directory)) rmSync(leftover, { force: true });
  await writeFileAtomic(
    join(directory, "state.json"),
    `${JSON.stringify({
      recipe: print,
      name: recipe.name,
      status: "running",
      version: packageVersion(),
      folder: resolve(options.folder ?? ".") === resolve(directory) ? "." : resolve(options.folder ?? "."),
      kind: options.kind ?? "distill",
    } satisfies State)}\n`,
  );
  await writeFileAtomic(join(directory, RECIPE), recipeToYaml(options.recipe ?? recipe));
  return directory;
}

/** Writes the run's recipe again: with what was chosen for it. */
export function writeRunRecipe(directory: string, recipe: Recipe): Promise<void> {
  return writeFileAtomic(join(directory, RECIPE), recipeToYaml(recipe));
}

function writableFolder(directory: string): void {
  try {
    makeFolder(directory);
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InputError(
      {
        code: "file-unwritable",
        where: "--out",
        found: `the folder ${directory} cannot be written to (${code})`,
        cure: "Give another folder",
      },
      { cause },
    );
  }
}

/** Whether the folder holds a finished run of this very recipe. */
export function isFinished(directory: string, recipe: Recipe): boolean {
  const state = stateOf(directory);
  return state?.status === "done" && state.recipe === printOf(recipe);
}

/** Writes down how far a strategy is. */
export async function noteHops(directory: string, strategy: Required<State>["strategy"]): Promise<void> {
  const state = stateOf(directory);
  if (state) await writeFileAtomic(join(directory, "state.json"), `${JSON.stringify({ ...state, strategy })}\n`);
}

/** Marks a run as finished. */
export async function finishDirectory(directory: string): Promise<void> {
  const state = stateOf(directory);
  if (state) await writeFileAtomic(join(directory, "state.json"), `${JSON.stringify({ ...state, status: "done" })}\n`);
}

/**
 * Does a run's work; when wrong input ends it before anything was kept, nothing of the run stays behind.
 * @param options those the folder was claimed with
 */
export async function orDiscard<T>(
  directory: string,
  { out, resume }: DirectoryOptions,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof InputError && !resume) discardUnused(directory, out === undefined);
    throw error;
  }
}

/** Removes the marks of a run that holds nothing else, and its folder where limbeck chose it. */
function discardUnused(directory: string, whole: boolean): void {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  if (entries.some((e) => !e.isDirectory() && e.name !== "state.json" && e.name !== RECIPE)) return;
  const gone = whole ? [directory] : readdirSync(directory).map((name) => join(directory, name));
  for (const path of gone) rmSync(path, { recursive: true, force: true });
}

/** Temporary files of a process that was killed while it wrote. */
function leftovers(directory: string): string[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((f) => isTemporary(basename(f)))
    .map((f) => join(directory, f));
}

function fresh(recipe: Recipe, { out }: DirectoryOptions): string {
  if (out !== undefined) {
    if (existsSync(out) && !statSync(out).isDirectory())
      throw new InputError({
        code: "file-is-folder",
        where: "--out",
        found: `${out} is a file`,
        expected: "the folder for the run",
      });
    if (existsSync(out) && readdirSync(out).some((f) => !isTemporary(f)))
      throw new InputError({
        code: "file-exists",
        where: "--out",
        found: `${out} is not empty`,
        expected: "a new folder",
        cure: "Give another one, or --resume to continue the run in it",
      });
    return out;
  }
  const base = join("runs", recipe.name);
  let directory = base;
  for (let i = 2; existsSync(directory); i++) directory = `${base}-${i}`;
  return directory;
}

function resumed(options: DirectoryOptions, recipe: Recipe, print: string): string {
  const { out, resume } = options;
  const named = typeof resume === "string" ? resume : out;
  if (named !== undefined) {
    const state = openState(named);
    if (state.recipe !== print) throw otherRun(named, state, options, recipe);
    return named;
  }
  const folders = foldersOfRuns().map((directory) => ({ directory, reading: readState(directory) }));
  const runs = folders
    .flatMap(({ directory, reading }) => (reading.kind === "state" ? [{ directory, state: reading.state }] : []))
    .sort((a, b) => b.directory.localeCompare(a.directory, undefined, { numeric: true }));
  const found = runs.filter(({ state }) => state.recipe === print);
  const open = found.find(({ state }) => state.status === "running") ?? found[0];
  if (open) return open.directory;
  const near = runs.find(({ state }) => state.name === recipe.name && state.status === "running");
  if (near) throw otherRun(near.directory, near.state, options, recipe);
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
  { kind = "distill", recipe }: DirectoryOptions,
  claimed: Recipe,
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
  const found = differences(plain(before), plain(recipe ?? claimed)).filter(
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
