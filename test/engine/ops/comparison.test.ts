import assert from "node:assert/strict";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { int } from "../../../src/engine/graph/attributes.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { checkOp, type InputSpec } from "./support/check.js";

const left: InputSpec = { shape: [2, 3], values: [1, -2, 0, 3, Number.NaN, 5] };
const right: InputSpec = { shape: [3], values: [1, -2.5, 0] };

for (const op of ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"]) {
  test(`${op}: values with ties and NaN, broadcasting, integers`, async () => {
    const { outputs } = await checkOp({ op, inputs: [left, right] });
    assert.equal(outputs[0]?.dtype, "bool");
    await checkOp({ op, inputs: [{ shape: [2, 1], low: -1, high: 1 }, { shape: [2, 1, 4] }] });
    await checkOp({
      op,
      inputs: [
        { shape: [], values: [2] },
        { shape: [3], values: [1, 2, 3] },
      ],
    });
    await checkOp({
      op,
      inputs: [
        { shape: [3], values: [1, 2, 3], dtype: "int64" },
        { shape: [1], values: [2], dtype: "int64" },
      ],
    });
  });
}

for (const op of ["And", "Or", "Xor"]) {
  test(`${op}: truth table, broadcasting`, async () => {
    await checkOp({
      op,
      inputs: [
        { shape: [2, 1], values: [0, 1], dtype: "bool" },
        { shape: [2], values: [0, 1], dtype: "bool" },
      ],
    });
  });
}

test("Not", async () => {
  const { outputs } = await checkOp({ op: "Not", inputs: [{ shape: [2], values: [0, 1], dtype: "bool" }] });
  assert.deepEqual([...(outputs[0]?.data ?? [])], [1, 0]);
});

test("IsNaN and IsInf, with their attributes", async () => {
  const x: InputSpec = { shape: [4], values: [1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY] };
  await checkOp({ op: "IsNaN", inputs: [x] });
  await checkOp({ op: "IsInf", inputs: [x] });
  await checkOp({ op: "IsInf", attributes: { detect_negative: int(0) }, inputs: [x] });
  await checkOp({ op: "IsInf", attributes: { detect_positive: int(0) }, inputs: [x] });
});

test("a comparison stops the gradient: Where's condition has none", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", [3]);
  const y = b.input("y", "float32", [3]);
  const gated = b.op("Where", [b.op("Greater", [x, y]), y, b.op("Neg", [y])]);
  const loss = b.op("ReduceSum", [gated], { keepdims: int(0) });
  const [dx, dy] = backward(b, (call) => opOf(call).gradient, loss, [x, y]);
  assert.equal(dx, undefined);
  assert.deepEqual(dy?.shape, [3]);
});

test("comparisons of known values are folded", () => {
  const b = createBuilder();
  const a = b.constant(tensor("int64", [1, 5, 3]));
  const limit = b.constant(tensor("int64", [3]));
  assert.deepEqual(Array.from(b.constantOf(b.op("Less", [a, limit]))?.data as Uint8Array), [1, 0, 0]);
  assert.deepEqual(Array.from(b.constantOf(b.op("Equal", [a, limit]))?.data as Uint8Array), [0, 0, 1]);
  const not = b.op("Not", [b.op("Equal", [a, limit])]);
  assert.deepEqual(Array.from(b.constantOf(not)?.data as Uint8Array), [1, 1, 0]);
});

test("operands of different types and shapes that do not broadcast are refused by the node's name", () => {
  const b = createBuilder();
  const f = b.input("f", "float32", [2]);
  const i = b.input("i", "int64", [2]);
  const g = b.input("g", "float32", [3]);
  assert.throws(() => b.op("Less", [f, i], {}, { name: "cmp" }), {
    code: "model-invalid",
    where: 'node "cmp" (Less)',
    found: /element types/,
  });
  assert.throws(() => b.op("Less", [f, g], {}, { name: "cmp" }), {
    code: "model-invalid",
    where: 'node "cmp_1" (Less)',
    found: /3 against 2|2 against 3/,
  });
  assert.throws(() => b.op("And", [f, f]), { code: "model-invalid", found: /bool/ });
});
