import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataFinding } from "../../../src/learn/data/findings.js";
import { halves, splitData, stratifiedSubset } from "../../../src/learn/data/splits.js";
import { fromArrays, loadData } from "../../../src/index.js";
import { faultLike } from "../../support/faults.js";

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
  const {
    train,
    validation,
    test: held,
  } = splitData(data, { ...config, validation: 37, test: "source" }, { test: [350, 400] });
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
  const own = splitData(partly, { ...config, test: "source" }, { test: [300, 400] });
  assert.deepEqual(
    [...own.test],
    Array.from({ length: 100 }, (_, i) => 300 + i).filter((i) => i % 4 !== 0),
  );
  const bare = fromArrays({ ...partly, samples: partly.samples, labels: labels.map((l, i) => (i < 300 ? l : -1)) });
  assert.throws(
    () => splitData(bare, { ...config, test: "source" }, { test: [300, 400] }),
    faultLike({ code: "labels-missing", where: "data.split.test" }),
  );
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

/** Labels of classes with so many samples each, all mixed. */
const withCounts = (counts: readonly number[]) => {
  const list = counts.flatMap((n, c) => Array<number>(n).fill(c));
  return fromArrays({
    samples: new Float32Array(list.length),
    sampleShape: [1],
    labels: list.map((_, i) => list[(i * 7919) % list.length] as number),
    classes: counts.map((_, c) => `class ${c}`),
  });
};
const classesIn = (set: ReturnType<typeof withCounts>, part: Uint32Array): Set<number> =>
  new Set(part.map((i) => set.labels?.[i] as number));

test("a class too rare for validation and test stays in training, and is counted", () => {
  for (const counts of [
    [100, 1],
    [300, 200, 1, 1, 1],
    [500, 3, 2, 1],
  ]) {
    const set = withCounts(counts);
    const findings: DataFinding[] = [];
    const { train, validation, test: held } = splitData(set, config, null, (f) => findings.push(f));
    assert.equal(classesIn(set, train).size, counts.length, "every class is trained on");
    assert.equal(train.length + validation.length + held.length, set.size);
    assert.equal(held.length, Math.round(set.size * 0.25));
    for (const [field, part] of [
      ["data.split.test", held],
      ["data.split.validation", validation],
    ] as const) {
      const missing = counts.length - classesIn(set, part).size;
      assert.ok(missing >= 1);
      const finding = findings.find((f) => f.where === field);
      assert.deepEqual([finding?.code, finding?.count], ["classes-too-rare", missing], `${field} of ${counts}`);
    }
  }
});

test("of many classes with two samples each, the lot decides which are tested: not the first ones", () => {
  const counts = Array<number>(1000).fill(2);
  const set = withCounts(counts);
  const { train, test: held } = splitData(set, config, null);
  assert.equal(classesIn(set, train).size, 1000);
  assert.equal(held.length, 500);
  assert.equal(classesIn(set, held).size, 500, "one of each class at most");
  const low = [...classesIn(set, held)].filter((c) => c < 500).length;
  assert.ok(low > 200 && low < 300, `${low} of 500 from the first half`);
  const again = splitData(set, { ...config, seed: 1 }, null).test;
  assert.notDeepEqual(classesIn(set, again), classesIn(set, held));
});

test("where too few classes have a second sample, the part is smaller, and that is said", () => {
  const set = withCounts([...Array<number>(90).fill(1), ...Array<number>(5).fill(2)]);
  const findings: DataFinding[] = [];
  const { test: held, train } = splitData(set, { ...config, validation: 0 }, null, (f) => findings.push(f));
  assert.deepEqual([held.length, train.length], [5, 95]);
  assert.deepEqual(
    findings.map((f) => [f.code, f.count]),
    [["classes-too-rare", 90]],
  );
  assert.match(findings[0]?.text ?? "", /5 samples instead of 25/);
});

test("10,000 classes of 2 samples are split in a second or two", () => {
  const set = withCounts(Array<number>(10_000).fill(2));
  const start = performance.now();
  const { train } = splitData(set, config, null);
  assert.equal(classesIn(set, train).size, 10_000);
  assert.ok(performance.now() - start < 5000);
});

test("unstratified, a class that would have no training sample is refused", () => {
  const set = withCounts([100, 1]);
  const rare = set.labels?.indexOf(1) as number;
  const seed = Array.from({ length: 1000 }, (_, s) => s).find((s) =>
    splitMayLose(set, { ...config, stratify: false, seed: s }, rare),
  ) as number;
  assert.throws(
    () => splitData(set, { ...config, stratify: false, seed }, null),
    faultLike({ code: "class-unseen", where: "data.split", found: ["class 1"], cure: ["data.split.stratify"] }),
  );
  assert.ok(classesIn(set, splitData(set, { ...config, seed }, null).train).has(1));
});

/** Whether a split without labels, which is the same draw, holds the sample out. */
function splitMayLose(set: ReturnType<typeof withCounts>, how: typeof config, sample: number): boolean {
  const bare = fromArrays({ samples: new Float32Array(set.size), sampleShape: [1] });
  return splitData(bare, how, null).test.includes(sample);
}

test("the source's own validation part chooses epochs; without a test part one is drawn from training", () => {
  const own = { validation: [300, 360], test: [360, 400] } as const;
  const { stratify, seed } = config;
  const both = splitData(data, { stratify, seed }, own);
  assert.deepEqual([both.train.length, both.validation[0], both.validation.length], [300, 300, 60]);
  assert.deepEqual([both.test[0], both.test.length], [360, 40]);
  const drawn = splitData(data, { stratify, seed }, { validation: [320, 400] });
  assert.deepEqual([drawn.train.length, drawn.validation.length, drawn.test.length], [256, 80, 64]);
  assert.ok([...drawn.test, ...drawn.train].every((i) => i < 320));
  const findings: DataFinding[] = [];
  const other = splitData(data, { ...config, validation: 0.1, test: 0 }, own, (f) => findings.push(f));
  assert.deepEqual([other.train.length, other.validation.length, other.test.length], [270, 30, 0]);
  assert.deepEqual(
    findings.map((f) => [f.code, f.where, f.count]),
    [
      ["part-unused", "data.split.test", 40],
      ["part-unused", "data.split.validation", 60],
    ],
  );
});

test("refused: nothing left, more than there is, less than one sample, a part that is not there", () => {
  const three = withCounts([2, 1]);
  const refused: [() => unknown, Parameters<typeof faultLike>[0]][] = [
    [
      () => splitData(data, { ...config, validation: 0, test: 400 }, null),
      { code: "budget-invalid", where: "data.split" },
    ],
    [
      () => splitData(data, { ...config, test: 500 }, null),
      { code: "budget-invalid", where: "data.split.test", found: [500, 400] },
    ],
    [
      () => splitData(data, { ...config, validation: 301 }, null),
      { code: "budget-invalid", where: "data.split.validation", found: [301, 300] },
    ],
    [
      () => splitData(data, { ...config, test: 1.5 }, null),
      { code: "option-invalid", where: "data.split.test", found: [1.5] },
    ],
    [
      () => splitData(three, { ...config, test: 0.1 }, null),
      { code: "budget-invalid", where: "data.split.test", found: [0.1, "3 labelled samples"] },
    ],
    [
      () => splitData(three, { ...config, test: 1 }, null),
      { code: "budget-invalid", where: "data.split.validation", found: [0.2] },
    ],
    [
      () => splitData(withCounts([1, 1, 1, 1]), config, null),
      { code: "budget-invalid", where: "data.split.test", found: ["second sample"] },
    ],
    [() => splitData(data, { ...config, test: "source" }, null), { code: "option-invalid", where: "data.split.test" }],
    [
      () => splitData(data, { ...config, validation: "source" }, null),
      { code: "option-invalid", where: "data.split.validation" },
    ],
  ];
  for (const [make, fault] of refused) assert.throws(make, faultLike(fault), JSON.stringify(fault));
});

test("the digits: 15 % for validation, 30 % for the test", async () => {
  const { splits } = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
  assert.deepEqual([splits.train.length, splits.validation.length, splits.test.length], [1069, 189, 539]);
});
