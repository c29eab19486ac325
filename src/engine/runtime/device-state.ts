/** State of a training as tensors that live on a device, and how it gets there and back. */
import type * as Ort from "onnxruntime-node";
import { irVersionFor } from "../graph/opsets.js";
import { sizeOf } from "../graph/tensor.js";
import { CANONICAL_OPSET } from "../graph/types.js";
import { writeModel } from "../graph/write.js";
import { engineFailed, mismatch } from "./faults.js";
import type { OnnxRuntime } from "./ort.js";
import { averagedNames, averagesOf, otherRule, pair } from "./state.js";
import type { ExecutorConfig, ExecutorState } from "./types.js";
import { momentCount } from "./update.js";

export type TensorMap = Map<string, Ort.Tensor>;

export class DeviceState {
  /** Parameters and buffers by name. */
  readonly tensors: TensorMap = new Map();
  /** Moments by "name/0", "name/1". */
  readonly moments: TensorMap = new Map();
  /** Averages of parameters and updated buffers by name; none without averaging. */
  readonly averages: TensorMap = new Map();
  readonly #shapes: ReadonlyMap<string, readonly number[]>;
  #reader: Promise<Ort.InferenceSession> | undefined;

  /** @param step whose inputs give the shapes of buffers that no step changes */
  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly config: ExecutorConfig,
    step: Ort.InferenceSession,
  ) {
    const { parameters, buffers } = config.step;
    const constant = step.inputMetadata.flatMap((m) => (m.isTensor ? [[m.name, m.shape.map(Number)] as const] : []));
    this.#shapes = new Map([...constant, ...[...parameters, ...buffers].map((s) => [s.name, s.shape] as const)]);
  }

  /** @throws RunError when there is none: a mistake in limbeck */
  get(name: string, kind: "state" | "moment" = "state"): Ort.Tensor {
    const tensor = (kind === "state" ? this.tensors : this.moments).get(name);
    if (!tensor) throw mismatch("training state", `the device has no ${kind} "${name}"`);
    return tensor;
  }

  /** Takes new tensors over and frees those they replace. */
  replace(state: TensorMap, moments: TensorMap = new Map(), averages: TensorMap = new Map()): void {
    for (const [mine, given] of [
      [this.tensors, state],
      [this.moments, moments],
      [this.averages, averages],
    ] as const) {
      for (const [name, tensor] of given) {
        free([mine.get(name)]);
        mine.set(name, tensor);
      }
    }
  }

  /**
   * Takes a state over from arrays; the next step brings it to the device. No moments at all means that they are zero, no
   * averages that they start where the weights do.
   * @throws RunError naming the entry that is missing, unknown or of the wrong size, before anything is changed
   */
  write(state: ExecutorState): void {
    const { parameters, buffers } = this.config.step;
    const names = parameters.map((p) => p.name);
    const constant = [...state.buffers.keys()].filter((name) => !buffers.some((b) => b.name === name));
    const count = momentCount(this.config.rule);
    const keys = names.flatMap((name) => Array.from({ length: count }, (_, i) => `${name}/${i}`));
    const size = (name: string): number => sizeOf(this.#shapeOf(name, state));
    const fresh = state.moments.size === 0;
    if (!fresh && state.moments.size !== keys.length)
      throw otherRule(state.moments.size, keys.length, this.config.rule.kind);
    const make = (name: string): Float32Array => new Float32Array(size(name));
    const kept = [
      ...pair("parameter", names, state.parameters, make),
      ...pair("buffer", [...buffers.map((b) => b.name), ...constant], state.buffers, make),
    ];
    const zero = new Map(keys.map((key) => [key, make(parameterOf(key))]));
    const moments = pair("moment", keys, fresh ? zero : state.moments, (key) => make(parameterOf(key)));
    const averaged = averagedNames(this.config);
    const averages = pair("weight average", averaged, averagesOf(this.config, state), make);
    this.dispose();
    const tensor = (name: string, data: Float32Array): Ort.Tensor =>
      new this.runtime.Tensor("float32", data.slice(), this.#shapeOf(name, state));
    const order = [...names, ...buffers.map((b) => b.name), ...constant];
    kept.forEach(([, source], i) => {
      this.tensors.set(order[i] as string, tensor(order[i] as string, source));
    });
    moments.forEach(([, source], i) => {
      this.moments.set(keys[i] as string, tensor(parameterOf(keys[i] as string), source));
    });
    averages.forEach(([, source], i) => {
      this.averages.set(averaged[i] as string, tensor(averaged[i] as string, source));
    });
  }

  /** Copies of everything; `step` is the number of updates done. */
  async read(step: number): Promise<ExecutorState> {
    const all = new Map([...this.tensors].map(([name, t]) => [`state:${name}`, t]));
    for (const [name, t] of this.moments) all.set(`moment:${name}`, t);
    for (const [name, t] of this.averages) all.set(`average:${name}`, t);
    const arrays = await this.#arrays(all);
    const take = (name: string, kind = "state"): [string, Float32Array] => [
      name,
      arrays.get(`${kind}:${name}`) as Float32Array,
    ];
    const parameters = this.config.step.parameters.map((p) => p.name);
    return {
      step,
      parameters: new Map(parameters.map((name) => take(name))),
      buffers: new Map([...this.tensors.keys()].filter((name) => !parameters.includes(name)).map((name) => take(name))),
      moments: new Map([...this.moments.keys()].map((name) => take(name, "moment"))),
      averages: new Map([...this.averages.keys()].map((name) => take(name, "average"))),
    };
  }

  /** Frees the tensors. */
  dispose(): void {
    for (const map of [this.tensors, this.moments, this.averages]) {
      free(map.values());
      map.clear();
    }
  }

  /** Frees the session that reads back. */
  async release(): Promise<void> {
    await (await this.#reader)?.release();
  }

  #shapeOf(name: string, state: ExecutorState): readonly number[] {
    return this.#shapes.get(name) ?? [state.buffers.get(name)?.length ?? 0];
  }

  /**
   * The binding aborts the process when a tensor on the device is asked for its data, so everything passes through a
   * graph of Identity nodes whose outputs are in ordinary memory.
   */
  async #arrays(tensors: ReadonlyMap<string, Ort.Tensor>): Promise<Map<string, Float32Array>> {
    const away = [...tensors].filter(([, t]) => t.location !== "cpu");
    const here = [...tensors].filter(([, t]) => t.location === "cpu");
    const arrays = new Map(here.map(([name, t]) => [name, (t.data as Float32Array).slice()]));
    if (away.length === 0) return arrays;
    // Which tensors have been on the device is settled after the first step.
    const { device, threads } = this.config;
    const graph = identities(away.map(([name, t]) => [name, t.dims] as const));
    this.#reader ??= this.runtime.open(graph, { device, threads });
    try {
      const reader = await this.#reader;
      const wanted = away.filter(([name]) => reader.inputNames.includes(name));
      if (wanted.length !== away.length || reader.inputNames.length !== away.length) {
        await reader.release();
        this.#reader = undefined;
        return this.#arrays(tensors);
      }
      const results = await reader.run(Object.fromEntries(away));
      for (const [name] of away)
        arrays.set(name, ((results[`${name}/read`] as Ort.Tensor).data as Float32Array).slice());
      return arrays;
    } catch (cause) {
      throw engineFailed(`device ${device}`, "the training state cannot be read back", cause);
    }
  }
}

/** Frees tensors that are on a device; twice does no harm. */
export function free(tensors: Iterable<Ort.Tensor | undefined>): void {
  for (const tensor of tensors) if (tensor?.location === "gpu-buffer") tensor.dispose();
}

const parameterOf = (moment: string): string => moment.slice(0, moment.lastIndexOf("/"));

function identities(tensors: readonly (readonly [string, readonly number[]])[]): Uint8Array {
  const value = (name: string, shape: readonly number[]) => ({ name, dtype: "float32" as const, shape });
  return writeModel({
    graph: {
      name: "read_back",
      inputs: tensors.map(([name, shape]) => value(name, shape)),
      outputs: tensors.map(([name, shape]) => value(`${name}/read`, shape)),
      nodes: tensors.map(([name]) => ({
        name: `${name}/identity`,
        op: "Identity",
        domain: "",
        inputs: [name],
        outputs: [`${name}/read`],
        attributes: {},
      })),
      initializers: new Map(),
    },
    opsets: { "": CANONICAL_OPSET },
    irVersion: irVersionFor(CANONICAL_OPSET),
    metadata: {},
  });
}
