import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { irVersionFor } from "../../../src/engine/graph/opsets.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import { CANONICAL_OPSET, type Tensor } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import {
  averageInGraph,
  clipInGraph,
  scalarNamesOf,
  scalarValuesOf,
  updateInGraph,
} from "../../../src/engine/optim/graph.js";
import { momentsOf, updateReference } from "../../../src/engine/optim/rules.js";
import type { UpdateRule } from "../../../src/engine/optim/types.js";
import { Arena } from "../../../src/engine/runtime/arena.js";
import { openSession, type Session } from "../../../src/node/session.js";
import {
  applyAverage,
  applyUpdate,
  averageRate,
  momentCount,
  updateScalars,
} from "../../../src/engine/runtime/update.js";

interface UpdateCase {
  readonly name: string;
  readonly rule: UpdateRule;
  readonly times: readonly { readonly lr: number; readonly momentum: number | null }[];
  /** After 10 updates, by PyTorch in float64. */
  readonly parameter: readonly number[];
}

const { start, gradients, cases } = JSON.parse(readFileSync("test/fixtures/optim/update.json", "utf8")) as {
  start: readonly number[];
  gradients: readonly (readonly number[])[];
  cases: readonly UpdateCase[];
};

/** Largest difference relative to max(1, |expected|). */
function farthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(found.length, expected.length);
  return Math.max(
    ...Array.from(expected, (e, i) => Math.abs((found[i] as number) - e) / Math.max(1, Math.abs(e))).map((d) =>
      Number.isNaN(d) ? Number.POSITIVE_INFINITY : d,
    ),
  );
}

const timesOf = (c: UpdateCase) =>
  c.times.map((t, i) => ({ step: i + 1, lr: t.lr, momentum: t.momentum === null ? undefined : t.momentum }));

function byReference(c: UpdateCase, decay: boolean) {
  const parameter = Float64Array.from(start);
  const moments = Array.from({ length: momentsOf(c.rule) }, () => new Float64Array(start.length));
  timesOf(c).forEach((time, i) => {
    updateReference(c.rule, parameter, Float64Array.from(gradients[i] as number[]), moments, { ...time, decay });
  });
  return { parameter, moments };
}

/** The parameter twice, once with and once without weight decay: both in one arena. */
function byKernels(c: UpdateCase) {
  const arena = new Arena({
    parameters: [
      { name: "plain", size: start.length, decay: false },
      { name: "decayed", size: start.length, decay: true },
    ],
    buffers: [],
    moments: momentCount(c.rule),
    accumulate: false,
  });
  const names = ["decayed", "plain"];
  for (const name of names) arena.parameter(name).set(start);
  timesOf(c).forEach((time, i) => {
    for (const name of names) arena.gradient(name).set(gradients[i] as number[]);
    applyUpdate(arena, c.rule, time, 1);
  });
  return arena;
}

for (const c of cases) {
  test(`${c.name}: the definition equals PyTorch`, () => {
    assert.ok(farthest(byReference(c, true).parameter, c.parameter) < 1e-12);
  });

  test(`${c.name}: the kernels equal the definition, with and without decay`, () => {
    const arena = byKernels(c);
    assert.ok(farthest(arena.parameter("decayed"), c.parameter) < 2e-6, "against PyTorch");
    for (const decay of [true, false]) {
      const name = decay ? "decayed" : "plain";
      const reference = byReference(c, decay);
      assert.ok(farthest(arena.parameter(name), reference.parameter) < 2e-6, name);
      reference.moments.forEach((m, i) => {
        assert.ok(farthest(arena.moment(name, i), m) < 1e-6, `${name}/${i}`);
      });
    }
    if (c.rule.weightDecay > 0)
      assert.ok(farthest(arena.parameter("plain"), c.parameter) > 1e-3, "decay must make a difference");
  });

  test(`${c.name}: the in-graph form equals the kernels`, async () => {
    const arena = byKernels(c);
    for (const decay of [true, false]) {
      const name = decay ? "decayed" : "plain";
      const state = await byGraph(c, decay);
      // Operation for operation the same, and bit-equal on x64; four ulps leave room for compilers that fuse a product
      // and a sum, which then rounds once instead of twice.
      const tolerance = 4 * 2 ** -23;
      assert.ok(farthest(state.parameter, arena.parameter(name)) <= tolerance, name);
      state.moments.forEach((m, i) => {
        assert.ok(farthest(m, arena.moment(name, i)) <= tolerance, `${name}/${i}`);
      });
    }
  });
}

async function byGraph(c: UpdateCase, decay: boolean) {
  const session = await openSession(updateModel(c.rule, decay), { threads: 1 });
  let parameter = Float32Array.from(start);
  let moments = Array.from({ length: momentsOf(c.rule) }, () => new Float32Array(start.length));
  for (const [i, time] of timesOf(c).entries()) {
    const feeds: Record<string, Tensor> = {
      p: tensor("float32", parameter),
      g: tensor("float32", gradients[i] as number[]),
    };
    moments.forEach((m, k) => {
      feeds[`m${k}`] = tensor("float32", m);
    });
    const values = scalarValuesOf(c.rule, updateScalars(c.rule, time));
    scalarNamesOf(c.rule).forEach((name, k) => {
      feeds[name] = tensor("float32", [values[k] as number], []);
    });
    const results = await session.run(feedsOf(session, feeds));
    parameter = results.p_new?.data as Float32Array<ArrayBuffer>;
    moments = moments.map((_, k) => results[`m${k}_new`]?.data as Float32Array<ArrayBuffer>);
  }
  await session.dispose();
  return { parameter, moments };
}

/** Scalars a variant does not read (shrink without decay) are still inputs of the graph: feed what it declares. */
const feedsOf = (session: Session, feeds: Record<string, Tensor>) =>
  Object.fromEntries(session.inputs.map((i) => [i.name, feeds[i.name] as Tensor]));

function updateModel(rule: UpdateRule, decay: boolean): Uint8Array {
  const b = createBuilder("update");
  const vector = (name: string) => b.input(name, "float32", [start.length]);
  const scalars = Object.fromEntries(scalarNamesOf(rule).map((name) => [name, b.input(name, "float32", [])]));
  const result = updateInGraph(b, rule, {
    parameter: vector("p"),
    gradient: vector("g"),
    moments: Array.from({ length: momentsOf(rule) }, (_, i) => vector(`m${i}`)),
    decay,
    scalars,
  });
  b.output(result.parameter, "p_new");
  result.moments.forEach((m, i) => {
    b.output(m, `m${i}_new`);
  });
  return writeModel({
    graph: b.build(),
    opsets: { "": CANONICAL_OPSET },
    irVersion: irVersionFor(CANONICAL_OPSET),
    metadata: {},
  });
}

test("weight averages: kernels and graph equal the recursion in float64", async () => {
  const average = { decay: 0.75, ramp: true };
  // min(0.75, (1 + t) / (10 + t)) reaches 0.75 at t = 26.
  for (const [t, d] of [
    [1, 2 / 11],
    [8, 0.5],
    [25, 26 / 35],
    [26, 0.75],
    [1e6, 0.75],
  ] as const) {
    assert.ok(Math.abs(1 - averageRate(average, t) - d) < 1e-15, `update ${t}`);
    assert.equal(averageRate({ decay: 0.75, ramp: false }, t), 0.25);
  }
  const b = createBuilder("average");
  const vector = (name: string) => b.input(name, "float32", [start.length]);
  b.output(averageInGraph(b, vector("a"), vector("v"), b.input("rate", "float32", [])), "new");
  const opsets = { "": CANONICAL_OPSET };
  const bytes = writeModel({ graph: b.build(), opsets, irVersion: irVersionFor(CANONICAL_OPSET), metadata: {} });
  const session = await openSession(bytes, { threads: 1 });
  const arena = new Arena({
    parameters: [{ name: "p", size: start.length, decay: true }],
    buffers: [{ name: "mean", size: start.length, updated: true }],
    moments: 1,
    accumulate: false,
    average: true,
  });
  const [own, mean] = [arena.average("p"), arena.average("mean")] as [Float32Array, Float32Array];
  own.set(start);
  let inGraph = Float32Array.from(start);
  const reference = Float64Array.from(start);
  for (const [i, values] of gradients.entries()) {
    arena.parameter("p").set(values);
    arena.buffer("mean").set(values);
    applyAverage(arena, average, i + 1);
    const rate = tensor("float32", [averageRate(average, i + 1)], []);
    const fed = { a: tensor("float32", inGraph), v: tensor("float32", values), rate };
    inGraph = (await session.run(fed)).new?.data as Float32Array<ArrayBuffer>;
    const d = Math.min(0.75, (i + 2) / (i + 11));
    reference.forEach((v, k) => {
      reference[k] = d * v + (1 - d) * (values[k] as number);
    });
  }
  await session.dispose();
  assert.ok(farthest(own, reference) < 1e-6);
  assert.ok(farthest(inGraph, own) <= 4 * 2 ** -23);
  // The statistics' average began at zero: it differs by what is left of the start.
  const left = gradients.reduce((share, _, i) => share * Math.min(0.75, (i + 2) / (i + 11)), 1);
  assert.ok(
    farthest(
      mean,
      reference.map((v, k) => v - left * (start[k] as number)),
    ) < 1e-6,
  );
});

test("both say the same about moments", () => {
  for (const { rule } of cases) assert.equal(momentsOf(rule), momentCount(rule));
});

test("a missing scalar is named", () => {
  const b = createBuilder("update");
  const p = b.input("p", "float32", [2]);
  const rule: UpdateRule = { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 };
  assert.throws(
    () => updateInGraph(b, rule, { parameter: p, gradient: p, moments: [p], decay: true, scalars: {} }),
    /update of "p": the scalar "momentum" is missing/,
  );
});

test("clipping in the graph: the definition, and the factor the kernels get", async () => {
  const parts = [gradients[0] as number[], gradients[1] as number[]];
  const b = createBuilder("clip");
  const inputs = parts.map((p, i) => b.input(`g${i}`, "float32", [p.length]));
  const clipped = clipInGraph(b, inputs, b.input("limit", "float32", []));
  b.output(clipped.norm, "norm");
  clipped.gradients.forEach((g, i) => {
    b.output(g, `c${i}`);
  });
  const opsets = { "": CANONICAL_OPSET };
  const bytes = writeModel({ graph: b.build(), opsets, irVersion: irVersionFor(CANONICAL_OPSET), metadata: {} });
  const session = await openSession(bytes, { threads: 1 });
  const whole = Math.hypot(...parts.flat());
  for (const [limit, size] of [
    [whole / 4, 1],
    [whole * 2, 1],
    [1, 0],
  ] as const) {
    const feeds: Record<string, Tensor> = { limit: tensor("float32", [limit], []) };
    parts.forEach((p, i) => {
      feeds[`g${i}`] = tensor(
        "float32",
        p.map((v) => v * size),
      );
    });
    const found = await session.run(feeds);
    assert.ok(farthest(found.norm?.data as Float32Array, [whole * size]) < 1e-6);
    // torch.nn.utils.clip_grad_norm_: max_norm / (norm + 1e-6), at most 1. A zero gradient stays zero.
    const factor = Math.min(1, limit / (whole * size + 1e-6));
    parts.forEach((p, i) => {
      const expected = p.map((v) => v * size * factor);
      assert.ok(farthest(found[`c${i}`]?.data as Float32Array, expected) < 1e-6, `limit ${limit}`);
    });
  }
  await session.dispose();
});
