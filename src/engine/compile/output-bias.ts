/** Adds constants to a classifier's outputs, where it can in the bias that its last layer has. */
import { InputError } from "../../base/errors.js";
import { quote } from "../../base/quote.js";
import { readFloat } from "../graph/attributes.js";
import type { Graph, Model, Node, Tensor } from "../graph/types.js";
import { verifyGraph } from "../graph/verify.js";

/** Outputs of these are no logits: a constant added to them means nothing. */
const SQUASHED = new Set(["Softmax", "Sigmoid", "HardSigmoid", "ArgMax", "ZipMap"]);

/**
 * The model whose logits are those of the given one plus `shifts`. The bias of a last Gemm, or of a last Add of a constant, is
 * changed; where there is none (or others read it too), an Add is put behind.
 * @param shifts one number a class
 * @throws InputError when the output holds no float32 logits of so many classes
 */
export function withOutputBias(model: Model, shifts: Float32Array): Model {
  const { graph } = model;
  const output = graph.outputs[0];
  const last = output && producerOf(graph, output.name);
  if (!output || !last)
    throw new InputError({
      code: "model-output",
      where: graph.name,
      found: "no node makes its output",
      expected: "a classifier",
    });
  if (SQUASHED.has(last.op))
    throw new InputError({
      code: "model-output",
      where: `output ${quote(output.name)}`,
      found: `it comes from ${last.op}`,
      expected: "logits, to which a bias can be added",
      cure: `Give the model without its last ${last.op}`,
    });
  const classes = output.shape?.[output.shape.length - 1];
  if (output.dtype !== "float32" || (typeof classes === "number" && classes !== shifts.length))
    throw new InputError({
      code: "model-output",
      where: `output ${quote(output.name)}`,
      found: `it has the type ${output.dtype} and ${classes ?? "an unknown number of"} classes`,
      expected: `float32 and ${shifts.length} classes`,
    });
  const changed = inBias(graph, last, shifts) ?? behind(graph, output.name, shifts);
  verifyGraph(changed);
  return { ...model, graph: changed };
}

/** The node that makes a value, behind all that only hand it on. */
function producerOf({ nodes }: Graph, value: string): Node | undefined {
  let found = nodes.find((n) => n.outputs.includes(value));
  while (found?.op === "Identity") {
    const handed = found.inputs[0] as string;
    found = nodes.find((n) => n.outputs.includes(handed));
  }
  return found;
}

/** The graph with the shifts in the bias of its last layer; null where there is no such bias. */
function inBias(graph: Graph, last: Node, shifts: Float32Array): Graph | null {
  const name = biasOf(graph, last);
  const bias = name === null ? undefined : graph.initializers.get(name);
  if (name === null || !bias || !(bias.data instanceof Float32Array) || !isRow(bias, shifts.length)) return null;
  const readers = graph.nodes.flatMap((n) => n.inputs).filter((i) => i === name).length;
  if (readers !== 1) return null;
  const data = bias.data.map((v, c) => v + (shifts[c] as number));
  return { ...graph, initializers: new Map([...graph.initializers, [name, { ...bias, data }]]) };
}

function biasOf({ initializers }: Graph, last: Node): string | null {
  if (last.domain !== "") return null;
  if (last.op === "Gemm") return readFloat(last.attributes, "beta", 1) === 1 ? (last.inputs[2] ?? null) : null;
  const constants = last.op === "Add" ? last.inputs.filter((i) => initializers.has(i)) : [];
  return constants.length === 1 ? (constants[0] as string) : null;
}

/** [classes], or the same with leading ones. */
function isRow({ shape }: Tensor, classes: number): boolean {
  return shape[shape.length - 1] === classes && shape.slice(0, -1).every((d) => d === 1);
}

/** The graph with an Add behind the node that makes its output: whoever reads the output reads the sum. */
function behind(graph: Graph, output: string, shifts: Float32Array): Graph {
  const names = new Set([...graph.initializers.keys(), ...graph.nodes.flatMap((n) => [n.name, ...n.outputs])]);
  const free = (wanted: string): string => (names.has(wanted) ? free(`${wanted}_`) : wanted);
  const [inner, bias] = [free(`${output}_uncorrected`), free(`${output}_bias`)];
  const add: Node = {
    name: free(`${output}/bias`),
    op: "Add",
    domain: "",
    inputs: [inner, bias],
    outputs: [output],
    attributes: {},
  };
  const nodes = graph.nodes.flatMap((n) =>
    n.outputs.includes(output) ? [{ ...n, outputs: n.outputs.map((o) => (o === output ? inner : o)) }, add] : [n],
  );
  const tensor: Tensor = { dtype: "float32", shape: [shifts.length], data: shifts };
  return { ...graph, nodes, initializers: new Map([...graph.initializers, [bias, tensor]]) };
}
