import assert from "node:assert/strict";
import { test } from "node:test";
import { int } from "../../../src/engine/graph/attributes.js";
import { checkOp, type InputSpec } from "./support/check.js";

const axes = (...values: number[]): InputSpec => ({ shape: [values.length], values, dtype: "int64", constant: true });

const OPS: readonly (readonly [string, number, number])[] = [
  ["ReduceSum", -2, 2],
  ["ReduceMean", -2, 2],
  ["ReduceMax", -2, 2],
  ["ReduceMin", -2, 2],
  ["ReduceProd", -2, 2],
  ["ReduceL1", -2, 2],
  ["ReduceL2", -2, 2],
  ["ReduceSumSquare", -2, 2],
  ["ReduceLogSumExp", -2, 2],
  ["ReduceLogSum", 0.2, 2],
];

for (const [op, low, high] of OPS) {
  test(`${op}: axes, keepdims, negative axes, no axes`, async () => {
    const x: InputSpec = { shape: [2, 3, 4], low, high };
    for (const keepdims of [0, 1]) {
      const attributes = { keepdims: int(keepdims) };
      await checkOp({ op, attributes, inputs: [x, axes(1)] });
      await checkOp({ op, attributes, inputs: [x, axes(-1, 0)] });
      await checkOp({ op, attributes, inputs: [x] });
    }
    await checkOp({ op, inputs: [x, axes(0, 1, 2)] });
    await checkOp({ op, inputs: [{ shape: [3, 1, 2], low, high }, axes(1)] });
    await checkOp({ op, inputs: [{ shape: [5], low, high }, axes(0)], attributes: { keepdims: int(0) } });
  });

  test(`${op}: empty axes, with and without noop_with_empty_axes`, async () => {
    const x: InputSpec = { shape: [2, 3], low, high };
    await checkOp({ op, inputs: [x, axes()] });
    await checkOp({ op, inputs: [x, axes()], attributes: { keepdims: int(0) } });
    await checkOp({ op, inputs: [x, axes()], attributes: { noop_with_empty_axes: int(1) } });
    await checkOp({ op, inputs: [x], attributes: { noop_with_empty_axes: int(1) } });
  });
}

test("reductions of a scalar", async () => {
  for (const [op] of OPS) await checkOp({ op, inputs: [{ shape: [], values: [1.5] }] });
});

test("ReduceSum over an axis of size 0 is 0 and has an empty gradient", async () => {
  // Without ONNX Runtime: its Expand of [2, 1] to [2, 0] gives [2, 1], against its own shape inference.
  const { outputs, gradients } = await checkOp({
    op: "ReduceSum",
    inputs: [{ shape: [2, 0] }, axes(1)],
    skipOrt: true,
  });
  assert.deepEqual([...(outputs[0]?.data ?? [])], [0, 0]);
  assert.deepEqual(gradients.get(0)?.shape, [2, 0]);
});

test("ReduceMax and ReduceMin: ties share the gradient evenly", async () => {
  for (const op of ["ReduceMax", "ReduceMin"]) {
    const sign = op === "ReduceMax" ? 1 : -1;
    const { gradients, weights } = await checkOp({
      op,
      inputs: [{ shape: [2, 3], values: [3, 3, 1, 2, 2, 2].map((v) => v * sign) }, axes(1)],
      skipDifferences: true,
    });
    const [first, second] = weights.get(0)?.data ?? [];
    const [w, v] = [first as number, second as number];
    const expected = [w / 2, w / 2, 0, v / 3, v / 3, v / 3];
    gradients.get(0)?.data.forEach((g, k) => {
      assert.ok(Math.abs(g - (expected[k] as number)) < 1e-15, `${op} element ${k}: ${g}`);
    });
  }
});

test("ReduceProd: rows with no zero, one zero, two zeros", async () => {
  await checkOp({
    op: "ReduceProd",
    inputs: [{ shape: [3, 3], values: [2, -3, 0.5, 2, 0, 4, 0, 0, 5] }, axes(1)],
  });
});

test("ReduceL2 at the origin has gradient 0, ReduceLogSumExp does not overflow", async () => {
  const zero = await checkOp({ op: "ReduceL2", inputs: [{ shape: [2], values: [0, 0] }], skipDifferences: true });
  assert.deepEqual([...(zero.gradients.get(0)?.data ?? [])].map(Math.abs), [0, 0]);
  const { outputs } = await checkOp({ op: "ReduceLogSumExp", inputs: [{ shape: [3], values: [500, 499, 300] }] });
  assert.ok(Math.abs((outputs[0]?.data[0] as number) - (500 + Math.log1p(Math.exp(-1)))) < 1e-12);
});

for (const op of ["ArgMax", "ArgMin"]) {
  test(`${op}: axis, keepdims, ties`, async () => {
    const x: InputSpec = { shape: [2, 3], values: [1, 4, 4, -1, -1, 2] };
    await checkOp({ op, inputs: [x] });
    await checkOp({ op, inputs: [x], attributes: { axis: int(-1), keepdims: int(0) } });
    await checkOp({ op, inputs: [x], attributes: { axis: int(1), select_last_index: int(1) } });
    await checkOp({ op, inputs: [{ shape: [4], values: [3, 1, 2, 9] }], attributes: { keepdims: int(0) } });
  });
}

test("CumSum: both directions, exclusive, any axis", async () => {
  for (const [exclusive, reverse] of [
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ] as const) {
    const attributes = { exclusive: int(exclusive), reverse: int(reverse) };
    for (const axis of [0, 1, -1]) {
      const at: InputSpec = { shape: [], values: [axis], dtype: "int64", constant: true };
      await checkOp({ op: "CumSum", attributes, inputs: [{ shape: [2, 3, 2] }, at] });
    }
  }
});

test("an axis outside the rank is refused by the node's name", async () => {
  await assert.rejects(checkOp({ op: "ReduceSum", inputs: [{ shape: [2] }, axes(3)] }), {
    code: "model-invalid",
    where: 'node "tested" (ReduceSum)',
    found: /axis 3/,
  });
  await assert.rejects(
    checkOp({ op: "ReduceSum", inputs: [{ shape: [2] }, { shape: [1], values: [0], dtype: "int64" }] }),
    { code: "model-unsupported", where: 'node "tested" (ReduceSum)', found: /input 1/ },
  );
});
