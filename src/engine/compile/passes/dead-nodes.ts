/** Removes nodes and initialisers that no output depends on. Inputs stay: they are the graph's interface. */
import type { Graph, Node } from "../../graph/types.js";

export function deadNodes(graph: Graph): Graph {
  const needed = new Set(graph.outputs.map((o) => o.name));
  const nodes: Node[] = [];
  for (let i = graph.nodes.length - 1; i >= 0; i--) {
    const node = graph.nodes[i] as Node;
    if (!node.outputs.some((o) => needed.has(o))) continue;
    nodes.push(node);
    for (const input of node.inputs) needed.add(input);
    for (const a of Object.values(node.attributes))
      if (a.kind === "graph") for (const name of reads(a.value)) needed.add(name);
  }
  nodes.reverse();
  return { ...graph, nodes, initializers: new Map([...graph.initializers].filter(([name]) => needed.has(name))) };
}

/** Every name a subgraph mentions: what it captures from outside is among them. */
function reads(graph: Graph): string[] {
  const inner = graph.nodes.flatMap((n) =>
    Object.values(n.attributes).flatMap((a) => (a.kind === "graph" ? reads(a.value) : [])),
  );
  return [...graph.nodes.flatMap((n) => [...n.inputs]), ...graph.outputs.map((o) => o.name), ...inner];
}
