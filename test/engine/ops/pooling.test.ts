import assert from "node:assert/strict";
import { test } from "node:test";
import { int, ints, text } from "../../../src/engine/graph/attributes.js";
import type { Attributes } from "../../../src/engine/graph/types.js";
import { checkOp } from "./support/check.js";

const windows: readonly [readonly number[], Attributes][] = [
  [[2, 2, 6, 6], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }],
  [[1, 2, 7, 5], { kernel_shape: ints([3, 3]), strides: ints([2, 1]), pads: ints([1, 1, 1, 0]) }],
  [[2, 1, 5, 5], { kernel_shape: ints([2, 2]), strides: ints([1, 1]), auto_pad: text("SAME_UPPER") }],
  [[1, 1, 6, 6], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), ceil_mode: int(1) }],
  [
    [2, 2, 6, 7],
    { kernel_shape: ints([3, 2]), strides: ints([2, 2]), pads: ints([1, 1, 0, 0]), dilations: ints([1, 2]) },
  ],
  [[2, 2, 6, 7], { kernel_shape: ints([2, 2]), strides: ints([1, 1]), dilations: ints([2, 2]) }],
  [[2, 2, 6, 7], { kernel_shape: ints([3, 3]), strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), ceil_mode: int(1) }],
  [[2, 1, 7, 7], { kernel_shape: ints([2, 2]), strides: ints([3, 3]) }],
  [[2, 1, 5, 6], { kernel_shape: ints([2, 2]), strides: ints([2, 2]), auto_pad: text("SAME_LOWER") }],
  [[2, 1, 5, 6], { kernel_shape: ints([2, 2]), strides: ints([2, 2]), auto_pad: text("VALID") }],
  [[1, 2, 3, 4, 3], { kernel_shape: ints([2, 2, 2]), strides: ints([1, 2, 1]) }],
  [[2, 2, 9], { kernel_shape: ints([3]), strides: ints([2]) }],
];

for (const [shape, attributes] of windows) {
  // Its gradient is the abstract op "MaxPoolInputGradient".
  test(`MaxPool [${shape}] ${JSON.stringify(attributes)}`, () =>
    checkOp({ op: "MaxPool", attributes, inputs: [{ shape }], lossOutputs: [0] }).then(() => undefined));
  for (const include of [0, 1]) {
    const all = { ...attributes, count_include_pad: int(include) };
    test(`AveragePool [${shape}] ${JSON.stringify(all)}`, () =>
      checkOp({ op: "AveragePool", attributes: all, inputs: [{ shape }] }).then(() => undefined));
  }
}

for (const op of ["GlobalAveragePool", "GlobalMaxPool"]) {
  test(`${op} of planes and rows`, async () => {
    await checkOp({ op, inputs: [{ shape: [2, 3, 4, 5] }] });
    await checkOp({ op, inputs: [{ shape: [2, 3, 4] }] });
  });
}

test("MaxPool: of equal values the first gets the gradient, as in PyTorch", async () => {
  const attributes = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
  const { gradients, weights } = await checkOp({
    op: "MaxPool",
    attributes,
    inputs: [{ shape: [1, 1, 2, 2], values: [5, 5, 5, 5] }],
    skipDifferences: true,
    lossOutputs: [0],
  });
  assert.deepEqual([...(gradients.get(0)?.data ?? [])], [weights.get(0)?.data[0], 0, 0, 0]);
});
