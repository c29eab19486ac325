import { test } from "node:test";
import { int, ints, text } from "../../../src/engine/graph/attributes.js";
import type { Attributes } from "../../../src/engine/graph/types.js";
import { checkOp } from "./support/check.js";

interface Case {
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attributes?: Attributes;
  readonly bias?: boolean;
}

const cases: readonly Case[] = [
  { x: [2, 3, 5, 5], w: [4, 3, 3, 3], bias: true },
  { x: [2, 2, 6, 5], w: [3, 2, 3, 2], attributes: { pads: ints([1, 0, 2, 1]), strides: ints([2, 1]) } },
  { x: [1, 1, 7, 8], w: [2, 1, 3, 3], attributes: { strides: ints([2, 2]), auto_pad: text("SAME_UPPER") }, bias: true },
  { x: [2, 1, 7, 7], w: [2, 1, 3, 3], attributes: { strides: ints([3, 3]), auto_pad: text("SAME_LOWER") } },
  { x: [2, 2, 7, 7], w: [2, 2, 2, 3], attributes: { dilations: ints([2, 2]), pads: ints([1, 1, 1, 1]) } },
  { x: [2, 4, 5, 5], w: [6, 2, 3, 3], attributes: { group: int(2), pads: ints([1, 1, 1, 1]) } },
  {
    x: [2, 4, 6, 6],
    w: [4, 1, 3, 3],
    attributes: { group: int(4), pads: ints([1, 1, 1, 1]), strides: ints([2, 2]) },
    bias: true,
  },
  { x: [3, 5, 4, 4], w: [2, 5, 1, 1], attributes: { strides: ints([2, 2]) } },
  {
    x: [2, 2, 7, 8],
    w: [2, 2, 3, 2],
    attributes: { pads: ints([2, 1, 0, 2]), strides: ints([2, 3]), dilations: ints([2, 1]) },
  },
  {
    x: [2, 4, 8, 7],
    w: [4, 2, 3, 3],
    attributes: { group: int(2), pads: ints([2, 2, 2, 2]), strides: ints([2, 2]), dilations: ints([2, 2]) },
    bias: true,
  },
  { x: [2, 2, 8, 8], w: [2, 2, 2, 2], attributes: { strides: ints([3, 3]) } },
  { x: [1, 1, 6, 6], w: [2, 1, 3, 3], attributes: { auto_pad: text("VALID"), strides: ints([2, 2]) } },
  {
    x: [2, 2, 3, 4, 3],
    w: [3, 2, 2, 3, 2],
    attributes: { pads: ints([1, 0, 1, 0, 1, 1]), strides: ints([1, 2, 1]) },
    bias: true,
  },
  { x: [2, 3, 9], w: [4, 3, 3], attributes: { pads: ints([2, 1]), strides: ints([2]) }, bias: true },
];

for (const { x, w, attributes, bias } of cases) {
  test(`Conv [${x}] with [${w}] ${JSON.stringify(attributes ?? {})}`, async () => {
    const inputs = [{ shape: x }, { shape: w }, ...(bias ? [{ shape: [w[0] as number] }] : [])];
    await checkOp({ op: "Conv", attributes, inputs });
  });
}

test("ConvTranspose: strides, pads, output padding and groups", async () => {
  await checkOp({ op: "ConvTranspose", inputs: [{ shape: [2, 3, 4, 4] }, { shape: [3, 2, 3, 3] }, { shape: [2] }] });
  await checkOp({
    op: "ConvTranspose",
    attributes: { strides: ints([2, 2]), pads: ints([1, 1, 1, 1]), output_padding: ints([1, 1]) },
    inputs: [{ shape: [1, 2, 3, 3] }, { shape: [2, 2, 3, 3] }],
  });
  await checkOp({
    op: "ConvTranspose",
    attributes: { group: int(2) },
    inputs: [{ shape: [2, 4, 3, 3] }, { shape: [4, 1, 2, 2] }],
  });
});

test("ConvTranspose: 1-D, dilations, automatic padding and a stated output size", async () => {
  await checkOp({
    op: "ConvTranspose",
    attributes: { strides: ints([2]), output_padding: ints([1]) },
    inputs: [{ shape: [2, 2, 5] }, { shape: [2, 3, 3] }],
  });
  await checkOp({
    op: "ConvTranspose",
    attributes: { group: int(2), strides: ints([2, 3]), dilations: ints([2, 1]), pads: ints([1, 0, 0, 1]) },
    inputs: [{ shape: [2, 4, 3, 3] }, { shape: [4, 3, 3, 2] }, { shape: [6] }],
  });
  const planes = [{ shape: [1, 2, 4, 4] }, { shape: [2, 3, 3, 3] }];
  for (const padding of [
    { auto_pad: text("SAME_UPPER") },
    { auto_pad: text("SAME_LOWER") },
    { auto_pad: text("VALID") },
    { output_shape: ints([8, 7]) },
    { output_shape: ints([8, 8]), auto_pad: text("SAME_UPPER") },
  ])
    await checkOp({
      op: "ConvTranspose",
      attributes: { strides: ints([2, 2]), ...padding } as Attributes,
      inputs: planes,
    });
});

// The gradients "ConvInputGradient" and "ConvWeightGradient" are abstract: every case above runs their lowering.
