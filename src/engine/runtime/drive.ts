/** Runs updates one after the other, whatever executes them. */
import { noun } from "../../base/noun.js";
import { mismatch } from "./faults.js";
import type { ExecutorConfig, StepRequest, StepsResult } from "./types.js";

/** What executes one step. */
export interface Stepper {
  /** Updates done so far. */
  readonly step: number;
  /** Diagnostic outputs before the update; undefined when there is no such program. */
  diagnose(request: StepRequest): Promise<Float32Array | undefined>;
  /**
   * One update: all micro-batches, then the rule.
   * @param losses receives the mean over the micro-batches
   * @returns the global gradient norm before clipping; NaN when a loss is not finite. Then nothing was applied
   */
  update(request: StepRequest, losses: Float32Array): Promise<number>;
}

/**
 * Runs updates in order, until done, stopped or diverged.
 * @param stopped asked before every step
 * @returns losses and norms of the steps done; when diverged, one row more: that of the step not applied
 */
export async function drive(
  stepper: Stepper,
  config: ExecutorConfig,
  requests: readonly StepRequest[],
  stopped: () => boolean | Promise<boolean>,
): Promise<StepsResult> {
  const width = config.step.losses.length;
  const losses = new Float32Array(requests.length * width);
  const norms = new Float32Array(requests.length);
  const diagnostics: { step: number; values: Float32Array }[] = [];
  let done = 0;
  let diverged = false;
  while (done < requests.length && !diverged && !(await stopped())) {
    const request = requests[done] as StepRequest;
    check(config, stepper.step, request);
    if (request.diagnose) {
      const values = await stepper.diagnose(request);
      if (values) diagnostics.push({ step: done, values });
    }
    norms[done] = await stepper.update(request, losses.subarray(done * width, (done + 1) * width));
    diverged = !Number.isFinite(norms[done]);
    if (!diverged) done++;
  }
  const rows = done + (diverged ? 1 : 0);
  return { losses: losses.slice(0, rows * width), gradientNorms: norms.slice(0, rows), diagnostics, done, diverged };
}

/** What the binding would accept in silence or report without a name. */
function check(config: ExecutorConfig, done: number, request: StepRequest): void {
  const { step, accumulate } = config;
  const here = `training step ${done + 1}`;
  if (request.micro.length !== accumulate)
    throw mismatch(here, `it was given ${noun(request.micro.length, "micro-batch")}`, `${accumulate}`);
  if (request.scalars.length !== step.scalars.length)
    throw mismatch(here, `it was given ${noun(request.scalars.length, "scalar")}`, `${step.scalars.length}`);
  if (!Number.isFinite(request.lr)) throw mismatch(here, `the learning rate is ${request.lr}`, "a finite number");
  for (const arrays of request.micro) {
    if (arrays.length !== step.batch.length)
      throw mismatch(here, `it was given ${noun(arrays.length, "batch array")}`, `${step.batch.length}`);
  }
}
