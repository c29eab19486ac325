/**
 * ONNX Runtime 1.30's WebGPU convolution reads wrong input when it takes channels three at a time: input channels that are
 * a multiple of 3 but not of 4, more than 3 of them, and output channels a multiple of 4 (microsoft/onnxruntime#29651).
 * Zero channels up to the next multiple of 4 change nothing in the result.
 */
import { readInt } from "../../graph/attributes.js";
import { int64s } from "../../graph/tensor.js";
import type { Dim, Graph, Node, Tensor } from "../../graph/types.js";

/** An equal graph without such convolutions. Batch and sizes may be symbolic; weights have known shapes. */
export function padChannels(graph: Graph): Graph {
  const initializers = new Map<string, Tensor>(graph.initializers);
  const taken = new Set([
    ...graph.inputs.map((i) => i.name),
    ...initializers.keys(),
    ...graph.nodes.flatMap((n) => [n.name, ...n.outputs]),
  ]);
  const fresh = (wanted: string): string => {
    let name = wanted;
    while (taken.has(name)) name += "_";
    taken.add(name);
    return name;
  };
  const shapeOf = (name: string): readonly Dim[] | null | undefined =>
    graph.initializers.get(name)?.shape ??
    graph.inputs.find((i) => i.name === name)?.shape ??
    graph.valueTypes?.get(name)?.shape;
  const valueTypes = graph.valueTypes && new Map(graph.valueTypes);
  const nodes = graph.nodes.flatMap((node): Node[] => {
    const extra = missing(node, shapeOf(node.inputs[1] ?? ""));
    if (extra === 0) return [node];
    const pads = node.inputs.slice(0, 2).map((input, i): Node => {
      const rank = shapeOf(node.inputs[1] as string)?.length as number;
      const amounts = fresh(`${node.name}/channels`);
      initializers.set(amounts, int64s(Array.from({ length: 2 * rank }, (_, k) => (k === rank + 1 ? extra : 0))));
      const output = fresh(`${node.name}/${i === 0 ? "padded" : "padded_weight"}`);
      const type = graph.valueTypes?.get(input) ?? graph.inputs.find((v) => v.name === input);
      const shape = (type?.shape ?? graph.initializers.get(input)?.shape)?.map((d, k) =>
        k === 1 ? (d as number) + extra : d,
      );
      if (shape) valueTypes?.set(output, { dtype: "float32", shape });
      return {
        name: fresh(output),
        op: "Pad",
        domain: "",
        inputs: [input, amounts],
        outputs: [output],
        attributes: {},
      };
    });
    return [...pads, { ...node, inputs: [...pads.map((p) => p.outputs[0] as string), ...node.inputs.slice(2)] }];
  });
  return { ...graph, nodes, initializers, valueTypes };
}

/** Channels to add to a convolution's input. */
function missing(node: Node, weight: readonly Dim[] | null | undefined): number {
  if (node.op !== "Conv" || node.domain !== "" || readInt(node.attributes, "group", 1) !== 1) return 0;
  const [outputs, inputs] = [weight?.[0], weight?.[1]];
  if (typeof outputs !== "number" || typeof inputs !== "number") return 0;
  const wrong = inputs > 3 && inputs % 3 === 0 && inputs % 4 !== 0 && outputs % 4 === 0;
  return wrong ? 4 - (inputs % 4) : 0;
}
