/** The folder of a run: where it is, whether it is finished, what it belongs to. */
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { isTemporary, makeFolder, writeFileAtomic } from "../atomic.js";
import { InputError } from "../errors.js";
import { packageVersion } from "../package-root.js";
import { differences, differencesSaid } from "../recipe/difference.js";
import { readYaml, recipeToYaml } from "../recipe/load.js";
import type { Recipe } from "../recipe/schema.js";
import { fingerprint } from "./context.js";

interface State {
  readonly recipe: string;
  readonly name: string;
  readonly status: "running" | "done";
  /** Paths in the recipe start here: absolute, or "." for the run's own folder, which may be moved. */
  readonly folder?: string;
  /** Of limbeck; absent in runs older than this field. */
  readonly version?: string;
  /** What kind of run it is; absent: distill. */
  readonly kind?: RunKind;
  /** Of a distill run with several hops: which strategy, and how many hops are done. */
  readonly strategy?: { readonly kind: string; readonly done: number; readonly hops: number };
}

/** The run's recipe, with every default filled in. */
const RECIPE = "recipe.yaml";

export type RunKind = "distill" | "train" | "label" | "sweep";

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
  const print = fingerprint(recipe);
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

function writableFolder(directory: string): void {
  try {
    makeFolder(directory);
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InputError("--out", `the folder ${directory} cannot be written to (${code}); give another one`, {
      cause,
    });
  }
}

/** Whether the folder holds a finished run of this very recipe. */
export function isFinished(directory: string, recipe: Recipe): boolean {
  const state = stateOf(directory);
  return state?.status === "done" && state.recipe === fingerprint(recipe);
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
      throw new InputError("--out", `${out} is a file; give the folder for the run`);
    if (existsSync(out) && readdirSync(out).some((f) => !isTemporary(f)))
      throw new InputError("--out", `${out} is not empty; give a new folder, or --resume to continue the run in it`);
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
    const state = stateOf(named);
    if (!state) throw new InputError("--resume", `${named} is no run of limbeck (state.json is missing)`);
    if (state.recipe !== print) throw new InputError("--resume", otherRun(named, state, options, recipe));
    return named;
  }
  const runs = (existsSync("runs") ? readdirSync("runs") : [])
    .map((d) => join("runs", d))
    .flatMap((directory) => {
      const state = stateOf(directory);
      return state ? [{ directory, state }] : [];
    })
    .sort((a, b) => b.directory.localeCompare(a.directory, undefined, { numeric: true }));
  const found = runs.filter(({ state }) => state.recipe === print);
  const open = found.find(({ state }) => state.status === "running") ?? found[0];
  if (open) return open.directory;
  const near = runs.find(({ state }) => state.name === recipe.name && state.status === "running");
  throw new InputError(
    "--resume",
    near
      ? otherRun(near.directory, near.state, options, recipe)
      : "no run of this recipe in runs/; start one without --resume, or name its folder",
  );
}

/** Why a run cannot be gone on with, and what to do. */
function otherRun(directory: string, state: State, { kind = "distill", recipe }: DirectoryOptions, claimed: Recipe) {
  const made = state.kind ?? "distill";
  if (made !== kind)
    return `${directory} was made by \`limbeck ${made}\`, not \`limbeck ${kind}\`; go on with the command that began it`;
  const path = join(directory, RECIPE);
  const before = existsSync(path) ? readYaml(path) : {};
  const found = differences(before, JSON.parse(JSON.stringify(recipe ?? claimed)));
  if (found.length > 0)
    return `${directory} was started with another recipe:\n${differencesSaid(found)}\nChange that back to go on with the run (its recipe is ${path}), or start a new run with --out`;
  const version = packageVersion();
  const by =
    state.version === version ? "another model of its recipe" : `limbeck ${state.version ?? "of another version"}`;
  return `${directory} was started with ${by}, this is limbeck ${version}; go on with what began it, or start a new run with --out`;
}

export function stateOf(directory: string): State | null {
  const path = join(directory, "state.json");
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, "utf8")) as State;
  } catch {
    return null;
  }
}
