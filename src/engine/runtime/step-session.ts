/** The step's and the diagnostic's sessions with their feeds and fetches bound once to the arena. */
import type * as Ort from "onnxruntime-node";
import { sizeOf } from "../graph/tensor.js";
import type { Arena } from "./arena.js";
import { engineFailed, mismatch } from "./faults.js";
import type { OnnxRuntime } from "./ort.js";
import type { RowTables } from "./row-tables.js";
import { type Feeds, StepFeeds } from "./step-feeds.js";
import type { ExecutorConfig, StepRequest } from "./types.js";

export class StepSession {
  readonly #runtime: OnnxRuntime;
  readonly #config: ExecutorConfig;
  readonly #native: Ort.InferenceSession;
  #diagnostic: Ort.InferenceSession | undefined;
  /** State, masks and scalars stay; batch arrays are replaced for every micro-batch. */
  readonly #feeds: Feeds = {};
  readonly #fetches: Feeds = {};
  readonly #names: string[] = [];
  readonly #inputs: StepFeeds;
  readonly #losses: Float32Array[] = [];

  private constructor(runtime: OnnxRuntime, config: ExecutorConfig, native: Ort.InferenceSession) {
    this.#runtime = runtime;
    this.#config = config;
    this.#native = native;
    this.#inputs = new StepFeeds(runtime, config, this.#feeds);
  }

  /** @throws RunError when the graph does not load or does not have the inputs and outputs the program declares */
  static async open(
    runtime: OnnxRuntime,
    config: ExecutorConfig,
    arena: Arena,
    tables: RowTables,
  ): Promise<StepSession> {
    const native = await load(runtime, config, config.step.graph, "training");
    const session = new StepSession(runtime, config, native);
    try {
      session.#bind(arena, tables);
      session.#verify();
    } catch (error) {
      await native.release();
      throw error;
    }
    return session;
  }

  /**
   * Runs the step on one micro-batch: gradients and buffer updates land in the arena.
   * @param index micro-batch of the request
   * @param maskStep number of micro-batches before this one in the whole training
   */
  async run(request: StepRequest, index: number, maskStep: number): Promise<void> {
    this.#inputs.fill(request, index, maskStep);
    if (this.#runtime.writesInPlace) {
      await this.#native.run(this.#feeds, this.#fetches);
      return;
    }
    const results = await this.#native.run(this.#feeds, this.#names);
    for (const name of this.#names)
      (this.#fetches[name]?.data as Float32Array).set(results[name]?.data as Float32Array);
  }

  /** Loss i of the last run. */
  loss(i: number): number {
    return this.#losses[i]?.[0] as number;
  }

  /** Diagnostic outputs for the request's first micro-batch; undefined when there is no such program. `step`: updates done. */
  async diagnose(request: StepRequest, step: number): Promise<Float32Array | undefined> {
    const program = this.#config.diagnostic;
    if (!program) return undefined;
    this.#inputs.fill(request, 0, step * this.#config.accumulate);
    if (!this.#diagnostic) {
      this.#diagnostic = await load(this.#runtime, this.#config, program.graph, "diagnostic");
      const known = new Map(Object.entries(this.#feeds).map(([name, t]) => [name, { type: t.type, shape: t.dims }]));
      checkKnown(this.#diagnostic, known, "diagnostic");
    }
    const feeds = Object.fromEntries(this.#diagnostic.inputNames.map((n) => [n, this.#feeds[n] as Ort.Tensor]));
    try {
      const results = await this.#diagnostic.run(feeds, program.outputs);
      return Float32Array.from(program.outputs, (name) => (results[name]?.data as Float32Array)[0] as number);
    } catch (cause) {
      throw engineFailed(`training step ${step + 1}`, "the diagnostic graph failed", cause);
    }
  }

  async dispose(): Promise<void> {
    await this.#native.release();
    await this.#diagnostic?.release();
  }

  #bind(arena: Arena, tables: RowTables): void {
    const { step } = this.#config;
    const tensor = (data: Float32Array, shape: readonly number[]) => new this.#runtime.Tensor("float32", data, shape);
    for (const p of step.parameters) {
      this.#feeds[p.name] = tensor(arena.parameter(p.name), p.shape);
      this.#fetch(p.gradient, tensor(arena.gradient(p.name), p.shape));
    }
    for (const b of step.buffers) {
      this.#feeds[b.name] = tensor(arena.buffer(b.name), b.shape);
      const rows = tables.update(b.name);
      const shape = rows ? [rows.length / sizeOf(b.shape.slice(1)), ...b.shape.slice(1)] : b.shape;
      this.#fetch(b.update, tensor(rows ?? arena.bufferUpdate(b.name), shape));
    }
    for (const { name, shape } of constantBuffers(this.#native, arena, this.#feeds))
      this.#feeds[name] = tensor(arena.buffer(name), shape);
    for (const name of step.losses) {
      const value = new Float32Array(1);
      this.#losses.push(value);
      this.#fetch(name, tensor(value, []));
    }
  }

  /** Inputs and outputs of the graph are those the program declares. */
  #verify(): void {
    verifyProgram(this.#native, this.#config, this.#feeds, Object.keys(this.#fetches));
  }

  #fetch(name: string, target: Ort.Tensor): void {
    if (this.#fetches[name]) throw mismatch("training step", `it declares the output "${name}" twice`);
    this.#fetches[name] = target;
    this.#names.push(name);
  }
}

interface FeedType {
  readonly type: string;
  readonly shape: readonly number[];
}

/** Opens a program's session. @throws RunError saying which program ONNX Runtime refuses, and why */
export async function load(
  runtime: OnnxRuntime,
  config: ExecutorConfig,
  graph: Uint8Array,
  what: string,
  onDevice: readonly string[] = [],
): Promise<Ort.InferenceSession> {
  try {
    const { device, threads, profile } = config;
    const repeats = config.step.repeats ?? false;
    return await runtime.open(graph, { device, threads, profile, onDevice, plannedMemory: false, repeats });
  } catch (cause) {
    throw engineFailed(`${what} graph`, "ONNX Runtime cannot load it", cause);
  }
}

/** Inputs and outputs of the step's graph are those the program declares. @throws RunError naming the first that is not */
export function verifyProgram(
  native: Ort.InferenceSession,
  config: ExecutorConfig,
  feeds: Feeds,
  fetches: readonly string[],
): void {
  const declared = declaredInputs(config);
  for (const [name, feed] of Object.entries(feeds)) declared.set(name, { type: feed.type, shape: feed.dims });
  checkKnown(native, declared, "training");
  // ONNX Runtime ignores feeds it does not know, so the other direction is ours to check.
  const ignored = [...declared.keys()].find((name) => !native.inputNames.includes(name));
  if (ignored !== undefined) throw mismatch("training graph", `it has no input "${ignored}"`);
  const missing = fetches.find((name) => !native.outputNames.includes(name));
  if (missing !== undefined) throw mismatch("training graph", `it has no output "${missing}"`);
}

/** Everything the program says it feeds, with types. */
function declaredInputs(config: ExecutorConfig): Map<string, FeedType> {
  const { step } = config;
  const float = (shape: readonly number[]): FeedType => ({ type: "float32", shape });
  const declared = new Map<string, FeedType>();
  const put = (name: string, type: FeedType): void => {
    if (declared.has(name)) throw mismatch("training step", `it declares the input "${name}" twice`);
    declared.set(name, type);
  };
  for (const { name, shape } of [...step.parameters, ...step.buffers, ...step.masks]) put(name, float(shape));
  for (const { name, dtype, shape } of step.batch) put(name, { type: dtype, shape });
  for (const name of step.scalars) put(name, float([]));
  return declared;
}

/** Buffers no step changes, if the graph reads them: their shapes are the graph's. */
function constantBuffers(native: Ort.InferenceSession, arena: Arena, fed: Feeds): { name: string; shape: number[] }[] {
  return arena.bufferNames.flatMap((name) => {
    const meta = native.inputMetadata.find((m) => m.name === name);
    return !fed[name] && meta?.isTensor ? [{ name, shape: meta.shape.map(Number) }] : [];
  });
}

/** Every input of the graph is known to us with the same type and number of elements. */
export function checkKnown(native: Ort.InferenceSession, known: ReadonlyMap<string, FeedType>, what: string): void {
  for (const meta of native.inputMetadata) {
    const feed = known.get(meta.name);
    if (!feed) throw mismatch(`${what} graph`, `it has an input "${meta.name}" that the program does not declare`);
    const found = meta.isTensor ? `${meta.type} [${meta.shape}]` : "not a tensor";
    if (!meta.isTensor || meta.type !== feed.type || sizeOf(meta.shape.map(Number)) !== sizeOf(feed.shape))
      throw mismatch(`${what} graph`, `its input "${meta.name}" is ${found}`, `${feed.type} [${feed.shape}]`);
  }
}
