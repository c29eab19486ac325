import assert from "node:assert/strict";
import { test } from "node:test";
import { float, text } from "../../../src/engine/graph/attributes.js";
import type { Attributes } from "../../../src/engine/graph/types.js";
import { checkOp, type InputSpec } from "./support/check.js";

/** Both signs, off every kink, into saturation; as a vector of 12. */
const POINTS = [-30, -7.3, -3.2, -2.1, -0.9, -0.1, 0.1, 0.6, 1.4, 2.7, 8.1, 25];
const x: InputSpec = { shape: [3, 4], values: POINTS };

const CASES: readonly (readonly [string, Attributes])[] = [
  ["Relu", {}],
  ["LeakyRelu", {}],
  ["LeakyRelu", { alpha: float(0.25) }],
  ["LeakyRelu", { alpha: float(1.5) }],
  ["LeakyRelu", { alpha: float(-0.5) }],
  ["ThresholdedRelu", {}],
  ["ThresholdedRelu", { alpha: float(0.5) }],
  ["Elu", {}],
  ["Elu", { alpha: float(0.5) }],
  ["Selu", {}],
  ["Selu", { alpha: float(1.5), gamma: float(0.75) }],
  ["Celu", {}],
  ["Celu", { alpha: float(2) }],
  ["Sigmoid", {}],
  ["Tanh", {}],
  ["Softplus", {}],
  ["Softsign", {}],
  ["HardSigmoid", {}],
  ["HardSigmoid", { alpha: float(0.25), beta: float(0.375) }],
  ["HardSwish", {}],
  ["Gelu", {}],
  ["Gelu", { approximate: text("none") }],
  ["Gelu", { approximate: text("tanh") }],
  ["Mish", {}],
];

for (const [op, attributes] of CASES) {
  test(`${op} ${JSON.stringify(attributes)}`, async () => {
    await checkOp({ op, attributes, inputs: [x] });
    await checkOp({ op, attributes, inputs: [{ shape: [], values: [0.3] }] });
    await checkOp({ op, attributes, inputs: [{ shape: [2, 1, 3], low: -3, high: 3 }] });
    await checkOp({ op, attributes, inputs: [{ shape: [0, 2] }] });
  });
}

test("no activation's gradient is NaN or infinite far out", async () => {
  for (const [op, attributes] of CASES) {
    const far: InputSpec = { shape: [4], values: [-1e4, -200, 200, 1e4] };
    const { gradients } = await checkOp({ op, attributes, inputs: [far], skipDifferences: true, ortTolerance: 1e-4 });
    for (const g of gradients.get(0)?.data ?? []) assert.ok(Number.isFinite(g), `${op}: ${g}`);
  }
});

test("PRelu: slope of one value, per channel, per element", async () => {
  const input: InputSpec = { shape: [2, 3, 2], low: -2, high: 2 };
  for (const shape of [[1], [3, 1], [1, 3, 1], [2, 3, 2], []]) {
    await checkOp({ op: "PRelu", inputs: [input, { shape, low: 0.1, high: 0.5 }] });
  }
  await checkOp({ op: "PRelu", inputs: [input, { shape: [1] }], wrt: [0] });
  await checkOp({ op: "PRelu", inputs: [input, { shape: [1] }], wrt: [1] });
  await assert.rejects(checkOp({ op: "PRelu", inputs: [{ shape: [3] }, { shape: [2, 3] }] }), {
    code: "model-invalid",
    where: 'node "tested" (PRelu)',
    found: /slope/,
  });
});
