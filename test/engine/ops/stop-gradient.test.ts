import assert from "node:assert/strict";
import { test } from "node:test";
import { backward } from "../../../src/engine/autodiff/backward.js";
import { ABSTRACT_DOMAIN } from "../../../src/engine/graph/types.js";
import { createBuilder, opOf } from "../../../src/engine/ops/registry.js";
import { checkOp } from "./support/check.js";

test("StopGradient is the identity, and no gradient comes through", async () => {
  const values = [1, -2, 3, 4];
  const { outputs, gradients } = await checkOp({
    op: "StopGradient",
    domain: ABSTRACT_DOMAIN,
    inputs: [{ shape: [2, 2], values }],
    unreached: [0],
    skipDifferences: true, // the value does depend on it: that is the point
  });
  assert.deepEqual([...(outputs[0]?.data ?? [])], values);
  assert.equal(gradients.size, 0);
});

test("x * stop(x) has the gradient of a product with a constant", () => {
  const b = createBuilder("half");
  const x = b.input("x", "float32", []);
  const stopped = b.op("StopGradient", [x], {}, { domain: ABSTRACT_DOMAIN });
  const [gradient] = backward(b, (call) => opOf(call).gradient, b.op("Mul", [x, stopped]), [x]);
  b.output(gradient as NonNullable<typeof gradient>, "gradient");
  const used = b.build().nodes.filter((n) => n.op === "Add");
  assert.deepEqual(used, [], "2 x would need the sum of both ways");
});
