/** The folder of a run: where it is, whether it is finished, what it belongs to. */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { isTemporary, makeFolder, writeFileAtomic } from "../../node/atomic.js";
import { InputError } from "../../base/errors.js";
import { packageVersion } from "../../node/package-root.js";
import { recipeOf, recipeToYaml } from "../recipe/load.js";
import type { Plan } from "../recipe/schema/schema.js";
import { withoutSecrets } from "../../base/secrets.js";
import { type Claim, claimFolder, claimOf, isClaim, refuseClaimed } from "./claim.js";
import { fingerprint } from "./context.js";
import { RECIPE, type ResumeOptions, resumedRun } from "./resumed-run.js";
import { type State, stateOf } from "./run-state.js";
import { HOPS } from "./trainings.js";

/** What a run is known by. Its secrets are not part of it: neither they nor a hash of them are kept. */
const printOf = (plan: Plan): string => fingerprint(withoutSecrets(recipeOf(plan)));

export interface DirectoryOptions extends ResumeOptions {
  /** Paths in the recipe start here; default the working folder. */
  readonly folder?: string | undefined;
  /** Where its teachers are trained and their answers kept; default: the run's own folder. */
  readonly teacherFolder?: string | undefined;
}

/** A run's folder, and that of its teachers, while this process has them. */
export interface ClaimedDirectory {
  readonly directory: string;
  /** What to say about folders that an ended process had left claimed. */
  readonly takenOver: readonly string[];
  /** Gives the folders back; may be called repeatedly. */
  release(): void;
}

/**
 * Picks, claims and marks the folder of a run, and writes its recipe with every default into it. Whoever claims it releases it.
 * @throws InputError when it holds something else, or another process has it
 */
export async function claimDirectory(plan: Plan, options: DirectoryOptions): Promise<ClaimedDirectory> {
  const print = printOf(plan);
  const directory = options.resume ? resumedRun(options, plan, print) : await newDirectory(plan, options.out);
  writableFolder(directory);
  const claims = await claimFolders(directory, options.teacherFolder);
  const release = (): void => {
    for (const claim of claims) claim.release();
  };
  try {
    // What was empty when it was picked may by now hold the run of a faster process.
    if (!options.resume) refuseContent(directory);
    for (const leftover of leftovers(directory)) rmSync(leftover, { force: true });
    await markDirectory(directory, plan, print, options);
  } catch (error) {
    release();
    throw error;
  }
  return { directory, takenOver: claims.flatMap((c) => c.takenOver ?? []), release };
}

async function markDirectory(
  directory: string,
  plan: Plan,
  print: string,
  { folder = ".", kind = "distill", plan: written = plan }: DirectoryOptions,
): Promise<void> {
  const state: State = {
    recipe: print,
    name: plan.name,
    status: "running",
    version: packageVersion(),
    folder: resolve(folder) === resolve(directory) ? "." : resolve(folder),
    kind,
  };
  await writeFileAtomic(join(directory, "state.json"), `${JSON.stringify(state)}\n`);
  await writeFileAtomic(join(directory, RECIPE), recipeToYaml(recipeOf(written)));
}

/** Claims a run's own folder, and that of its teachers where they are kept elsewhere. */
async function claimFolders(directory: string, teacherFolder = directory): Promise<Claim[]> {
  const strategy = strategyOf(directory);
  const part = strategy !== null && claimOf(strategy);
  if (strategy && !part) await refuseClaimed(strategy);
  const own = await claimFolder(directory);
  // What a killed strategy left is said of the strategy, not of its hop once more.
  const first = part && part.takenOver ? { ...own, takenOver: null } : own;
  const teachers = resolve(teacherFolder);
  if (teachers === resolve(directory) || (part && part.directory === teachers)) return [first];
  try {
    return [first, await claimFolder(teachers)];
  } catch (error) {
    first.release();
    throw error;
  }
}

/** The folder of the strategy that a run is a hop of, by where it lies; null for a run by itself. */
function strategyOf(directory: string): string | null {
  const parent = dirname(resolve(directory));
  return basename(parent) === HOPS ? dirname(parent) : null;
}

/** Writes the run's recipe again: with what was chosen for it. */
export function writeRunRecipe(directory: string, plan: Plan): Promise<void> {
  return writeFileAtomic(join(directory, RECIPE), recipeToYaml(recipeOf(plan)));
}

function writableFolder(directory: string): void {
  try {
    makeFolder(directory);
    accessSync(directory, constants.W_OK);
  } catch (cause) {
    throw unwritable(directory, cause);
  }
}

function unwritable(directory: string, cause: unknown): InputError {
  const found = `the folder ${directory} cannot be written to (${(cause as NodeJS.ErrnoException).code})`;
  const cure = "Give another folder";
  return new InputError({ code: "file-unwritable", where: "--out", found, cure }, { cause });
}

/** Whether the folder holds a finished run of this very recipe. */
export function isFinished(directory: string, plan: Plan): boolean {
  const state = stateOf(directory);
  return state?.status === "done" && state.recipe === printOf(plan);
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
 * Removes the marks of a run that holds nothing else.
 * @param whole whether its folder goes too
 */
export function discardUnused(directory: string, whole: boolean): void {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  const marks = (name: string): boolean => name === "state.json" || name === RECIPE || isClaim(name);
  if (entries.some((e) => !e.isDirectory() && !marks(e.name))) return;
  const gone = whole
    ? [directory]
    : readdirSync(directory)
        .filter((name) => !isClaim(name))
        .map((name) => join(directory, name));
  for (const path of gone) rmSync(path, { recursive: true, force: true });
}

/** Temporary files of a process that was killed while it wrote. */
function leftovers(directory: string): string[] {
  return readdirSync(directory, { recursive: true })
    .map(String)
    .filter((f) => isTemporary(basename(f)))
    .map((f) => join(directory, f));
}

/** A new folder: the one that was named, or one of the recipe's name in runs/. */
async function newDirectory(plan: Plan, out: string | undefined): Promise<string> {
  if (out === undefined) return nextDirectory(join("runs", plan.name));
  if (existsSync(out) && !statSync(out).isDirectory())
    throw new InputError({
      code: "file-is-folder",
      where: "--out",
      found: `${out} is a file`,
      expected: "the folder for the run",
    });
  await refuseClaimed(out);
  refuseContent(out);
  return out;
}

function refuseContent(out: string): void {
  if (!existsSync(out) || readdirSync(out).every((f) => isTemporary(f) || isClaim(f))) return;
  throw new InputError({
    code: "file-exists",
    where: "--out",
    found: `${out} is not empty`,
    expected: "a new folder",
    cure: "Give another one, or --resume to continue the run in it",
  });
}

/** Makes the first of runs/name, runs/name-2 ... that does not exist; no two processes make the same one. */
function nextDirectory(base: string): string {
  writableFolder(dirname(base));
  for (let i = 1; ; i++) {
    const directory = i === 1 ? base : `${base}-${i}`;
    try {
      mkdirSync(directory);
      return directory;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw unwritable(directory, cause);
    }
  }
}
