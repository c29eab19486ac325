/** The k best values along an axis, with their places. */
import { readInt } from "../graph/attributes.js";
import type { OpCall, StaticType } from "../graph/builder.js";
import type { OpDefinition } from "./definition.js";
import { scatterAdd } from "./gather.js";
import { knownInts, misfit, normaliseAxis, required, typeOf } from "./support.js";

const axisOf = (call: OpCall): number =>
  normaliseAxis(call, readInt(call.attributes, "axis", -1), required(call, 0).shape.length);

function infer(call: OpCall): StaticType[] {
  const { dtype, shape } = required(call, 0);
  const axis = axisOf(call);
  const [k, ...more] = knownInts(call, 1) ?? [];
  if (k === undefined || more.length > 0) throw misfit(call, "k is not a single number", "one whole number");
  if (k < 0 || k > (shape[axis] as number))
    throw misfit(call, `k is ${k}`, `0 to ${shape[axis]}, the size of the axis`);
  const picked = shape.map((d, i) => (i === axis ? k : d));
  return [typeOf(dtype, picked), typeOf("int64", picked)];
}

/** Which values are picked is a constant: each gradient goes back to the place its value came from. */
const topK: OpDefinition = {
  op: "TopK",
  infer,
  gradient: ({ builder: b, call, inputs: [x], outputs, gradients: [g] }) => {
    if (!x || !g) return [];
    return [scatterAdd(b, x, required({ ...call, inputs: outputs }, 1), g, axisOf(call)), undefined];
  },
  note: "k must be known at compile time",
};

export const topKOps: readonly OpDefinition[] = [topK];
