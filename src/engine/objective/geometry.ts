/** Lengths and directions of rows, as feature losses compare them. */
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import { constantLike } from "../ops/support.js";

/** The least length divided by, as in PyTorch's normalize: a row of zeros stays zeros. */
const LEAST = 1e-12;

/** Rows [rows, n] divided by their L2 length. */
export function unitRows(b: GraphBuilder, rows: Value): Value {
  const length = b.op("ReduceL2", [rows, b.constant(int64s([1]))], { keepdims: int(1) });
  return b.op("Div", [rows, b.op("Max", [length, constantLike(b, LEAST, length)])]);
}
