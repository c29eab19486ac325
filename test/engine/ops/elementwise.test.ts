import assert from "node:assert/strict";
import { test } from "node:test";
import { int } from "../../../src/engine/graph/attributes.js";
import type { Attributes } from "../../../src/engine/graph/types.js";
import { checkOp, type InputSpec } from "./support/check.js";

/** Pairs of shapes that meet by broadcasting in every way: equal, lead, inner, both sides, scalar, empty. */
const PAIRS: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [[2, 3], [3]],
  [
    [2, 1, 4],
    [3, 1],
  ],
  [[], [2, 2]],
  [[2, 2], []],
  [[1], [3]],
  [[], []],
  [
    [0, 3],
    [1, 3],
  ],
];

for (const op of ["Add", "Sub", "Mul", "Div"]) {
  for (const [a, b] of PAIRS) {
    test(`${op}: [${a}] with [${b}]`, async () => {
      await checkOp({ op, inputs: [{ shape: a }, { shape: b, low: 0.5, high: 2 }] });
    });
  }
}

test("Div: negative divisors; integers truncate", async () => {
  await checkOp({ op: "Div", inputs: [{ shape: [4] }, { shape: [4], values: [-1.5, 2, -0.5, 3] }] });
  const { outputs } = await checkOp({
    op: "Div",
    inputs: [
      { shape: [4], values: [7, -7, 7, -7], dtype: "int64" },
      { shape: [4], values: [2, 2, -2, -2], dtype: "int64" },
    ],
  });
  assert.deepEqual([...(outputs[0]?.data ?? [])], [3, -3, -3, 3]);
});

test("only the wanted operand gets a gradient", async () => {
  const inputs: InputSpec[] = [{ shape: [2, 3] }, { shape: [3], low: 1, high: 2 }];
  for (const op of ["Add", "Sub", "Mul", "Div", "Pow", "Max", "Mod"]) {
    const attributes: Attributes = op === "Mod" ? { fmod: int(1) } : {};
    const positive = inputs.map((x) => ({ ...x, low: 1.1, high: 3 }));
    assert.deepEqual([...(await checkOp({ op, attributes, inputs: positive, wrt: [0] })).gradients.keys()], [0]);
    assert.deepEqual([...(await checkOp({ op, attributes, inputs: positive, wrt: [1] })).gradients.keys()], [1]);
  }
});

test("Mod with fmod: sign of the dividend, gradient of both", async () => {
  await checkOp({
    op: "Mod",
    attributes: { fmod: int(1) },
    inputs: [
      { shape: [2, 3], values: [5.3, -5.3, 1.2, -0.7, 7.9, 0.4] },
      { shape: [3], values: [2, 2.5, -3] },
    ],
  });
  await checkOp({
    op: "Mod",
    inputs: [
      { shape: [4], values: [7, -7, 7, -7], dtype: "int64" },
      { shape: [4], values: [3, 3, -3, -3], dtype: "int64" },
    ],
  });
});

test("Pow: exponents as run-time values and as constants", async () => {
  await checkOp({
    op: "Pow",
    inputs: [
      { shape: [2, 3], low: 0.3, high: 2 },
      { shape: [3], low: -2, high: 2 },
    ],
  });
  await checkOp({ op: "Pow", inputs: [{ shape: [3], low: 0.3, high: 2 }, { shape: [2, 1] }] });
  for (const exponent of [0, 1, 2, 3, -1, 0.5]) {
    const low = Number.isInteger(exponent) ? -2 : 0.2;
    await checkOp({
      op: "Pow",
      inputs: [
        { shape: [5], low, high: 2 },
        { shape: [], values: [exponent], constant: true },
      ],
    });
  }
  await checkOp({ op: "Pow", inputs: [{ shape: [3] }, { shape: [3], values: [1, 2, 3], dtype: "int64" }] });
  await checkOp({ op: "Pow", inputs: [{ shape: [3] }, { shape: [], values: [3], dtype: "int64", constant: true }] });
});

test("Pow at base 0 and exponent 0 has finite gradients", async () => {
  const { gradients } = await checkOp({
    op: "Pow",
    inputs: [
      { shape: [3], values: [0, 0, 3] },
      { shape: [3], values: [0, 2, 0] },
    ],
    skipDifferences: true,
  });
  assert.deepEqual([...(gradients.get(0)?.data ?? [])].map(Math.abs), [0, 0, 0]);
  const [first, second, third] = gradients.get(1)?.data ?? [];
  assert.equal(Math.abs(first as number) + Math.abs(second as number), 0);
  assert.ok(Math.abs(third as number) > 0.5, "d 3^e / de at 0 is log 3");
});

for (const op of ["Min", "Max", "Sum", "Mean"]) {
  test(`${op}: one, two, three operands, broadcasting`, async () => {
    await checkOp({ op, inputs: [{ shape: [2, 3] }] });
    await checkOp({ op, inputs: [{ shape: [2, 3] }, { shape: [3] }] });
    await checkOp({ op, inputs: [{ shape: [2, 1] }, { shape: [3] }, { shape: [] }] });
    await checkOp({ op, inputs: [{ shape: [] }, { shape: [] }] });
  });
}

test("Max and Min: tied operands share evenly", async () => {
  for (const op of ["Max", "Min"]) {
    const x: InputSpec = { shape: [2], values: [1, 2] };
    const { gradients, weights } = await checkOp({ op, inputs: [x, x, x], skipDifferences: true });
    for (const i of [0, 1, 2]) {
      const expected = [...(weights.get(0)?.data ?? [])].map((w) => w / 3);
      gradients.get(i)?.data.forEach((g, k) => {
        assert.ok(Math.abs(g - (expected[k] as number)) < 1e-15);
      });
    }
  }
});

const UNARY: readonly (readonly [string, number, number])[] = [
  ["Neg", -2, 2],
  ["Abs", -2, 2],
  ["Sqrt", 0.1, 4],
  ["Reciprocal", 0.3, 3],
  ["Exp", -3, 3],
  ["Log", 0.1, 4],
  ["Sin", -4, 4],
  ["Cos", -4, 4],
  ["Erf", -3.5, 3.5],
  ["Identity", -2, 2],
];

for (const [op, low, high] of UNARY) {
  test(`${op}: values and gradient on [${low}, ${high}]`, async () => {
    await checkOp({ op, inputs: [{ shape: [3, 5], low, high }] });
    await checkOp({ op, inputs: [{ shape: [], low, high }] });
    await checkOp({ op, inputs: [{ shape: [2, 0], low, high }] });
  });
}

test("Abs at 0 has gradient 0; Reciprocal of negatives", async () => {
  const { gradients } = await checkOp({ op: "Abs", inputs: [{ shape: [1], values: [0] }], skipDifferences: true });
  assert.equal(Math.abs(gradients.get(0)?.data[0] as number), 0);
  await checkOp({ op: "Reciprocal", inputs: [{ shape: [4], low: -3, high: -0.3 }] });
});

for (const op of ["Sign", "Floor", "Ceil", "Round"]) {
  test(`${op}: values on both sides of steps; no gradient passes`, async () => {
    const x: InputSpec = { shape: [9], values: [-2.5, -1.5, -0.5, 0, 0.5, 1.5, 2.5, 1.2, -1.7] };
    await checkOp({ op, inputs: [x], unreached: [0] });
  });
}

test("Where: condition, both branches, broadcasting", async () => {
  const condition: InputSpec = { shape: [2, 1], values: [1, 0], dtype: "bool" };
  await checkOp({ op: "Where", inputs: [condition, { shape: [2, 3] }, { shape: [3] }] });
  await checkOp({ op: "Where", inputs: [condition, { shape: [] }, { shape: [1, 2] }] });
  await checkOp({ op: "Where", inputs: [{ shape: [], values: [0], dtype: "bool" }, { shape: [2] }, { shape: [2] }] });
});

test("Where stops what the other branch would make infinite", async () => {
  const { gradients } = await checkOp({
    op: "Where",
    inputs: [
      { shape: [2], values: [1, 0], dtype: "bool" },
      { shape: [2], values: [1, Number.POSITIVE_INFINITY] },
      { shape: [2], values: [Number.NEGATIVE_INFINITY, 2] },
    ],
    skipDifferences: true,
  });
  assert.equal(gradients.get(1)?.data[1], 0);
  assert.equal(gradients.get(2)?.data[0], 0);
});

test("Clip: both bounds, one bound, none, trainable bounds", async () => {
  const x: InputSpec = { shape: [2, 4], values: [-2, -1.1, -0.9, 0, 0.4, 0.9, 1.1, 3] };
  const bound = (v: number): InputSpec => ({ shape: [], values: [v] });
  await checkOp({ op: "Clip", inputs: [x, bound(-1), bound(1)] });
  await checkOp({ op: "Clip", inputs: [x, bound(-1)] });
  await checkOp({ op: "Clip", inputs: [x, undefined, bound(1)] });
  await checkOp({ op: "Clip", inputs: [x] });
  await checkOp({
    op: "Clip",
    inputs: [x, { ...bound(0.1), constant: true }, { ...bound(2), constant: true }],
  });
});

test("Cast: between floats with gradient, to and from integers and bool without", async () => {
  const x: InputSpec = { shape: [5], values: [-1.7, -0.2, 0, 0.9, 3.5] };
  await checkOp({ op: "Cast", attributes: { to: int(1) }, inputs: [x] });
  await checkOp({ op: "Cast", attributes: { to: int(11) }, inputs: [x], tolerance: 1e-5 });
  for (const to of [6, 7, 9]) {
    await checkOp({ op: "Cast", attributes: { to: int(to) }, inputs: [x] });
    await checkOp({
      op: "Cast",
      attributes: { to: int(1) },
      inputs: [{ shape: [2], values: [0, 1], dtype: to === 9 ? "bool" : "int64" }],
    });
  }
  await checkOp({ op: "CastLike", inputs: [x, { shape: [1] }], unreached: [1] });
  await checkOp({ op: "CastLike", inputs: [x, { shape: [1], values: [1], dtype: "int64" }] });
});

test("inputs that an op cannot take are refused by the node's name", async () => {
  const x: InputSpec = { shape: [2] };
  await assert.rejects(checkOp({ op: "Mul", inputs: [x, x, x] }), {
    code: "model-invalid",
    where: 'node "tested" (Mul)',
    found: /3 inputs/,
  });
  await assert.rejects(checkOp({ op: "Add", inputs: [x, { shape: [3] }] }), {
    code: "model-invalid",
    where: 'node "tested" (Add)',
    found: /3 against 2|2 against 3/,
  });
  await assert.rejects(checkOp({ op: "Sum", inputs: [x, undefined] }), {
    code: "model-invalid",
    where: 'node "tested" (Sum)',
    found: /input 1/,
  });
  await assert.rejects(checkOp({ op: "Where", inputs: [x, x, x] }), {
    code: "model-invalid",
    where: 'node "tested" (Where)',
    found: /condition is float32/,
  });
  await assert.rejects(checkOp({ op: "Clip", inputs: [x, { shape: [2] }] }), {
    code: "model-invalid",
    where: 'node "tested" (Clip)',
    found: /bound/,
  });
  await assert.rejects(checkOp({ op: "Cast", attributes: { to: int(99) }, inputs: [x] }), {
    code: "model-invalid",
    where: 'node "tested" (Cast)',
    found: /"to"/,
  });
});
