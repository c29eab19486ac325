/** The lowest opset and IR version a graph of ours needs. */
import type { Graph } from "./types.js";

/**
 * The ONNX version in which the form of the op that we write appeared, where it is newer than 13. Inputs that moved
 * from attributes (ReduceMean's axes at 18) make a form newer than its op. Source: the ONNX operator changelog.
 */
const SINCE: Readonly<Record<string, number>> = {
  BatchNormalization: 15,
  LayerNormalization: 17,
  GroupNormalization: 21,
  Gelu: 20,
  HardSwish: 14,
  Mish: 18,
  Pad: 18,
  Split: 18,
  ReduceMean: 18,
  ReduceMax: 18,
  ReduceMin: 18,
  ReduceProd: 18,
  ReduceL1: 18,
  ReduceL2: 18,
  ReduceSumSquare: 18,
  ReduceLogSum: 18,
  ReduceLogSumExp: 18,
  Reshape: 14,
  CumSum: 14,
  Add: 14,
  Sub: 14,
  Mul: 14,
  Div: 14,
  Relu: 14,
  Identity: 14,
  Shape: 15,
  Pow: 15,
  Resize: 19,
  AveragePool: 19,
  ScatterElements: 18,
  IsInf: 20,
  Cast: 19,
  CastLike: 19,
};

/** ONNX Runtime's support promise begins here. */
const LOWEST = 13;

/** Lowest standard opset that has every op of the graph in the form it is written in. */
export function lowestOpset(graph: Graph): number {
  return graph.nodes.reduce(
    (most, n) => (n.domain === "" ? Math.max(most, neededBy(n.op, Object.keys(n.attributes))) : most),
    LOWEST,
  );
}

function neededBy(op: string, attributes: readonly string[]): number {
  // Forms that existed long before, as long as their newer features are not used.
  if (op === "AveragePool" && !attributes.includes("dilations")) return LOWEST;
  if (op === "Reshape" && !attributes.includes("allowzero")) return LOWEST;
  return SINCE[op] ?? LOWEST;
}

/** IR version that came with an opset (ONNX's Versioning.md). */
export function irVersionFor(opset: number): number {
  if (opset >= 25) return 12;
  if (opset >= 23) return 11;
  if (opset >= 21) return 10;
  if (opset >= 19) return 9;
  if (opset >= 15) return 8;
  return 7;
}
