/**
 * Keeps convolutional graphs in ONNX Runtime's blocked layout from end to end: convolutions, their gradients, batch norms,
 * pools and what stands between them. What has no form here runs plain, with the layout changed around it.
 */

import { readInt } from "../../graph/attributes.js";
import type { GraphBuilder, Rewrite, Value } from "../../graph/builder.js";
import { ABSTRACT_DOMAIN, type Graph } from "../../graph/types.js";
import { opOf } from "../../ops/registry.js";
import { blockedConv, blockedInputGradient, canBlock } from "./convolution.js";
import { concatenation, ELEMENTWISE, elementwise, globalAverage, planeReduction, spreadPlanes } from "./elementwise.js";
import { fusedActivation, fusedAddition, leakyMask, maskCast, positive } from "./fusion.js";
import { type BlockedForm, BlockedLayout } from "./layout.js";
import { blockedBatchNorm, blockedBatchNormGradient, blockedFrozenBatchNorm } from "./normalisation.js";
import { blockedAveragePool, blockedMaxPool, blockedMaxPoolGradient } from "./pooling.js";
import { blockedWeightGradient } from "./weight-gradient.js";

/** By op; the first form that takes the call wins. */
const standard: Readonly<Record<string, readonly BlockedForm[]>> = {
  ...Object.fromEntries(ELEMENTWISE.map((op) => [op, [elementwise]])),
  Greater: [positive, elementwise],
  Cast: [maskCast, elementwise],
  Max: [leakyMask, elementwise],
  Add: [fusedAddition, elementwise],
  Relu: [fusedActivation, elementwise],
  LeakyRelu: [fusedActivation, elementwise],
  Clip: [fusedActivation, elementwise],
  Conv: [blockedConv],
  BatchNormalization: [blockedFrozenBatchNorm],
  MaxPool: [blockedMaxPool],
  AveragePool: [blockedAveragePool],
  GlobalAveragePool: [globalAverage],
  ReduceSum: [planeReduction],
  ReduceMean: [planeReduction],
  Expand: [spreadPlanes],
  Concat: [concatenation],
};

const abstract: Readonly<Record<string, readonly BlockedForm[]>> = {
  ConvInputGradient: [blockedInputGradient],
  ConvWeightGradient: [blockedWeightGradient],
  BatchNormalizationTraining: [blockedBatchNorm],
  BatchNormalizationInputGradient: [blockedBatchNormGradient],
  MaxPoolInputGradient: [blockedMaxPoolGradient],
};

export interface BlockedReplay {
  readonly rewrite: Rewrite;
  /** A value as the outside of the graph must see it. */
  plain(value: Value): Value;
}

/** How to replay a graph in the layout; undefined when it has no convolution that gains from it. */
export function blockedReplay(graph: Graph, builder: GraphBuilder, block: number): BlockedReplay | undefined {
  if (!gains(graph, block)) return undefined;
  const layout = new BlockedLayout(
    builder,
    block,
    usesIn(graph, () => true),
    usesIn(graph, isPoolGradient),
  );
  return {
    plain: (value) => layout.plain(value),
    rewrite: (call, b, node) => {
      const table = call.domain === ABSTRACT_DOMAIN ? abstract : call.domain === "" ? standard : {};
      return b.scope(call.name, () => {
        for (const form of table[call.op] ?? []) {
          const made = form(call, layout, node);
          if (made) return made;
        }
        if (!call.inputs.some((v) => layout.holds(v)) && call.domain !== ABSTRACT_DOMAIN) return undefined;
        const inputs = call.inputs.map((v) => v && layout.plain(v));
        const { lower } = opOf(call);
        if (call.domain === ABSTRACT_DOMAIN && lower) return lower({ ...call, inputs }, b);
        const { name, domain } = call;
        return b.ops(call.op, inputs, call.attributes, { name, domain });
      });
    },
  };
}

/** Whether some convolution has a blocked form. */
function gains(graph: Graph, block: number): boolean {
  const shapeOf = (name: string | undefined): readonly number[] => {
    const known = graph.initializers.get(name ?? "") ?? graph.valueTypes?.get(name ?? "");
    const shape = (known ?? graph.inputs.find((i) => i.name === name))?.shape ?? [];
    return shape.every((d) => typeof d === "number") ? (shape as number[]) : [];
  };
  return graph.nodes.some(
    (n) =>
      n.op === "Conv" &&
      n.domain === "" &&
      canBlock(shapeOf(n.inputs[0]), shapeOf(n.inputs[1]), readInt(n.attributes, "group", 1), block),
  );
}

const isPoolGradient = (op: string): boolean => op === "MaxPoolInputGradient";

/** How often the nodes of the given kind, and the graph's outputs, read each value. */
function usesIn(graph: Graph, counts: (op: string) => boolean): Map<string, number> {
  const uses = new Map<string, number>();
  const count = (name: string): void => void uses.set(name, (uses.get(name) ?? 0) + 1);
  for (const node of graph.nodes) if (counts(node.op)) node.inputs.forEach(count);
  if (counts("")) for (const output of graph.outputs) count(output.name);
  return uses;
}
