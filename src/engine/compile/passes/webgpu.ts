/** Forms that the WebGPU provider can run where it lacks the usual ones. Each equals the plain form (test/compile/webgpu.test.ts). */
import { int, readInt } from "../../graph/attributes.js";
import type { GraphBuilder, OpCall, Value } from "../../graph/builder.js";
import { int64s } from "../../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../../graph/types.js";
import { poolWindow } from "../../ops/pooling.js";
import { maxPoolGradient } from "../../ops/pooling-gradient.js";
import { normaliseAxis } from "../../ops/support.js";

/** The call in a form for WebGPU, or undefined where its plain form will do. */
export function webgpuForm(call: OpCall, b: GraphBuilder): readonly Value[] | undefined {
  if (call.domain === "" && call.op === "LogSoftmax") return b.scope(call.name, () => [logSoftmax(call, b)]);
  if (call.domain === ABSTRACT_DOMAIN && call.op === "MaxPoolInputGradient")
    return b.scope(call.name, () => {
      const [x, y, , g] = call.inputs as [Value, Value, Value, Value];
      return [maxPoolGradient(b, x, y, g, poolWindow(call))];
    });
  return undefined;
}

/** LogSoftmax has no WebGPU kernel: x - max - log(sum(exp(x - max))). */
function logSoftmax(call: OpCall, b: GraphBuilder): Value {
  const x = call.inputs[0] as Value;
  const axis = b.constant(int64s([normaliseAxis(call, readInt(call.attributes, "axis", -1), x.shape.length)]));
  const shifted = b.op("Sub", [x, b.op("ReduceMax", [x, axis], { keepdims: int(1) })]);
  const sum = b.op("ReduceSum", [b.op("Exp", [shifted]), axis], { keepdims: int(1) });
  return b.op("Sub", [shifted, b.op("Log", [sum])]);
}
