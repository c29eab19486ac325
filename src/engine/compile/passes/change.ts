/** What a pass did to a graph, in numbers. */
import { opName } from "../../graph/text.js";
import type { Graph, Node } from "../../graph/types.js";

export interface GraphChange {
  /** Nodes that are new, by operator. */
  readonly added: Readonly<Record<string, number>>;
  /** Nodes that are gone, by operator. */
  readonly removed: Readonly<Record<string, number>>;
  /** Nodes that stayed with other inputs or attributes. */
  readonly rewired: number;
}

/** A node is the same before and after when it applies the same operator and makes the same value. */
export function changeBetween(before: Graph, after: Graph): GraphChange {
  const [old, made] = [nodesByValue(before), nodesByValue(after)];
  const added = [...made].filter(([key]) => !old.has(key)).map(([, node]) => node);
  const removed = [...old].filter(([key]) => !made.has(key)).map(([, node]) => node);
  const rewired = [...made].filter(([key, node]) => {
    const was = old.get(key);
    return was !== undefined && detailsOf(was) !== detailsOf(node);
  });
  return { added: countOps(added), removed: countOps(removed), rewired: rewired.length };
}

/** How many nodes apply each operator, the most frequent first. */
export function countOps(nodes: readonly Node[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(opName(node), (counts.get(opName(node)) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a, n], [b, m]) => m - n || a.localeCompare(b)));
}

function nodesByValue({ nodes }: Graph): Map<string, Node> {
  return new Map(nodes.map((node) => [`${opName(node)} ${node.outputs.find((o) => o !== "") ?? node.name}`, node]));
}

/** Tensors and inner graphs are compared by identity elsewhere: here their presence counts. */
function detailsOf({ inputs, outputs, attributes }: Node): string {
  return JSON.stringify([
    inputs,
    outputs,
    Object.entries(attributes).map(([name, { kind, value }]) => [name, kind, isPlain(value) ? value : kind]),
  ]);
}

const isPlain = (value: unknown): boolean =>
  typeof value !== "object" || (Array.isArray(value) && value.every((v) => typeof v !== "object"));
