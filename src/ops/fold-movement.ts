/** Folding of movement ops over known small tensors: what shape arithmetic in foreign models is made of. */
import type { OpCall } from "../graph/builder.js";
import { numbersOf, sizeOf, tensor } from "../graph/tensor.js";
import type { Tensor } from "../graph/types.js";
import { foldable } from "./fold.js";
import { findOp } from "./registry.js";
import { normaliseAxis } from "./support.js";
import { readInt } from "../graph/attributes.js";
import { sliceRanges } from "./shape.js";

/** Values of Reshape, Squeeze, Unsqueeze, Flatten, Concat, Slice and Expand when every input is known; int64 below 2^53. */
export function foldMovement(call: OpCall): readonly Tensor[] | undefined {
  const present = { ...call, constants: call.constants.filter((_, i) => call.inputs[i] !== undefined) };
  if (!foldable(present)) return undefined;
  const x = call.constants[0] as Tensor;
  const [type] = findOp(call.op)?.infer(call) ?? [];
  if (!type) return undefined;
  const values = numbersOf(x);
  switch (call.op) {
    case "Reshape":
    case "Squeeze":
    case "Unsqueeze":
    case "Flatten":
      return [{ ...x, shape: type.shape }];
    case "Concat":
      return concat(call, type.shape);
    case "Slice":
      return sliceRanges(call).length === 1 ? [slice(call, x.dtype, values)] : undefined;
    case "Expand":
      return sizeOf(x.shape) === 1
        ? [tensor(x.dtype, Array<number>(sizeOf(type.shape)).fill(values[0] as number), type.shape)]
        : undefined;
    default:
      return undefined;
  }
}

function concat(call: OpCall, shape: readonly number[]): Tensor[] | undefined {
  const parts = call.constants as readonly Tensor[];
  if (normaliseAxis(call, readInt(call.attributes, "axis", 0), shape.length) !== 0) return undefined;
  return [tensor((parts[0] as Tensor).dtype, parts.flatMap(numbersOf), shape)];
}

function slice(call: OpCall, dtype: Tensor["dtype"], values: readonly number[]): Tensor {
  const [range] = sliceRanges(call);
  const { start, step, count } = range as { start: number; step: number; count: number };
  return tensor(
    dtype,
    Array.from({ length: count }, (_, i) => values[start + i * step] as number),
  );
}
