/**
 * Builds graphs op by op and knows the type and static shape of every value at once.
 *
 * The builder knows no operator: what an op gives is asked of a `Semantics` (the registry in ops/). Integer shape
 * arithmetic whose inputs are all known is evaluated on the spot, so Shape -> Gather -> Concat -> Reshape chains of
 * foreign models disappear while they are replayed with `inline`.
 */
import { InputError, relocated } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { sizeOf } from "./tensor.js";
import type { Attributes, DType, Graph, Node, Tensor, ValueInfo, ValueType } from "./types.js";

/** A value of a graph under construction. Shapes are static: every dimension is a number. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** Type of one output of an op. */
export interface StaticType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** One application of an op, before or after its outputs exist. */
export interface OpCall {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly attributes: Attributes;
  /** undefined: an absent optional input. */
  readonly inputs: readonly (Value | undefined)[];
  /** Values known while building, aligned with `inputs`. */
  readonly constants: readonly (Tensor | undefined)[];
}

/** A call with its outputs, as the walkers of autodiff see it. */
export interface BuiltCall extends OpCall {
  readonly outputs: readonly Value[];
}

/** What ops mean, as far as the builder must know. Implemented by the op registry. */
export interface Semantics {
  /** Types of the outputs; throws InputError naming the node when the op is unknown or the inputs do not fit. */
  infer(call: OpCall): readonly StaticType[];
  /** Values of the outputs when they are known while building and worth folding; else undefined. */
  evaluate(call: OpCall): readonly Tensor[] | undefined;
}

export interface OpOptions {
  /** Node name; made unique when taken. Default: scope + op in snake case. */
  readonly name?: string;
  readonly domain?: string;
  /** Exact names of the outputs (must be free); default: derived from the node's name. */
  readonly outputs?: readonly string[];
}

/** Replaces a call while a graph is replayed: its output values, or undefined to replay it as it is. */
export type Rewrite = (call: OpCall, builder: GraphBuilder, node: Node) => readonly Value[] | undefined;

/** Constants up to this many elements are remembered for shape rules and folding. */
const KNOWN_LIMIT = 4096;

export class GraphBuilder {
  readonly #semantics: Semantics;
  readonly #inputs: ValueInfo[] = [];
  readonly #outputs: ValueInfo[] = [];
  readonly #initializers = new Map<string, Tensor>();
  readonly #calls: BuiltCall[] = [];
  readonly #values = new Map<string, Value>();
  readonly #known = new Map<string, Tensor>();
  readonly #pooled = new Map<string, Value>();
  readonly #nodeNames = new Set<string>();
  readonly #counters = new Map<string, number>();
  readonly #scopes: string[] = [];

  constructor(
    semantics: Semantics,
    readonly name = "graph",
  ) {
    this.#semantics = semantics;
  }

  /** All calls so far, in topological order. */
  get calls(): readonly BuiltCall[] {
    return this.#calls;
  }

  /** A run-time input. */
  input(name: string, dtype: DType, shape: readonly number[]): Value {
    const value = this.#define(name, { dtype, shape });
    this.#inputs.push({ name, dtype, shape });
    return value;
  }

  /** A named tensor stored in the graph (a weight, or a constant whose name matters). */
  initializer(name: string, tensor: Tensor): Value {
    const value = this.#define(name, tensor);
    this.#initializers.set(name, tensor);
    if (sizeOf(tensor.shape) <= KNOWN_LIMIT && tensor.dtype !== "string") this.#known.set(name, tensor);
    return value;
  }

  /** An anonymous constant; equal small constants share one initialiser. */
  constant(tensor: Tensor, hint = "const"): Value {
    const small = sizeOf(tensor.shape) <= 16 && tensor.dtype !== "string";
    const key = small ? `${tensor.dtype}[${tensor.shape}]${Array.from(tensor.data as ArrayLike<unknown>, keyOf)}` : "";
    const pooled = small ? this.#pooled.get(key) : undefined;
    if (pooled) return pooled;
    const value = this.initializer(this.#freshValue(hint), tensor);
    if (small) this.#pooled.set(key, value);
    return value;
  }

  /** The tensor behind a value if it is known while building. */
  constantOf(value: Value): Tensor | undefined {
    return this.#known.get(value.name);
  }

  /** Applies an op and returns its first output. */
  op(op: string, inputs: readonly (Value | undefined)[], attributes: Attributes = {}, options: OpOptions = {}): Value {
    return this.ops(op, inputs, attributes, options)[0] as Value;
  }

  /** Applies an op and returns all its outputs. */
  ops(
    op: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes = {},
    options: OpOptions = {},
  ): readonly Value[] {
    const name = this.#freshNode(options.name ?? this.#scoped(op));
    const call: OpCall = {
      name,
      op,
      domain: options.domain ?? "",
      attributes,
      inputs,
      constants: inputs.map((v) => v && this.#known.get(v.name)),
    };
    const folded = this.#semantics.evaluate(call);
    if (folded)
      return folded.map((t, i) =>
        options.outputs?.[i] ? this.initializer(options.outputs[i], t) : this.constant(t, name),
      );
    const types = this.#semantics.infer(call);
    const outputs = types.map((type, i) =>
      this.#define(options.outputs?.[i] || this.#freshValue(i === 0 ? name : `${name}_${i}`), type),
    );
    this.#calls.push({ ...call, outputs });
    return outputs;
  }

  /** Declares an output, by the value's own name or through an Identity under another one. */
  output(value: Value, name: string = value.name): Value {
    const direct = name === value.name && !this.#inputs.some((i) => i.name === name) && !this.#initializers.has(name);
    const out = direct
      ? value
      : this.op(
          "Identity",
          [value],
          {},
          { name: `${name}_output`, outputs: [name === value.name ? this.#freshValue(`${name}_out`) : name] },
        );
    this.#outputs.push({ name: out.name, dtype: out.dtype, shape: out.shape });
    return out;
  }

  /** Runs `build` with node names prefixed by `scope/`. */
  scope<T>(scope: string, build: () => T): T {
    this.#scopes.push(scope);
    try {
      return build();
    } finally {
      this.#scopes.pop();
    }
  }

  /** The value of a name, if defined. */
  find(name: string): Value | undefined {
    return this.#values.get(name);
  }

  /**
   * Replays a graph into this one. Value and node names survive where they are free.
   * @param bindings values that stand for the graph's inputs and, optionally, for initialisers (a parameter fed at run time)
   * @returns every value of the replayed graph by its name there
   */
  inline(graph: Graph, bindings: ReadonlyMap<string, Value>, rewrite?: Rewrite): Map<string, Value> {
    const values = new Map<string, Value>(bindings);
    for (const input of graph.inputs) {
      if (!values.has(input.name))
        throw new Error(`inline: no value bound to the input "${input.name}" of graph "${graph.name}"`);
    }
    for (const [name, tensor] of graph.initializers) {
      if (!values.has(name))
        values.set(name, this.initializer(this.#values.has(name) ? this.#freshValue(name) : name, tensor));
    }
    for (const node of graph.nodes) this.#replay(node, values, rewrite);
    return values;
  }

  /** The finished graph: nodes and initialisers that no output needs are left out. */
  build(): Graph {
    const needed = new Set(this.#outputs.map((o) => o.name));
    const kept: BuiltCall[] = [];
    for (let i = this.#calls.length - 1; i >= 0; i--) {
      const call = this.#calls[i] as BuiltCall;
      if (!call.outputs.some((o) => needed.has(o.name))) continue;
      kept.push(call);
      for (const v of call.inputs) if (v) needed.add(v.name);
    }
    kept.reverse();
    const initializers = new Map([...this.#initializers].filter(([name]) => needed.has(name)));
    const valueTypes = new Map<string, ValueType>();
    for (const call of kept) for (const o of call.outputs) valueTypes.set(o.name, { dtype: o.dtype, shape: o.shape });
    return {
      name: this.name,
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      nodes: kept.map((c) => toNode(c, needed)),
      initializers,
      valueTypes,
    };
  }

  #replay(node: Node, values: Map<string, Value>, rewrite: Rewrite | undefined): void {
    const inputs = node.inputs.map((name) => {
      if (name === "") return undefined;
      const value = values.get(name);
      if (!value)
        throw new InputError({
          code: "model-invalid",
          where: placeOf(node),
          found: `it reads ${quote(name)}, which no earlier node, input or initialiser defines`,
          cure: "Export the model again, and check it with onnx.checker",
        });
      return value;
    });
    const call: OpCall = {
      name: node.name,
      op: node.op,
      domain: node.domain,
      attributes: node.attributes,
      inputs,
      constants: inputs.map((v) => v && this.#known.get(v.name)),
    };
    const outputs = atNode(
      node,
      () =>
        rewrite?.(call, this, node) ??
        this.ops(node.op, inputs, node.attributes, {
          name: node.name,
          domain: node.domain,
          outputs: node.outputs.map((o) => (o !== "" && !this.#values.has(o) ? o : "")),
        }),
    );
    node.outputs.forEach((name, i) => {
      const value = outputs[i];
      if (name !== "" && value) values.set(name, value);
    });
  }

  #define(name: string, type: StaticType): Value {
    if (name === "" || this.#values.has(name))
      throw new InputError({
        code: "model-invalid",
        where: `graph ${quote(this.name)}`,
        found: name ? `two values have the name ${quote(name)}` : "a value has no name",
        expected: "a name of its own for each value",
        cure: "Export the model again, and check it with onnx.checker",
      });
    const value: Value = { name, dtype: type.dtype, shape: [...type.shape] };
    this.#values.set(name, value);
    return value;
  }

  #scoped(op: string): string {
    const base = op.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
    return [...this.#scopes, base].join("/");
  }

  #freshNode(wanted: string): string {
    const name = this.#fresh(wanted, (n) => this.#nodeNames.has(n));
    this.#nodeNames.add(name);
    return name;
  }

  #freshValue(wanted: string): string {
    return this.#fresh(wanted, (n) => this.#values.has(n));
  }

  #fresh(wanted: string, taken: (name: string) => boolean): string {
    if (!taken(wanted)) return wanted;
    let count = this.#counters.get(wanted) ?? 1;
    while (taken(`${wanted}_${count}`)) count++;
    this.#counters.set(wanted, count + 1);
    return `${wanted}_${count}`;
  }
}

const placeOf = (node: Node): string => `node ${quote(node.name)} (${node.op})`;

/** Runs the work; what is wrong with one of the node's attributes or constants is told with the node. */
function atNode<T>(node: Node, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof InputError && /^(attribute|model\b)/.test(error.where)) throw relocated(error, placeOf(node));
    throw error;
  }
}

/** -0 and 0 are different constants. */
const keyOf = (v: unknown): string => (Object.is(v, -0) ? "-0" : String(v));

function toNode(call: BuiltCall, needed: ReadonlySet<string>): Node {
  const outputs = call.outputs.map((o, i) => (i === 0 || needed.has(o.name) ? o.name : ""));
  while (outputs.length > 1 && outputs[outputs.length - 1] === "") outputs.pop();
  const inputs = call.inputs.map((v) => v?.name ?? "");
  while (inputs.length > 0 && inputs[inputs.length - 1] === "") inputs.pop();
  return { name: call.name, op: call.op, domain: call.domain, inputs, outputs, attributes: call.attributes };
}
