/** Matrix products. Weight gradients of batched inputs are one flat Gemm rather than a batched product and a sum. */
import { float, int, readFloat, readInt } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { sizeOf } from "../graph/tensor.js";
import type { GradientContext, OpDefinition } from "./definition.js";
import { einsumOps } from "./einsum.js";
import { broadcastShapes, misfit, required, reshape, scale, sumTo, transpose, typeOf } from "./support.js";

function inferMatMul(call: OpCall): StaticType[] {
  const a = required(call, 0);
  const b = required(call, 1);
  if (a.dtype !== b.dtype) throw misfit(call, "the factors have different element types");
  if (a.shape.length === 0 || b.shape.length === 0)
    throw misfit(call, "a factor is a single number", "matrices or vectors");
  const left = a.shape.length === 1 ? [1, a.shape[0] as number] : a.shape;
  const right = b.shape.length === 1 ? [b.shape[0] as number, 1] : b.shape;
  const inner = left[left.length - 1] as number;
  if (inner !== right[right.length - 2])
    throw misfit(call, `the inner dimensions differ (${inner} against ${right[right.length - 2]})`);
  const shape = broadcastShapes(call, left.slice(0, -2), right.slice(0, -2));
  if (a.shape.length > 1) shape.push(left[left.length - 2] as number);
  if (b.shape.length > 1) shape.push(right[right.length - 1] as number);
  return [typeOf(a.dtype, shape)];
}

function swapLast(b: GraphBuilder, value: Value): Value {
  const rank = value.shape.length;
  const perm = value.shape.map((_, i) => i);
  [perm[rank - 2], perm[rank - 1]] = [rank - 1, rank - 2];
  return transpose(b, value, perm);
}

function matMulGradient(c: GradientContext): (Value | undefined)[] {
  const { builder: b } = c;
  const [x, y] = c.inputs as [Value, Value];
  // Vectors become matrices: [K] on the left is [1,K], on the right [K,1].
  const left = reshape(b, x, x.shape.length === 1 ? [1, ...x.shape] : x.shape);
  const right = reshape(b, y, y.shape.length === 1 ? [...y.shape, 1] : y.shape);
  const out = c.outputs[0] as Value;
  const lead = out.shape.slice(0, out.shape.length - (x.shape.length > 1 ? 1 : 0) - (y.shape.length > 1 ? 1 : 0));
  const rows = left.shape[left.shape.length - 2] as number;
  const columns = right.shape[right.shape.length - 1] as number;
  const g = reshape(b, c.gradients[0] as Value, [...lead, rows, columns]);
  const dx = c.wants(0) ? leftGradient(b, g, left, right) : undefined;
  const dy = c.wants(1) ? rightGradient(b, g, left, right) : undefined;
  return [dx && reshape(b, dx, x.shape), dy && reshape(b, dy, y.shape)];
}

/** g right^T. With a matrix on the right all rows of the batch go through one Gemm. */
function leftGradient(b: GraphBuilder, g: Value, left: Value, right: Value): Value {
  if (right.shape.length === 2) return reshape(b, b.op("Gemm", [rowsOf(b, g), right], { transB: int(1) }), left.shape);
  return sumTo(b, b.op("MatMul", [g, swapLast(b, right)]), left.shape);
}

/** left^T g, summed over the batch where right has none: then it is one Gemm over all rows. */
function rightGradient(b: GraphBuilder, g: Value, left: Value, right: Value): Value {
  if (right.shape.length === 2) return b.op("Gemm", [rowsOf(b, left), rowsOf(b, g)], { transA: int(1) });
  return sumTo(b, b.op("MatMul", [swapLast(b, left), g]), right.shape);
}

/** [..., rows, columns] -> [all rows, columns]. */
function rowsOf(b: GraphBuilder, value: Value): Value {
  const columns = value.shape[value.shape.length - 1] as number;
  return reshape(b, value, [sizeOf(value.shape.slice(0, -1)), columns]);
}

function inferGemm(call: OpCall): StaticType[] {
  const a = required(call, 0);
  const b = required(call, 1);
  if (a.dtype !== b.dtype || (call.inputs[2] && call.inputs[2].dtype !== a.dtype))
    throw misfit(call, "the inputs have different element types");
  if (a.shape.length !== 2 || b.shape.length !== 2)
    throw misfit(call, "a factor has another number of dimensions than 2", "two matrices");
  const [m, k] = readInt(call.attributes, "transA", 0) ? [a.shape[1], a.shape[0]] : a.shape;
  const [k2, n] = readInt(call.attributes, "transB", 0) ? [b.shape[1], b.shape[0]] : b.shape;
  if (k !== k2) throw misfit(call, `the inner dimensions differ (${k} against ${k2})`);
  const shape = [m as number, n as number];
  const c = call.inputs[2];
  if (c) {
    const joint = broadcastShapes(call, shape, c.shape);
    if (joint.length !== 2 || joint[0] !== m || joint[1] !== n)
      throw misfit(call, `C does not broadcast to [${shape}]`);
  }
  return [typeOf(a.dtype, shape)];
}

/** Y = alpha A' B' + beta C. */
function gemmGradient(c: GradientContext): (Value | undefined)[] {
  const { builder: b } = c;
  const { attributes } = c.call;
  const [x, y, bias] = c.inputs as [Value, Value, Value | undefined];
  const g = c.gradients[0] as Value;
  const alpha = readFloat(attributes, "alpha", 1);
  const transA = readInt(attributes, "transA", 0) !== 0;
  const transB = readInt(attributes, "transB", 0) !== 0;
  const gemm = (p: Value, q: Value, ta: boolean, tb: boolean): Value =>
    b.op("Gemm", [p, q], { transA: int(ta ? 1 : 0), transB: int(tb ? 1 : 0), alpha: float(alpha) });
  return [
    c.wants(0) ? (transA ? gemm(y, g, transB, true) : gemm(g, y, false, !transB)) : undefined,
    c.wants(1) ? (transB ? gemm(g, x, true, transA) : gemm(x, g, !transA, false)) : undefined,
    bias && c.wants(2) ? scale(b, sumTo(b, g, bias.shape), readFloat(attributes, "beta", 1)) : undefined,
  ];
}

export const matmulOps: readonly OpDefinition[] = [
  { op: "MatMul", infer: inferMatMul, gradient: matMulGradient },
  { op: "Gemm", infer: inferGemm, gradient: gemmGradient },
  ...einsumOps,
];
