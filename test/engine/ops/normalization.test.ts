import assert from "node:assert/strict";
import { test } from "node:test";
import { float, int } from "../../../src/engine/graph/attributes.js";
import { checkGraph, checkOp } from "./support/check.js";

const positive = { low: 0.5, high: 2 };

test("BatchNormalization with constant statistics, ranks 2 to 4", async () => {
  for (const shape of [
    [4, 3],
    [2, 3, 5],
    [2, 3, 4, 2],
  ]) {
    const channel = { shape: [3] };
    await checkOp({
      op: "BatchNormalization",
      attributes: { epsilon: float(1e-3) },
      inputs: [
        { shape },
        channel,
        channel,
        { ...channel, constant: true },
        { ...channel, ...positive, constant: true },
      ],
    });
  }
});

test("BatchNormalizationTraining: batch statistics, their gradient, running statistics", async () => {
  for (const shape of [
    [6, 3],
    [3, 3, 4],
    [2, 3, 3, 2],
  ]) {
    const channel = { shape: [3] };
    const running = [
      { ...channel, constant: true },
      { ...channel, ...positive, constant: true },
    ];
    await checkGraph({
      inputs: [{ shape, low: -2, high: 3 }, channel, channel, ...running],
      build: (b, inputs) =>
        b
          .ops(
            "BatchNormalizationTraining",
            inputs,
            { epsilon: float(1e-5), momentum: float(0.9) },
            { domain: "limbeck" },
          )
          .slice(0, 1),
    });
  }
});

test("BatchNormalizationTraining: new running statistics in closed form, the variance unbiased", async () => {
  const values = [1, 2, 3, 6];
  const { outputs } = await checkGraph({
    inputs: [
      { shape: [4, 1], values },
      { shape: [1], values: [1] },
      { shape: [1], values: [0] },
      { shape: [1], values: [10], constant: true },
      { shape: [1], values: [20], constant: true },
    ],
    build: (b, inputs) =>
      b.ops("BatchNormalizationTraining", inputs, { epsilon: float(0), momentum: float(0.75) }, { domain: "limbeck" }),
    lossOutputs: [0],
  });
  const close = (i: number, expected: number): void =>
    assert.ok(
      Math.abs((outputs[i]?.data[0] as number) - expected) < 1e-6,
      `output ${i}: ${outputs[i]?.data[0]}, expected ${expected}`,
    );
  // Mean 3, biased variance 3.5, unbiased 14 / 3.
  close(1, 3);
  close(2, 1 / Math.sqrt(3.5));
  close(3, 0.75 * 10 + 0.25 * 3);
  close(4, 0.75 * 20 + (0.25 * 14) / 3);
});

test("BatchNormalizationInputGradient: the formula term by term, for one channel of four values", async () => {
  const [x, g] = [
    [1, 2, 4, 9],
    [0.5, -1, 2, 0.25],
  ] as const;
  const [gamma, mean, inverse] = [1.5, 4, 0.25];
  const hat = x.map((v) => (v - mean) * inverse);
  const dot = g.reduce((s, v, i) => s + v * (hat[i] as number), 0);
  const sum = g.reduce((s, v) => s + v, 0);
  const { outputs } = await checkOp({
    op: "BatchNormalizationInputGradient",
    domain: "limbeck",
    inputs: [
      { shape: [2, 1, 2], values: x },
      { shape: [1], values: [gamma] },
      { shape: [1], values: [mean] },
      { shape: [1], values: [inverse] },
      { shape: [2, 1, 2], values: g },
    ],
    wrt: [],
    skipDifferences: true,
  });
  const expected = g.map((v, i) => gamma * inverse * (v - sum / 4 - ((hat[i] as number) * dot) / 4));
  const found = outputs.map((o) => [...o.data]);
  for (const [k, list] of [expected, [dot], [sum]].entries())
    for (const [i, v] of list.entries()) assert.ok(Math.abs((found[k]?.[i] as number) - v) < 1e-12, `${k} ${i}`);
});

test("BatchNormalizationTraining: one value a channel has no statistics", async () => {
  const channel = { shape: [3] };
  await assert.rejects(
    checkGraph({
      inputs: [{ shape: [1, 3] }, channel, channel, channel, channel],
      build: (b, inputs) => b.ops("BatchNormalizationTraining", inputs, {}, { domain: "limbeck" }),
    }),
    { code: "budget-invalid", expected: /2/, cure: /batch/ },
  );
});

test("LayerNormalization over the last axis and several, with and without bias", async () => {
  await checkOp({
    op: "LayerNormalization",
    inputs: [{ shape: [4, 6] }, { shape: [6] }, { shape: [6] }],
    lossOutputs: [0],
  });
  await checkOp({
    op: "LayerNormalization",
    attributes: { axis: int(1), epsilon: float(1e-3) },
    inputs: [{ shape: [2, 3, 4] }, { shape: [3, 4] }],
    lossOutputs: [0],
  });
});

test("LayerNormalization: who reads mean and inverse deviation reaches the input, too", async () => {
  const inputs = [{ shape: [2, 3, 4] }, { shape: [3, 4] }, { shape: [3, 4] }];
  const attributes = { axis: int(-2) };
  await checkOp({ op: "LayerNormalization", attributes, inputs });
  for (const output of [1, 2])
    await checkOp({ op: "LayerNormalization", attributes, inputs, lossOutputs: [output], unreached: [1, 2] });
  await checkOp({ op: "LayerNormalization", attributes: { axis: int(1) }, inputs: [inputs[0], { shape: [4] }] });
});
