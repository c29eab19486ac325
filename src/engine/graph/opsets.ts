/** The lowest opset and IR version a graph of ours needs. */
import { maxOf } from "../../base/extremes.js";
import type { Graph, Node } from "./types.js";

/**
 * The ONNX version in which the form of the op that we write appeared, where it is newer than 13. Inputs that moved
 * from attributes (ReduceMean's axes at 18) make a form newer than its op; versions that only widened the element types
 * beyond floats (Add, Relu, Pow ... at 14 and 15) do not. Source: the ONNX operator changelog.
 */
const SINCE: Readonly<Record<string, number>> = {
  LayerNormalization: 17,
  GroupNormalization: 21,
  Gelu: 20,
  HardSwish: 14,
  Mish: 18,
  ReduceMean: 18,
  ReduceMax: 18,
  ReduceMin: 18,
  ReduceProd: 18,
  ReduceL1: 18,
  ReduceL2: 18,
  ReduceSumSquare: 18,
  ReduceLogSum: 18,
  ReduceLogSumExp: 18,
  Trilu: 14,
  Resize: 19,
  IsInf: 20,
  CastLike: 15,
};

/** Attributes that a later version brought to an older op. */
const BROUGHT_BY: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  AveragePool: { dilations: 19 },
  BatchNormalization: { training_mode: 14 },
  Cast: { saturate: 19 },
  Reshape: { allowzero: 14 },
  ScatterElements: { reduction: 18 },
  ScatterND: { reduction: 18 },
  Shape: { start: 15, end: 15 },
  Split: { num_outputs: 18 },
};

/** ONNX Runtime's support promise begins here. */
const LOWEST = 13;

/** Lowest standard opset that has every op of a float graph in the form it is written in. */
export function lowestOpset(graph: Graph): number {
  return graph.nodes.reduce((most, n) => (n.domain === "" ? Math.max(most, neededBy(n)) : most), LOWEST);
}

function neededBy({ op, attributes, inputs }: Node): number {
  const brought = Object.keys(attributes).map((name) => BROUGHT_BY[op]?.[name] ?? LOWEST);
  // Pad took its axes as a fourth input at 18.
  const axes = op === "Pad" && inputs[3] ? 18 : LOWEST;
  return maxOf(brought, Math.max(SINCE[op] ?? LOWEST, axes));
}

/** IR version that came with an opset (ONNX's Versioning.md). */
export function irVersionFor(opset: number): number {
  if (opset >= 25) return 13;
  if (opset >= 24) return 12;
  if (opset >= 23) return 11;
  if (opset >= 21) return 10;
  if (opset >= 19) return 9;
  if (opset >= 15) return 8;
  return 7;
}
