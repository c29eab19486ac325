import assert from "node:assert/strict";
import { test } from "node:test";
import { int, ints, text } from "../../../src/engine/graph/attributes.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { checkOp, type InputSpec } from "./support/check.js";

const list = (...values: number[]): InputSpec => ({ shape: [values.length], values, dtype: "int64", constant: true });

test("Reshape, Flatten, Squeeze, Unsqueeze", async () => {
  await checkOp({ op: "Reshape", inputs: [{ shape: [2, 3, 4] }, list(0, -1)] });
  await checkOp({ op: "Reshape", inputs: [{ shape: [2, 6] }, list(3, 2, 2)] });
  for (const axis of [0, 1, 2, -1])
    await checkOp({ op: "Flatten", attributes: { axis: int(axis) }, inputs: [{ shape: [2, 3, 4] }] });
  await checkOp({ op: "Squeeze", inputs: [{ shape: [2, 1, 3, 1] }, list(1, -1)] });
  await checkOp({ op: "Squeeze", inputs: [{ shape: [1, 3, 1] }] });
  await checkOp({ op: "Unsqueeze", inputs: [{ shape: [2, 3] }, list(0, -1)] });
});

test("Transpose, Expand, Tile", async () => {
  await checkOp({ op: "Transpose", inputs: [{ shape: [2, 3, 4] }] });
  await checkOp({ op: "Transpose", attributes: { perm: ints([1, 2, 0]) }, inputs: [{ shape: [2, 3, 4] }] });
  await checkOp({ op: "Expand", inputs: [{ shape: [3, 1] }, list(2, 1, 4)] });
  await checkOp({ op: "Tile", inputs: [{ shape: [2, 3] }, list(2, 3)] });
});

test("Concat and Split on any axis", async () => {
  await checkOp({
    op: "Concat",
    attributes: { axis: int(1) },
    inputs: [{ shape: [2, 1] }, { shape: [2, 3] }, { shape: [2, 2] }],
  });
  await checkOp({ op: "Concat", attributes: { axis: int(-2) }, inputs: [{ shape: [2, 3] }, { shape: [1, 3] }] });
  await checkOp({ op: "Split", attributes: { axis: int(1) }, inputs: [{ shape: [2, 6] }, list(1, 2, 3)] });
  await checkOp({ op: "Split", attributes: { axis: int(0), num_outputs: int(3) }, inputs: [{ shape: [7, 2] }] });
  await checkOp({
    op: "Split",
    attributes: { axis: int(0) },
    inputs: [{ shape: [4, 2] }, list(1, 3)],
    lossOutputs: [1],
  });
});

test("Slice: steps of either sign, ends out of range, some axes", async () => {
  await checkOp({ op: "Slice", inputs: [{ shape: [7, 5] }, list(1), list(100), list(0), list(3)] });
  await checkOp({ op: "Slice", inputs: [{ shape: [7, 5] }, list(-1, 4), list(-100, 0), list(0, 1), list(-2, -1)] });
  await checkOp({ op: "Slice", inputs: [{ shape: [4, 5, 2] }, list(1, 1), list(3, -1)] });
});

test("Pad: pads, crops, a trainable fill value", async () => {
  await checkOp({ op: "Pad", inputs: [{ shape: [3, 4] }, list(1, 0, 2, 3)] });
  await checkOp({ op: "Pad", inputs: [{ shape: [3, 4] }, list(-1, 2, 1, -1), { shape: [] }] });
  await checkOp({ op: "Pad", inputs: [{ shape: [2, 3, 4] }, list(1, 2), undefined, list(-1)] });
  await assert.rejects(
    checkOp({ op: "Pad", attributes: { mode: text("reflect") }, inputs: [{ shape: [3, 4] }, list(1, 0, 1, 0)] }),
  );
});

test("DepthToSpace in both modes, SpaceToDepth", async () => {
  for (const mode of ["DCR", "CRD"])
    await checkOp({
      op: "DepthToSpace",
      attributes: { blocksize: int(2), mode: text(mode) },
      inputs: [{ shape: [2, 8, 2, 3] }],
    });
  await checkOp({ op: "SpaceToDepth", attributes: { blocksize: int(2) }, inputs: [{ shape: [2, 3, 4, 6] }] });
});

test("shape arithmetic of exporters folds away: Shape, Size, Gather, Unsqueeze, Concat; a fill stays a node", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", [6, 2, 5]);
  const shape = b.op("Shape", [x]);
  const first = b.op("Gather", [shape, b.constant(tensor("int64", [0], []))]);
  const target = b.op(
    "Concat",
    [b.op("Unsqueeze", [first, b.constant(tensor("int64", [0]))]), b.constant(tensor("int64", [-1]))],
    { axis: int(0) },
  );
  assert.deepEqual(b.op("Reshape", [x, target]).shape, [6, 10]);
  assert.equal(Number(b.constantOf(b.op("Size", [x]))?.data[0]), 60);
  assert.deepEqual(
    b.op("ConstantOfShape", [b.op("Slice", [shape, ...[1, 3].map((v) => b.constant(tensor("int64", [v])))])]).shape,
    [2, 5],
  );
  assert.deepEqual(
    b.calls.map((c) => c.op),
    ["Reshape", "ConstantOfShape"],
  );
});

test("shapes that do not fit are refused with the node's name", async () => {
  await assert.rejects(checkOp({ op: "Reshape", inputs: [{ shape: [2, 3] }, list(4, 2)] }), {
    code: "model-invalid",
    where: 'node "tested" (Reshape)',
  });
  await assert.rejects(
    checkOp({ op: "Concat", attributes: { axis: int(0) }, inputs: [{ shape: [2, 3] }, { shape: [2, 4] }] }),
    { code: "model-invalid", where: 'node "tested" (Concat)' },
  );
  await assert.rejects(checkOp({ op: "Transpose", attributes: { perm: ints([0, 0]) }, inputs: [{ shape: [2, 3] }] }), {
    code: "model-invalid",
    where: 'node "tested" (Transpose)',
  });
});
