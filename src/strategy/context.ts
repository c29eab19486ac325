/** What every part of a run shares. */
import { createHash } from "node:crypto";
import type { LoadedData } from "../data/types.js";
import { packageVersion } from "../package-root.js";
import type { Execution } from "../recipe/resolve.js";
import type { Recipe } from "../recipe/schema.js";
import type { RunEvent } from "./events.js";

export { labelsOf } from "../data/labels.js";

export interface RunContext {
  readonly recipe: Recipe;
  /** Paths in the recipe start here. */
  readonly folder: string;
  /** The run's own folder. */
  readonly directory: string;
  /** Where its teachers are trained and their answers kept; default its own folder. */
  readonly teacherFolder?: string;
  readonly loaded: LoadedData;
  readonly execution: Execution;
  /** Trainings at a time; 0 or none: limbeck chooses. */
  readonly jobs?: number;
  readonly checkpointSeconds?: number;
  readonly signal?: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  readonly warnings: string[];
  readonly notes: string[];
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
