/** Training in Node: the loop over a worker thread, with metrics and checkpoints in a folder. */
import { arch, platform } from "node:os";
import { makeFolder } from "../../node/atomic.js";
import type { Target } from "../../engine/compile/lower.js";
import { InputError } from "../../base/errors.js";
import { blockSize } from "../../node/block.js";
import { createExecutor } from "../../node/executor.js";
import {
  type Checkpoint,
  hasCheckpoint,
  loadCheckpoint,
  loadResult,
  removeCheckpoint,
  saveCheckpoint,
  saveResult,
} from "./checkpoint.js";
import { freeMemory } from "../../node/memory.js";
import { runLoop } from "./loop.js";
import { MetricsLog } from "./metrics-log.js";
import type { TrainingHooks, TrainingResult, TrainingTask } from "./types.js";

/**
 * Trains a model and returns the chosen weights.
 * With a directory, metrics and checkpoints go there, and a finished training with the same fingerprint is not repeated;
 * its checkpoint is gone.
 * @throws InterruptedError after writing a checkpoint when the signal aborts
 * @throws RunError when the loss or the gradient is no longer finite; the last checkpoint stays
 */
export async function train(task: TrainingTask, hooks: TrainingHooks = {}): Promise<TrainingResult> {
  if (task.directory !== null) {
    makeFolder(task.directory);
    const done = hooks.resume ? loadResult(task.directory, task.fingerprint) : null;
    if (done) {
      // Killed before it was removed, or made by a version that left it.
      removeCheckpoint(task.directory);
      return done;
    }
  }
  const found = task.directory !== null && hooks.resume ? loadCheckpoint(task.directory) : null;
  if (found && found.fingerprint !== task.fingerprint) {
    throw new InputError({
      code: "checkpoint-invalid",
      where: task.directory as string,
      found: `its checkpoint belongs to another training of "${task.name}": data, recipe, teacher or version changed`,
      cure: "Resume with the recipe it was started with, or start a new run with --out",
    });
  }
  const { directory, fingerprint } = task;
  const log = new MetricsLog(directory, found?.loop.metricsBytes ?? 0);
  try {
    const host = {
      createExecutor,
      target: await targetOf(task.settings.device),
      environment: trainingEnvironment(task.settings.threads, task.settings.device),
      log,
      save: directory === null ? null : (checkpoint: Checkpoint) => saveCheckpoint(directory, checkpoint),
      kept: () => (hasCheckpoint(directory) ? directory : null),
      freeMemory,
    };
    const result = await runLoop(task, hooks, host, found);
    if (directory !== null) {
      await saveResult(directory, fingerprint, result);
      if (!hooks.keepCheckpoint) removeCheckpoint(directory);
    }
    return result;
  } finally {
    log.close();
  }
}

/** The form that graphs run fastest in: ONNX Runtime's blocked layout where the processor has one. */
export async function targetOf(device: "cpu" | "webgpu"): Promise<Target> {
  if (device === "webgpu") return "webgpu";
  const block = await blockSize();
  return block === undefined ? "plain" : { blocked: block };
}

/** What must be equal for a resume to give the same bytes, besides the fingerprint. */
export function trainingEnvironment(threads: number, device: "cpu" | "webgpu" = "cpu"): string {
  return `node ${process.versions.node}, ${platform()}-${arch()}, threads ${threads}${device === "cpu" ? "" : `, device ${device}`}`;
}
