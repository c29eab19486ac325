import assert from "node:assert/strict";
import { test } from "node:test";
import { ABSTRACT_DOMAIN } from "../../../src/engine/graph/types.js";
import { checkOp } from "./support/check.js";

test("Dropout at inference is the identity, in value and gradient", async () => {
  const values = [1, -2, 3, 4];
  const { outputs, gradients, weights } = await checkOp({
    op: "Dropout",
    inputs: [
      { shape: [2, 2], values },
      { shape: [], values: [0.5], constant: true },
    ],
    lossOutputs: [0],
  });
  assert.deepEqual([...(outputs[0]?.data ?? [])], values);
  assert.deepEqual(gradients.get(0)?.data, weights.get(0)?.data);
});

test("Dropout told to train is refused with its node", async () => {
  const yes = { shape: [], values: [1], dtype: "bool" as const, constant: true };
  await assert.rejects(
    checkOp({ op: "Dropout", inputs: [{ shape: [2] }, { shape: [], values: [0.5], constant: true }, yes] }),
    { code: "model-unsupported", where: 'node "tested" (Dropout)', found: /training_mode/ },
  );
});

test("stochastic depth at inference is the identity, in value and gradient", async () => {
  const { outputs, gradients, weights } = await checkOp({
    op: "DropPath",
    domain: ABSTRACT_DOMAIN,
    attributes: { rate: { kind: "float", value: 0.5 }, rows: { kind: "int", value: 1 } },
    inputs: [{ shape: [2, 3] }],
  });
  assert.equal(outputs[0]?.data.length, 6);
  assert.deepEqual(gradients.get(0)?.data, weights.get(0)?.data);
});
