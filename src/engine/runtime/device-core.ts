/**
 * The executor's engine for a device (WebGPU): parameters, moments and buffers stay in the device's memory and the
 * optimiser is a graph. Every step makes new tensors and drops the old ones when it has succeeded, so a step that diverges
 * changes nothing.
 */
import type * as Ort from "onnxruntime-node";
import type { UpdateScalars } from "../optim/types.js";
import { DeviceState, free, type TensorMap } from "./device-state.js";
import { drive } from "./drive.js";
import { Evaluator } from "./evaluator.js";
import { engineFailed, mismatch } from "./faults.js";
import type { OnnxRuntime } from "./ort.js";
import { averagedNames } from "./state.js";
import { type Feeds, StepFeeds } from "./step-feeds.js";
import { checkKnown, load, verifyProgram } from "./step-session.js";
import type { BatchArray, ExecutorConfig, ExecutorState, StepRequest, StepsResult, UpdateProgram } from "./types.js";
import { averageRate, updateScalars } from "./update.js";

interface Sessions {
  readonly step: Ort.InferenceSession;
  readonly update: Ort.InferenceSession;
  readonly accumulate: Ort.InferenceSession | undefined;
  readonly average: Ort.InferenceSession | undefined;
}

export class DeviceCore {
  readonly #runtime: OnnxRuntime;
  readonly #config: ExecutorConfig;
  readonly #program: UpdateProgram;
  readonly #sessions: Sessions;
  readonly #state: DeviceState;
  readonly #evaluator: Evaluator;
  readonly #feeds: Feeds = {};
  readonly #inputs: StepFeeds;
  /** What the step's graph reads. */
  readonly #fed: ReadonlySet<string>;
  #diagnostic: Ort.InferenceSession | undefined;
  #step = 0;

  private constructor(runtime: OnnxRuntime, config: ExecutorConfig, program: UpdateProgram, sessions: Sessions) {
    this.#runtime = runtime;
    this.#config = config;
    this.#program = program;
    this.#sessions = sessions;
    this.#fed = new Set(sessions.step.inputNames);
    this.#inputs = new StepFeeds(runtime, config, this.#feeds);
    this.#state = new DeviceState(runtime, config, sessions.step);
    this.#evaluator = new Evaluator(
      runtime,
      config,
      (name) => this.#state.averages.get(name) ?? this.#state.tensors.get(name),
    );
  }

  /**
   * Opens the sessions and takes the state over.
   * @throws RunError when a graph does not load, names disagree, the state does not fit, or there is no device
   */
  static async create(runtime: OnnxRuntime, config: ExecutorConfig, initial: ExecutorState): Promise<DeviceCore> {
    const program = config.update;
    if (!program) throw mismatch(`device ${config.device}`, "the update was not compiled");
    const { step } = config;
    const kept = [...step.parameters.map((p) => p.gradient), ...step.buffers.map((b) => b.update)];
    const updated = program.parameters.flatMap((p) => [p.updated, ...p.updatedMoments]);
    const totals = step.parameters.map((p) => `total/${p.name}`);
    const averaged = averagedNames(config).map((name) => `averaged/${name}`);
    if (config.average && !program.average)
      throw mismatch(`device ${config.device}`, "the averaging of weights was not compiled");
    const native = await load(runtime, config, step.graph, "training", kept);
    const sessions = {
      step: native,
      update: await load(runtime, config, program.graph, "update", updated),
      accumulate: program.accumulate && (await load(runtime, config, program.accumulate, "accumulation", totals)),
      average:
        config.average && program.average && (await load(runtime, config, program.average, "averaging", averaged)),
    };
    const core = new DeviceCore(runtime, config, program, sessions);
    core.restore(initial);
    core.#bind();
    verifyProgram(native, config, core.#feeds, [...kept, ...step.losses]);
    return core;
  }

  /** Updates done so far. */
  get step(): number {
    return this.#step;
  }

  /** Runs updates in order, until done, stopped or diverged; see `drive`. */
  run(requests: readonly StepRequest[], stopped: () => boolean | Promise<boolean> = () => false): Promise<StepsResult> {
    return drive(this, this.#config, requests, stopped);
  }

  /** Outputs [count, ...] for samples, with the current state. */
  evaluate(samples: readonly BatchArray[], count: number): Promise<Float32Array> {
    return this.#evaluator.run(samples, count);
  }

  /** Copies of the state, read back from the device. */
  snapshot(): Promise<ExecutorState> {
    return this.#state.read(this.#step);
  }

  /** Replaces the state; leaves it as it was when the new one does not fit. */
  restore(state: ExecutorState): void {
    this.#state.write(state);
    this.#step = state.step;
  }

  /** Frees the sessions and the device's memory. */
  async dispose(): Promise<void> {
    const { step, update, accumulate, average } = this.#sessions;
    this.#state.dispose();
    for (const session of [step, update, accumulate, average, this.#diagnostic]) await session?.release();
    await this.#evaluator.dispose();
    await this.#state.release();
  }

  /** Diagnostic outputs for the request's first micro-batch; undefined when there is no such program. */
  async diagnose(request: StepRequest): Promise<Float32Array | undefined> {
    const program = this.#config.diagnostic;
    if (!program) return undefined;
    this.#bind();
    this.#inputs.fill(request, 0, this.#step * this.#config.accumulate);
    if (!this.#diagnostic) {
      this.#diagnostic = await load(this.#runtime, this.#config, program.graph, "diagnostic");
      const known = new Map(Object.entries(this.#feeds).map(([name, t]) => [name, { type: t.type, shape: t.dims }]));
      checkKnown(this.#diagnostic, known, "diagnostic");
    }
    try {
      const results = await this.#diagnostic.run(pick(this.#feeds, this.#diagnostic.inputNames), program.outputs);
      return Float32Array.from(program.outputs, (name) => scalarOf(results, name));
    } catch (cause) {
      throw engineFailed(`training step ${this.#step + 1}`, "the diagnostic graph failed", cause);
    }
  }

  /** One update; see `Stepper`. */
  async update(request: StepRequest, losses: Float32Array): Promise<number> {
    const gradients: TensorMap = new Map();
    const buffers: TensorMap = new Map();
    let norm = Number.NaN;
    try {
      if (await this.#gradients(request, losses, gradients, buffers))
        norm = await this.#apply(request, gradients, buffers);
    } catch (error) {
      free(buffers.values());
      throw engineFailed(`training step ${this.#step + 1}`, "the step failed", error);
    } finally {
      free(gradients.values());
    }
    if (Number.isFinite(norm)) this.#step++;
    else free(buffers.values());
    return norm;
  }

  /** Sums the gradients of the micro-batches and advances the buffers; false when the loss is not finite. */
  async #gradients(
    request: StepRequest,
    losses: Float32Array,
    gradients: TensorMap,
    buffers: TensorMap,
  ): Promise<boolean> {
    const { step, accumulate } = this.#config;
    for (let k = 0; k < accumulate; k++) {
      this.#bind(buffers);
      this.#inputs.fill(request, k, this.#step * accumulate + k);
      const results = await this.#sessions.step.run(this.#feeds);
      step.losses.forEach((name, i) => {
        losses[i] = (losses[i] as number) + scalarOf(results, name) / accumulate;
      });
      const moved = new Map(step.buffers.map((b) => [b.name, results[b.update] as Ort.Tensor]));
      free(buffers.values());
      for (const [name, tensor] of moved) buffers.set(name, tensor);
      await this.#add(gradients, new Map(step.parameters.map((p) => [p.name, results[p.gradient] as Ort.Tensor])));
      if (!Number.isFinite(losses[0])) return false;
    }
    return true;
  }

  async #add(sums: TensorMap, gradients: TensorMap): Promise<void> {
    const { accumulate } = this.#sessions;
    if (sums.size === 0 || !accumulate) {
      for (const [name, tensor] of gradients) sums.set(name, tensor);
      return;
    }
    const feeds: Feeds = {};
    for (const [name, tensor] of sums) feeds[`sum/${name}`] = tensor;
    for (const [name, tensor] of gradients) feeds[`gradient/${name}`] = tensor;
    try {
      const totals = await accumulate.run(feeds);
      free(sums.values());
      for (const name of gradients.keys()) sums.set(name, totals[`total/${name}`] as Ort.Tensor);
    } finally {
      free(gradients.values());
    }
  }

  /** Runs the rule; the state is replaced, buffers included, when the norm, which is returned, is finite. */
  async #apply(request: StepRequest, gradients: TensorMap, buffers: TensorMap): Promise<number> {
    const { parameters, scalars, norm } = this.#program;
    const { lr, momentum } = request;
    const values: UpdateScalars = updateScalars(this.#config.rule, { step: this.#step + 1, lr, momentum });
    const feeds: Feeds = {};
    for (const { field, input } of scalars) {
      const value = (values as unknown as Record<string, number>)[field] as number;
      feeds[input] = new this.#runtime.Tensor("float32", Float32Array.of(value), []);
    }
    for (const p of parameters) {
      feeds[p.name] = this.#state.get(p.name);
      feeds[p.gradient] = gradients.get(p.name) as Ort.Tensor;
      p.moments.forEach((name, i) => {
        feeds[name] = this.#state.get(`${p.name}/${i}`, "moment");
      });
    }
    const results = await this.#sessions.update.run(feeds);
    const made: TensorMap = new Map(parameters.map((p) => [p.name, results[p.updated] as Ort.Tensor]));
    const moments: TensorMap = new Map(
      parameters.flatMap((p) => p.updatedMoments.map((m, i) => [`${p.name}/${i}`, results[m] as Ort.Tensor] as const)),
    );
    const size = scalarOf(results, norm);
    const state = new Map([...made, ...buffers]);
    try {
      if (Number.isFinite(size)) this.#state.replace(state, moments, await this.#averages(state));
      else free([...made.values(), ...moments.values()]);
    } catch (error) {
      free([...made.values(), ...moments.values()]);
      throw error;
    }
    return size;
  }

  /** The averages after an update that led to this state; none without averaging. */
  async #averages(state: TensorMap): Promise<TensorMap> {
    const { average } = this.#config;
    const session = this.#sessions.average;
    if (!average || !session) return new Map();
    const rate = averageRate(average, this.#step + 1);
    const feeds: Feeds = { "average/rate": new this.#runtime.Tensor("float32", Float32Array.of(rate), []) };
    for (const [name, tensor] of this.#state.averages) {
      feeds[`average/${name}`] = tensor;
      feeds[`value/${name}`] = state.get(name) as Ort.Tensor;
    }
    const results = await session.run(feeds);
    return new Map([...this.#state.averages.keys()].map((name) => [name, results[`averaged/${name}`] as Ort.Tensor]));
  }

  /** Feeds the state as it is now, with newer buffers where there are any. */
  #bind(buffers: ReadonlyMap<string, Ort.Tensor> = new Map()): void {
    for (const [name, tensor] of this.#state.tensors) {
      if (this.#fed.has(name)) this.#feeds[name] = buffers.get(name) ?? tensor;
    }
  }
}

const scalarOf = (results: Ort.InferenceSession.OnnxValueMapType, name: string): number =>
  ((results[name] as Ort.Tensor).data as Float32Array)[0] as number;

const pick = (feeds: Feeds, names: readonly string[]): Feeds =>
  Object.fromEntries(names.map((name) => [name, feeds[name] as Ort.Tensor]));
