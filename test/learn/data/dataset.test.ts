import assert from "node:assert/strict";
import { test } from "node:test";
import { fromArrays, fromAsyncIterable } from "../../../src/index.js";
import { type ExpectedFault, faultLike } from "../../support/faults.js";

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
    faultLike({ code: "row-invalid", where: "ids", found: ["32 bits"] }),
  );
  // The element type is part of what a data set is.
  const float = fromArrays({ samples: Float32Array.of(0, 7), sampleShape: [2] });
  assert.notEqual(float.hash, fromArrays({ samples: Int32Array.of(0, 7), sampleShape: [2] }).hash);
});

const flat = (samples: Float32Array | number[][], more: object = {}) => fromArrays({ samples, ...more });
const refused: readonly [string, () => unknown, ExpectedFault][] = [
  [
    "NaN",
    () =>
      flat([
        [1, 2],
        [3, Number.NaN],
      ]),
    { code: "not-finite", where: "arrays", found: ["sample 1", "value 1", "NaN"] },
  ],
  ["infinity", () => flat([[Number.POSITIVE_INFINITY]]), { code: "not-finite", found: ["sample 0", "Infinity"] }],
  ["ragged samples", () => flat([[1, 2], [3]]), { code: "array-mismatch", found: ["sample 1", "1 value"] }],
  ["no samples", () => flat([]), { code: "data-empty" }],
  ["no shape", () => flat(new Float32Array(4)), { code: "option-missing", found: ["sampleShape"] }],
  [
    "a shape that does not divide",
    () => flat(new Float32Array(5), { sampleShape: [2] }),
    { code: "array-mismatch", found: ["5 values"] },
  ],
  [
    "a label outside the classes",
    () => flat([[1], [2]], { labels: [0, 7], classes: ["a", "b"] }),
    { code: "class-unknown", found: ["label 1", 7] },
  ],
  [
    "half a label",
    () => flat([[1], [2]], { labels: [0, 0.5], classes: ["a", "b"] }),
    { code: "label-type", found: ["label 1", 0.5] },
  ],
  [
    "an unknown class",
    () => flat([[1], [2]], { labels: ["a", "z"], classes: ["a", "b"] }),
    { code: "class-unknown", found: ['"z"', "1 sample"] },
  ],
  [
    "too few labels",
    () => flat([[1], [2]], { labels: ["a"], classes: ["a", "b"] }),
    { code: "array-mismatch", found: ["1 label", "2 samples"] },
  ],
  ["one class", () => flat([[1], [2]], { labels: ["a", "a"] }), { code: "class-too-few", found: ["1 class"] }],
  [
    "a class twice",
    () => flat([[1], [2]], { labels: ["a", "b"], classes: ["a", "b", "a"] }),
    { code: "class-duplicate", where: "data.classes", found: ['"a"'] },
  ],
  ["labels all missing", () => flat([[1], [2]], { labels: [-1, Number.NaN] }), { code: "labels-missing", found: [2] }],
  [
    "numbers and names",
    () => flat([[1], [2]], { labels: [0, "a"] }),
    { code: "label-type", found: ["label 1", '"a"', "label 0"] },
  ],
];
for (const [what, make, fault] of refused) test(`refused: ${what}`, () => assert.throws(make, faultLike(fault)));

const samples = [[1], [2], [3], [4], [5], [6]];
const labelsOf = (labels: readonly (number | string | null)[], classes?: readonly string[]) => {
  const data = fromArrays({ samples, labels, ...(classes ? { classes } : {}) });
  return [[...data.classes], [...(data.labels ?? [])], data.findings?.map((f) => [f.code, f.count]) ?? []];
};

test("labels that are missing: NaN, -100, -1 and null among indices, null and empty among names", () => {
  assert.deepEqual(labelsOf([0, 1, -1, -100, Number.NaN, null]), [
    ["0", "1"],
    [0, 1, -1, -1, -1, -1],
    [["labels-missing", 4]],
  ]);
  assert.deepEqual(labelsOf(["a", "b", "", null, "nan", " b "]), [
    ["a", "b", "nan"],
    [0, 1, -1, -1, 2, 1],
    [
      ["labels-trimmed", 1],
      ["labels-missing", 2],
    ],
  ]);
  assert.deepEqual(
    labelsOf([1, 0, 1, 0, 1, 0]),
    [["0", "1"], [1, 0, 1, 0, 1, 0], []],
    "nothing is said of sane labels",
  );
});

test("just -1 and 1 are two classes, unless there is a list of classes", () => {
  assert.deepEqual(labelsOf([-1, 1, 1, -1, 1, -100]), [["-1", "1"], [0, 1, 1, 0, 1, -1], [["labels-missing", 1]]]);
  assert.deepEqual(labelsOf([-1, 1, 1, 0, 1, 0])[1], [-1, 1, 1, 0, 1, 0]);
  assert.deepEqual(labelsOf([-1, 1, 1, -1, 1, 1], ["no", "yes"])[1], [-1, 1, 1, -1, 1, 1]);
});

test("all labels may be unknown where the classes are listed", () => {
  assert.deepEqual(labelsOf([-1, -1, -1, -1, -1, -1], ["a", "b"]).slice(0, 2), [
    ["a", "b"],
    [-1, -1, -1, -1, -1, -1],
  ]);
});
