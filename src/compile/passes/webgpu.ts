/** Forms that the WebGPU provider can run where it lacks the usual ones. Each equals the plain form (test/compile/webgpu.test.ts). */
import { int, readInt } from "../../graph/attributes.js";
import type { GraphBuilder, OpCall, Value } from "../../graph/builder.js";
import { int64s, scalar } from "../../graph/tensor.js";
import { ABSTRACT_DOMAIN } from "../../graph/types.js";
import { poolWindow } from "../../ops/pooling.js";
import { maskOf, normaliseAxis, reshape } from "../../ops/support.js";
import type { Window } from "../../ops/window.js";

/** Stands for minus infinity, which shader compilers may refuse. */
const LOWEST = -3.4028234663852886e38;

/** The call in a form for WebGPU, or undefined where its plain form will do. */
export function webgpuForm(call: OpCall, b: GraphBuilder): readonly Value[] | undefined {
  if (call.domain === "" && call.op === "LogSoftmax") return b.scope(call.name, () => [logSoftmax(call, b)]);
  if (call.domain === ABSTRACT_DOMAIN && call.op === "MaxPoolInputGradient")
    return b.scope(call.name, () => [maxPoolGradient(call, b)]);
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

/**
 * MaxPool gives no indices on WebGPU: the gradient goes, for each place of the window in turn, to the inputs that equal
 * the maximum, unless an earlier place of the same window has had it. So ties go to the first element, as with indices.
 */
function maxPoolGradient(call: OpCall, b: GraphBuilder): Value {
  const [x, y, , g] = call.inputs as [Value, Value, Value, Value];
  const w = poolWindow(call);
  const padded = paddedInput(b, x, w);
  let open: Value | undefined;
  let sum: Value | undefined;
  for (const tap of tapsOf(w)) {
    const hit = maskOf(b, b.op("Equal", [viewOf(b, padded, w, tap), y]), g);
    const first = open ? b.op("Mul", [hit, open]) : hit;
    const left = b.op("Sub", [open ?? b.constant(scalar(1)), first]);
    const part = placed(b, b.op("Mul", [g, first]), w, tap);
    open = left;
    sum = sum ? b.op("Add", [sum, part]) : part;
  }
  return sum as Value;
}

/** Offset of every element of the window, row by row. */
function tapsOf(w: Window): number[][] {
  return w.kernel.reduce<number[][]>(
    (all, k, axis) =>
      all.flatMap((t) => Array.from({ length: k }, (_, i) => [...t, i * (w.dilations[axis] as number)])),
    [[]],
  );
}

/** The input with room on all sides for every window, ceil_mode's last one included. */
function paddedInput(b: GraphBuilder, x: Value, w: Window): Value {
  const reach = w.output.map(
    (o, i) => (o - 1) * (w.strides[i] as number) + ((w.kernel[i] as number) - 1) * (w.dilations[i] as number) + 1,
  );
  const behind = reach.map((r, i) => Math.max(0, r - (w.begin[i] as number) - (w.input[i] as number)));
  return pad(b, x, w.begin, behind, LOWEST);
}

/** What one element of every window sees [N, C, ...output]. */
function viewOf(b: GraphBuilder, padded: Value, w: Window, tap: readonly number[]): Value {
  const ends = tap.map((t, i) => t + ((w.output[i] as number) - 1) * (w.strides[i] as number) + 1);
  return slice(b, padded, tap, ends, w.strides);
}

/** Values [N, C, ...output] at the inputs that one element of every window sees, zeros elsewhere [N, C, ...input]. */
function placed(b: GraphBuilder, value: Value, w: Window, tap: readonly number[]): Value {
  const spread = spreadOut(b, value, w.strides);
  const sizes = spread.shape.slice(2);
  const front = tap.map((t, i) => t - (w.begin[i] as number));
  const behind = sizes.map((s, i) => (w.input[i] as number) - s - (front[i] as number));
  const kept = slice(
    b,
    spread,
    front.map((f) => Math.max(0, -f)),
    sizes.map((s, i) => s - Math.max(0, -(behind[i] as number))),
  );
  const room = (list: readonly number[]): number[] => list.map((n) => Math.max(0, n));
  return pad(b, kept, room(front), room(behind), 0);
}

/** Each element followed by stride - 1 zeros along every spatial axis. */
function spreadOut(b: GraphBuilder, value: Value, strides: readonly number[]): Value {
  if (strides.every((s) => s === 1)) return value;
  const [n, c, ...spatial] = value.shape as [number, number, ...number[]];
  const apart = reshape(b, value, [n, c, ...spatial.flatMap((s) => [s, 1])]);
  const after = strides.flatMap((s) => [0, s - 1]);
  const filled = pad(
    b,
    apart,
    after.map(() => 0),
    after,
    0,
  );
  return reshape(b, filled, [n, c, ...spatial.map((s, i) => s * (strides[i] as number))]);
}

/** Padding of all axes but the first two. */
function pad(b: GraphBuilder, x: Value, front: readonly number[], behind: readonly number[], value: number): Value {
  if ([...front, ...behind].every((p) => p === 0)) return x;
  return b.op("Pad", [x, b.constant(int64s([0, 0, ...front, 0, 0, ...behind])), b.constant(scalar(value))]);
}

function slice(
  b: GraphBuilder,
  x: Value,
  starts: readonly number[],
  ends: readonly number[],
  steps: readonly number[] = starts.map(() => 1),
): Value {
  const spatial = x.shape.slice(2);
  if (starts.every((s) => s === 0) && steps.every((s) => s === 1) && ends.every((e, i) => e === spatial[i])) return x;
  const axes = starts.map((_, i) => i + 2);
  return b.op("Slice", [x, ...[starts, ends, axes, steps].map((list) => b.constant(int64s(list)))]);
}
