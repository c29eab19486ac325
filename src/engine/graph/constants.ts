/** Constants in one form: what Constant nodes hold becomes initialisers, as other exporters write it. */
import { readTensor } from "./attributes.js";
import { int64s, scalar, tensor } from "./tensor.js";
import type { Attributes, Graph, Tensor } from "./types.js";

/** The tensor of a Constant node in any of its forms; undefined for strings and sparse tensors. */
export function constantTensor(attributes: Attributes): Tensor | undefined {
  const { value_float: float, value_int: whole, value_floats: floats, value_ints: wholes } = attributes;
  if (float?.kind === "float") return scalar(float.value);
  if (whole?.kind === "int") return scalar(whole.value, "int64");
  if (floats?.kind === "floats") return tensor("float32", floats.value);
  if (wholes?.kind === "ints") return int64s(wholes.value);
  return readTensor(attributes, "value");
}

/** The graph with its Constant nodes as initialisers of the same names; those that are outputs themselves stay. */
export function constantsAsInitializers(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const initializers = new Map(graph.initializers);
  const nodes = graph.nodes.filter(({ op, domain, attributes, outputs: [out = ""] }) => {
    const value = op === "Constant" && domain === "" && !outputs.has(out) ? constantTensor(attributes) : undefined;
    if (value) initializers.set(out, value);
    return value === undefined;
  });
  return nodes.length === graph.nodes.length ? graph : { ...graph, nodes, initializers };
}
