/** limbeck's training loop held between turns: the same in Node and in a browser. */
import { sizeOf } from "../../src/engine/graph/tensor.js";
import type { DataSet } from "../../src/learn/data/types.js";
import { trainableModel } from "../../src/engine/models/model.js";
import type { Executor, ExecutorConfig, StepRequest, StepsResult } from "../../src/engine/runtime/types.js";
import { type LoopHost, runLoop } from "../../src/learn/train/loop.js";
import type { TrainingTask } from "../../src/learn/train/types.js";
import { modelOf } from "../harness/model.js";
import type { PreparedWorkload } from "../harness/prepare.js";
import type { Timing } from "../harness/protocol.js";
import { SEED } from "../workloads.js";

/** Nothing crosses to the worker at once that takes longer than this part of a turn, so that turns end in time. */
const LONGEST_SHARE = 0.1;

/** Enough that no training ends while it is measured. */
const STEPS = 1e9;

export interface OpenedLoop {
  readonly loop: TrainingLoop;
  readonly parameters: number;
  /** Reading data and building the model; compiling the step; opening the executor with its session. */
  readonly seconds: { readonly build: number; readonly compile: number; readonly open: number };
}

/** Where a loop runs; it keeps nothing. */
export type HeldHost = Pick<LoopHost, "createExecutor" | "target" | "environment" | "log">;

/** Starts a training that stands still until it is asked for steps. @param start when the work began, in ms */
export function holdLoop(task: TrainingTask, host: HeldHost, start: number): Promise<OpenedLoop> {
  const built = performance.now();
  const stop = new AbortController();
  return new Promise((resolve, reject) => {
    const holding: LoopHost = {
      ...host,
      async createExecutor(config: ExecutorConfig, initial: Parameters<LoopHost["createExecutor"]>[1]) {
        const compiled = performance.now();
        const executor = await host.createExecutor(config, initial);
        const opened = performance.now();
        const held = new HeldExecutor(executor, config.step.losses.length);
        const seconds = {
          build: (built - start) / 1000,
          compile: (compiled - built) / 1000,
          open: (opened - compiled) / 1000,
        };
        const parameters = config.step.parameters.reduce((sum, p) => sum + sizeOf(p.shape), 0);
        resolve({ loop: new TrainingLoop(held, stop, ended), parameters, seconds });
        return held;
      },
      save: null,
      kept: () => null,
    };
    // It ends by interruption only; whatever else it throws belongs to who waits for steps.
    const ended = runLoop(task, { signal: stop.signal }, holding, null).then(
      () => undefined,
      (error: Error) => (error.name === "InterruptedError" ? undefined : error),
    );
    ended.then((error) => reject(error ?? new Error("the training ended before it began")));
  });
}

/** A training under way that stands still between turns. */
export class TrainingLoop {
  constructor(
    private readonly held: HeldExecutor,
    private readonly abort: AbortController,
    private readonly ended: Promise<Error | undefined>,
  ) {}

  /** Total losses of the next `count` steps. */
  losses(count: number): Promise<readonly number[]> {
    return this.#unlessEnded(this.held.release({ steps: count, seconds: 0 })).then((turn) => turn.losses);
  }

  /** Trains for about so many seconds. */
  async run(seconds: number): Promise<Timing> {
    const turn = await this.#unlessEnded(this.held.release({ steps: 1, seconds }));
    return { steps: turn.steps, seconds: turn.elapsed, loss: turn.losses[turn.losses.length - 1] as number };
  }

  /** Ends the training and frees the worker; traces are complete afterwards. */
  async dispose(): Promise<void> {
    this.abort.abort();
    this.held.close();
    await this.ended;
  }

  /** A training that ends while it should run has failed. */
  async #unlessEnded<T>(turn: Promise<T>): Promise<T> {
    const failed = this.ended.then((error): never => {
      throw error ?? new Error("the training ended");
    });
    return Promise.race([turn, failed]);
  }
}

/** At least so many steps and so many seconds. */
interface TurnLimits {
  readonly steps: number;
  readonly seconds: number;
}

interface Turn {
  readonly limits: TurnLimits;
  readonly start: number;
  readonly losses: number[];
  readonly done: (turn: FinishedTurn) => void;
}

interface FinishedTurn {
  readonly steps: number;
  readonly elapsed: number;
  readonly losses: readonly number[];
}

/** The real executor behind a gate: steps wait until a turn is on, and a turn ends after a whole step. */
class HeldExecutor implements Executor {
  #turn: Turn | undefined;
  #opened: (() => void) | undefined;
  #closed = false;
  /** Seconds a step, once known. */
  #pace = 0;

  constructor(
    private readonly executor: Executor,
    private readonly width: number,
  ) {}

  /** Opens the gate until the limits are reached. */
  release(limits: TurnLimits): Promise<FinishedTurn> {
    return new Promise((done) => {
      this.#turn = { limits, start: performance.now(), losses: [], done };
      this.#opened?.();
    });
  }

  /** No more steps: what waits at the gate goes home undone. */
  close(): void {
    this.#closed = true;
    this.#opened?.();
  }

  async run(requests: readonly StepRequest[]): Promise<StepsResult> {
    const parts: StepsResult[] = [];
    let from = 0;
    while (from < requests.length) {
      if (!this.#turn && !this.#closed) await new Promise<void>((resolve) => (this.#opened = resolve));
      if (this.#closed) break;
      const part = await this.executor.run(requests.slice(from, from + this.#size()));
      parts.push(part);
      from += part.done;
      this.#count(part);
      if (part.done === 0 || part.diverged) break;
    }
    return this.#joined(parts);
  }

  evaluate: Executor["evaluate"] = (samples, count) => this.executor.evaluate(samples, count);
  snapshot: Executor["snapshot"] = () => this.executor.snapshot();
  restore: Executor["restore"] = (state) => this.executor.restore(state);
  stop: Executor["stop"] = () => this.executor.stop();
  dispose: Executor["dispose"] = () => this.executor.dispose();

  /** Steps that cross at once: all, unless they would take too long for a turn. */
  #size(): number {
    const { limits, losses } = this.#turn as Turn;
    if (limits.seconds === 0) return limits.steps - losses.length;
    return this.#pace > 0 ? Math.max(1, Math.floor((limits.seconds * LONGEST_SHARE) / this.#pace)) : 1;
  }

  #count(part: StepsResult): void {
    const turn = this.#turn as Turn;
    for (let i = 0; i < part.done; i++) turn.losses.push(part.losses[i * this.width] as number);
    const elapsed = (performance.now() - turn.start) / 1000;
    this.#pace = elapsed / Math.max(1, turn.losses.length);
    if (turn.losses.length < turn.limits.steps || elapsed < turn.limits.seconds) return;
    this.#turn = undefined;
    turn.done({ steps: turn.losses.length, elapsed, losses: turn.losses });
  }

  #joined(parts: readonly StepsResult[]): StepsResult {
    if (parts.length === 1) return parts[0] as StepsResult;
    const joined = (pick: (p: StepsResult) => Float32Array): Float32Array =>
      Float32Array.from(parts.flatMap((p) => [...pick(p)]));
    return {
      losses: joined((p) => p.losses),
      gradientNorms: joined((p) => p.gradientNorms),
      diagnostics: [],
      done: parts.reduce((sum, p) => sum + p.done, 0),
      diverged: parts.some((p) => p.diverged),
    };
  }
}

/** @param logits the teacher's, for a workload that distils */
export function taskOf(
  workload: PreparedWorkload,
  data: DataSet,
  logits: Float32Array | undefined,
  threads: number,
): TrainingTask {
  const { classes, sampleCount } = workload;
  return {
    name: workload.name,
    model: trainableModel(modelOf(workload)),
    data,
    train: Uint32Array.from({ length: sampleCount }, (_, i) => i),
    validation: new Uint32Array(0),
    objective: workload.objective,
    teacher: logits && {
      kind: "logits",
      gather(indices, out) {
        indices.forEach((sample, i) => {
          out.set(logits.subarray(sample * classes, (sample + 1) * classes), i * classes);
        });
      },
    },
    settings: {
      batch: workload.batch,
      steps: STEPS,
      rule: workload.rule,
      schedule: { kind: "constant", lr: workload.lr, warmup: 0 },
      clipNorm: 0,
      accumulate: 1,
      seed: SEED,
      augmentation: null,
      select: "last",
      patience: null,
      validateEvery: STEPS,
      diagnoseEvery: 0,
      threads,
      device: "cpu",
    },
    directory: null,
    fingerprint: workload.name,
  };
}
