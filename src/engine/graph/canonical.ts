/**
 * Brings a foreign graph to the canonical opset, so that shape and gradient rules see one form of every op. Covers what
 * changed between opset 7 (where ONNX Runtime's support begins) and 21 in the ops limbeck has rules for: inputs that
 * were attributes, and defaults that moved. Source: the ONNX operator changelog.
 */
import { type ErrorCode, InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { int, readFloat, readInt, readInts } from "./attributes.js";
import { int64s, scalar } from "./tensor.js";
import { type Attributes, CANONICAL_OPSET, type Graph, type Model, type Node, type Tensor } from "./types.js";

/** ONNX Runtime runs models from here on. */
const OLDEST = 7;
/** Newer versions only added ops and element types so far; checked against the changelog up to here. */
const NEWEST = 26;
const REPAIR = "Export the model again, and check it with onnx.checker";

/** What a rule may ask for while it rewrites one node. */
interface Rewriting {
  readonly opset: number;
  /** Adds a constant and returns its name. */
  constant(hint: string, tensor: Tensor): string;
  /** A value name nobody has. */
  fresh(hint: string): string;
  /** Number of dimensions, where the file says it. */
  rank(value: string): number | undefined;
  /** The error for this node. @param found goes on after the node's name: "lacks pads" */
  refuse(code: ErrorCode, found: string, cure: string): InputError;
}

/** The nodes that stand for this one, in order; the last keeps its name and outputs. */
type Rule = (node: Node, to: Rewriting) => readonly Node[];

/** Rules by op: they apply to models older than `below`. */
const RULES: Readonly<Record<string, { readonly below: number; readonly rule: Rule }>> = {
  ...Object.fromEntries(
    ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((kind) => [
      `Reduce${kind}`,
      { below: 18, rule: axesToInput },
    ]),
  ),
  ReduceSum: { below: 13, rule: axesToInput },
  Squeeze: { below: 13, rule: axesToInput },
  Unsqueeze: { below: 13, rule: axesToInput },
  Split: { below: 18, rule: split },
  Softmax: { below: 13, rule: softmax },
  LogSoftmax: { below: 13, rule: softmax },
  Slice: { below: 10, rule: slice },
  Pad: { below: 11, rule: pad },
  Clip: { below: 11, rule: clip },
  TopK: { below: 10, rule: topK },
  Dropout: { below: 12, rule: dropout },
  BatchNormalization: { below: 14, rule: batchNormalization },
};

/**
 * The model's graph in the canonical opset. Names of inputs, outputs, initialisers and nodes stay.
 * @param where names the model in errors
 * @throws InputError when the model is older than opset 7, newer than what is known, or uses an old form without equal
 */
export function canonicalGraph(model: Model, where: string): Graph {
  const opset = model.opsets[""] ?? CANONICAL_OPSET;
  if (opset < OLDEST || opset > NEWEST)
    throw new InputError({
      code: "model-unsupported",
      where,
      found: `it uses opset ${opset}`,
      expected: `opset ${OLDEST} to ${NEWEST} in a model that is trained`,
      cure: "Export it again, or convert it with onnx.version_converter",
    });
  const { graph } = model;
  const initializers = new Map(graph.initializers);
  const taken = new Set([
    ...initializers.keys(),
    ...graph.inputs.map((i) => i.name),
    ...graph.nodes.flatMap((n) => [n.name, ...n.outputs]),
  ]);
  const fresh = (hint: string): string => {
    let name = hint;
    for (let i = 1; taken.has(name); i++) name = `${hint}_${i}`;
    taken.add(name);
    return name;
  };
  const types = new Map([
    ...(graph.valueTypes ?? []),
    ...[...graph.inputs, ...graph.outputs].map((v) => [v.name, v] as const),
  ]);
  const rewriting = (node: Node): Rewriting => ({
    opset,
    fresh,
    constant: (hint, tensor) => {
      const name = fresh(`${node.name}/${hint}`);
      initializers.set(name, tensor);
      return name;
    },
    rank: (value) => (initializers.get(value) ?? types.get(value))?.shape?.length,
    refuse: (code, found, cure) =>
      new InputError({ code, where, found: `node ${quote(node.name)} (${node.op}, opset ${opset}) ${found}`, cure }),
  });
  const nodes = graph.nodes.flatMap((node) => {
    const found = node.domain === "" ? RULES[node.op] : undefined;
    return found && opset < found.below ? found.rule(node, rewriting(node)) : [node];
  });
  return ownStatistics({ ...graph, nodes, initializers });
}

/**
 * Exporters store equal tensors once and say Identity for the second: fresh running means (zeros) then are the bias of
 * their batch norm. Statistics get a tensor of their own again, under the name the Identity gave them, or training the
 * one would move the other.
 */
function ownStatistics(graph: Graph): Graph {
  const statistics = new Set(
    graph.nodes.flatMap((n) => (n.op === "BatchNormalization" && n.domain === "" ? n.inputs.slice(3, 5) : [])),
  );
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter(({ op, domain, inputs: [from = ""], outputs: [to = ""] }) => {
    const tensor = op === "Identity" && domain === "" && statistics.has(to) ? graph.initializers.get(from) : undefined;
    if (!tensor || graph.outputs.some((o) => o.name === to)) return true;
    initializers.set(to, tensor);
    return false;
  });
  return { ...graph, nodes, initializers };
}

function without(attributes: Attributes, ...names: readonly string[]): Attributes {
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)));
}

function axesToInput(node: Node, to: Rewriting): readonly Node[] {
  const axes = readInts(node.attributes, "axes");
  const inputs = axes ? [node.inputs[0] ?? "", to.constant("axes", int64s(axes))] : node.inputs;
  return [{ ...node, inputs, attributes: without(node.attributes, "axes") }];
}

/** Equal parts were the meaning of no sizes at all; since 18 their number is said. */
function split(node: Node, to: Rewriting): readonly Node[] {
  const sizes = to.opset < 13 ? readInts(node.attributes, "split") : undefined;
  const rest = without(node.attributes, "split");
  if (sizes)
    return [{ ...node, inputs: [node.inputs[0] ?? "", to.constant("split", int64s(sizes))], attributes: rest }];
  if (node.inputs[1]) return [node];
  return [{ ...node, attributes: { ...rest, num_outputs: int(node.outputs.length) } }];
}

/** Before 13 the axis (1 by default) split the tensor into a matrix, and rows were normalised. */
function softmax(node: Node, to: Rewriting): readonly Node[] {
  const [x = ""] = node.inputs;
  const axis = readInt(node.attributes, "axis", 1);
  const rank = to.rank(x) ?? to.rank(node.outputs[0] ?? "");
  const last = { ...node, attributes: { ...node.attributes, axis: int(-1) } };
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) return [last];
  const [matrix, rows, shape] = [
    to.fresh(`${node.name}/matrix`),
    to.fresh(`${node.name}/rows`),
    to.fresh(`${node.name}/shape`),
  ];
  const plain = (op: string, inputs: readonly string[], output: string, attributes: Attributes = {}): Node => ({
    name: to.fresh(`${node.name}/${op}`),
    op,
    domain: "",
    inputs,
    outputs: [output],
    attributes,
  });
  return [
    plain("Shape", [x], shape),
    plain("Flatten", [x], matrix, { axis: int(axis) }),
    { ...plain(node.op, [matrix], rows, { axis: int(-1) }) },
    { ...node, op: "Reshape", inputs: [rows, shape], attributes: {} },
  ];
}

function slice(node: Node, to: Rewriting): readonly Node[] {
  const [starts, ends] = [readInts(node.attributes, "starts"), readInts(node.attributes, "ends")];
  if (!starts || !ends) throw to.refuse("model-invalid", "lacks starts or ends", REPAIR);
  const axes = readInts(node.attributes, "axes") ?? starts.map((_, i) => i);
  const inputs = [
    node.inputs[0] ?? "",
    to.constant("starts", int64s(starts)),
    to.constant("ends", int64s(ends)),
    to.constant("axes", int64s(axes)),
  ];
  return [{ ...node, inputs, attributes: without(node.attributes, "starts", "ends", "axes") }];
}

function pad(node: Node, to: Rewriting): readonly Node[] {
  const pads = readInts(node.attributes, "pads");
  if (!pads) throw to.refuse("model-invalid", "lacks pads", REPAIR);
  const value = scalar(readFloat(node.attributes, "value", 0));
  const inputs = [node.inputs[0] ?? "", to.constant("pads", int64s(pads)), to.constant("value", value)];
  return [{ ...node, inputs, attributes: without(node.attributes, "pads", "value") }];
}

function clip(node: Node, to: Rewriting): readonly Node[] {
  const bound = (name: string): string => {
    const found = node.attributes[name];
    return found ? to.constant(name, scalar(readFloat(node.attributes, name, 0))) : "";
  };
  const inputs = [node.inputs[0] ?? "", bound("min"), bound("max")];
  return [{ ...node, inputs, attributes: without(node.attributes, "min", "max") }];
}

function topK(node: Node, to: Rewriting): readonly Node[] {
  const k = to.constant("k", int64s([readInt(node.attributes, "k", 1)]));
  return [{ ...node, inputs: [node.inputs[0] ?? "", k], attributes: without(node.attributes, "k") }];
}

function dropout(node: Node, to: Rewriting): readonly Node[] {
  const ratio = to.constant("ratio", scalar(readFloat(node.attributes, "ratio", 0.5)));
  return [{ ...node, inputs: [node.inputs[0] ?? "", ratio], attributes: without(node.attributes, "ratio") }];
}

function batchNormalization(node: Node, to: Rewriting): readonly Node[] {
  if (to.opset < 9 && readInt(node.attributes, "spatial", 1) === 0)
    throw to.refuse(
      "model-unsupported",
      "has statistics per activation (spatial = 0)",
      "Export the model with a newer opset",
    );
  if (node.outputs.slice(1).some((o) => o !== ""))
    throw to.refuse(
      "model-unsupported",
      "is in training form: it has outputs for the statistics",
      "Export the model for inference",
    );
  return [{ ...node, outputs: node.outputs.slice(0, 1), attributes: without(node.attributes, "spatial") }];
}
