import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Distribution,
  drawValues,
  fansOf,
  INITIALISERS,
  type InitialiserName,
  layerDistributions,
} from "../../../src/engine/nn/initialisers.js";
import { Random } from "../../../src/engine/random/random.js";

const SIZE = 40_000;
const draw = (d: Distribution, stream = "w", seed = 1): Float32Array =>
  drawValues(d, SIZE, () => new Random(seed, stream));

const mean = (v: Float32Array): number => v.reduce((a, x) => a + x, 0) / v.length;
const variance = (v: Float32Array): number => v.reduce((a, x) => a + x * x, 0) / v.length - mean(v) ** 2;

test("fans of dense, convolution and grouped convolution weights", () => {
  assert.deepEqual(fansOf([30, 784]), { fanIn: 784, fanOut: 30 });
  assert.deepEqual(fansOf([32, 16, 3, 3]), { fanIn: 144, fanOut: 288 });
  assert.deepEqual(fansOf([32, 1, 3, 5]), { fanIn: 15, fanOut: 480 });
});

test("bounds and variances are the papers'", () => {
  const fans = { fanIn: 144, fanOut: 288 };
  const expected: Readonly<Partial<Record<InitialiserName, Distribution>>> = {
    pytorch: { kind: "uniform", bound: 1 / 12 },
    keras: { kind: "uniform", bound: Math.sqrt(6 / 432) },
    "he-normal": { kind: "normal", std: Math.sqrt(2 / 144) },
    "he-uniform": { kind: "uniform", bound: Math.sqrt(6 / 144) },
    "glorot-normal": { kind: "normal", std: Math.sqrt(2 / 432) },
    "glorot-uniform": { kind: "uniform", bound: Math.sqrt(6 / 432) },
    "lecun-normal": { kind: "normal", std: Math.sqrt(1 / 144) },
    "lecun-uniform": { kind: "uniform", bound: Math.sqrt(3 / 144) },
    zeros: { kind: "constant", value: 0 },
    ones: { kind: "constant", value: 1 },
  };
  assert.deepEqual(Object.keys(expected), [...INITIALISERS]);
  for (const name of INITIALISERS) {
    const { weight, bias } = layerDistributions(name, fans);
    const wanted = expected[name] as Distribution;
    assert.equal(weight.kind, wanted.kind, name);
    for (const [field, value] of Object.entries(wanted)) {
      if (typeof value === "number")
        assert.ok(Math.abs(((weight as unknown as Record<string, number>)[field] as number) - value) < 1e-15, name);
    }
    // PyTorch draws biases like weights; everybody else starts them at 0.
    if (name === "pytorch") assert.deepEqual(bias, weight);
    else assert.deepEqual(bias, { kind: "constant", value: 0 }, name);
  }
});

test("uniform values fill their bounds evenly", () => {
  const bound = 0.3;
  const values = draw({ kind: "uniform", bound });
  assert.ok(values.every((v) => Math.abs(v) <= Math.fround(bound)));
  assert.ok(Math.max(...values) > 0.999 * bound && Math.min(...values) < -0.999 * bound);
  // Five standard errors of mean and variance.
  assert.ok(Math.abs(mean(values)) < (5 * bound) / Math.sqrt(3 * SIZE));
  assert.ok(Math.abs(variance(values) / (bound ** 2 / 3) - 1) < 5 * Math.sqrt(0.8 / SIZE));
});

test("normal values have the deviation asked for, and a normal's tails", () => {
  const std = 0.05;
  const values = draw({ kind: "normal", std });
  assert.ok(Math.abs(mean(values)) < (5 * std) / Math.sqrt(SIZE));
  assert.ok(Math.abs(variance(values) / std ** 2 - 1) < 5 * Math.sqrt(2 / SIZE));
  const beyond = values.filter((v) => Math.abs(v) > 2 * std).length / SIZE;
  assert.ok(Math.abs(beyond - 0.0455) < 5 * Math.sqrt(0.0455 / SIZE), `${beyond} beyond two deviations`);
});

test("constants ask for no random numbers", () => {
  const values = drawValues({ kind: "constant", value: 2.5 }, 3, () => {
    throw new Error("asked");
  });
  assert.deepEqual([...values], [2.5, 2.5, 2.5]);
});

test("values are a function of seed and stream, and different for either", () => {
  const d: Distribution = { kind: "normal", std: 1 };
  assert.deepEqual(draw(d), draw(d));
  assert.notDeepEqual(draw(d), draw(d, "v"));
  assert.notDeepEqual(draw(d), draw(d, "w", 2));
  // The first values do not depend on how many are drawn.
  assert.deepEqual(
    drawValues(d, 10, () => new Random(1, "w")),
    draw(d).slice(0, 10),
  );
});
