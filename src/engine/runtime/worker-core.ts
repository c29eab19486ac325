/** The executor's engine: programs over one arena, in the thread it is called in. Knows nothing of workers. */
import { Arena } from "./arena.js";
import { drive, type Stepper } from "./drive.js";
import { Evaluator } from "./evaluator.js";
import { engineFailed, mismatch } from "./faults.js";
import type { OnnxRuntime } from "./ort.js";
import { RowTables } from "./row-tables.js";
import { exportState, importState, slotsOf } from "./state.js";
import { StepSession } from "./step-session.js";
import type { BatchArray, ExecutorConfig, ExecutorState, StepRequest, StepsResult } from "./types.js";
import { applyAverage, applyUpdate, momentCount } from "./update.js";

/** Keeps clipping defined for a zero gradient; the value PyTorch's clip_grad_norm_ adds. */
const NORM_FLOOR = 1e-6;

export class TrainingCore {
  readonly #config: ExecutorConfig;
  readonly #arena: Arena;
  readonly #tables: RowTables;
  readonly #session: StepSession;
  readonly #evaluator: Evaluator;
  readonly #stepper: Stepper;
  #step = 0;

  private constructor(
    config: ExecutorConfig,
    arena: Arena,
    tables: RowTables,
    session: StepSession,
    evaluator: Evaluator,
  ) {
    this.#config = config;
    this.#arena = arena;
    this.#tables = tables;
    this.#session = session;
    this.#evaluator = evaluator;
    const done = (): number => this.#step;
    this.#stepper = {
      get step() {
        return done();
      },
      diagnose: (request) => session.diagnose(request, this.#step),
      update: (request, losses) => this.#update(request, losses),
    };
  }

  /**
   * Opens the step's session and fills the arena.
   * @param runtime onnxruntime-node's or onnxruntime-web's
   * @throws RunError when the graph does not load, names disagree or the state does not fit
   */
  static async create(runtime: OnnxRuntime, config: ExecutorConfig, initial: ExecutorState): Promise<TrainingCore> {
    if (!Number.isInteger(config.accumulate) || config.accumulate < 1)
      throw mismatch("micro-batches per step", `found ${config.accumulate}`, "a whole number of at least 1");
    const slots = slotsOf(config, initial);
    const arena = new Arena({
      ...slots,
      moments: momentCount(config.rule),
      accumulate: config.accumulate > 1,
      average: config.average !== undefined,
    });
    const tables = new RowTables(config, arena);
    const session = await StepSession.open(runtime, config, arena, tables);
    const core = new TrainingCore(
      config,
      arena,
      tables,
      session,
      new Evaluator(runtime, config, (name, shape) => {
        const view = arena.average(name) ?? arena.state(name);
        return view && new runtime.Tensor("float32", view, shape);
      }),
    );
    core.restore(initial);
    return core;
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /** Runs updates in order, until done, stopped or diverged; see `drive`. */
  run(requests: readonly StepRequest[], stopped: () => boolean | Promise<boolean> = () => false): Promise<StepsResult> {
    return drive(this.#stepper, this.#config, requests, stopped);
  }

  /** Outputs [count, ...] for samples, with the current state, averaged where weights are averaged. */
  evaluate(samples: readonly BatchArray[], count: number): Promise<Float32Array> {
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
    const { accumulate, clipNorm, rule, average } = this.#config;
    kernels.copy(savedBuffers.offset, buffers.offset, savedBuffers.bytes);
    let norm = Number.NaN;
    try {
      if (await this.#gradients(request, losses))
        norm = Math.sqrt(kernels.sumOfSquares(accumulators.offset, accumulators.bytes)) / accumulate;
    } catch (error) {
      this.#revertBuffers();
      throw engineFailed(`training step ${this.#step + 1}`, "the step failed", error);
    }
    if (!Number.isFinite(norm)) {
      this.#revertBuffers();
      return norm;
    }
    const clip = clipNorm > 0 ? Math.min(1, clipNorm / (norm + NORM_FLOOR)) : 1;
    const { lr, momentum } = request;
    applyUpdate(this.#arena, rule, { step: this.#step + 1, lr, momentum }, clip / accumulate);
    this.#tables.commit();
    this.#step++;
    if (average) applyAverage(this.#arena, average, this.#step);
    return norm;
  }

  #revertBuffers(): void {
    const { kernels, buffers, savedBuffers } = this.#arena;
    kernels.copy(buffers.offset, savedBuffers.offset, savedBuffers.bytes);
    this.#tables.revert();
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
      this.#tables.apply(request.micro[k] as readonly BatchArray[]);
      if (accumulate === 1) continue;
      const combine = k === 0 ? kernels.copy : kernels.add;
      combine(accumulators.offset, gradients.offset, gradients.bytes);
    }
    return true;
  }
}
