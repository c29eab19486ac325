/**
 * Checkpoints: everything the next step depends on, in one file written atomically. Tensors are safetensors; the loop's
 * own state is JSON in the file's metadata, so the two can never disagree.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../node/atomic.js";
import { InputError } from "../../base/errors.js";
import type { ExecutorState } from "../../engine/runtime/types.js";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.js";
import type { CurvePoint, GradientShare, TrainingResult } from "./types.js";

/** State of the loop between two steps. Plain JSON. */
export interface LoopState {
  readonly step: number;
  readonly curve: readonly CurvePoint[];
  readonly gradientShares: readonly GradientShare[];
  /** Index into `curve` of the best validation so far; -1 before the first. */
  readonly best: number;
  /** Validations since the best one. */
  readonly stale: number;
  /** Sums of losses since the last validation, and how many steps they hold. */
  readonly lossSums: readonly number[];
  readonly lossCount: number;
  /** Bytes of metrics.jsonl that belong to this state; the rest is cut off on resume. */
  readonly metricsBytes: number;
  /** Training seconds so far, over all sessions. */
  readonly seconds: number;
}

export interface Checkpoint {
  readonly fingerprint: string;
  readonly environment: string;
  readonly loop: LoopState;
  readonly state: ExecutorState;
  /** Weights of the best validation so far. */
  readonly best: ReadonlyMap<string, Float32Array> | null;
}

const CHECKPOINT = "checkpoint.safetensors";
const RESULT = "trained.safetensors";

export async function saveCheckpoint(directory: string, checkpoint: Checkpoint): Promise<void> {
  const tensors = new Map<string, Float32Array>();
  const put = (group: string, entries: ReadonlyMap<string, Float32Array> | null): void => {
    for (const [name, data] of entries ?? []) tensors.set(`${group}:${name}`, data);
  };
  put("parameter", checkpoint.state.parameters);
  put("buffer", checkpoint.state.buffers);
  put("moment", checkpoint.state.moments);
  put("average", checkpoint.state.averages ?? null);
  put("best", checkpoint.best);
  const metadata = {
    fingerprint: checkpoint.fingerprint,
    environment: checkpoint.environment,
    loop: JSON.stringify(checkpoint.loop),
    step: String(checkpoint.state.step),
  };
  await writeFileAtomic(join(directory, CHECKPOINT), encodeSafetensors({ tensors, metadata }));
}

/** Whether there is something to continue from. */
export function hasCheckpoint(directory: string | null): boolean {
  return directory !== null && existsSync(join(directory, CHECKPOINT));
}

/** The checkpoint of a training directory, or null when there is none. */
export function loadCheckpoint(directory: string): Checkpoint | null {
  const path = join(directory, CHECKPOINT);
  if (!existsSync(path)) return null;
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
  const group = (name: string): Map<string, Float32Array> =>
    new Map([...tensors].filter(([k]) => k.startsWith(`${name}:`)).map(([k, v]) => [k.slice(name.length + 1), v]));
  if (!metadata.loop || !metadata.fingerprint)
    throw new InputError({
      code: "checkpoint-invalid",
      where: path,
      found: "it is not a checkpoint of limbeck",
      cure: "Delete it to start over",
    });
  const best = group("best");
  return {
    fingerprint: metadata.fingerprint,
    environment: metadata.environment ?? "",
    loop: JSON.parse(metadata.loop) as LoopState,
    state: {
      step: Number(metadata.step),
      parameters: group("parameter"),
      buffers: group("buffer"),
      moments: group("moment"),
      averages: group("average"),
    },
    best: best.size ? best : null,
  };
}

/** Marks a training as finished: chosen weights and what is known about them. */
export async function saveResult(directory: string, fingerprint: string, result: TrainingResult): Promise<void> {
  const { weights, ...rest } = result;
  await writeFileAtomic(
    join(directory, RESULT),
    encodeSafetensors({ tensors: weights, metadata: { fingerprint, result: JSON.stringify(rest) } }),
  );
}

/** Of a training that has finished: there is nothing to go on from. */
export function removeCheckpoint(directory: string): void {
  rmSync(join(directory, CHECKPOINT), { force: true });
}

/** The result of a finished training with this fingerprint, or null. */
export function loadResult(directory: string, fingerprint: string): TrainingResult | null {
  const path = join(directory, RESULT);
  if (!existsSync(path)) return null;
  const { tensors, metadata } = decodeSafetensors(readFileSync(path), path);
  if (metadata.fingerprint !== fingerprint || !metadata.result) return null;
  return { ...(JSON.parse(metadata.result) as Omit<TrainingResult, "weights">), weights: tensors };
}
