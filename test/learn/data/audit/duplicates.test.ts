/** Samples in two parts, and equal training samples with different labels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { RowHashes, SeenRows } from "../../../../src/learn/data/audit/row-hash.js";
import { auditData } from "../../../../src/index.js";
import { findingsOf, plainRows, type Sketch, sequence, sketch } from "./support.js";

/** Images 1x4x4 of random bytes; the first 70 for training, then 10 for validation and 20 for the test. */
function pictures(): { samples: number[][]; labels: string[] } {
  const next = sequence(3);
  return {
    samples: Array.from({ length: 100 }, () => Array.from({ length: 16 }, () => Math.floor(next() * 256))),
    labels: Array.from({ length: 100 }, (_, i) => (i % 2 === 0 ? "a" : "b")),
  };
}
const image = {
  sampleShape: [1, 4, 4],
  type: "uint8",
  parts: (i: number) => (i < 70 ? "train" : i < 80 ? "validation" : "test"),
} as const;
const copy = (made: { samples: number[][] }, from: number, to: number): void => {
  made.samples[to] = [...(made.samples[from] as number[])];
};

test("samples of the test and validation part that the training part holds are counted and paired", () => {
  const made = pictures();
  copy(made, 2, 90);
  copy(made, 4, 91);
  copy(made, 6, 75);
  copy(made, 72, 99);
  const loaded = sketch({ ...made, ...image, names: made.samples.map((_, i) => `pictures/${i}.png`) });
  const audit = auditData(loaded);
  assert.deepEqual(audit.duplicates, {
    test: 3,
    validation: 1,
    train: 0,
    conflicting: 0,
    compared: { train: 70, validation: 10, test: 20 },
  });
  const finding = audit.findings.find((f) => f.code === "duplicates-between-parts");
  assert.equal(finding?.level, "warning");
  assert.equal(finding?.count, 4);
  assert.deepEqual(finding?.samples, [
    [2, 90],
    [4, 91],
    [72, 99],
    [6, 75],
  ]);
  assert.equal(finding?.examples?.[0], "pictures/2.png = pictures/90.png");
  // All but 2 and 90 have different labels.
  assert.match(finding?.text ?? "", /3 of 20 test .* 1 of 10 validation .* 3 of them have another label/);
});

test("one image is enough; without any nothing is said", () => {
  const made = pictures();
  assert.equal(findingsOf({ ...made, ...image }).size, 0);
  copy(made, 2, 90);
  assert.equal(findingsOf({ ...made, ...image }).get("duplicates-between-parts")?.count, 1);
});

test("rows of a table are equal by chance now and then: one pair, or less than 1 %, is not said", () => {
  const rows = plainRows(1000);
  const parts: Sketch["parts"] = (i) => (i < 600 ? "train" : i < 700 ? "validation" : "test");
  const said = (pairs: number): boolean => {
    const samples = rows.samples.map((row) => [...row]);
    for (let k = 0; k < pairs; k++) samples[900 + k] = [...(samples[k] as number[])];
    const audit = auditData(sketch({ samples, labels: rows.labels, parts }));
    assert.equal(audit.duplicates.test, pairs, "they are counted all the same");
    return audit.findings.some((f) => f.code === "duplicates-between-parts");
  };
  assert.deepEqual([said(0), said(1), said(2), said(10)], [false, false, false, true]);
});

test("features with few combinations of values: equal rows are a note, with how many combinations there are", () => {
  const next = sequence(21);
  const samples = Array.from({ length: 400 }, () => [2, 3, 5].map((n) => Math.floor(n * next())));
  const labels = samples.map((_, i) => (i % 4 < 2 ? "a" : "b"));
  const found = findingsOf({ samples, labels, features: ["sex", "class", "port"] });
  for (const code of ["duplicates-between-parts", "duplicates-conflicting"]) {
    assert.equal(found.get(code)?.level, "note", code);
    assert.match(found.get(code)?.text ?? "", /no more than 30 combinations/);
  }
  const copied = plainRows(200);
  for (let i = 100; i < 200; i++) copied.samples[i] = [...(copied.samples[i - 95] as number[])];
  assert.equal(findingsOf(copied).get("duplicates-between-parts")?.level, "warning", "rows that were copied");
});

test("equal training samples with different labels", () => {
  const made = pictures();
  copy(made, 10, 11);
  copy(made, 10, 13);
  copy(made, 20, 22);
  const audit = auditData(sketch({ ...made, ...image }));
  // 10, 11 and 13 are one image with two labels; 20 and 22 agree.
  assert.deepEqual([audit.duplicates.train, audit.duplicates.conflicting], [3, 3]);
  const finding = audit.findings.find((f) => f.code === "duplicates-conflicting");
  assert.deepEqual([finding?.count, finding?.samples?.[0]], [3, [10, 11]]);
  assert.match(finding?.text ?? "", /"a" and "b"/);
  made.labels[11] = "a";
  made.labels[13] = "a";
  assert.equal(findingsOf({ ...made, ...image }).has("duplicates-conflicting"), false);
});

test("rows that differ in any one bit, sign or place are different", () => {
  const rows = [
    [1, 2, 3, 4],
    [-1, -2, 3, 4],
    [1, 2, -3, -4],
    [2, 1, 3, 4],
    [1, 2, 4, 3],
    [1, 2, 3, 4.0000005],
    [0, 0, 0, 0],
    [0, 0, 0, -0],
    [1, 2, 3, 4],
  ];
  const hashes = new RowHashes(rows.length);
  hashes.add(0, Float32Array.from(rows.flat()), 4, rows.length);
  const seen = new SeenRows(hashes, rows.length);
  assert.deepEqual(
    rows.map((_, i) => seen.add(i)),
    [0, 1, 2, 3, 4, 5, 6, 7, 0],
  );
});

test("a hundred thousand different rows of small whole numbers have different hashes", () => {
  const count = 100_000;
  for (const width of [3, 4]) {
    const bytes = new Uint8Array(count * width);
    for (let i = 0; i < count; i++) bytes.set([i & 255, (i >> 8) & 255, i >> 16], i * width + width - 3);
    const hashes = new RowHashes(count);
    hashes.add(0, bytes, width, count);
    const seen = new SeenRows(hashes, count);
    let repeated = 0;
    for (let i = 0; i < count; i++) repeated += Number(seen.add(i) !== i);
    assert.equal(repeated, 0, `${width} bytes`);
  }
});
