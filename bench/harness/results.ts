/** Results on disk: one JSON file a workload. */
import type { Machine } from "./machine.js";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { cpus, release, totalmem, type } from "node:os";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../src/node/atomic.js";
import { packageRoot } from "../../src/node/package-root.js";
import type { RowResult } from "../rows/row.js";
import type { Failure, Outcome } from "./rounds.js";

export interface StepResult {
  readonly workload: string;
  readonly title: string;
  readonly describe: string;
  readonly parameters: number;
  /** ISO date and time of the end. */
  readonly date: string;
  /** The commit of limbeck, "-dirty" with changes; null outside a clone. */
  readonly commit: string | null;
  readonly machine: Machine;
  readonly threads: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly outcomes: readonly Outcome[];
  readonly failures: readonly Failure[];
}

export const resultsFolder = (): string => join(packageRoot(), "bench", "results");

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
  };
}

/** The commit the sources are at. */
export function commitOf(): string | null {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: packageRoot(), encoding: "utf8" });
  const { status, stdout } = git("rev-parse", "--short", "HEAD");
  if (status !== 0) return null;
  const changed = git("status", "--porcelain", "--untracked-files=no", "src").stdout.trim() !== "";
  return `${stdout.trim()}${changed ? "-dirty" : ""}`;
}

export function saveResult(result: StepResult, folder = resultsFolder()): Promise<void> {
  return save(result.workload, result, folder);
}

export function saveRow(result: RowResult, folder = resultsFolder()): Promise<void> {
  return save(result.row, result, folder);
}

async function save(name: string, result: unknown, folder: string): Promise<void> {
  makeFolder(folder);
  await writeFileAtomic(join(folder, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

/** Every result there is, in the order of `names`. */
export function loadResults(names: readonly string[], folder = resultsFolder()): StepResult[] {
  return load<StepResult>(names, folder);
}

export function loadRows(names: readonly string[], folder = resultsFolder()): RowResult[] {
  return load<RowResult>(names, folder);
}

function load<T>(names: readonly string[], folder: string): T[] {
  if (!existsSync(folder)) return [];
  const files = new Set(readdirSync(folder));
  return names
    .filter((name) => files.has(`${name}.json`))
    .map((name) => JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as T);
}

/** Whether a result answers what is asked: the same rounds and at least these systems, measured or failed. */
export function covers(
  result: StepResult,
  asked: { readonly rounds: number; readonly seconds: number; readonly systems: readonly string[] },
): boolean {
  const known = new Set([...result.outcomes, ...result.failures].map((o) => o.system));
  return result.rounds === asked.rounds && result.seconds === asked.seconds && asked.systems.every((s) => known.has(s));
}
