/** The forward pass with its state as inputs: what evaluates a student between steps. */

import type { TrainableModel } from "../graph/trainable-model.js";
import type { Dim, Graph, ValueInfo } from "../graph/types.js";
import { withoutDropout } from "./passes/dropout.js";

/** Same graph, but trainable parameters and buffers are fed instead of stored. The batch stays free. */
export function evaluationGraph(model: TrainableModel): Graph {
  const state = [...model.parameters, ...model.buffers];
  const initializers = new Map(model.graph.initializers);
  const inputs: ValueInfo[] = [...model.graph.inputs];
  for (const name of state) {
    const tensor = initializers.get(name);
    if (!tensor) throw new Error(`no initialiser "${name}"`);
    initializers.delete(name);
    inputs.push({ name, dtype: tensor.dtype, shape: tensor.shape });
  }
  return {
    ...withoutDropout(freeBatch({ ...model.graph, inputs, initializers }, model.inputs)),
    outputs: model.graph.outputs.filter((o) => o.name === model.output).map(batchFirst),
  };
}

/** Makes the first dimension of these inputs symbolic; declared inner types are dropped, since they may name the old size. */
export function freeBatch(graph: Graph, names: readonly string[]): Graph {
  const inputs = graph.inputs.map((i) => (names.includes(i.name) ? batchFirst(i) : i));
  return {
    name: graph.name,
    inputs,
    outputs: graph.outputs.map(batchFirst),
    nodes: graph.nodes,
    initializers: graph.initializers,
  };
}

function batchFirst(info: ValueInfo): ValueInfo {
  return info.shape && info.shape.length > 0 ? { ...info, shape: ["batch" as Dim, ...info.shape.slice(1)] } : info;
}

/** A copy of the graph with new values for some initialisers (float32, same sizes). */
export function withWeights(graph: Graph, weights: ReadonlyMap<string, Float32Array>): Graph {
  const initializers = new Map(graph.initializers);
  for (const [name, data] of weights) {
    const old = initializers.get(name);
    if (!old) throw new Error(`withWeights: no initialiser "${name}"`);
    if (old.data.length !== data.length)
      throw new Error(`withWeights: "${name}" has ${old.data.length} elements, got ${data.length}`);
    initializers.set(name, { dtype: "float32", shape: old.shape, data });
  }
  return { ...graph, initializers };
}
