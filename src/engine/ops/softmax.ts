/** Softmax and LogSoftmax along one axis (opset 13 form: default -1). */
import { int, readInt } from "../graph/attributes.js";
import type { GraphBuilder, OpCall, StaticType, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import type { OpDefinition } from "./definition.js";
import { inferSame, normaliseAxis, required } from "./support.js";

function axisOf(call: OpCall): number {
  return normaliseAxis(call, readInt(call.attributes, "axis", -1), required(call, 0).shape.length);
}

function infer(call: OpCall): StaticType[] {
  axisOf(call);
  return inferSame(call);
}

/** Sum along the op's axis, which stays as 1. */
function rowSum(b: GraphBuilder, call: OpCall, value: Value): Value {
  return b.op("ReduceSum", [value, b.constant(int64s([axisOf(call)]))], { keepdims: int(1) });
}

export const softmaxOps: readonly OpDefinition[] = [
  {
    op: "Softmax",
    infer,
    // dx = y * (g - sum(g * y))
    gradient: ({ builder: b, call, outputs: [y], gradients: [g] }) => [
      b.op("Mul", [y, b.op("Sub", [g, rowSum(b, call, b.op("Mul", [g, y]))])]),
    ],
  },
  {
    op: "LogSoftmax",
    infer,
    // dx = g - softmax(x) * sum(g), and softmax(x) = exp(y)
    gradient: ({ builder: b, call, outputs: [y], gradients: [g] }) => [
      b.op("Sub", [g, b.op("Mul", [b.op("Exp", [y]), rowSum(b, call, g as Value)])]),
    ],
  },
];
