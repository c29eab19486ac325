/** Huber's loss of differences, elementwise: a parabola near 0, a line beyond. */
import type { GraphBuilder, Value } from "../graph/builder.js";
import { constantLike, scale } from "../ops/support.js";

/**
 * 1/2 d^2 for |d| <= delta, else delta (|d| - delta / 2). Written as 1/2 q^2 + delta (|d| - q) with q = min(|d|, delta),
 * which has the right slope on both sides of the joint.
 */
export function huber(b: GraphBuilder, difference: Value, delta: number): Value {
  const size = b.op("Abs", [difference]);
  const near = b.op("Min", [size, constantLike(b, delta, size)]);
  const parabola = scale(b, b.op("Mul", [near, near]), 0.5);
  return b.op("Add", [parabola, scale(b, b.op("Sub", [size, near]), delta)]);
}
