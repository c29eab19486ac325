/** The training loop: knows no loss, no optimiser and no architecture. */
import { arch, platform } from "node:os";
import { makeFolder } from "../atomic.js";
import { type CompiledTraining, compileTraining } from "../compile/compile.js";
import type { Target } from "../compile/lower.js";
import { InputError, InterruptedError, type RunError } from "../errors.js";
import { blockSize } from "../runtime/block.js";
import { createExecutor } from "../runtime/executor.js";
import type { Executor, ExecutorState, StepRequest, StepsResult } from "../runtime/types.js";
import { BatchMaker, planBatches } from "./batches.js";
import {
  type Checkpoint,
  type LoopState,
  loadCheckpoint,
  loadResult,
  saveCheckpoint,
  saveResult,
} from "./checkpoint.js";
import { describeDivergence } from "./divergence.js";
import { MetricsLog } from "./metrics-log.js";
import { ProgressMeter } from "./progress.js";
import type { CurvePoint, TrainingHooks, TrainingResult, TrainingTask } from "./types.js";
import { isBetter, mainScore, validate } from "./validate.js";

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
 * Trains a model and returns the chosen weights.
 * With a directory, metrics and checkpoints go there, and a finished training with the same fingerprint is not repeated.
 * @throws InterruptedError after writing a checkpoint when the signal aborts
 * @throws RunError when the loss or the gradient is no longer finite; the last checkpoint stays
 */
export async function train(task: TrainingTask, hooks: TrainingHooks = {}): Promise<TrainingResult> {
  if (task.directory !== null) {
    makeFolder(task.directory);
    const done = hooks.resume ? loadResult(task.directory, task.fingerprint) : null;
    if (done) return done;
  }
  const found = task.directory !== null && hooks.resume ? loadCheckpoint(task.directory) : null;
  if (found && found.fingerprint !== task.fingerprint) {
    throw new InputError(
      task.directory as string,
      `its checkpoint belongs to another training of "${task.name}" (data, recipe, teacher or version changed). Resume with the recipe it was started with, or start a new run with --out`,
    );
  }
  const loop = new Loop(task, hooks, found, await targetOf(task.settings.device));
  try {
    return await loop.run();
  } finally {
    await loop.dispose();
  }
}

/** The form that graphs run fastest in: ONNX Runtime's blocked layout where the processor has one. */
async function targetOf(device: "cpu" | "webgpu"): Promise<Target> {
  if (device === "webgpu") return "webgpu";
  const block = await blockSize();
  return block === undefined ? "plain" : { blocked: block };
}

/** What must be equal for a resume to give the same bytes, besides the fingerprint. */
export function trainingEnvironment(threads: number): string {
  return `node ${process.versions.node}, ${platform()}-${arch()}, threads ${threads}`;
}

class Loop {
  readonly #maker: BatchMaker;
  readonly #compiled: CompiledTraining;
  readonly #classes: number;
  readonly #every: number;
  readonly #log: MetricsLog;
  readonly #meter: ProgressMeter;
  readonly #warnings: string[] = [];
  #executor: Executor | undefined;
  #state: LoopState;
  #best: ReadonlyMap<string, Float32Array> | null;
  #started = 0;
  #lastCheckpoint = 0;

  constructor(
    readonly task: TrainingTask,
    readonly hooks: TrainingHooks,
    readonly found: Checkpoint | null,
    target: Target,
  ) {
    const { settings, model } = task;
    const plan = planBatches(task.train.length, settings.batch, settings.accumulate);
    this.#classes = classesOf(task);
    this.#compiled = compileTraining({
      model,
      batch: plan.batch,
      sampleShape: task.data.sampleShape,
      sampleType: task.data.samples instanceof Uint8Array ? "uint8" : "float32",
      classes: this.#classes,
      objective: task.objective,
      teacherKind: task.teacher?.kind,
      target,
      verify: Boolean(process.env.LIMBECK_DEBUG),
    });
    this.#maker = new BatchMaker(task, this.#compiled, plan);
    const epochs = Math.ceil(settings.steps / plan.stepsPerEpoch);
    this.#every = settings.validateEvery ?? plan.stepsPerEpoch * Math.ceil(epochs / MOST_VALIDATIONS);
    this.#state = found?.loop ?? START;
    this.#best = found?.best ?? null;
    this.#log = new MetricsLog(task.directory, this.#state.metricsBytes);
    this.#meter = new ProgressMeter(task.name, settings.steps, this.#state.step);
    if (plan.batch < settings.batch) {
      this.#warnings.push(
        `${task.name}: ${task.train.length} samples do not fill a batch of ${settings.batch}; the batch is ${plan.batch}`,
      );
    }
    const environment = trainingEnvironment(settings.threads);
    if (found && found.environment !== environment) {
      this.#warnings.push(
        `resumed on ${environment} a training begun on ${found.environment}: the result may differ in the last bits`,
      );
    }
  }

  async run(): Promise<TrainingResult> {
    const { settings } = this.task;
    this.#started = performance.now();
    this.#lastCheckpoint = this.#started;
    this.#executor = await this.#open();
    let upcoming = this.#chunk(this.#state.step);
    while (this.#state.step < settings.steps && !this.#exhausted()) {
      await this.#stopWhenAsked();
      const requests = upcoming;
      const running = this.#executor.run(requests);
      upcoming = this.#chunk(this.#state.step + requests.length);
      const onAbort = (): void => this.#executor?.stop();
      this.hooks.signal?.addEventListener("abort", onAbort, { once: true });
      const result = await running;
      this.hooks.signal?.removeEventListener("abort", onAbort);
      this.#account(requests, result);
      if (result.diverged) throw this.#diverged(result, requests);
      if (result.done < requests.length) {
        await this.#stopWhenAsked();
        upcoming = this.#chunk(this.#state.step);
        continue;
      }
      if (this.#validationDue()) await this.#validate();
      await this.#checkpointWhenDue();
    }
    return this.#finish();
  }

  async dispose(): Promise<void> {
    this.#log.close();
    await this.#executor?.dispose();
  }

  async #open(): Promise<Executor> {
    const { task } = this;
    const { settings } = task;
    const initial: ExecutorState = this.found?.state ?? {
      step: 0,
      parameters: weightsOf(task, task.model.parameters),
      buffers: weightsOf(task, task.model.buffers),
      moments: new Map(),
    };
    const { step, evaluation, diagnostic } = this.#compiled;
    const { rule, clipNorm, accumulate, seed, device, threads } = settings;
    return createExecutor({ step, evaluation, diagnostic, rule, clipNorm, accumulate, seed, device, threads }, initial);
  }

  /** Requests from a step up to the next validation, within the chunk limits. */
  #chunk(from: number): StepRequest[] {
    const { steps } = this.task.settings;
    const untilValidation = this.#every - (from % this.#every);
    const fitting = Math.max(1, Math.floor(CHUNK_BYTES / this.#maker.bytes));
    const count = Math.min(CHUNK_STEPS, fitting, untilValidation, steps - from);
    return Array.from({ length: Math.max(count, 0) }, (_, i) => this.#maker.request(from + i));
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
    }
    for (const { step, values } of result.diagnostics) {
      if (step >= result.done) continue;
      const total = values.reduce((a, v) => a + v, 0) || 1;
      const share = Object.fromEntries(this.#compiled.terms.map((t, k) => [t, (values[k] as number) / total]));
      shares.push({ step: this.#state.step + step + 1, shares: share });
      records.push({ step: this.#state.step + step + 1, gradient_share: share });
    }
    this.#log.append(records);
    this.#state = {
      ...this.#state,
      step: this.#state.step + result.done,
      gradientShares: shares,
      lossSums: sums,
      lossCount: this.#state.lossCount + result.done,
      metricsBytes: this.#log.bytes,
    };
    // A validation reports by itself, with the new score.
    if (!this.#validationDue()) this.#report();
  }

  #validationDue(): boolean {
    return this.#state.step % this.#every === 0 || this.#state.step === this.task.settings.steps;
  }

  async #validate(): Promise<void> {
    const executor = this.#executor as Executor;
    const score = await validate(executor, this.task, this.#classes, this.#state.step);
    const { step, lossSums, lossCount, curve } = this.#state;
    const mean = (k: number): number => (lossSums[k] ?? 0) / Math.max(lossCount, 1);
    const epoch = step / this.#maker.plan.stepsPerEpoch;
    const terms = Object.fromEntries(this.#compiled.terms.map((t, k) => [t, mean(k + 1)]));
    const point: CurvePoint = { step, epoch, loss: mean(0), terms, ...score };
    const better = isBetter(score, curve[this.#state.best]);
    if (better) this.#best = await bestOf(executor);
    this.#log.append([{ step, epoch, validation: score }]);
    this.#state = {
      ...this.#state,
      curve: [...curve, point],
      best: better ? curve.length : this.#state.best,
      stale: better ? 0 : this.#state.stale + 1,
      lossSums: [],
      lossCount: 0,
      metricsBytes: this.#log.bytes,
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
    const due = (this.hooks.checkpointSeconds ?? 2) * 1000;
    if (performance.now() - this.#lastCheckpoint >= due) await this.#checkpoint();
  }

  async #checkpoint(): Promise<void> {
    const { directory, fingerprint, settings } = this.task;
    if (directory === null || !this.#executor) return;
    const state = await this.#executor.snapshot();
    const loop = { ...this.#state, seconds: this.#seconds() };
    await saveCheckpoint(directory, {
      fingerprint,
      environment: trainingEnvironment(settings.threads),
      loop,
      state,
      best: this.#best,
    });
    this.#lastCheckpoint = performance.now();
  }

  #seconds(): number {
    return (this.found?.loop.seconds ?? 0) + (performance.now() - this.#started) / 1000;
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
    );
  }

  async #finish(): Promise<TrainingResult> {
    const { task } = this;
    // Without validation samples nothing can choose.
    const select = task.validation.length === 0 ? "last" : task.settings.select;
    const weights = select === "best" && this.#best ? this.#best : await bestOf(this.#executor as Executor);
    const { curve, best, step } = this.#state;
    const chosen = (select === "best" ? curve[best] : curve[curve.length - 1]) as CurvePoint;
    const result: TrainingResult = {
      weights,
      steps: step,
      epochs: step / this.#maker.plan.stepsPerEpoch,
      seconds: this.#seconds(),
      selection: describeSelection(select, chosen, step, this.#exhausted()),
      chosen,
      curve,
      gradientShares: this.#state.gradientShares,
      warnings: this.#warnings,
    };
    if (task.directory !== null) await saveResult(task.directory, task.fingerprint, result);
    return result;
  }
}

function describeSelection(select: "best" | "last", chosen: CurvePoint, steps: number, early: boolean): string {
  const score = mainScore(chosen);
  const value = score ? ` ${(100 * score.value).toFixed(1)} %` : "";
  const metric = score ? `validation ${score.metric}` : "validation";
  const end = early ? `, stopped early at step ${steps}` : "";
  return select === "best"
    ? `best by ${metric} (${value.trim()}), step ${chosen.step} of ${steps}${end}`
    : `last step ${steps} (${metric}${value})${end}`;
}

async function bestOf(executor: Executor): Promise<ReadonlyMap<string, Float32Array>> {
  const { parameters, buffers } = await executor.snapshot();
  return new Map([...parameters, ...buffers]);
}

function classesOf(task: TrainingTask): number {
  const output = task.model.graph.outputs.find((o) => o.name === task.model.output);
  const last = output?.shape?.[output.shape.length - 1];
  if (typeof last === "number") return last;
  if (task.data.classes.length > 0) return task.data.classes.length;
  throw new InputError(
    `output "${task.model.output}"`,
    "its number of classes is unknown; declare the output's shape in the model",
  );
}

function weightsOf(task: TrainingTask, names: readonly string[]): Map<string, Float32Array> {
  return new Map(
    names.map((name) => {
      const tensor = task.model.graph.initializers.get(name);
      if (!(tensor?.data instanceof Float32Array))
        throw new InputError(`parameter "${name}"`, "the student has no float32 initialiser of that name");
      return [name, Float32Array.from(tensor.data)];
    }),
  );
}
