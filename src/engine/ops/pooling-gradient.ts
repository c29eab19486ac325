/** Gradients of pools over windows. */
import { int } from "../graph/attributes.js";
import type { GraphBuilder, Value } from "../graph/builder.js";
import { int64s } from "../graph/tensor.js";
import { constantLike, maskOf, reshape } from "./support.js";
import type { Window } from "./window.js";

/** Stands for minus infinity, which shader compilers may refuse. */
const LOWEST = -3.4028234663852886e38;

/**
 * MaxPool's gradient without its indices: for each place of the window in turn it goes to the inputs that equal the
 * maximum, unless an earlier place of the same window has had it. So ties go to the first element, as with indices.
 *
 * WebGPU gives no indices, and on the CPU they cost more than all of this: ONNX Runtime 1.30 needs 12 ms for a 2x2 pool
 * of [128,32,28,28] with indices, 0.2 without, on one core of an AMD EPYC (Zen 5).
 * @param x [N, C, ...input], y and g [N, C, ...output]; dimensions may follow the two as long as the window has them
 */
export function maxPoolGradient(b: GraphBuilder, x: Value, y: Value, g: Value, w: Window): Value {
  const padded = paddedInput(b, x, w);
  const parts: Value[] = [];
  const taps = tapsOf(w);
  let open: Value | undefined;
  taps.forEach((tap, i) => {
    const hit = maskOf(b, b.op("Equal", [viewOf(b, padded, w, tap), y]), g);
    const first = open ? b.op("Mul", [hit, open]) : hit;
    parts.push(b.op("Mul", [g, first]));
    if (i < taps.length - 1) open = b.op("Sub", [open ?? constantLike(b, 1, g), first]);
  });
  if (tiles(w)) return assembled(b, parts, w);
  return parts
    .map((part, i) => placed(b, part, w, taps[i] as number[]))
    .reduce((sum, part) => b.op("Add", [sum, part]));
}

/** Whether the windows cover the input without overlap, gap or rest. */
function tiles(w: Window): boolean {
  return w.input.every(
    (size, i) =>
      w.strides[i] === w.kernel[i] &&
      (w.dilations[i] === 1 || w.kernel[i] === 1) &&
      w.begin[i] === 0 &&
      w.end[i] === 0 &&
      size === (w.output[i] as number) * (w.kernel[i] as number),
  );
}

/** One part [N, C, ...output] for each tap, interleaved to [N, C, ...input]. */
function assembled(b: GraphBuilder, parts: readonly Value[], w: Window): Value {
  const [n, c] = (parts[0] as Value).shape as [number, number];
  // [N, C, o0, 1, o1, 1, ...]: each kernel axis is joined where the 1 is, the last one first.
  let values = parts.map((p) => reshape(b, p, [n, c, ...w.output.flatMap((o) => [o, 1])]));
  for (let axis = w.kernel.length - 1; axis >= 0; axis--) {
    const k = w.kernel[axis] as number;
    const groups = Array.from({ length: values.length / k }, (_, i) => values.slice(i * k, (i + 1) * k));
    values = groups.map((group) =>
      k === 1 ? (group[0] as Value) : b.op("Concat", group, { axis: int(2 * axis + 3) }),
    );
  }
  return reshape(b, values[0] as Value, [n, c, ...w.input]);
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
  return b.op("Pad", [x, b.constant(int64s([0, 0, ...front, 0, 0, ...behind])), constantLike(b, value, x)]);
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
