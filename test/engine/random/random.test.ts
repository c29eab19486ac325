import assert from "node:assert/strict";
import { test } from "node:test";
import { philox } from "../../../src/engine/random/philox.js";
import { Random } from "../../../src/engine/random/random.js";

/** Known answers published with Random123 (kat_vectors, philox4x32 10). */
const KNOWN: readonly [number[], number[], number[]][] = [
  [
    [0, 0, 0, 0],
    [0, 0],
    [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8],
  ],
  [Array(4).fill(0xffffffff), Array(2).fill(0xffffffff), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

test("Philox4x32-10 gives the published answers", () => {
  for (const [counter, key, expected] of KNOWN) {
    const out = new Uint32Array(4);
    philox(out, ...(counter as [number, number, number, number]), ...(key as [number, number]));
    assert.deepEqual([...out], expected);
  }
});

test("a number is a function of seed, stream and index, in any order of asking", () => {
  const a = new Random(7, "masks");
  const forward = Array.from({ length: 50 }, (_, i) => a.u32(i));
  const b = new Random(7, "masks");
  const backward = Array.from({ length: 50 }, (_, i) => b.u32(49 - i)).reverse();
  assert.deepEqual(forward, backward);
  assert.notDeepEqual(
    forward,
    Array.from({ length: 50 }, (_, i) => new Random(8, "masks").u32(i)),
  );
  assert.notDeepEqual(
    forward,
    Array.from({ length: 50 }, (_, i) => new Random(7, "other").u32(i)),
  );
  assert.notEqual(a.u32(0), a.u32(2 ** 34));
});

test("uniform and normal numbers have the moments they should", () => {
  const n = 200_000;
  const random = new Random(1, "moments");
  const u = new Float64Array(n);
  random.fillUniform(u, -1, 3);
  const mean = (x: Float64Array): number => x.reduce((s, v) => s + v, 0) / x.length;
  const variance = (x: Float64Array): number => mean(x.map((v) => v * v)) - mean(x) ** 2;
  // Five standard errors: uniform on [-1, 3) has mean 1 and variance 16/12.
  assert.ok(Math.abs(mean(u) - 1) < 5 * Math.sqrt(16 / 12 / n));
  assert.ok(Math.abs(variance(u) - 16 / 12) < 0.02);
  const z = new Float64Array(n);
  random.fillNormal(z, 2, 3);
  assert.ok(Math.abs(mean(z) - 2) < (5 * 3) / Math.sqrt(n));
  assert.ok(Math.abs(variance(z) - 9) < 0.15);
});

test("permutations are permutations, uniform, and another one each epoch", () => {
  const random = new Random(3, "shuffle");
  const order = random.permutation(1000, 0);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    Array.from({ length: 1000 }, (_, i) => i),
  );
  assert.notDeepEqual(order, random.permutation(1000, 1));
  const counts = new Map<string, number>();
  for (let epoch = 0; epoch < 6000; epoch++) {
    const key = random.permutation(3, epoch).join("");
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  assert.equal(counts.size, 6);
  const chi2 = [...counts.values()].reduce((s, c) => s + (c - 1000) ** 2 / 1000, 0);
  assert.ok(chi2 < 20.5, `chi squared ${chi2} with 5 degrees of freedom`);
});
