/** Expands the abstract ops of our own domain into plain ONNX. */
import type { GraphBuilder, OpCall, Rewrite, Value } from "../graph/builder.js";
import { ABSTRACT_DOMAIN, type Graph } from "../graph/types.js";
import { createBuilder, opOf } from "../ops/registry.js";
import { blockedReplay } from "./blocked/index.js";
import { webgpuForm } from "./passes/webgpu.js";

/**
 * What a graph is lowered for: plain ONNX that runs anywhere, or the forms a device is good at. `blocked` is ONNX Runtime's
 * layout for convolutions on this processor, with its channels a block (node/block.ts finds out).
 */
export type Target = "plain" | "webgpu" | { readonly blocked: number };

/**
 * Returns an equal graph without abstract ops. Input and output names survive; shapes must be static.
 * An abstract op may lower to other abstract ops, which are lowered in turn.
 */
export function lowerGraph(graph: Graph, target: Target = "plain"): Graph {
  let lowered = graph;
  if (target === "webgpu") lowered = replay(graph, () => ({ rewrite: webgpuForm }));
  else if (target !== "plain") lowered = replay(graph, (b) => blockedReplay(graph, b, target.blocked));
  while (lowered.nodes.some((n) => n.domain === ABSTRACT_DOMAIN))
    lowered = replay(lowered, () => ({ rewrite: lowerCall }));
  return lowered;
}

interface Replay {
  readonly rewrite: Rewrite;
  /** A value as the graph's outputs must have it. */
  readonly plain?: (value: Value) => Value;
}

function lowerCall(call: OpCall, builder: GraphBuilder): readonly Value[] | undefined {
  if (call.domain !== ABSTRACT_DOMAIN) return undefined;
  const { lower } = opOf(call);
  if (!lower) throw new Error(`abstract op ${call.op} has no lowering`);
  return builder.scope(call.name, () => lower(call, builder));
}

/** Replays a static graph into a new builder under a rewrite, keeping input and output names; the graph itself without one. */
function replay(graph: Graph, how: (b: GraphBuilder) => Replay | undefined): Graph {
  const b = createBuilder(graph.name);
  const { rewrite, plain } = how(b) ?? {};
  if (!rewrite) return graph;
  const bindings = new Map<string, Value>();
  for (const input of graph.inputs) {
    if (!input.shape || input.shape.some((d) => typeof d !== "number")) {
      throw new Error(`lowering needs static shapes; input "${input.name}" of "${graph.name}" has none`);
    }
    bindings.set(input.name, b.input(input.name, input.dtype, input.shape as readonly number[]));
  }
  const values = b.inline(graph, bindings, rewrite);
  for (const output of graph.outputs) {
    const value = values.get(output.name) as Value;
    b.output(plain?.(value) ?? value, output.name);
  }
  return b.build();
}
