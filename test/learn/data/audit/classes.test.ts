/** Rules on classes: which parts hold them, what they are called, how many samples they have, whether they are numbers. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { auditData } from "../../../../src/index.js";
import { findingsOf, mixedParts, plainRows, sketch } from "./support.js";

/** Samples with these labels, each so many times; the values say nothing. */
function labelled(counts: Readonly<Record<string, number>>): { samples: number[][]; labels: string[] } {
  const labels = Object.entries(counts).flatMap(([name, n]) => Array<string>(n).fill(name));
  return { samples: plainRows(labels.length).samples, labels };
}

describe("classes that a part lacks", () => {
  const held = labelled({ cat: 40, dog: 40, fox: 10 });

  test("a class without a training sample is named, with its samples elsewhere", () => {
    const parts = (i: number) => (i < 80 ? mixedParts(i) : i < 83 ? "validation" : "test");
    const finding = findingsOf({ ...held, parts }).get("class-unseen");
    assert.equal(finding?.level, "warning");
    assert.deepEqual([finding?.count, finding?.examples], [1, ["fox"]]);
    assert.match(finding?.text ?? "", /"fox".* 10 samples/);
  });

  test("a class without a test sample is named where it has training samples enough", () => {
    const without = findingsOf({ ...held, parts: (i) => (i < 80 ? mixedParts(i) : "train") });
    assert.deepEqual(without.get("class-untested")?.examples, ["fox"]);
    assert.equal(without.has("class-unseen"), false);
    const few = findingsOf({
      ...labelled({ cat: 40, dog: 40, fox: 4 }),
      parts: (i) => (i < 80 ? mixedParts(i) : "train"),
    });
    assert.equal(few.has("class-untested"), false, "4 samples may miss the test part by chance");
    const noTest = findingsOf({ ...held, parts: (i) => (i % 5 === 0 ? "validation" : "train") });
    assert.equal(noTest.has("class-untested"), false, "without a test part none is missing from it");
  });

  test("a name of data.classes that no sample has", () => {
    const finding = findingsOf({ ...labelled({ cat: 40, dog: 40 }), classes: ["cat", "dog", "emu"] }).get(
      "class-empty",
    );
    assert.deepEqual([finding?.where, finding?.examples], ["data.classes", ["emu"]]);
  });

  test("nothing is said where every part has every class", () => {
    const found = findingsOf(labelled({ cat: 40, dog: 40, fox: 40 }));
    assert.deepEqual([...found.keys()], []);
  });
});

describe("names of classes", () => {
  test("near-equal names are paired; different ones are not", () => {
    const finding = findingsOf(labelled({ ">50K": 40, ">50K.": 40, other: 40 })).get("class-near-equal");
    assert.deepEqual([finding?.count, finding?.examples], [1, [">50K", ">50K."]]);
    assert.match(finding?.text ?? "", /punctuation/);
    assert.equal(findingsOf(labelled({ C: 40, "C++": 40, "C#": 40 })).has("class-near-equal"), false);
  });

  test("marks of a missing label are warnings, words that may be a class are notes", () => {
    const marks = findingsOf(labelled({ yes: 40, no: 40, "N/A": 17 })).get("class-looks-missing");
    assert.deepEqual([marks?.level, marks?.count, marks?.examples], ["warning", 17, ["N/A"]]);
    const word = findingsOf(labelled({ yes: 40, no: 40, unknown: 20 })).get("class-looks-missing");
    assert.equal(word?.level, "note");
    assert.equal(findingsOf(labelled({ yes: 40, no: 40, namibia: 20 })).has("class-looks-missing"), false);
  });
});

describe("sizes of classes", () => {
  test("one class that dominates is said with its share of the training labels", () => {
    const finding = findingsOf(labelled({ normal: 950, fraud: 50 })).get("class-dominant");
    assert.match(finding?.text ?? "", /^95\.0 % .*"normal"/);
    assert.equal(finding?.count, 665);
    assert.equal(findingsOf(labelled({ normal: 790, fraud: 210 })).has("class-dominant"), false);
    const many = { a: 600, b: 100, c: 100, d: 100, e: 100 };
    assert.equal(findingsOf(labelled(many)).has("class-dominant"), true, "60 % of five classes");
    assert.equal(findingsOf(labelled({ ...many, a: 300 })).has("class-dominant"), false);
  });

  test("classes with fewer than five training samples are counted, the smallest first", () => {
    const finding = findingsOf(labelled({ common: 100, usual: 100, rare: 6, rarest: 4 })).get("class-rare");
    // Of 6 samples from place 200 on all 6 are training ones; so the seventh is the first of "rarest".
    assert.deepEqual([finding?.count, finding?.examples], [1, ["rarest"]]);
    assert.equal(findingsOf(labelled({ common: 100, usual: 100 })).has("class-rare"), false);
  });
});

describe("numbers as labels", () => {
  const numbered = (value: (i: number) => string, count: number) => ({
    samples: plainRows(count).samples,
    labels: Array.from({ length: count }, (_, i) => value(i)),
  });

  test("fractions are a quantity", () => {
    const made = numbered((i) => String(((i * 7) % 61) / 8), 400);
    const classes = [...new Set(made.labels)];
    const finding = findingsOf({ ...made, classes }).get("labels-fractional");
    assert.deepEqual([finding?.level, finding?.count], ["warning", 61]);
  });

  test("many different whole numbers with few samples each are a quantity; class indices are not", () => {
    const prices = findingsOf(numbered((i) => String(1000 + 37 * (i % 150)), 450)).get("labels-quantity");
    assert.deepEqual([prices?.level, prices?.count], ["warning", 150]);
    const indices = findingsOf(numbered((i) => String(i % 150), 450));
    assert.equal(indices.has("labels-quantity"), false, "0 to 149 are indices");
    const codes = findingsOf(numbered((i) => String(40 + 2 * (i % 30)), 1500));
    assert.equal(codes.has("labels-quantity"), false, "50 samples of each are classes");
  });

  test("whole numbers written as fractions are a note", () => {
    const finding = findingsOf(numbered((i) => (i % 2 === 0 ? "0.0" : "1.0"), 60)).get("labels-written-as-fractions");
    assert.deepEqual([finding?.level, finding?.examples], ["note", ["0.0", "1.0"]]);
    assert.equal(findingsOf(numbered((i) => String(i % 2), 60)).size, 0);
  });

  test("a stray number among names", () => {
    const finding = findingsOf(labelled({ cat: 40, dog: 40, fox: 40, "0": 10 })).get("labels-mixed");
    assert.deepEqual(finding?.examples, ["0"]);
    const letters = Object.fromEntries([..."0123ABCDEFG"].map((c) => [c, 20]));
    assert.equal(findingsOf(labelled(letters)).has("labels-mixed"), false, "digits and letters are one alphabet");
  });

  test("a label of its own for nearly every sample", () => {
    const finding = findingsOf({ ...numbered((i) => `person ${i}`, 200), parts: () => "train" }).get("labels-unique");
    assert.equal(finding?.count, 200);
    assert.equal(findingsOf(numbered((i) => `person ${i % 40}`, 200)).has("labels-unique"), false);
    const listed = Array.from({ length: 300 }, (_, i) => `person ${i}`);
    const unused = findingsOf({ ...numbered((i) => `person ${i % 40}`, 200), classes: listed });
    assert.equal(unused.has("labels-unique"), false, "listed classes without samples do not count");
  });
});

test("counts of classes and parts are those of the data", () => {
  const labels = Array.from({ length: 100 }, (_, i) => (i < 5 ? "" : i % 2 === 0 ? "even" : "odd"));
  const parts = (i: number) => (i < 60 ? "train" : i < 70 ? "validation" : i < 90 ? "test" : "unused");
  const audit = auditData(sketch({ samples: plainRows(100).samples, labels, parts }));
  assert.deepEqual(audit.parts, [
    { part: "train", samples: 60, labelled: 55 },
    { part: "validation", samples: 10, labelled: 10 },
    { part: "test", samples: 20, labelled: 20 },
    { part: "unused", samples: 10, labelled: 10 },
  ]);
  assert.deepEqual(audit.classes?.shown, [
    { name: "even", train: 27, validation: 5, test: 10 },
    { name: "odd", train: 28, validation: 5, test: 10 },
  ]);
  assert.deepEqual(audit.classes?.train, { least: 27, median: 27, most: 28 });
});

test("ten thousand classes: the largest and the smallest are shown, and the document stays small", () => {
  const labels: string[] = [];
  for (let c = 0; c < 10_000; c++)
    for (let k = 0; k < (c === 77 ? 12 : 2); k++) labels.push(`class number ${String(c).padStart(5, "0")}`);
  const samples = labels.map((_, i) => [i % 97, i % 89]);
  const audit = auditData(sketch({ samples, labels, type: "int32", parts: () => "train" }));
  assert.equal(audit.classes?.total, 10_000);
  assert.equal(audit.classes?.shown.length, 20);
  assert.equal(audit.classes?.omitted, 9980);
  assert.deepEqual(audit.classes?.shown[0], { name: "class number 00077", train: 12, validation: 0, test: 0 });
  assert.ok(JSON.stringify(audit).length < 50_000, String(JSON.stringify(audit).length));
});
