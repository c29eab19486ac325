import assert from "node:assert/strict";
import { test } from "node:test";
import { int } from "../../../src/engine/graph/attributes.js";
import { checkOp, type InputSpec } from "./support/check.js";

for (const op of ["Softmax", "LogSoftmax"]) {
  test(`${op}: every axis of several shapes`, async () => {
    await checkOp({ op, inputs: [{ shape: [4, 5], low: -3, high: 3 }] });
    for (const axis of [0, 1, 2, -1, -2, -3]) {
      await checkOp({ op, attributes: { axis: int(axis) }, inputs: [{ shape: [2, 3, 4], low: -3, high: 3 }] });
    }
    await checkOp({ op, inputs: [{ shape: [6] }] });
    await checkOp({ op, inputs: [{ shape: [3, 1] }] });
    await checkOp({ op, inputs: [{ shape: [0, 3] }] });
  });

  test(`${op}: large logits do not overflow, and a shift changes nothing`, async () => {
    const values = [1000, 998, -1000, 3, 2, 1];
    const far: InputSpec = { shape: [2, 3], values };
    const { outputs, gradients } = await checkOp({ op, inputs: [far] });
    for (const g of gradients.get(0)?.data ?? []) assert.ok(Number.isFinite(g));
    const shifted = await checkOp({ op, inputs: [{ shape: [2, 3], values: values.map((v) => v - 64) }] });
    shifted.outputs[0]?.data.forEach((v, k) => {
      assert.ok(Math.abs(v - (outputs[0]?.data[k] as number)) < 1e-9);
    });
  });

  test(`${op}: an axis outside the rank is refused`, async () => {
    await assert.rejects(checkOp({ op, attributes: { axis: int(2) }, inputs: [{ shape: [2, 3] }] }), {
      code: "model-invalid",
      found: /axis 2/,
    });
  });
}

test("LogSoftmax in closed form: log(1/4) of equal logits, gradient w - mean(w)", async () => {
  const { outputs, gradients, weights } = await checkOp({
    op: "LogSoftmax",
    inputs: [{ shape: [4], values: [7, 7, 7, 7] }],
  });
  const w = [...(weights.get(0)?.data ?? [])];
  const mean = w.reduce((a, b) => a + b, 0) / 4;
  for (const [k, v] of (outputs[0]?.data ?? []).entries()) {
    assert.ok(Math.abs(v + Math.log(4)) < 1e-12);
    assert.ok(Math.abs((gradients.get(0)?.data[k] as number) - ((w[k] as number) - mean)) < 1e-12);
  }
});
