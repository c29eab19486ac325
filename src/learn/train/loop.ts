/**
 * The training loop: knows no loss, no optimiser and no architecture, and nothing of Node. Where steps are executed and
 * where checkpoints go is its host's business.
 */
import type { CompiledTraining } from "../../engine/compile/compile.js";
import { debug, since } from "../../base/debug.js";
import { InterruptedError, type RunError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import { meanShares, shareWarnings } from "../../engine/objective/gradient-shares.js";
import type { Executor, ExecutorConfig, ExecutorState, StepRequest, StepsResult } from "../../engine/runtime/types.js";
import { initialShareWarning } from "./average.js";
import { BatchMaker, planBatches } from "./batches.js";
import type { Checkpoint, LoopState } from "./checkpoint.js";
import { describeDivergence } from "./divergence.js";
import { classesOf, compileTask, executorConfig, initialState, type ProgramTarget } from "./program.js";
import { memoryWarning } from "./memory-warning.js";
import { ProgressMeter } from "./progress.js";
import type { CurvePoint, TrainingHooks, TrainingResult, TrainingTask } from "./types.js";
import { scoreText } from "../evaluate/score-metric.js";
import { isBetter, mainScore, validate } from "./validate.js";

/** What a loop needs of where it runs. */
export interface LoopHost extends ProgramTarget {
  createExecutor(config: ExecutorConfig, initial: ExecutorState): Promise<Executor>;
  /** What must be equal for a resume to give the same bytes, besides the fingerprint. */
  readonly environment: string;
  /** Takes the records of steps and validations. */
  readonly log: { readonly bytes: number; append(records: readonly object[]): void };
  /** Keeps a checkpoint; null when nothing is kept. */
  readonly save: ((checkpoint: Checkpoint) => Promise<void>) | null;
  /** Where the last checkpoint lies, for messages; null when there is none. */
  kept(): string | null;
  /** Bytes of memory that are free; absent where nobody knows. */
  freeMemory?(): number;
}

/** Requests that cross to the worker at once: at most so many steps and bytes. */
const CHUNK_STEPS = 64;
const CHUNK_BYTES = 8 << 20;
const MOST_VALIDATIONS = 40;

const START: LoopState = {
  step: 0,
  curve: [],
  gradientShares: [],
  best: -1,
  stale: 0,
  lossSums: [],
  lossCount: 0,
  metricsBytes: 0,
  seconds: 0,
};

/**
 * Runs a training, from its start or from a checkpoint.
 * @throws InterruptedError after writing a checkpoint when the signal aborts
 * @throws RunError when the loss or the gradient is no longer finite; the last checkpoint stays
 */
export async function runLoop(
  task: TrainingTask,
  hooks: TrainingHooks,
  host: LoopHost,
  found: Checkpoint | null,
): Promise<TrainingResult> {
  const loop = new Loop(task, hooks, host, found);
  try {
    return await loop.run();
  } finally {
    await loop.dispose();
  }
}

class Loop {
  readonly #maker: BatchMaker;
  readonly #compiled: CompiledTraining;
  readonly #classes: number;
  readonly #every: number;
  readonly #meter: ProgressMeter;
  readonly #warnings: string[] = [];
  #executor: Executor | undefined;
  #state: LoopState;
  #best: ReadonlyMap<string, Float32Array> | null;
  #started = 0;
  #lastCheckpoint = 0;
  /** Seconds that the last one took. */
  #checkpointCost = 0;

  constructor(
    readonly task: TrainingTask,
    readonly hooks: TrainingHooks,
    readonly host: LoopHost,
    readonly found: Checkpoint | null,
  ) {
    const { settings } = task;
    const plan = planBatches(task.train.length, settings.batch, settings.accumulate);
    this.#classes = classesOf(task);
    this.#compiled = compileTask(task, plan.batch, host);
    const large = memoryWarning(task.name, this.#compiled.memory, plan.batch, host.freeMemory?.());
    if (large) hooks.onWarning?.(large);
    this.#maker = new BatchMaker(task, this.#compiled, plan);
    const epochs = Math.ceil(settings.steps / plan.stepsPerEpoch);
    this.#every = settings.validateEvery ?? plan.stepsPerEpoch * Math.ceil(epochs / MOST_VALIDATIONS);
    this.#state = found?.loop ?? START;
    this.#best = found?.best ?? null;
    this.#meter = new ProgressMeter(task.name, settings.steps, this.#state.step);
    if (plan.batch < settings.batch) {
      this.#warnings.push(
        `${task.name}: ${noun(task.train.length, "sample")} ${task.train.length === 1 ? "does" : "do"} not fill a batch of ${settings.batch}, so the batch size is ${plan.batch}`,
      );
    }
    const forgetful = settings.average && initialShareWarning(settings.average, settings.steps);
    if (forgetful) this.#warnings.push(`${task.name}: ${forgetful}`);
    const { environment } = host;
    if (found && found.environment !== environment) {
      this.#warnings.push(
        `training started on ${found.environment} and was resumed on ${environment}, so the last bits of the result may differ`,
      );
    }
  }

  async run(): Promise<TrainingResult> {
    const { settings } = this.task;
    this.#started = performance.now();
    this.#lastCheckpoint = this.#started;
    this.#executor = await this.#open();
    debug("train")?.(
      `${this.task.name}: begins after step ${this.#state.step} of ${settings.steps}, batch size ${this.#maker.plan.batch}, ready in ${since(this.#started)}`,
    );
    let upcoming = await this.#chunk(this.#state.step);
    while (this.#state.step < settings.steps && !this.#exhausted()) {
      await this.#stopWhenAsked();
      const requests = upcoming;
      const begun = performance.now();
      const [result, next] = await this.#runAndMake(requests);
      upcoming = next;
      this.#account(requests, result);
      debug("train")?.(`${this.task.name}: ${stepsText(this.#state.step, result, begun)}`);
      if (result.diverged) throw this.#diverged(result, requests);
      if (result.done < requests.length) {
        await this.#stopWhenAsked();
        upcoming = await this.#chunk(this.#state.step);
        continue;
      }
      if (this.#validationDue()) await this.#validate();
      await this.#checkpointWhenDue();
    }
    return this.#finish();
  }

  async dispose(): Promise<void> {
    await this.#executor?.dispose();
  }

  #open(): Promise<Executor> {
    const initial = this.found?.state ?? initialState(this.task, this.#compiled);
    return this.host.createExecutor(executorConfig(this.task, this.#compiled), initial);
  }

  /**
   * Runs steps while the batches of those behind them are made. When one of the two fails, the other is stopped and waited
   * for, so that nothing goes on behind the error, which is the first there was.
   */
  async #runAndMake(requests: readonly StepRequest[]): Promise<[result: StepsResult, next: StepRequest[]]> {
    const { signal } = this.hooks;
    const executor = this.#executor as Executor;
    const errors: unknown[] = [];
    const stop = (): void => executor.stop();
    const failed = (error: unknown): undefined => {
      errors.push(error);
      stop();
    };
    signal?.addEventListener("abort", stop, { once: true });
    const running = executor.run(requests).catch(failed);
    // Before somebody listened.
    if (signal?.aborted) stop();
    const making = this.#chunk(this.#state.step + requests.length, () => errors.length > 0).catch(failed);
    const [result, next] = [await running, await making];
    signal?.removeEventListener("abort", stop);
    if (!result || !next) throw errors[0];
    return [result, next];
  }

  /** Requests from a step up to the next validation, within the chunk limits; fewer when nobody wants them any more. */
  async #chunk(from: number, unwanted = (): boolean => false): Promise<StepRequest[]> {
    const { steps } = this.task.settings;
    const untilValidation = this.#every - (from % this.#every);
    const fitting = Math.max(1, Math.floor(CHUNK_BYTES / this.#maker.bytes));
    const count = Math.min(CHUNK_STEPS, fitting, untilValidation, steps - from);
    const requests: StepRequest[] = [];
    for (let i = 0; i < count && !this.hooks.signal?.aborted && !unwanted(); i++)
      requests.push(await this.#maker.request(from + i));
    return requests;
  }

  #account(requests: readonly StepRequest[], result: StepsResult): void {
    const width = this.#compiled.step.losses.length;
    const { stepsPerEpoch } = this.#maker.plan;
    const sums = this.#state.lossSums.length ? [...this.#state.lossSums] : Array<number>(width).fill(0);
    const records: object[] = [];
    const shares = [...this.#state.gradientShares];
    for (let i = 0; i < result.done; i++) {
      const step = this.#state.step + i;
      const row = result.losses.subarray(i * width, (i + 1) * width);
      row.forEach((v, k) => {
        sums[k] = (sums[k] as number) + v;
      });
      const terms = Object.fromEntries(this.#compiled.terms.map((t, k) => [t, row[k + 1]]));
      const epoch = Math.floor(step / stepsPerEpoch) + 1;
      records.push({
        step: step + 1,
        epoch,
        loss: row[0],
        terms,
        lr: requests[i]?.lr,
        gradient_norm: result.gradientNorms[i],
      });
      // Right behind its step: the log must not depend on where a chunk ended.
      for (const { values } of result.diagnostics.filter((d) => d.step === i)) {
        const share = this.#sharesOf(values);
        shares.push({ step: step + 1, shares: share });
        records.push({ step: step + 1, gradient_share: share });
      }
    }
    this.host.log.append(records);
    this.#state = {
      ...this.#state,
      step: this.#state.step + result.done,
      gradientShares: shares,
      lossSums: sums,
      lossCount: this.#state.lossCount + result.done,
      metricsBytes: this.host.log.bytes,
    };
    // A validation reports by itself, with the new score.
    if (!this.#validationDue()) this.#report();
  }

  #sharesOf(norms: Float32Array): Readonly<Record<string, number>> {
    const total = norms.reduce((a, v) => a + v, 0) || 1;
    return Object.fromEntries(this.#compiled.terms.map((t, k) => [t, (norms[k] as number) / total]));
  }

  #validationDue(): boolean {
    return this.#state.step % this.#every === 0 || this.#state.step === this.task.settings.steps;
  }

  async #validate(): Promise<void> {
    const executor = this.#executor as Executor;
    const begun = performance.now();
    const score = await validate(executor, this.task, this.#classes, this.#state.step, this.host.kept);
    debug("train")?.(
      `${this.task.name}: validated after step ${this.#state.step} in ${since(begun)}: ${JSON.stringify(score)}`,
    );
    const { step, lossSums, lossCount, curve } = this.#state;
    const mean = (k: number): number => (lossSums[k] ?? 0) / Math.max(lossCount, 1);
    const epoch = step / this.#maker.plan.stepsPerEpoch;
    const terms = Object.fromEntries(this.#compiled.terms.map((t, k) => [t, mean(k + 1)]));
    const point: CurvePoint = { step, epoch, loss: mean(0), terms, ...score };
    const better = isBetter(score, curve[this.#state.best]);
    if (better) this.#best = await this.#weights();
    this.host.log.append([{ step, epoch, validation: score }]);
    this.#state = {
      ...this.#state,
      curve: [...curve, point],
      best: better ? curve.length : this.#state.best,
      stale: better ? 0 : this.#state.stale + 1,
      lossSums: [],
      lossCount: 0,
      metricsBytes: this.host.log.bytes,
    };
    this.#meter.score = mainScore(score);
    this.#report();
  }

  #exhausted(): boolean {
    const { patience } = this.task.settings;
    return patience !== null && this.#state.stale >= patience;
  }

  #report(): void {
    const epoch = this.#state.step / this.#maker.plan.stepsPerEpoch;
    const loss = (this.#state.lossSums[0] ?? Number.NaN) / this.#state.lossCount;
    this.hooks.onProgress?.(this.#meter.at(this.#state.step, epoch, loss));
  }

  async #stopWhenAsked(): Promise<void> {
    if (!this.hooks.signal?.aborted) return;
    await this.#checkpoint();
    throw new InterruptedError(
      `${this.task.name}: stopped after step ${this.#state.step} of ${this.task.settings.steps}`,
    );
  }

  async #checkpointWhenDue(): Promise<void> {
    const since = (performance.now() - this.#lastCheckpoint) / 1000;
    if (since >= checkpointInterval(this.#checkpointCost, this.hooks.checkpointSeconds)) await this.#checkpoint();
  }

  async #checkpoint(): Promise<void> {
    const { save, environment } = this.host;
    if (!save || !this.#executor) return;
    const begun = performance.now();
    const state = await this.#executor.snapshot();
    const loop = { ...this.#state, seconds: this.#seconds() };
    await save({ fingerprint: this.task.fingerprint, environment, loop, state, best: this.#best });
    debug("train")?.(`${this.task.name}: checkpoint after step ${loop.step} in ${since(begun)}`);
    this.#lastCheckpoint = performance.now();
    this.#checkpointCost = (this.#lastCheckpoint - begun) / 1000;
  }

  /** The student's own parameters and buffers as they are now, averaged where weights are averaged. */
  async #weights(): Promise<ReadonlyMap<string, Float32Array>> {
    const { parameters, buffers, averages = [] } = await (this.#executor as Executor).snapshot();
    const all = new Map([...parameters, ...buffers, ...averages]);
    const { connectors, states } = this.#compiled;
    return new Map([...all].filter(([name]) => !connectors.has(name) && !states.has(name)));
  }

  #seconds(): number {
    return (this.found?.loop.seconds ?? 0) + (performance.now() - this.#started) / 1000;
  }

  /** What the whole training's measurements say of the terms. */
  #shareWarnings(): string[] {
    const measured = this.#state.gradientShares.map((g) => g.shares);
    if (measured.length === 0) return [];
    return shareWarnings(meanShares(measured)).map((text) => `${this.task.name}: ${text}`);
  }

  #diverged(result: StepsResult, requests: readonly StepRequest[]): RunError {
    const row = result.losses.subarray(
      result.done * this.#compiled.step.losses.length,
      (result.done + 1) * this.#compiled.step.losses.length,
    );
    return describeDivergence(
      this.task,
      this.#compiled.terms,
      this.#state.step + 1,
      row,
      result.gradientNorms[result.done],
      requests[result.done]?.lr,
      this.host.kept(),
    );
  }

  async #finish(): Promise<TrainingResult> {
    const { task } = this;
    // Without validation samples nothing can choose.
    const select = task.validation.length === 0 ? "last" : task.settings.select;
    const weights = select === "best" && this.#best ? this.#best : await this.#weights();
    const { curve, best, step } = this.#state;
    const chosen = (select === "best" ? curve[best] : curve[curve.length - 1]) as CurvePoint;
    return {
      weights,
      steps: step,
      epochs: step / this.#maker.plan.stepsPerEpoch,
      seconds: this.#seconds(),
      selection: `${describeSelection(select, chosen, step, this.#exhausted())}${task.settings.average ? ", averaged weights" : ""}`,
      chosen,
      curve,
      gradientShares: this.#state.gradientShares,
      warnings: [...this.#warnings, ...this.#shareWarnings()],
    };
  }
}

/** Which steps ran and how long each took. @param last step that is done */
function stepsText(last: number, { done, losses }: StepsResult, begun: number): string {
  const each = ((performance.now() - begun) / Math.max(1, done)).toFixed(2);
  const loss = losses[(losses.length / Math.max(1, done)) * (done - 1)];
  return `steps ${last - done + 1} to ${last} in ${since(begun)}, ${each} ms each, loss ${loss}`;
}

/**
 * Seconds from one checkpoint to the next: those asked for, else 2, and more where a large state takes long to write, so that
 * writing takes a twentieth of the time.
 * @param cost seconds that the last one took
 */
export function checkpointInterval(cost: number, asked?: number): number {
  return asked ?? Math.max(2, 20 * cost);
}

function describeSelection(select: "best" | "last", chosen: CurvePoint, steps: number, early: boolean): string {
  const score = mainScore(chosen);
  const value = score ? ` ${scoreText(score.metric, score.value)}` : "";
  const metric = score ? `validation ${score.metric}` : "validation";
  const end = early ? `, stopped early at step ${steps}` : "";
  return select === "best"
    ? `best ${metric} (${value.trim()}), step ${chosen.step} of ${steps}${end}`
    : `last step ${steps} (${metric}${value})${end}`;
}
