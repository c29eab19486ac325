/** What every part of a run shares. */
import { createHash } from "node:crypto";
import { packageVersion } from "../../node/package-root.js";
import type { Execution } from "../recipe/resolve.js";
import type { Plan } from "../recipe/schema/schema.js";
import type { RunEvent } from "./events.js";
import type { AuditedData } from "./load-audited.js";

export { labelsOf } from "../../learn/data/labels/labels.js";

export interface RunContext {
  readonly plan: Plan;
  /** Paths in the recipe start here. */
  readonly folder: string;
  /** The run's own folder. */
  readonly directory: string;
  /** Where its teachers are trained and their answers kept; default its own folder. */
  readonly teacherFolder?: string;
  readonly loaded: AuditedData;
  readonly execution: Execution;
  /** Trainings at a time; 0 or none: limbeck chooses. */
  readonly jobs?: number;
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  readonly warnings: string[];
  readonly notes: string[];
}

/** What every command that makes a run takes. */
export interface RunOptions {
  /** Continue this run (true: the newest unfinished one of this name). */
  readonly resume?: boolean | string;
  /** Relative paths in the recipe start here; default the working folder. */
  readonly folder?: string;
  /** Threads of ONNX Runtime; 0, the default, lets it choose. */
  readonly threads?: number;
  /** Trainings at a time; 0, the default, lets limbeck choose: small ones share the cores. */
  readonly jobs?: number;
  readonly device?: "cpu" | "webgpu";
  /** Seconds between checkpoints of a training; default 2. */
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  /** How the run was started, for the summary. */
  readonly command?: string;
}

/** The context of a run that begins. */
export function contextOf(
  plan: Plan,
  loaded: AuditedData,
  directory: string,
  options: RunOptions & Pick<RunContext, "teacherFolder">,
): RunContext {
  const { folder = process.cwd(), threads = 0, device = "cpu", jobs, checkpointSeconds, signal } = options;
  const { teacherFolder, onEvent: emit = () => {} } = options;
  const execution = { threads, device };
  const shared = { plan, folder, directory, teacherFolder, loaded, execution, jobs, checkpointSeconds, signal, emit };
  return { ...shared, warnings: [], notes: [] };
}

/** The seeds of a run: of its students, its baselines, and of teachers that every seed has its own of. */
export function seedsOf({ seed, seeds }: Pick<Plan, "seed" | "seeds">): number[] {
  return Array.from({ length: seeds }, (_, i) => seed + i);
}

/** Where the run's teachers and label stores lie. */
export function teacherFolder({ teacherFolder, directory }: RunContext): string {
  return teacherFolder ?? directory;
}

/** Hex SHA-256 of plain data and arrays, with the package version: what a cached part of a run is known by. */
export function fingerprint(...parts: readonly unknown[]): string {
  const hash = createHash("sha256").update(packageVersion());
  for (const part of parts) {
    if (ArrayBuffer.isView(part)) hash.update(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    else hash.update(JSON.stringify(part) ?? "undefined");
    hash.update("\0");
  }
  return hash.digest("hex");
}
