/** Names that look alike: which pairs are found, why, and which are left alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { differenceWords, nearEqualNames } from "../../../src/learn/data/labels/class-names.js";

const alike: readonly (readonly [string, string, string])[] = [
  [">50K", ">50K.", "punctuation"],
  ["yes", "Yes", "case"],
  ["Straße", "STRASSE", "case"],
  ["café", "cafe\u0301", "Unicode form"],
  ["cat", "ｃａｔ", "Unicode form"],
  ["cat", "c\u200bat", "Unicode form"],
  ["New York", "New  York", "spaces"],
  ["New York", "New\u00a0York", "Unicode form"],
  ["dog", '"dog"', "punctuation"],
  ["dog", "dog…", "punctuation"],
  ["dog", "dog-", "punctuation"],
  ["Dog", "dog!", "case and punctuation"],
  ["1", "1.0", "number format"],
  ["7", "007", "number format"],
];
for (const [first, other, why] of alike)
  test(`alike: ${JSON.stringify(first)} and ${JSON.stringify(other)}`, () => {
    const found = nearEqualNames([first, "something else", other]);
    assert.deepEqual(
      found.map((f) => [f.first, f.other, differenceWords(f)]),
      [[first, other, why]],
    );
    assert.deepEqual(nearEqualNames([first, "something else", first]), [], "the same name twice is another matter");
  });

test("names that are different stay different", () => {
  const lists = [
    ["C", "C++", "C#"],
    ["A", "A-", "A+", "B"],
    ["A-", "A+", "AB-", "AB+"],
    [".", ",", "!", "?", "..."],
    ["-1", "0", "1", "10", "1.5"],
    ["cafe", "café"],
    ["cat", "cats"],
    ["12345678901234567890", "12345678901234567891"],
    ["<=50K", ">50K"],
  ];
  for (const names of lists) assert.deepEqual(nearEqualNames(names), [], names.join(" | "));
});

test("every further spelling is paired with the first; a hundred thousand names take well under a second", () => {
  const found = nearEqualNames(["lo", "hi", "Lo", "lo.", "HI"]);
  assert.deepEqual(
    found.map((f) => [f.first, f.other]),
    [
      ["lo", "Lo"],
      ["lo", "lo."],
      ["hi", "HI"],
    ],
  );
  const many = Array.from({ length: 100_000 }, (_, i) => `class ${i}`);
  const start = performance.now();
  assert.equal(nearEqualNames([...many, "Class 99999"]).length, 1);
  assert.ok(performance.now() - start < 3000);
});
