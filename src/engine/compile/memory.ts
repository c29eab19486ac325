/** How much memory a step needs, from the shapes of its values and how long each is kept. */
import { sizeOf } from "../graph/tensor.js";
import type { DType, Graph } from "../graph/types.js";

const BYTES: Partial<Record<DType, number>> = {
  float64: 8,
  int64: 8,
  uint64: 8,
  float16: 2,
  bfloat16: 2,
  int16: 2,
  uint16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};
/** Ops whose output is their first input under another shape: it takes no memory of its own. */
const VIEWS = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"]);

/**
 * Bytes of the values that a graph of static shapes keeps at once, at the moment when these are most; executed node by node in the
 * graph's order, with inputs and initialisers. What an executor adds (packed weights, scratch memory) is not in it.
 */
export function peakBytes(graph: Graph): number {
  const bytesOf = (name: string): number => {
    const type = graph.valueTypes?.get(name) ?? graph.initializers.get(name);
    const shape = type?.shape;
    if (!type || !shape) return 0;
    return sizeOf(shape.map((d) => (typeof d === "number" ? d : 1))) * (BYTES[type.dtype] ?? 4);
  };
  // Views keep the value that they are views of.
  const owner = new Map<string, string>();
  const ownerOf = (name: string): string => owner.get(name) ?? name;
  const last = new Map<string, number>();
  for (const [i, { op, domain, inputs, outputs }] of graph.nodes.entries()) {
    const [first = ""] = inputs;
    if (domain === "" && VIEWS.has(op) && first !== "") owner.set(outputs[0] as string, ownerOf(first));
    for (const name of inputs) last.set(ownerOf(name), i);
  }
  const kept = new Set([
    ...graph.outputs.map(({ name }) => ownerOf(name)),
    ...graph.inputs.map((v) => v.name),
    ...graph.initializers.keys(),
  ]);
  let now = [...graph.inputs].reduce(
    (sum, { dtype, shape }) =>
      sum + sizeOf((shape ?? []).map((d) => (typeof d === "number" ? d : 1))) * (BYTES[dtype] ?? 4),
    0,
  );
  for (const name of graph.initializers.keys()) now += bytesOf(name);
  let peak = now;
  const held = new Set<string>();
  for (const [i, { inputs, outputs }] of graph.nodes.entries()) {
    for (const name of outputs) {
      if (name === "" || owner.has(name) || !(last.has(name) || kept.has(name))) continue;
      held.add(name);
      now += bytesOf(name);
    }
    peak = Math.max(peak, now);
    for (const name of new Set([...inputs, ...outputs].map(ownerOf)))
      if (last.get(name) === i && held.has(name) && !kept.has(name)) {
        held.delete(name);
        now -= bytesOf(name);
      }
  }
  return peak;
}
