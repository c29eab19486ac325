/** What a forward pass costs. */
import { readInt } from "../graph/attributes.js";
import { sizeOf } from "../graph/tensor.js";
import type { Dim, Graph, Node } from "../graph/types.js";

/**
 * Multiply-accumulates of one sample's forward pass: convolutions and matrix products, which are nearly all of it.
 * Sizes that are not numbers count as 1 (a free batch); a numeric first dimension of the first input is taken for the
 * batch and divided out.
 * @returns undefined when a needed shape is not known
 */
export function countMacs(graph: Graph): number | undefined {
  const shapes = new Map<string, readonly Dim[]>();
  const note = (name: string, shape: readonly Dim[] | null): void => {
    if (shape) shapes.set(name, shape);
  };
  for (const [name, type] of graph.valueTypes ?? []) note(name, type.shape);
  for (const value of [...graph.inputs, ...graph.outputs]) note(value.name, value.shape);
  for (const [name, tensor] of graph.initializers) note(name, tensor.shape);
  let macs = 0;
  for (const node of graph.nodes) {
    const own = nodeMacs(node, (name) => shapes.get(name ?? "")?.map((d) => (typeof d === "number" ? d : 1)));
    if (own === undefined) return undefined;
    macs += own;
  }
  const batch = graph.inputs[0]?.shape?.[0];
  return typeof batch === "number" && batch > 0 ? macs / batch : macs;
}

type ShapeOf = (name: string | undefined) => readonly number[] | undefined;

function nodeMacs(node: Node, shapeOf: ShapeOf): number | undefined {
  const [input, weight] = [shapeOf(node.inputs[0]), shapeOf(node.inputs[1])];
  const output = shapeOf(node.outputs[0]);
  switch (node.domain === "" ? node.op : "") {
    case "Conv":
      // Each output is a sum over [channels / group, ...kernel].
      return output && weight && sizeOf(output) * sizeOf(weight.slice(1));
    case "ConvTranspose":
      // Each input is spread over [filters / group, ...kernel].
      return input && weight && sizeOf(input) * sizeOf(weight.slice(1));
    case "Gemm":
      return output && input && sizeOf(output) * (input[readInt(node.attributes, "transA", 0) ? 0 : 1] as number);
    case "MatMul":
      return output && input && sizeOf(output) * (input[input.length - 1] as number);
    default:
      return 0;
  }
}
