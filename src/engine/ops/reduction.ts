/** Reductions over axes (opset 18 form: axes are an input), ArgMax, ArgMin, CumSum. */
import { int, readInt } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { isFloat, sizeOf } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import type { OpDefinition } from "./definition.js";
import {
  constantLike,
  expand,
  knownInts,
  maskOf,
  misfit,
  normaliseAxis,
  required,
  reshape,
  scale,
  typeOf,
} from "./support.js";

/** What a reduction's gradient formula sees. */
interface Reduced {
  readonly b: GraphBuilder;
  /** The input. */
  readonly x: Value;
  /** Output and its gradient, with the reduced axes kept as 1: both broadcast against x. */
  readonly y: Value;
  readonly g: Value;
  /** How many elements fall into one output. */
  readonly count: number;
  /** Reduces another tensor of x's shape over the same axes, kept as 1. */
  again(op: string, value: Value): Value;
}

/**
 * The reduced axes. With noop_with_empty_axes they may be none at all: ONNX Runtime then applies what the op does to
 * single elements (ReduceSumSquare squares), just as a sum over one element would.
 */
function axesOf(call: OpCall): number[] {
  const rank = required(call, 0).shape.length;
  const given = knownInts(call, 1);
  if (given && given.length > 0) return [...new Set(given.map((a) => normaliseAxis(call, a, rank)))];
  if (readInt(call.attributes, "noop_with_empty_axes", 0) === 1) return [];
  return Array.from({ length: rank }, (_, i) => i);
}

function inferReduction(call: OpCall): StaticType[] {
  const x = required(call, 0);
  const axes = axesOf(call);
  const keep = readInt(call.attributes, "keepdims", 1) === 1;
  return [typeOf(x.dtype, without(x.shape, axes, keep))];
}

function without(shape: readonly number[], axes: readonly number[], keep: boolean): number[] {
  return shape.flatMap((d, i) => (axes.includes(i) ? (keep ? [1] : []) : [d]));
}

/**
 * Folds a reduction of an integer vector to its one value: the sizes and counts of shape arithmetic.
 * @param join int64 comes as bigint
 */
function foldVector(join: (a: bigint, b: bigint) => bigint): (call: OpCall) => readonly Tensor[] | undefined {
  return (call) => {
    const x = call.constants[0];
    if (x?.dtype !== "int64" || x.shape.length !== 1 || x.data.length === 0 || !axesOf(call).length) return undefined;
    const value = (x.data as BigInt64Array).reduce(join);
    const shape = readInt(call.attributes, "keepdims", 1) === 1 ? [1] : [];
    return [{ dtype: "int64", shape, data: BigInt64Array.of(value) }];
  };
}

const FOLDS: Readonly<Record<string, OpDefinition["evaluate"]>> = {
  ReduceSum: foldVector((a, b) => a + b),
  ReduceProd: foldVector((a, b) => a * b),
  ReduceMax: foldVector((best, v) => {
    if (v > best) return v;
    return best;
  }),
  ReduceMin: foldVector((best, v) => {
    if (v < best) return v;
    return best;
  }),
};

/** A reduction; `f` gives the gradient at x's shape, or at one that expands to it. */
function reduction(op: string, f: (r: Reduced) => Value, note?: string): OpDefinition {
  return {
    op,
    infer: inferReduction,
    gradient: ({ builder: b, call, inputs: [input], outputs, gradients }) => {
      const x = input as Value;
      const axes = axesOf(call);
      const kept = without(x.shape, axes, true);
      const again = (other: string, value: Value): Value =>
        b.op(other, [value, call.inputs[1]], { ...call.attributes, keepdims: int(1) });
      const r: Reduced = {
        b,
        x,
        y: reshape(b, outputs[0] as Value, kept),
        g: reshape(b, gradients[0] as Value, kept),
        count: axes.reduce((n, a) => n * (x.shape[a] as number), 1),
        again,
      };
      return [expand(b, f(r), x.shape)];
    },
    ...(FOLDS[op] ? { evaluate: FOLDS[op] } : {}),
    ...(note ? { note } : {}),
  };
}

/** ReduceMax and ReduceMin: ties share evenly, as PyTorch's `amax`. */
function extremum({ b, x, y, g, again }: Reduced): Value {
  const mask = maskOf(b, b.op("Equal", [x, y]), x);
  return b.op("Mul", [mask, b.op("Div", [g, again("ReduceSum", mask)])]);
}

/**
 * The product of the others, also among zeros: with the zeros taken as 1, the product over the row divided by the
 * element, wherever no OTHER element is zero; else 0.
 */
function product({ b, x, g, again }: Reduced): Value {
  const isZero = b.op("Equal", [x, constantLike(b, 0, x)]);
  const zeros = maskOf(b, isZero, x);
  const safe = b.op("Where", [isZero, constantLike(b, 1, x), x]);
  const others = b.op("Div", [again("ReduceProd", safe), safe]);
  const otherZeros = b.op("Sub", [again("ReduceSum", zeros), zeros]);
  const alone = maskOf(b, b.op("Equal", [otherZeros, constantLike(b, 0, x)]), x);
  return b.op("Mul", [g, b.op("Mul", [others, alone])]);
}

/** x / |x|, and 0 at the origin, as PyTorch's `norm`. */
function norm2({ b, x, y, g }: Reduced): Value {
  const atOrigin = b.op("Equal", [y, constantLike(b, 0, y)]);
  return b.op("Mul", [x, b.op("Div", [g, b.op("Where", [atOrigin, constantLike(b, 1, y), y])])]);
}

function argument(op: string): OpDefinition {
  return {
    op,
    infer: (call) => {
      const x = required(call, 0);
      const axis = normaliseAxis(call, readInt(call.attributes, "axis", 0), x.shape.length);
      return [typeOf("int64", without(x.shape, [axis], readInt(call.attributes, "keepdims", 1) === 1))];
    },
    gradient: "zero",
  };
}

const cumulativeSum: OpDefinition = {
  op: "CumSum",
  infer: (call) => {
    const x = required(call, 0);
    const axis = required(call, 1);
    if (sizeOf(axis.shape) !== 1 || isFloat(axis.dtype)) throw misfit(call, "the axis is not a single whole number");
    return [typeOf(x.dtype, x.shape)];
  },
  // x_i enters every sum from i on: the adjoint sums the other way round.
  gradient: ({ builder: b, call, inputs, gradients }) => {
    const reverse = readInt(call.attributes, "reverse", 0) === 1 ? 0 : 1;
    return [b.op("CumSum", [gradients[0], inputs[1]], { ...call.attributes, reverse: int(reverse) })];
  },
};

export const reductionOps: readonly OpDefinition[] = [
  reduction("ReduceSum", ({ g }) => g),
  reduction("ReduceMean", ({ b, g, count }) => scale(b, g, 1 / count)),
  reduction("ReduceMax", extremum, "ties share the gradient equally"),
  reduction("ReduceMin", extremum, "ties share the gradient equally"),
  reduction("ReduceProd", product),
  reduction("ReduceL1", ({ b, x, g }) => b.op("Mul", [g, b.op("Sign", [x])])),
  reduction("ReduceL2", norm2, "0 at the origin"),
  reduction("ReduceSumSquare", ({ b, x, g }) => b.op("Mul", [x, scale(b, g, 2)])),
  reduction("ReduceLogSumExp", ({ b, x, y, g }) => b.op("Mul", [g, b.op("Exp", [b.op("Sub", [x, y])])])),
  reduction("ReduceLogSum", ({ b, x, g, again }) => b.op("Div", [g, again("ReduceSum", x)])),
  argument("ArgMax"),
  argument("ArgMin"),
  cumulativeSum,
];
