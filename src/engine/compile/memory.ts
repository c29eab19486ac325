/** How much memory a step needs, from the shapes of its values and how long each is kept. */
import { bytesPerElement } from "../graph/tensor.js";
import type { Graph, ValueType } from "../graph/types.js";

/** Ops whose output is their first input under another shape: it takes no memory of its own. */
export const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/** Bytes of a value; 0 where its shape is not static. */
export function bytesOf(type: ValueType | undefined): number {
  if (!type?.shape) return 0;
  return type.shape.reduce<number>((n, d) => n * (typeof d === "number" ? d : 0), bytesPerElement(type.dtype));
}

/**
 * Bytes of the values that a graph of static shapes keeps at once, at the moment when these are most; executed node by node in the
 * graph's order, with inputs and initialisers. What an executor adds (packed weights, scratch memory) is not in it, nor what it
 * saves by writing an output over an input.
 */
export function peakBytes(graph: Graph): number {
  const sizeOfValue = (name: string): number => bytesOf(graph.valueTypes?.get(name));
  // Views keep the value that they are views of.
  const owner = new Map<string, string>();
  const ownerOf = (name: string): string => owner.get(name) ?? name;
  const last = new Map<string, number>();
  for (const [i, { op, domain, inputs, outputs }] of graph.nodes.entries()) {
    const [first = ""] = inputs;
    if (domain === "" && VIEWS.has(op) && first !== "") owner.set(outputs[0] as string, ownerOf(first));
    for (const name of inputs) last.set(ownerOf(name), i);
  }
  const kept = new Set(graph.outputs.map(({ name }) => ownerOf(name)));
  let now = [...graph.inputs, ...graph.initializers.values()].reduce((sum, type) => sum + bytesOf(type), 0);
  let peak = now;
  const held = new Set<string>();
  for (const [i, { inputs, outputs }] of graph.nodes.entries()) {
    for (const name of outputs) {
      if (name === "" || owner.has(name) || !(last.has(name) || kept.has(name))) continue;
      held.add(name);
      now += sizeOfValue(name);
    }
    peak = Math.max(peak, now);
    for (const name of new Set([...inputs, ...outputs].map(ownerOf)))
      if (last.get(name) === i && held.has(name) && !kept.has(name)) {
        held.delete(name);
        now -= sizeOfValue(name);
      }
  }
  return peak;
}
