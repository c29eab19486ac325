/**
 * A run folder belongs to one process at a time. The process writes a claim into it, claim-1.json, and removes it when it is
 * done. A claim whose process has ended counts no more: the next process claims the folder under the next number, which only
 * one can create, and then removes what was left. Nobody ever removes a claim before having one of its own, so a claim that
 * still counts is never mistaken for an old one.
 */
import { randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { InputError } from "../../base/errors.js";
import { createFileAtomic, isTemporary, makeFolder } from "../../node/atomic.js";
import { ownProcess, type ProcessState, stateOfProcess } from "../../node/process-identity.js";

const NAME = /^claim-(\d+)\.json$/;

const claimSchema = z.object({
  id: z.string(),
  pid: z.number().int().positive(),
  host: z.string(),
  namespace: z.string().optional(),
  boot: z.string().optional(),
  started: z.string().optional(),
  /** When the folder was claimed, in ISO 8601. */
  since: z.string(),
});

type ClaimFile = Readonly<z.output<typeof claimSchema>>;

/** A folder that this process may write to. */
export interface Claim {
  /** Its absolute path. */
  readonly directory: string;
  /** The sentence to say where the folder was left by a process that ended without releasing it; else null. */
  readonly takenOver: string | null;
  /** Gives the folder back, and removes it where the claim made it and nothing else came in; may be called repeatedly. */
  release(): void;
}

/** A claim as it lies in a folder; `file` is null where its content cannot be read. */
interface Found {
  readonly path: string;
  readonly number: number;
  readonly file: ClaimFile | null;
  readonly state: ProcessState | "unreadable";
}

/** Whether a file of this name says who writes to a folder; it is no content of the folder. */
export const isClaim = (name: string): boolean => NAME.test(name);

/**
 * Claims a folder for this process, and makes it when it is missing.
 * @throws InputError with the code run-claimed when another process, or another run of this one, has it
 */
export async function claimFolder(directory: string): Promise<Claim> {
  const content: ClaimFile = { id: randomUUID(), ...ownProcess(), since: new Date().toISOString() };
  const isNew = !existsSync(directory);
  for (let attempt = 0; ; attempt++) {
    makeFolder(directory);
    const before = await claimsIn(directory);
    refuseIn(directory, before);
    const number = before.reduce((most, c) => Math.max(most, c.number), 0) + 1;
    const path = join(resolve(directory), `claim-${number}.json`);
    if (createFileAtomic(path, `${JSON.stringify(content, null, 2)}\n`)) {
      const others = (await claimsIn(directory)).filter((c) => c.path !== path);
      const rival = others.find((c) => c.state !== "ended");
      if (!rival) return held(directory, { path, id: content.id, isNew }, others);
      // Two that meet here both step back; the one that comes again first has it.
      remove(path);
      if (attempt >= MOST_ATTEMPTS) throw claimedBy(directory, rival);
    } else if (attempt >= MOST_ATTEMPTS) throw new Error(`${directory} cannot be claimed`);
    await pause(Math.random() * 40);
  }
}

const MOST_ATTEMPTS = 50;

/** @throws InputError with the code run-claimed when a process has claimed the folder; nothing is written */
export async function refuseClaimed(directory: string): Promise<void> {
  refuseIn(directory, await claimsIn(directory));
}

/** Whether a process of this machine that still runs has claimed the folder; nothing is waited for. */
export function isRunning(directory: string): boolean {
  return namesIn(directory).some((name) => {
    const file = isClaim(name) ? readClaim(join(directory, name)) : null;
    return file ? stateOfProcess(file) === "running" : false;
  });
}

function refuseIn(directory: string, found: readonly Found[]): void {
  const other = found.find((c) => c.state !== "ended");
  if (other) throw claimedBy(directory, other);
}

/** Claims of this process that are not released yet. */
const open = new Set<Claim>();
let watching = false;

/** This process's claim of a folder; null when it has none. */
export function claimOf(directory: string): Claim | null {
  return [...open].find((claim) => claim.directory === resolve(directory)) ?? null;
}

function held(
  directory: string,
  { path, id, isNew }: { readonly path: string; readonly id: string; readonly isNew: boolean },
  ended: readonly Found[],
): Claim {
  for (const left of ended) remove(left.path);
  // Of processes that were killed while they wrote theirs.
  for (const name of namesIn(directory)) if (/^\.claim-/.test(name) && isTemporary(name)) remove(join(directory, name));
  const claim: Claim = {
    directory: resolve(directory),
    takenOver: ended.length > 0 ? takeOverSaid(directory, ended) : null,
    release(): void {
      if (!open.delete(claim)) return;
      // Who deleted it by hand may have let another process in.
      if (readClaim(path)?.id === id) remove(path);
      if (isNew) removeEmpty(dirname(path));
    },
  };
  open.add(claim);
  if (!watching) process.on("exit", releaseAll);
  watching = true;
  return claim;
}

function releaseAll(): void {
  for (const claim of [...open]) claim.release();
}

function takeOverSaid(directory: string, ended: readonly Found[]): string {
  const last = ended.reduce((a, b) => (b.number > a.number ? b : a)).file as ClaimFile;
  return `${directory}: process ${last.pid} wrote to this folder since ${timeOf(last)} and ended without finishing. This process took the folder over.`;
}

function claimedBy(directory: string, { path, file, state }: Found): InputError {
  const fault = { code: "run-claimed", where: directory, expected: "a folder that nobody else writes to" } as const;
  if (file === null)
    return new InputError({
      ...fault,
      found: `${basename(path)} says that a process writes to this folder, but it cannot be read`,
      cure: `If no other limbeck writes to the folder, delete ${path}`,
    });
  const since = `since ${timeOf(file)}`;
  if (state === "elsewhere") {
    const { host } = ownProcess();
    const place = file.host === host ? "in another container" : `on the computer ${file.host}`;
    return new InputError({
      ...fault,
      found: `process ${file.pid} ${place} writes to this folder ${since}, as far as can be known from here`,
      cure: `If it no longer runs, delete ${path}`,
    });
  }
  if (file.pid === process.pid)
    return new InputError({
      ...fault,
      found: `another run of this process (${file.pid}) writes to this folder ${since}`,
      cure: "Wait until it has finished, or give another folder",
    });
  return new InputError({
    ...fault,
    found: `process ${file.pid} writes to this folder ${since}`,
    cure: "Wait until it has finished or stop it, or give another folder",
  });
}

const timeOf = ({ since }: ClaimFile): string => since.replace(/\.\d+Z$/, "Z");

async function claimsIn(directory: string): Promise<Found[]> {
  const found: Found[] = [];
  for (const name of namesIn(directory)) {
    const number = Number(NAME.exec(name)?.[1] ?? Number.NaN);
    if (Number.isNaN(number)) continue;
    const path = join(resolve(directory), name);
    const file = await readWritten(path);
    if (file === "gone") continue;
    found.push({ path, number, file, state: file ? stateOfProcess(file) : "unreadable" });
  }
  return found;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
    throw error;
  }
}

/** Where there are no hard links, a claim may still be empty: it is looked at again for a second. */
async function readWritten(path: string): Promise<ClaimFile | null | "gone"> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const file = readClaim(path);
    if (file) return file;
    if (file === undefined) return "gone";
    await pause(50);
  }
  return null;
}

/** Undefined where there is none, null where it cannot be read. */
function readClaim(path: string): ClaimFile | null | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? undefined : null;
  }
  try {
    return claimSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is in use.
  }
}

/** On Windows a virus scanner or an indexer may hold the file for a moment. */
function remove(path: string): void {
  rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
}

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));
