/** The executor's engine: programs over one arena, in the thread it is called in. Knows nothing of workers. */
import { RunError } from "../errors.js";
import { Arena } from "./arena.js";
import { Evaluator } from "./evaluator.js";
import { messageOf, type OnnxRuntime } from "./ort.js";
import { exportState, importState, slotsOf } from "./state.js";
import { StepSession } from "./step-session.js";
import type { BatchArray, ExecutorConfig, ExecutorState, StepRequest, StepsResult } from "./types.js";
import { applyUpdate, momentCount } from "./update.js";

/** Keeps clipping defined for a zero gradient; the value PyTorch's clip_grad_norm_ adds. */
const NORM_FLOOR = 1e-6;

export class TrainingCore {
  readonly #config: ExecutorConfig;
  readonly #arena: Arena;
  readonly #session: StepSession;
  readonly #evaluator: Evaluator;
  #step = 0;

  private constructor(config: ExecutorConfig, arena: Arena, session: StepSession, evaluator: Evaluator) {
    this.#config = config;
    this.#arena = arena;
    this.#session = session;
    this.#evaluator = evaluator;
  }

  /**
   * Opens the step's session and fills the arena.
   * @param runtime onnxruntime-node's or onnxruntime-web's
   * @throws RunError when the graph does not load, names disagree or the state does not fit
   */
  static async create(runtime: OnnxRuntime, config: ExecutorConfig, initial: ExecutorState): Promise<TrainingCore> {
    if (!Number.isInteger(config.accumulate) || config.accumulate < 1)
      throw new RunError(`micro-batches a step: found ${config.accumulate}, expected a whole number from 1`);
    const slots = slotsOf(config, initial);
    const arena = new Arena({ ...slots, moments: momentCount(config.rule), accumulate: config.accumulate > 1 });
    const session = await StepSession.open(runtime, config, arena);
    const core = new TrainingCore(config, arena, session, new Evaluator(runtime, config, arena));
    core.restore(initial);
    return core;
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /**
   * Runs updates in order, until done, stopped or diverged.
   * @param stopped asked before every step
   * @returns losses and norms of the steps done; when diverged, one row more: that of the step not applied
   */
  async run(
    requests: readonly StepRequest[],
    stopped: () => boolean | Promise<boolean> = () => false,
  ): Promise<StepsResult> {
    const width = this.#config.step.losses.length;
    const losses = new Float32Array(requests.length * width);
    const norms = new Float32Array(requests.length);
    const diagnostics: { step: number; values: Float32Array }[] = [];
    let done = 0;
    let diverged = false;
    while (done < requests.length && !diverged && !(await stopped())) {
      const request = requests[done] as StepRequest;
      this.#check(request);
      if (request.diagnose) {
        const values = await this.#session.diagnose(request, this.#step);
        if (values) diagnostics.push({ step: done, values });
      }
      norms[done] = await this.#update(request, losses.subarray(done * width, (done + 1) * width));
      diverged = !Number.isFinite(norms[done]);
      if (!diverged) done++;
    }
    const rows = done + (diverged ? 1 : 0);
    return { losses: losses.slice(0, rows * width), gradientNorms: norms.slice(0, rows), diagnostics, done, diverged };
  }

  /** Outputs [count, ...] for samples, with the current state. */
  evaluate(samples: BatchArray, count: number): Promise<Float32Array> {
    return this.#evaluator.run(samples, count);
  }

  /** Copies of the state. */
  snapshot(): ExecutorState {
    return exportState(this.#config, this.#arena, this.#step);
  }

  /** Replaces the state; leaves it as it was when the new one does not fit. */
  restore(state: ExecutorState): void {
    importState(this.#config, this.#arena, state);
    this.#step = state.step;
  }

  /** Frees the sessions. */
  async dispose(): Promise<void> {
    await this.#session.dispose();
    await this.#evaluator.dispose();
  }

  /**
   * One update: all micro-batches, then the rule.
   * @param losses receives the mean over the micro-batches
   * @returns the global gradient norm before clipping; NaN when a loss is not finite. Then nothing was applied
   */
  async #update(request: StepRequest, losses: Float32Array): Promise<number> {
    const { kernels, accumulators, buffers, savedBuffers } = this.#arena;
    const { accumulate, clipNorm, rule } = this.#config;
    kernels.copy(savedBuffers.offset, buffers.offset, buffers.bytes);
    let norm = Number.NaN;
    try {
      if (await this.#gradients(request, losses))
        norm = Math.sqrt(kernels.sumOfSquares(accumulators.offset, accumulators.bytes)) / accumulate;
    } catch (error) {
      kernels.copy(buffers.offset, savedBuffers.offset, buffers.bytes);
      throw new RunError(`training step ${this.#step + 1} failed: ${messageOf(error)}`, { cause: error });
    }
    if (!Number.isFinite(norm)) {
      kernels.copy(buffers.offset, savedBuffers.offset, buffers.bytes);
      return norm;
    }
    const clip = clipNorm > 0 ? Math.min(1, clipNorm / (norm + NORM_FLOOR)) : 1;
    const { lr, momentum } = request;
    applyUpdate(this.#arena, rule, { step: this.#step + 1, lr, momentum }, clip / accumulate);
    this.#step++;
    return norm;
  }

  /** Sums the gradients of the micro-batches in the accumulators and updates the buffers after each; false when the loss is not finite. */
  async #gradients(request: StepRequest, losses: Float32Array): Promise<boolean> {
    const { kernels, gradients, accumulators, buffers, bufferUpdates } = this.#arena;
    const { accumulate } = this.#config;
    for (let k = 0; k < accumulate; k++) {
      await this.#session.run(request, k, this.#step * accumulate + k);
      for (let i = 0; i < losses.length; i++)
        losses[i] = (losses[i] as number) + (this.#session.loss(i) as number) / accumulate;
      if (!Number.isFinite(losses[0])) return false;
      kernels.copy(buffers.offset, bufferUpdates.offset, bufferUpdates.bytes);
      if (accumulate === 1) continue;
      const combine = k === 0 ? kernels.copy : kernels.add;
      combine(accumulators.offset, gradients.offset, gradients.bytes);
    }
    return true;
  }

  /** What the binding would accept in silence or report without a name. */
  #check(request: StepRequest): void {
    const { step, accumulate } = this.#config;
    const here = `training step ${this.#step + 1}`;
    if (request.micro.length !== accumulate)
      throw new RunError(`${here}: ${request.micro.length} micro-batches were given, expected ${accumulate}`);
    if (request.scalars.length !== step.scalars.length)
      throw new RunError(`${here}: ${request.scalars.length} scalars were given, expected ${step.scalars.length}`);
    if (!Number.isFinite(request.lr)) throw new RunError(`${here}: the learning rate is ${request.lr}`);
    for (const arrays of request.micro) {
      if (arrays.length !== step.batch.length)
        throw new RunError(`${here}: ${arrays.length} batch arrays were given, expected ${step.batch.length}`);
    }
  }
}
