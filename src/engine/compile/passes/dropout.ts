/** Removes dropout and stochastic depth, which do nothing at inference: their readers read their input. */
import { ABSTRACT_DOMAIN, type Graph, type Node } from "../../graph/types.js";

/** An equal graph without them, except where their value is an output of the graph: there an Identity stays for DropPath. */
export function withoutDropout(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const replaced = new Map<string, string>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => replaced.get(i) ?? i);
    const out = node.outputs[0] as string;
    const path = node.op === "DropPath" && node.domain === ABSTRACT_DOMAIN;
    const drops = path || (node.op === "Dropout" && node.domain === "");
    if (drops && !outputs.has(out)) replaced.set(out, inputs[0] as string);
    else nodes.push(path ? { ...node, op: "Identity", domain: "", inputs, attributes: {} } : { ...node, inputs });
  }
  return { ...graph, nodes };
}
