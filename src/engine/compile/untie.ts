/**
 * Tensors that an exporter stored once because they were equal: fresh norms of several layers, all ones. Where an Identity
 * carries the name of another layer's parameter, the layers had a tensor each, and get one again: training the one must not
 * move the other.
 */
import { sizeOf } from "../graph/tensor.js";
import type { Graph } from "../graph/types.js";

export interface Untied {
  readonly graph: Graph;
  /** Names of the tensors that got a value of their own, with the one they shared. */
  readonly untied: ReadonlyMap<string, string>;
}

/** Whether a name is one that exporters give to the values of nodes, and not to parameters. */
export const isValueName = (name: string): boolean => /(^\/)|(_output_\d+$)|(^(val|identity|onnx::)_?\d*)/i.test(name);

/** @param tied whether a tensor, by its name, stays shared */
export function untieWeights(graph: Graph, tied: (name: string) => boolean): Untied {
  const outputs = new Set(graph.outputs.map((o) => o.name));
  const initializers = new Map(graph.initializers);
  const untied = new Map<string, string>();
  const nodes = graph.nodes.filter(({ op, domain, inputs: [from = ""], outputs: [to = ""] }) => {
    const tensor = op === "Identity" && domain === "" ? graph.initializers.get(from) : undefined;
    const own = tensor?.dtype === "float32" && sizeOf(tensor.shape) > 1 && to.includes(".") && !isValueName(to);
    if (!tensor || !own || outputs.has(to) || tied(from) || tied(to)) return true;
    initializers.set(to, tensor);
    untied.set(to, from);
    return false;
  });
  return { graph: untied.size === 0 ? graph : { ...graph, nodes, initializers }, untied };
}
