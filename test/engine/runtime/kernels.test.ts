import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { Random } from "../../../src/engine/random/random.js";
import { Arena } from "../../../src/engine/runtime/arena.js";
import { allocateMemory, createKernels } from "../../../src/engine/runtime/kernels.js";

const COUNT = 64;
const BYTES = COUNT * 4;

function setUp() {
  const memory = allocateMemory(4 * BYTES);
  const kernels = createKernels(memory);
  const random = new Random(11, "kernels test");
  const views = [0, 1, 2, 3].map((k) => new Float32Array(memory.buffer, k * BYTES, COUNT)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  views.forEach((view, k) => {
    random.fillNormal(view, 0, 1, k * COUNT);
  });
  return { kernels, views, copies: views.map((v) => v.slice()) as typeof views };
}

test("copy, fill, add and scale change their range and nothing else", () => {
  const { kernels, views, copies } = setUp();
  kernels.copy(BYTES, 2 * BYTES, BYTES);
  assert.deepEqual(views[1], copies[2]);
  kernels.add(BYTES, 3 * BYTES, BYTES);
  assert.deepEqual(
    views[1],
    copies[2].map((v, i) => v + (copies[3][i] as number)),
  );
  kernels.scale(BYTES, BYTES, 0.3);
  const factor = Math.fround(0.3);
  assert.deepEqual(
    views[1],
    copies[2].map((v, i) => Math.fround(v + (copies[3][i] as number)) * factor),
  );
  kernels.fill(BYTES + 16, BYTES - 32, -2.5);
  assert.deepEqual([...views[1].subarray(4, COUNT - 4)], Array(COUNT - 8).fill(-2.5));
  assert.notEqual(views[1][3], -2.5);
  assert.notEqual(views[1][COUNT - 4], -2.5);
  for (const k of [0, 2, 3] as const) assert.deepEqual(views[k], copies[k], `range ${k}`);
});

test("approach moves a range towards another, rounding each operation once", () => {
  const { kernels, views, copies } = setUp();
  kernels.approach(BYTES, 2 * BYTES, BYTES - 16, 0.1);
  const rate = Math.fround(0.1);
  const [, from, to] = copies;
  const moved = from.map((v, i) => Math.fround(Math.fround((to[i] as number) - v) * rate) + v);
  assert.deepEqual([...views[1].subarray(0, COUNT - 4)], [...moved.subarray(0, COUNT - 4)]);
  assert.deepEqual([...views[1].subarray(COUNT - 4)], [...from.subarray(COUNT - 4)]);
  for (const k of [0, 2, 3] as const) assert.deepEqual(views[k], copies[k], `range ${k}`);
  kernels.approach(BYTES, 2 * BYTES, BYTES, 1);
  views[1].forEach((v, i) => {
    assert.ok(Math.abs(v - (to[i] as number)) < 1e-6);
  });
});

test("the sum of squares is taken in float64", () => {
  const { kernels, views } = setUp();
  const expected = [...views[0]].reduce((s, v) => s + v * v, 0);
  assert.ok(Math.abs(kernels.sumOfSquares(0, BYTES) - expected) <= 1e-14 * expected);
  views[0].fill(0);
  views[0][1] = 2 ** 100;
  views[0][62] = 2 ** -20;
  assert.equal(kernels.sumOfSquares(0, BYTES), 2 ** 200, "float32 would overflow");
  views[0][1] = 1;
  assert.equal(kernels.sumOfSquares(0, BYTES), 1 + 2 ** -40, "float32 would lose the small one");
  views[0][7] = Number.NaN;
  assert.ok(Number.isNaN(kernels.sumOfSquares(0, BYTES)));
  assert.equal(kernels.sumOfSquares(0, 0), 0);
});

test("the committed bytes are what kernels.wat assembles to", () => {
  execFileSync(process.execPath, ["scripts/build-kernels.js", "--check"], { stdio: "pipe" });
});

test("arena: views are aligned, apart from each other, and grouped by weight decay", () => {
  const arena = new Arena({
    parameters: [
      { name: "a", size: 5, decay: false },
      { name: "b", size: 33, decay: true },
      { name: "c", size: 1, decay: true },
      { name: "d", size: 16, decay: false },
    ],
    buffers: [
      { name: "constant", size: 3, updated: false },
      { name: "mean", size: 7, updated: true },
    ],
    moments: 2,
    accumulate: true,
  });
  const names = ["a", "b", "c", "d"];
  const views = names.flatMap((n) => [arena.parameter(n), arena.gradient(n), arena.moment(n, 0), arena.moment(n, 1)]);
  views.push(arena.buffer("constant"), arena.buffer("mean"), arena.bufferUpdate("mean"));
  views.forEach((view, i) => {
    assert.equal(view.byteOffset % 16, 0);
    assert.ok(view.every((v) => v === 0));
    view.fill(i + 1);
  });
  views.forEach((view, i) => {
    assert.ok(
      view.every((v) => v === i + 1),
      "views overlap",
    );
  });
  for (const n of names) {
    const decayed = arena.parameter(n).byteOffset - arena.parameters.offset < arena.decayedBytes;
    assert.equal(decayed, n === "b" || n === "c");
  }
  const { gradients, accumulators, moments, parameters } = arena;
  assert.equal(new Set([parameters, gradients, accumulators, ...moments].map((r) => r.offset)).size, 5);
  assert.ok(arena.state("d") && arena.state("mean") && !arena.state("e"));
  assert.throws(() => arena.parameter("mean"), { code: "internal", where: "training state", found: /"mean"/ });
});

test("arena: averages take memory only where weights are averaged, and are those of what changes", () => {
  const options = {
    parameters: [
      { name: "a", size: 5, decay: false },
      { name: "b", size: 33, decay: true },
    ],
    buffers: [
      { name: "constant", size: 3, updated: false },
      { name: "mean", size: 7, updated: true },
    ],
    moments: 1,
    accumulate: false,
  };
  const [plain, arena] = [new Arena(options), new Arena({ ...options, average: true })];
  assert.deepEqual([plain.averages, plain.bufferAverages, plain.average("a")], [null, null, undefined]);
  const views = ["a", "b", "mean"].map((n) => arena.average(n) as Float32Array);
  assert.deepEqual(
    views.map((v) => v.length),
    [5, 33, 7],
  );
  assert.equal(arena.average("constant"), undefined);
  const others = [arena.parameter("a"), arena.parameter("b"), arena.buffer("mean"), arena.bufferUpdate("mean")];
  [...views, ...others, arena.gradient("b"), arena.moment("b", 0), arena.buffer("constant")].forEach((view, i, all) => {
    view.fill(i + 1);
    for (const [k, before] of all.slice(0, i).entries()) assert.ok(before.every((v) => v === k + 1));
  });
});

test("arena: refusals", () => {
  const parameters = [
    { name: "a", size: 1, decay: true },
    { name: "a", size: 1, decay: false },
  ];
  assert.throws(() => new Arena({ parameters, buffers: [], moments: 1, accumulate: false }), {
    code: "internal",
    found: /"a"/,
  });
  const huge = [{ name: "a", size: 2 ** 29, decay: true }];
  assert.throws(() => new Arena({ parameters: huge, buffers: [], moments: 2, accumulate: false }), {
    name: "RunError",
    code: "memory-exceeded",
    found: /8\.00 GiB/,
    expected: /4 GiB/,
    cure: /./,
  });
});
