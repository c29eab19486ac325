/** A graph under construction together with the state its layers own. */
import type { GraphBuilder, Value } from "../graph/builder.js";
import { sizeOf } from "../graph/tensor.js";
import { Random } from "../random/random.js";
import { type Distribution, drawValues, type InitialiserName } from "./initialisers.js";

/** A weight of a model: an initialiser of its graph that training may change. */
export interface ParameterInfo {
  /** The initialiser's name, e.g. "conv1/weight". */
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
  /** What its start value was drawn from. */
  readonly initialiser: Distribution;
  /** False: frozen. */
  readonly trainable: boolean;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** State that changes without a gradient: the running statistics of a batch norm. */
export interface BufferInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly size: number;
}

export interface ScopeOptions {
  /** Each parameter reads the stream of this seed and its own name. */
  readonly seed: number;
  readonly initialiser: InitialiserName;
  /** False leaves biases and norm parameters without weight decay; default true, as PyTorch's optimisers do. */
  readonly decayAll?: boolean;
}

/** What a parameter is for: decides whether `decayAll` concerns it. */
export type ParameterRole = "weight" | "bias" | "norm";

/** Collects parameters and buffers while layers append to a graph; names follow the scopes: "block1/conv2/weight". */
export class ModelScope {
  readonly #options: ScopeOptions;
  readonly #parameters: ParameterInfo[] = [];
  readonly #buffers: BufferInfo[] = [];
  readonly #path: string[] = [];
  readonly #counts = new Map<string, number>();

  constructor(
    readonly builder: GraphBuilder,
    options: ScopeOptions,
  ) {
    this.#options = options;
  }

  get initialiser(): InitialiserName {
    return this.#options.initialiser;
  }

  /** In the order of creation. */
  get parameters(): readonly ParameterInfo[] {
    return this.#parameters;
  }

  get buffers(): readonly BufferInfo[] {
    return this.#buffers;
  }

  /** Runs `build` with the names of its nodes, parameters and buffers under `name/`. */
  within<T>(name: string, build: () => T): T {
    this.#path.push(name);
    try {
      return this.builder.scope(name, build);
    } finally {
      this.#path.pop();
    }
  }

  /** `within` under the next free number of a kind of layer: "conv1", "conv2". */
  layer<T>(kind: string, build: () => T): T {
    const key = this.#full(kind);
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return this.within(`${kind}${count}`, build);
  }

  /** A new weight; its start value is a function of the seed and its full name alone. */
  parameter(name: string, shape: readonly number[], initialiser: Distribution, role: ParameterRole = "weight"): Value {
    const full = this.#full(name);
    const size = sizeOf(shape);
    const { seed, decayAll = true } = this.#options;
    const data = drawValues(initialiser, size, () => new Random(seed, full));
    const decay = role === "weight" || decayAll;
    this.#parameters.push({ name: full, shape: [...shape], size, initialiser, trainable: true, decay });
    return this.builder.initializer(full, { dtype: "float32", shape: [...shape], data });
  }

  /** New running state, all elements starting at `initial`. */
  buffer(name: string, shape: readonly number[], initial: number): Value {
    const full = this.#full(name);
    const size = sizeOf(shape);
    this.#buffers.push({ name: full, shape: [...shape], size });
    const data = new Float32Array(size).fill(initial);
    return this.builder.initializer(full, { dtype: "float32", shape: [...shape], data });
  }

  #full(name: string): string {
    return [...this.#path, name].join("/");
  }
}
