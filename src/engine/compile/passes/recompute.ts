/**
 * Computes cheap values again in the backward pass instead of keeping them: gradient checkpointing (Chen et al. 2016,
 * arXiv:1604.06174) of single ops. The same ops on the same inputs, so the same numbers.
 */

import { appendTo } from "../../../base/extremes.js";
import type { Graph, Node, ValueType } from "../../graph/types.js";
import { bytesOf, VIEWS } from "../memory.js";

/** Smaller values are not worth an op. */
const WORTH_BYTES = 1 << 16;

/** Most ops in a row that are run again for one value. */
const DEPTH = 6;

/** Ops that cost about one pass over what they read. */
const CHEAP = new Set([
  ...["Relu", "LeakyRelu", "PRelu", "Clip", "Elu", "Gelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "Erf", "Exp"],
  ...["Add", "Sub", "Mul", "Div", "Neg", "Max", "Min", "Cast", "Greater", "Less", "And", "Not", "LayerNormalization"],
  ...VIEWS,
]);

/**
 * @param graph a training step, lowered, with the types of its values
 * @param loss the value at which the backward pass begins
 */
export function recompute(graph: Graph, loss: string): Graph {
  const plan = new Plan(graph, loss);
  const again = new Map<string, string>();
  const nodes: Node[] = [];
  const types = new Map(graph.valueTypes);
  /** Emits what makes a value anew, once, just before it is first read. */
  const recover = (value: string): string => {
    const node = plan.remade(value);
    if (!node) return value;
    const done = again.get(value);
    if (done) return done;
    const inputs = node.inputs.map(recover);
    const name = `again/${value}`;
    again.set(value, name);
    types.set(name, types.get(value) as ValueType);
    nodes.push({ ...node, name: `again/${node.name}`, inputs, outputs: [name] });
    return name;
  };
  for (const node of graph.nodes)
    nodes.push(plan.isForward(node) ? node : { ...node, inputs: node.inputs.map(recover) });
  return { ...graph, nodes, valueTypes: types };
}

/** Which values of the forward pass are dropped after it. */
class Plan {
  readonly #producer = new Map<string, Node>();
  readonly #forward: ReadonlySet<Node>;
  readonly #types: ReadonlyMap<string, ValueType>;
  /** Large values of the forward pass that the backward pass reads. */
  readonly #kept = new Set<string>();
  readonly #dropped = new Set<string>();

  constructor(graph: Graph, loss: string) {
    this.#types = graph.valueTypes ?? new Map();
    for (const node of graph.nodes) for (const o of node.outputs) if (o !== "") this.#producer.set(o, node);
    this.#forward = ancestorsOf(loss, this.#producer);
    for (const node of graph.nodes) if (!this.#forward.has(node)) for (const i of node.inputs) this.#keep(i);
    const outputs = new Set(graph.outputs.map((o) => o.name));
    for (const node of graph.nodes) {
      const [value = ""] = node.outputs;
      if (!this.#kept.has(value) || outputs.has(value) || !this.#cheap(node)) continue;
      // A view takes nothing itself, but keeps what it shows.
      const [source = ""] = node.inputs;
      const free = VIEWS.has(node.op) ? this.#dropped.has(source) : node.inputs.every((i) => this.#there(i, DEPTH));
      if (free) this.#dropped.add(value);
    }
  }

  isForward(node: Node): boolean {
    return this.#forward.has(node);
  }

  /** The node that makes a value anew for the backward pass; undefined where the value is kept. */
  remade(value: string): Node | undefined {
    const node = this.#producer.get(value);
    if (!node || !this.#forward.has(node) || !this.#large(value)) return undefined;
    return this.#dropped.has(value) || !this.#kept.has(value) ? node : undefined;
  }

  /** A value that the backward pass reads; of a view, what it shows. */
  #keep(value: string): void {
    const node = this.#producer.get(value);
    if (!node || !this.#forward.has(node) || !this.#large(value)) return;
    this.#kept.add(value);
    if (VIEWS.has(node.op)) this.#keep(node.inputs[0] as string);
  }

  /**
   * Whether the backward pass has a value, or can make it in so many ops from what it has. What is dropped itself does not
   * count: along a residual stream one value would need the one before, back to the first, and all of them at once.
   */
  #there(value: string, depth: number): boolean {
    const node = this.#producer.get(value);
    if (!node || !this.#large(value)) return true;
    if (this.#kept.has(value)) return !this.#dropped.has(value);
    return (
      depth > 1 && this.#forward.has(node) && this.#cheap(node) && node.inputs.every((i) => this.#there(i, depth - 1))
    );
  }

  /** Its first output costs about a pass; so does a 1x1 convolution of each channel alone: scale and shift in the blocked layout. */
  #cheap(node: Node): boolean {
    if (node.domain === "" && CHEAP.has(node.op)) return true;
    const { kernel_shape: kernel, group } = node.attributes;
    if (node.op !== "Conv" || kernel?.kind !== "ints" || group?.kind !== "int") return false;
    const channels = this.#types.get(node.outputs[0] as string)?.shape?.[1];
    return kernel.value.every((k) => k === 1) && group.value === channels;
  }

  #large(value: string): boolean {
    return bytesOf(this.#types.get(value)) >= WORTH_BYTES;
  }
}

function ancestorsOf(value: string, producer: ReadonlyMap<string, Node>): Set<Node> {
  const found = new Set<Node>();
  const open = [value];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producer.get(name);
    if (!node || found.has(node)) continue;
    found.add(node);
    appendTo(open, node.inputs);
  }
  return found;
}
