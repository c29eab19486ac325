/** Rules on the features of a table: indices, leaks, constants, marks for missing values, values out of proportion. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { auditData } from "../../../../src/index.js";
import { findingsOf, plainRows, RAW, sequence, sketch, withColumn } from "./support.js";

const rows = plainRows(400);
const features = ["height", "width", "extra"];
const extra = (value: (row: number) => number, more: object = {}) =>
  findingsOf({ samples: withColumn(rows.samples, value), labels: rows.labels, features, ...more });
const next = sequence(5);
const noise = Array.from({ length: 400 }, () => next());
/** 0 .. 399 in an order of its own. */
const shuffledRows = noise.map((_, i) => i).sort((a, b) => (noise[a] as number) - (noise[b] as number));

test("rows that say nothing are not complained about", () => {
  assert.deepEqual([...extra((i) => (noise[i] as number) * 50).keys()], []);
});

describe("index-column", () => {
  const indexed = (value: (row: number) => number, name = "extra") =>
    extra(value, { features: ["height", "width", name] }).get("index-column")?.examples;

  test("row numbers, forwards, backwards, in steps, from anywhere", () => {
    assert.deepEqual(
      indexed((i) => i),
      ["extra"],
    );
    assert.deepEqual(
      indexed((i) => 1000 - i),
      ["extra"],
    );
    assert.deepEqual(
      indexed((i) => 7 + 10 * i),
      ["extra"],
    );
    assert.deepEqual(
      indexed((i) => (i < 300 ? i : i - 300)),
      ["extra"],
      "a test table counts anew",
    );
  });

  test("shuffled row numbers, and ids that say so", () => {
    assert.deepEqual(
      indexed((i) => shuffledRows[i] as number),
      ["extra"],
    );
    const far = (i: number): number => 15_000_000 + 997 * (shuffledRows[i] as number);
    assert.equal(indexed(far), undefined, "different numbers far apart may be a quantity");
    for (const name of ["customer_id", "CustomerID", "id", "PassengerId", "Unnamed: 0", "row number"])
      assert.deepEqual(indexed(far, name), [name]);
    for (const name of ["width_mm", "acid", "video", "humid", "piano"])
      assert.equal(indexed(far, name), undefined, name);
  });

  test("years, counts and measures are not", () => {
    assert.equal(
      indexed((i) => 1990 + (i % 30)),
      undefined,
    );
    assert.equal(
      indexed((i) => Math.floor((noise[i] as number) * 300)),
      undefined,
    );
    assert.equal(
      indexed((i) => (noise[i] as number) * 1e6),
      undefined,
    );
  });

  test("every value of a whole image is not a column", () => {
    const samples = Array.from({ length: 60 }, (_, i) => [i, i + 60, i + 120, i + 180]);
    assert.equal(findingsOf({ samples, sampleShape: [1, 2, 2], type: "uint8" }).has("index-column"), false);
  });
});

describe("label-leak", () => {
  const right = (i: number): boolean => rows.labels[i] === "right";

  test("the label under another name, with codes or as an interval", () => {
    assert.deepEqual(extra((i) => (right(i) ? 7 : 3)).get("label-leak")?.examples, ["extra"]);
    const interval = (i: number): number => (noise[i] as number) + (right(i) ? 5 : 0);
    assert.deepEqual(extra(interval).get("label-leak")?.examples, ["extra"]);
  });

  test("two wrong rows of 320 are still a leak, twelve are not", () => {
    const wrong = (many: number) => (i: number) => (right(i) !== (i % 10 === 0 && i < 10 * many) ? 7 : 3);
    assert.match(extra(wrong(2)).get("label-leak")?.text ?? "", /99\.38 % of 320 rows/);
    assert.equal(extra(wrong(12)).has("label-leak"), false);
  });

  test("a feature that only goes with the class, a constant and a class of nearly all rows are none", () => {
    assert.equal(extra((i) => (noise[i] as number) + (right(i) ? 0.5 : 0)).has("label-leak"), false);
    assert.equal(extra(() => 5).has("label-leak"), false);
    const labels = rows.labels.map((_, i) => (i % 100 === 0 ? "rare" : "common"));
    assert.equal(extra((i) => (noise[i] as number) * 3, { labels }).has("label-leak"), false);
  });

  test("an index of sorted data gives the label away too", () => {
    const labels = rows.labels.map((_, i) => (i < 200 ? "left" : "right"));
    const found = extra((i) => i, { labels });
    assert.deepEqual([found.get("index-column")?.examples, found.get("label-leak")?.examples], [["extra"], ["extra"]]);
  });
});

describe("values of features", () => {
  test("constant features are named; a flat image may have many, so those without names are a note", () => {
    const finding = extra(() => 5).get("feature-constant");
    assert.deepEqual([finding?.level, finding?.count, finding?.examples], ["warning", 1, ["extra"]]);
    assert.equal(extra(() => 5, { features: undefined }).get("feature-constant")?.level, "note");
    assert.equal(extra((i) => i % 2).has("feature-constant"), false);
  });

  test("nearly constant features, but not the levels of a text column", () => {
    const many = plainRows(4000);
    const found = (value: (row: number) => number): boolean =>
      findingsOf({ samples: withColumn(many.samples, value), labels: many.labels, features }).has(
        "feature-nearly-constant",
      );
    assert.equal(
      found((i) => (i === 11 || i === 12 ? i : 3)),
      true,
    );
    assert.equal(
      found((i) => Number(i === 11)),
      false,
    );
    assert.equal(
      found((i) => (i % 50 === 0 ? i : 3)),
      false,
    );
  });

  test("numbers that stand for a missing value are counted", () => {
    const age = (i: number): number => 20 + Math.floor((noise[i] as number) * 60);
    for (const mark of [999, -99, 9999, 1e30]) {
      const finding = extra((i) => (i % 40 === 3 ? mark : age(i))).get("feature-sentinel");
      assert.equal(finding?.count, 10, String(mark));
      assert.deepEqual(finding?.examples, ["extra"]);
    }
    assert.equal(extra((i) => (i % 40 === 3 ? 99 : age(i))).has("feature-sentinel"), false, "99 may be an age");
    assert.equal(extra((i) => (i % 40 === 3 ? 640 : age(i))).has("feature-sentinel"), false, "640 is no mark");
    assert.equal(extra((i) => (noise[i] as number) * 999).has("feature-sentinel"), false);
  });

  test("one value out of all proportion, with its row", () => {
    const finding = extra((i) => (i === 77 ? 5e7 : (noise[i] as number) * 90)).get("feature-outlier");
    assert.deepEqual([finding?.examples, finding?.samples], [["extra"], [[77]]]);
    const longTail = (i: number): number => Math.exp(6 * (noise[i] as number));
    assert.equal(extra(longTail).has("feature-outlier"), false);
    assert.equal(extra((i) => Number(i === 77)).has("feature-outlier"), false, "a flag that one row has");
  });

  test("values that float32 cannot tell apart", () => {
    const seconds = extra((i) => 1_700_000_000 + Math.floor((noise[i] as number) * 3600)).get("feature-precision");
    assert.deepEqual(seconds?.examples, ["extra"]);
    assert.equal(extra((i) => 1_000_000_000 + (noise[i] as number) * 1e9).has("feature-precision"), false);
    assert.equal(extra((i) => 2000 + Math.floor((noise[i] as number) * 20)).has("feature-precision"), false);
  });

  test("large features that nothing normalises", () => {
    const large = (i: number): number => (noise[i] as number) * 90_000;
    const finding = extra(large, { more: { normalisation: RAW } }).get("value-range");
    assert.equal(finding?.where, "data.normalise");
    assert.equal(extra(large).has("value-range"), false, "fitted feature by feature they have the right size");
    assert.equal(extra((i) => noise[i] as number, { more: { normalisation: RAW } }).has("value-range"), false);
  });
});

test("missing values are counted, and the figures of a column are those of its other values", () => {
  const samples = withColumn(rows.samples, (i) => (i % 8 === 0 ? Number.NaN : i % 7));
  const made = sketch({ samples: withColumn(rows.samples, () => 0), labels: rows.labels, features });
  const { data } = made;
  (data.samples as Float32Array).set(samples.flat());
  const audit = auditData(made);
  assert.equal(audit.values.missing, 50);
  const known = samples.map((row) => row[2] as number).filter((v) => !Number.isNaN(v));
  const column = audit.features?.shown[2];
  assert.deepEqual([column?.name, column?.low, column?.high, column?.missing], ["extra", 0, 6, 50]);
  const mean = known.reduce((a, v) => a + v, 0) / known.length;
  assert.ok(Math.abs((column?.mean ?? 0) - mean) < 1e-6, `${column?.mean} for ${mean}`);
});

test("a column without any value has neither a lowest nor a highest", () => {
  const made = sketch({ samples: rows.samples, labels: rows.labels, features: features.slice(0, 2) });
  const values = made.data.samples as Float32Array;
  for (let i = 1; i < values.length; i += 2) values[i] = Number.NaN;
  const [, column] = auditData(made).features?.shown ?? [];
  assert.deepEqual(column, { name: "width", low: null, high: null, mean: null, missing: 400 });
});

test("token ids are no features: constant places and large numbers are theirs", () => {
  const samples = Array.from({ length: 60 }, (_, i) => [101, 2000 + ((i * 7919) % 28000), 102, 0]);
  assert.deepEqual([...findingsOf({ samples, type: "int32" }).keys()], []);
});
