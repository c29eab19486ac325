/** Computes equal things once: two nodes with the same op, attributes and inputs become one. */
import type { Attribute, Graph, Node } from "../../graph/types.js";

/** Ops whose two applications differ although they look alike. */
const IMPURE = new Set([
  "RandomNormal",
  "RandomNormalLike",
  "RandomUniform",
  "RandomUniformLike",
  "Multinomial",
  "Bernoulli",
  "Dropout",
]);

export function commonSubexpressions(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const replaced = new Map<string, string>();
  const seen = new Map<string, Node>();
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((i) => replaced.get(i) ?? i);
    const current = { ...node, inputs };
    const key = keyOf(current);
    const first = key === undefined ? undefined : seen.get(key);
    // A graph output keeps the node that computes it: its name is part of the interface.
    if (
      first &&
      !node.outputs.some((o) => outputs.has(o)) &&
      node.outputs.every((o, i) => o === "" || (first.outputs[i] ?? "") !== "")
    ) {
      node.outputs.forEach((o, i) => {
        if (o !== "") replaced.set(o, first.outputs[i] as string);
      });
      continue;
    }
    if (key !== undefined && !first) seen.set(key, current);
    nodes.push(current);
  }
  return { ...graph, nodes };
}

function keyOf(node: Node): string | undefined {
  if (IMPURE.has(node.op)) return undefined;
  const attributes = Object.entries(node.attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (attributes.some(([, a]) => !simple(a))) return undefined;
  return JSON.stringify([node.domain, node.op, node.inputs, attributes]);
}

const simple = (a: Attribute): boolean => a.kind !== "tensor" && a.kind !== "graph" && a.kind !== "opaque";
