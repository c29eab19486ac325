/** Drops Identity nodes: their readers read what they pass on; names of the graph's outputs stay. */
import type { Graph, Node } from "../../graph/types.js";

/** An equal graph without Identity nodes, except where an input or an initialiser goes straight to an output. */
export function dropIdentities(graph: Graph): Graph {
  // A subgraph captures names from outside; renaming them is not worth the trouble.
  if (graph.nodes.some((n) => Object.values(n.attributes).some((a) => a.kind === "graph"))) return graph;
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const produced = new Set(graph.nodes.flatMap((n) => n.outputs));
  const renamed = new Map<string, string>();
  const resolve = (name: string): string => {
    const to = renamed.get(name);
    return to === undefined ? name : resolve(to);
  };
  const dropped = new Set<Node>();
  for (const node of graph.nodes) {
    if (node.op !== "Identity" || node.domain !== "") continue;
    const [from, to] = [resolve(node.inputs[0] as string), node.outputs[0] as string];
    if (!outputs.has(to)) renamed.set(to, from);
    else if (produced.has(from) && !outputs.has(from)) renamed.set(from, to);
    else continue;
    dropped.add(node);
  }
  if (dropped.size === 0) return graph;
  const nodes = graph.nodes
    .filter((n) => !dropped.has(n))
    .map((n) => ({ ...n, inputs: n.inputs.map(resolve), outputs: n.outputs.map(resolve) }));
  const valueTypes = graph.valueTypes && new Map([...graph.valueTypes].filter(([name]) => resolve(name) === name));
  return { ...graph, nodes, valueTypes };
}
