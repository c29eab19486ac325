/** Which labels mean "no label". */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type LabelKind, looksMissing, missingMarks } from "../../../src/learn/data/labels/missing-labels.js";

const cases: readonly (readonly [string, readonly string[], LabelKind, readonly string[], readonly string[]])[] = [
  ["the empty text, always", ["a", "", "b"], "text", [""], []],
  ["-100 and -1 among numbers", ["0", "1", "2", "-1", "-100"], "text", ["", "-1", "-100"], []],
  [
    "however the number is written",
    ["0.0", "1.0", "-100.0", "-1.00", "NaN"],
    "text",
    ["", "-100.0", "-1.00", "NaN"],
    [],
  ],
  ["-1 beside 1 alone is a class", ["-1", "1"], "numbers", [""], []],
  [
    "-1 beside 1 alone is a class, -100 and NaN beside them are not",
    ["-1", "1", "-100", "NaN"],
    "numbers",
    ["", "-100", "NaN"],
    [],
  ],
  ["-1, 0 and 1: -1 is missing", ["-1", "0", "1"], "numbers", ["", "-1"], []],
  ["-1 listed as a class", ["-1", "0", "1"], "numbers", [""], ["-1", "0", "1"]],
  ["words beside words are classes", ["cat", "nan", "null", "NA", "None"], "text", [""], []],
  ["NA beside numbers makes a text column", ["0", "1", "NA", "-1"], "text", [""], []],
  ["nan beside numbers is a number", ["0", "1", "nan"], "text", ["", "nan"], []],
  ["nan alone in a text column", ["nan"], "text", [""], []],
  ["NaN alone in an array", ["NaN"], "numbers", ["", "NaN"], []],
  ["folders are names", ["-1", "-100", "0", "1", "nan"], "names", [""], []],
  ["255 is a class", ["0", "255"], "numbers", [""], []],
];
for (const [what, labels, kind, marks, listed] of cases)
  test(what, () => assert.deepEqual([...missingMarks(labels, kind, new Set(listed))].sort(), [...marks].sort()));

test("words that tables use for an absent value", () => {
  for (const word of [
    "null",
    "NULL",
    "NA",
    "N/A",
    "#N/A",
    "<NA>",
    "None",
    "nan",
    "NaT",
    "?",
    "-",
    "undefined",
    "missing",
  ])
    assert.ok(looksMissing(word), word);
  for (const word of ["nap", "nothing", "Nancy", "0", "unknown", "no", "A-"]) assert.ok(!looksMissing(word), word);
});
