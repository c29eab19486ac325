import assert from "node:assert/strict";
import { test } from "node:test";
import { halves, splitData, stratifiedSubset } from "../../src/data/splits.js";
import { fromArrays, loadData } from "../../src/index.js";

const config = { validation: 0.2, test: 0.25, stratify: true, seed: 0 };
/** 400 samples: 200 of a, 120 of b, 80 of c, shuffled together. */
const labels = Array.from({ length: 400 }, (_, i) => (i % 10 < 5 ? 0 : i % 10 < 8 ? 1 : 2));
const data = fromArrays({ samples: new Float32Array(800), sampleShape: [2], labels, classes: ["a", "b", "c"] });
const countOf = (part: Uint32Array): number[] => [0, 1, 2].map((c) => part.filter((i) => labels[i] === c).length);

test("parts are disjoint, cover everything and keep the proportions", () => {
  const { train, validation, test: held } = splitData(data, config, null);
  assert.deepEqual([train.length, validation.length, held.length], [240, 60, 100]);
  assert.deepEqual(
    [...train, ...validation, ...held].sort((a, b) => a - b),
    Array.from(labels, (_, i) => i),
  );
  assert.deepEqual(countOf(held), [50, 30, 20]);
  assert.deepEqual(countOf(validation), [30, 18, 12]);
});

test("a split is a function of its seed", () => {
  const first = splitData(data, config, null);
  assert.deepEqual(splitData(data, config, null), first);
  assert.notDeepEqual(splitData(data, { ...config, seed: 1 }, null).test, first.test);
});

test("numbers of samples instead of fractions; the source's own test part", () => {
  const { train, validation, test: held } = splitData(data, { ...config, validation: 37, test: "source" }, 350);
  assert.deepEqual([train.length, validation.length, held.length], [313, 37, 50]);
  assert.deepEqual(
    [...held],
    Array.from({ length: 50 }, (_, i) => 350 + i),
  );
  assert.ok([...train, ...validation].every((i) => i < 350));
});

test("without labels, or unstratified, the parts have the sizes asked for", () => {
  const bare = fromArrays({ samples: new Float32Array(100), sampleShape: [1] });
  const parts = splitData(bare, config, null);
  assert.deepEqual([parts.train.length, parts.validation.length, parts.test.length], [60, 15, 25]);
  assert.equal(splitData(data, { ...config, stratify: false }, null).test.length, 100);
});

test("samples without a label are learnt from, never judged on; a test part without labels is refused", () => {
  const partly = fromArrays({
    samples: new Float32Array(800),
    sampleShape: [2],
    labels: labels.map((l, i) => (i % 4 === 0 ? -1 : l)),
    classes: ["a", "b", "c"],
  });
  const { train, validation, test: held } = splitData(partly, config, null);
  // A quarter of the 300 labelled samples is the test, a fifth of the remaining 225 the validation.
  assert.deepEqual([train.length, validation.length, held.length], [280, 45, 75]);
  assert.ok([...validation, ...held].every((i) => i % 4 !== 0));
  assert.equal(train.filter((i) => i % 4 === 0).length, 100);
  const own = splitData(partly, { ...config, test: "source" }, 300);
  assert.deepEqual(
    [...own.test],
    Array.from({ length: 100 }, (_, i) => 300 + i).filter((i) => i % 4 !== 0),
  );
  const bare = fromArrays({ ...partly, samples: partly.samples, labels: labels.map((l, i) => (i < 300 ? l : -1)) });
  assert.throws(() => splitData(bare, { ...config, test: "source" }, 300), /data\.split\.test: .*has a label/);
});

test("a subset keeps the proportions by largest remainder; two halves share nothing", () => {
  const all = Uint32Array.from(labels, (_, i) => i);
  assert.deepEqual(countOf(stratifiedSubset(data.labels as Int32Array, all, 11, 0, data.classes)), [6, 3, 2]);
  const [first, second] = halves(data.labels, all, 0, data.classes);
  assert.deepEqual(
    [...first, ...second].sort((a, b) => a - b),
    [...all],
  );
  assert.deepEqual(countOf(first), [100, 60, 40]);
});

test("refused: a class too small to be in every part, nothing left, more than there is", () => {
  const tiny = fromArrays({
    samples: new Float32Array(101),
    sampleShape: [1],
    labels: [...Array<number>(100).fill(0), 1],
    classes: ["many", "one"],
  });
  assert.throws(() => splitData(tiny, config, null), /class "one" has 1 sample,/);
  assert.throws(() => splitData(data, { ...config, test: 400 }, null), /split/);
  assert.throws(() => splitData(data, { ...config, test: 500 }, null), /cannot be held out/);
  assert.throws(() => splitData(data, { ...config, test: "source" }, null), /no test part of its own/);
});

test("the digits: 15 % for validation, 30 % for the test", async () => {
  const { splits } = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  assert.deepEqual([splits.train.length, splits.validation.length, splits.test.length], [1069, 189, 539]);
});
