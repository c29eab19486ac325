/**
 * A float64 evaluator of graphs in plain TypeScript: the independent source that gradient rules are checked against.
 * It is itself compared with ONNX Runtime (check.ts). One table of kernels a family; add yours to `families`.
 */
import type { Graph, Node, Tensor } from "../../../../src/engine/graph/types.js";
import { activationKernels } from "./reference/activation.js";
import { comparisonKernels } from "./reference/comparison.js";
import { convolutionKernels } from "./reference/convolution.js";
import { dropoutKernels } from "./reference/dropout.js";
import { elementwiseKernels } from "./reference/elementwise.js";
import { gatherKernels } from "./reference/gather.js";
import { type Kernel, type KernelTable, type RefTensor, refOf } from "./reference/kernel.js";
import { lookupKernels } from "./reference/lookup.js";
import { matmulKernels } from "./reference/matmul.js";
import { normalizationKernels } from "./reference/normalization.js";
import { poolingKernels } from "./reference/pooling.js";
import { reductionKernels } from "./reference/reduction.js";
import { shapeKernels } from "./reference/shape.js";
import { softmaxKernels } from "./reference/softmax.js";

export type { Kernel, KernelTable, RefTensor } from "./reference/kernel.js";

const families: readonly KernelTable[] = [
  activationKernels,
  comparisonKernels,
  convolutionKernels,
  dropoutKernels,
  elementwiseKernels,
  gatherKernels,
  lookupKernels,
  matmulKernels,
  normalizationKernels,
  poolingKernels,
  reductionKernels,
  shapeKernels,
  softmaxKernels,
];

const kernels = new Map<string, Kernel>();
for (const family of families) {
  for (const [op, kernel] of Object.entries(family)) {
    if (kernels.has(op)) throw new Error(`reference kernel ${op} is defined twice`);
    kernels.set(op, kernel);
  }
}

/** Whether the reference evaluator knows a (standard, lowered) op. */
export function hasReference(op: string): boolean {
  return kernels.has(op);
}

/**
 * Evaluates a graph of plain ONNX ops (lower abstract ops first) in float64.
 * float16/32/64 values are all computed in float64; integers are exact below 2^53; bool is 0 and 1.
 * @param feeds a value for every graph input
 * @returns every value of the graph by name, inputs and initialisers included
 */
export function evaluateReference(
  graph: Graph,
  feeds: ReadonlyMap<string, Tensor | RefTensor>,
): Map<string, RefTensor> {
  const values = new Map<string, RefTensor>();
  for (const [name, t] of graph.initializers) values.set(name, refOf(t));
  for (const input of graph.inputs) {
    const feed = feeds.get(input.name);
    if (!feed) throw new Error(`reference: no value for the input "${input.name}"`);
    values.set(input.name, refOf(feed));
  }
  for (const node of graph.nodes) evaluateNode(node, values);
  return values;
}

function evaluateNode(node: Node, values: Map<string, RefTensor>): void {
  const kernel = node.domain === "" ? kernels.get(node.op) : undefined;
  if (!kernel) {
    throw new Error(`reference: no kernel for ${node.domain || "ai.onnx"}.${node.op} (node "${node.name}")`);
  }
  const inputs = node.inputs.map((name) => {
    if (name === "") return undefined;
    const value = values.get(name);
    if (!value) throw new Error(`reference: node "${node.name}" reads "${name}" before it is defined`);
    return value;
  });
  const outputs = kernel(inputs, node.attributes, node);
  node.outputs.forEach((name, i) => {
    const value = outputs[i];
    if (name === "") return;
    if (!value) throw new Error(`reference: ${node.op} gave no output ${i} (node "${node.name}")`);
    values.set(name, value);
  });
}
