/**
 * Which of a graph's constant tensors are weights: what a training may change. Exporters keep everything that is constant in
 * one list: weights, but also attention scales, rotary tables, masks and epsilons. What a tensor is shows in how it is used.
 */
import { isFloat, numbersOf, sizeOf } from "../graph/tensor.js";
import type { Graph, Node, Tensor } from "../graph/types.js";
import { isValueName } from "./untie.js";

/** What a weight does. */
export type WeightKind = "convolution" | "dense" | "norm" | "embedding" | "bias" | "recurrent";

export interface GraphWeights {
  /** Float tensors that a training may change, by name. */
  readonly weights: ReadonlyMap<string, WeightKind>;
  /** Running means and variances of batch norms. */
  readonly statistics: ReadonlySet<string>;
  /** Float tensors of more than one number that are neither: scales, tables, masks. */
  readonly constants: readonly string[];
  /** How many nodes read each weight, where these are several: layers that share it. */
  readonly shared: ReadonlyMap<string, number>;
}

/** Ops that give the value of their first input in another form: a weight stays one behind them. */
const FORMS = new Set(["Transpose", "Reshape", "Identity", "Squeeze", "Unsqueeze", "Flatten", "Cast"]);
/** Places of the weights among an op's inputs. */
const PLACES: Readonly<Record<string, readonly (readonly [place: number, kind: WeightKind])[]>> = {
  Conv: [
    [1, "convolution"],
    [2, "bias"],
  ],
  ConvTranspose: [
    [1, "convolution"],
    [2, "bias"],
  ],
  BatchNormalization: [
    [1, "norm"],
    [2, "norm"],
  ],
  InstanceNormalization: [
    [1, "norm"],
    [2, "norm"],
  ],
  LayerNormalization: [
    [1, "norm"],
    [2, "norm"],
  ],
  GroupNormalization: [
    [1, "norm"],
    [2, "norm"],
  ],
  RMSNormalization: [[1, "norm"]],
  PRelu: [[1, "norm"]],
  ...Object.fromEntries(
    ["LSTM", "GRU", "RNN"].map((op) => [op, [1, 2, 3].map((place) => [place, "recurrent"] as const)]),
  ),
};
/** Numbers so low that they stand for "never" in attention scores. */
const NEVER = -100;

/** Looks at how each float tensor of the graph is used. */
export function weightsOf(graph: Graph): GraphWeights {
  const tensors = new Map([...graph.initializers].filter(([, t]) => isFloat(t.dtype)));
  const origin = new Map<string, string>([...tensors.keys()].map((name) => [name, name]));
  const weights = new Map<string, WeightKind>();
  const statistics = new Set<string>();
  const readers = new Map<string, Set<string>>();
  // Values that hold what the model computed of its input with weights: neither masks, nor positions, nor the input itself.
  const active = new Set<string>();
  const note = (node: Node, value: string | undefined, kind: WeightKind): void => {
    const name = origin.get(value ?? "");
    const tensor = tensors.get(name ?? "");
    if (name === undefined || !tensor || sizeOf(tensor.shape) === 0) return;
    // Exporters write zeros where a norm has no bias.
    if (kind === "norm" && isValueName(name) && numbersOf(tensor).every((v) => v === 0)) return;
    if (!weights.has(name)) weights.set(name, kind);
    readers.set(name, (readers.get(name) ?? new Set()).add(node.name));
  };
  for (const node of graph.nodes) {
    const [first = "", second = ""] = node.inputs;
    if (node.domain === "") {
      if (node.op === "BatchNormalization") for (const s of node.inputs.slice(3, 5)) statistics.add(s);
      for (const [place, kind] of PLACES[node.op] ?? []) note(node, node.inputs[place], kind);
      for (const [value, kind] of productWeights(node, active, origin)) note(node, value, kind);
      if (node.op === "Gather" && isTable(node, tensors.get(origin.get(first) ?? "")) && !origin.has(second))
        note(node, first, "embedding");
      for (const [value, kind] of sumWeights(node, active, origin, tensors)) note(node, value, kind);
      const from = FORMS.has(node.op) ? origin.get(first) : undefined;
      if (from !== undefined) for (const out of node.outputs) origin.set(out, from);
    }
    const weighted = node.inputs.some((input) => weights.has(origin.get(input) ?? ""));
    const carries = node.inputs.some((input) => active.has(input));
    if ((weighted && !FORMS.has(node.op)) || carries) for (const out of node.outputs) active.add(out);
  }
  for (const name of statistics) weights.delete(name);
  const others = [...tensors].filter(([name, t]) => !weights.has(name) && !statistics.has(name) && sizeOf(t.shape) > 1);
  return {
    weights,
    statistics,
    constants: others.map(([name]) => name),
    shared: new Map([...readers].flatMap(([name, by]) => (by.size > 1 ? [[name, by.size] as const] : []))),
  };
}

/** Weights of matrix products: the second operand, or the first where the second is computed. */
function productWeights(
  node: Node,
  active: ReadonlySet<string>,
  origin: ReadonlyMap<string, string>,
): (readonly [string, WeightKind])[] {
  const [first = "", second = "", third = ""] = node.inputs;
  if (node.op !== "MatMul" && node.op !== "Gemm") return [];
  const found: (readonly [string, WeightKind])[] = [];
  if (origin.has(second)) found.push([second, "dense"]);
  else if (origin.has(first) && active.has(second)) found.push([first, "dense"]);
  if (node.op === "Gemm" && third) found.push([third, "bias"]);
  return found;
}

/** A table of rows that are looked up: two dimensions or more, the first one looked up in. */
function isTable(node: Node, tensor: Tensor | undefined): boolean {
  const axis = node.attributes.axis;
  return tensor !== undefined && tensor.shape.length >= 2 && (axis?.kind !== "int" || Number(axis.value) === 0);
}

/** Biases, learnt positions and tokens, and the scales of norms that an exporter took apart: they meet what the model computed. */
function sumWeights(
  node: Node,
  active: ReadonlySet<string>,
  origin: ReadonlyMap<string, string>,
  tensors: ReadonlyMap<string, Tensor>,
): (readonly [string, WeightKind])[] {
  if (!["Add", "Sub", "Mul", "Concat"].includes(node.op)) return [];
  if (!node.inputs.some((input) => active.has(input))) return [];
  return node.inputs.flatMap((input): (readonly [string, WeightKind])[] => {
    const tensor = tensors.get(origin.get(input) ?? "");
    if (!tensor || sizeOf(tensor.shape) < 2) return [];
    if (node.op === "Mul") return tensor.shape.filter((d) => d > 1).length === 1 ? [[input, "norm"]] : [];
    if (node.op === "Concat") return [[input, "embedding"]];
    if (isMask(tensor)) return [];
    return [[input, tensor.shape.filter((d) => d > 1).length === 1 ? "bias" : "embedding"]];
  });
}

/** Zeros, and numbers that switch something off. */
function isMask(tensor: Tensor): boolean {
  const values = numbersOf(tensor);
  return values.every((v) => v === 0 || v <= NEVER);
}

/** Rows of the table that an input's values are looked up in, such as the embeddings of token ids; null where there is none. */
export function lookupRows({ nodes, initializers }: Graph, input: string): number | null {
  const casts = nodes.filter((n) => n.op === "Cast" && n.inputs[0] === input).flatMap((n) => n.outputs);
  const ids = new Set([input, ...casts]);
  const lookup = nodes.find(
    (n) => n.op === "Gather" && ids.has(n.inputs[1] ?? "") && initializers.has(n.inputs[0] ?? ""),
  );
  return initializers.get(lookup?.inputs[0] ?? "")?.shape[0] ?? null;
}
