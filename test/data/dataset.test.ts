import assert from "node:assert/strict";
import { test } from "node:test";
import { fromArrays, fromAsyncIterable } from "../../src/index.js";

test("nested samples, names as labels, classes sorted; whole numbers sort as numbers", () => {
  const data = fromArrays({
    samples: [
      [1, 2],
      [3, 4],
      [5, 6],
    ],
    labels: ["dog", "cat", "dog"],
  });
  assert.deepEqual([...data.samples], [1, 2, 3, 4, 5, 6]);
  assert.deepEqual([...data.classes], ["cat", "dog"]);
  assert.deepEqual([...(data.labels ?? [])], [1, 0, 1]);
  assert.deepEqual([...fromArrays({ samples: [[1], [2], [3]], labels: ["10", "9", "10"] }).classes], ["9", "10"]);
});

test("the hash follows values, shape, labels and class names", () => {
  const base = { samples: Float32Array.of(1, 2, 3, 4), sampleShape: [2], labels: [0, 1], classes: ["a", "b"] };
  const hash = fromArrays(base).hash;
  assert.equal(fromArrays({ ...base }).hash, hash);
  for (const other of [
    { ...base, samples: Float32Array.of(1, 2, 3, 5) },
    { ...base, samples: Uint8Array.of(1, 2, 3, 4) },
    { ...base, sampleShape: [1, 2] },
    { ...base, labels: [1, 0] },
    { ...base, classes: ["a", "c"] },
  ])
    assert.notEqual(fromArrays(other).hash, hash, JSON.stringify(other));
});

test("an async iterable is collected in order", async () => {
  async function* stream() {
    for (let i = 0; i < 4; i++) yield { sample: [i, -i], label: i % 2 ? "odd" : "even" };
  }
  const data = await fromAsyncIterable(stream());
  assert.deepEqual([...data.samples], [0, -0, 1, -1, 2, -2, 3, -3]);
  assert.deepEqual([...(data.labels ?? [])], [0, 1, 0, 1]);
});

test("whole numbers stay whole: beyond float32's 2^24, flat or one array a sample, int64 too", () => {
  const large = 2 ** 24 + 1;
  const rows = [Int32Array.of(large, -1), Int32Array.of(0, 7)];
  for (const samples of [Int32Array.of(large, -1, 0, 7), BigInt64Array.of(BigInt(large), -1n, 0n, 7n), rows]) {
    const data = fromArrays({ samples, sampleShape: [2] });
    assert.ok(data.samples instanceof Int32Array);
    assert.deepEqual([...data.samples], [large, -1, 0, 7]);
  }
  const long = fromArrays({ samples: [BigInt64Array.of(5n), BigInt64Array.of(BigInt(large))] });
  assert.deepEqual([long.samples.constructor, ...long.samples], [Int32Array, 5, large]);
  assert.throws(
    () => fromArrays({ samples: BigInt64Array.of(2n ** 31n), sampleShape: [1], name: "ids" }),
    /ids: a sample holds a whole number beyond 32 bits/,
  );
  // The element type is part of what a data set is.
  const float = fromArrays({ samples: Float32Array.of(0, 7), sampleShape: [2] });
  assert.notEqual(float.hash, fromArrays({ samples: Int32Array.of(0, 7), sampleShape: [2] }).hash);
});

const flat = (samples: Float32Array | number[][], more: object = {}) => fromArrays({ samples, ...more });
const refused: readonly [string, () => unknown, RegExp][] = [
  [
    "NaN",
    () =>
      flat([
        [1, 2],
        [3, Number.NaN],
      ]),
    /sample 1, value 1.*NaN/,
  ],
  ["infinity", () => flat([[Number.POSITIVE_INFINITY]]), /sample 0.*Infinity/],
  ["ragged samples", () => flat([[1, 2], [3]]), /sample 1 has 1 values, sample 0 has 2/],
  ["no samples", () => flat([]), /no samples/],
  ["no shape", () => flat(new Float32Array(4)), /needs sampleShape/],
  ["a shape that does not divide", () => flat(new Float32Array(5), { sampleShape: [2] }), /do not divide/],
  ["a label outside the classes", () => flat([[1], [2]], { labels: [0, 7], classes: ["a", "b"] }), /label 1 is 7/],
  ["half a label", () => flat([[1], [2]], { labels: [0, 0.5], classes: ["a", "b"] }), /label 1 is 0.5/],
  ["an unknown class", () => flat([[1], [2]], { labels: ["a", "z"], classes: ["a", "b"] }), /"z", which is not among/],
  ["too few labels", () => flat([[1], [2]], { labels: ["a"], classes: ["a", "b"] }), /1 labels for 2 samples/],
  ["one class", () => flat([[1], [2]], { labels: ["a", "a"] }), /1 class/],
  ["a class twice", () => flat([[1], [2]], { labels: ["a", "b"], classes: ["a", "b", "a"] }), /occurs twice/],
];
for (const [what, make, message] of refused) test(`refused: ${what}`, () => assert.throws(make, message));
