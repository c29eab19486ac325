/** From label texts to classes: missing labels, spaces, lists of names, numbers, and parts that disagree. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { classLabels } from "../../../src/learn/data/labels/label-classes.js";
import type { LabelPart } from "../../../src/learn/data/labels/label-parts.js";
import type { LabelKind } from "../../../src/learn/data/labels/missing-labels.js";
import { loadData } from "../../../src/index.js";
import { type ExpectedFault, faultLike } from "../../support/faults.js";

const NAMES = ["training", "validation", "test"] as const;

/** Classes of a training and, if given, further parts. */
function read(
  labels: readonly (readonly string[] | null)[],
  { classes, kind = "text" }: { classes?: readonly string[]; kind?: LabelKind } = {},
) {
  const roles = labels.length === 2 ? ["training", "test"] : NAMES;
  const parts = labels.map((list, i): LabelPart => {
    const name = roles[i] as LabelPart["name"];
    return { name, labels: list, count: list?.length ?? 3, where: `${name}.csv` };
  });
  const found = classLabels(parts, { classes, kind });
  return {
    classes: [...found.classes],
    labels: found.labels && [...found.labels],
    findings: found.findings.map((f) => [f.code, f.count]),
  };
}

/** One class and another, many times. */
const times = (n: number, ...texts: string[]): string[] => Array.from({ length: n }, () => texts).flat();

test("sane labels: sorted classes, and nothing is said", () => {
  assert.deepEqual(read([["dog", "cat", "dog"]]), { classes: ["cat", "dog"], labels: [1, 0, 1], findings: [] });
  assert.deepEqual(read([["10", "9", "10"]]).classes, ["9", "10"]);
  assert.deepEqual(read([times(4, "a", "b"), times(2, "b", "a")]).findings, []);
});

test("spaces around labels are removed, also in data.classes, and counted", () => {
  assert.deepEqual(read([["lo", "lo ", " hi", "\thi", "hi\u00a0", "lo"]]), {
    classes: ["hi", "lo"],
    labels: [1, 1, 0, 0, 0, 1],
    findings: [["labels-trimmed", 4]],
  });
  assert.deepEqual(read([["lo ", "hi"]], { classes: [" lo", "hi "] }).labels, [0, 1]);
});

test("missing labels are counted by their marks; words stay classes", () => {
  const found = read([["0", "1", "-1", "-100", "", " ", "nan", "2.0"]]);
  assert.deepEqual(found.classes, ["0", "1", "2.0"]);
  assert.deepEqual(found.labels, [0, 1, -1, -1, -1, -1, -1, 2]);
  assert.deepEqual(found.findings, [["labels-missing", 5]]);
  assert.deepEqual(read([["cat", "null", "NA", "None", "nan", ""]]), {
    classes: ["NA", "None", "cat", "nan", "null"],
    labels: [2, 4, 0, 1, 3, -1],
    findings: [["labels-missing", 1]],
  });
});

test("-1 is a class beside 1 alone, in whatever part, and where data.classes lists it", () => {
  assert.deepEqual(read([["-1", "1", "-100"]]).labels, [0, 1, -1]);
  assert.deepEqual(read([["1", "0", "-1"]]).labels, [1, 0, -1]);
  assert.deepEqual(read([times(3, "-1", "1"), ["0", "1"]], { classes: ["0", "1"] }).labels?.slice(0, 2), [-1, 1]);
  assert.deepEqual(read([["-1", "0", "1"]], { classes: ["-1", "0", "1"] }), {
    classes: ["-1", "0", "1"],
    labels: [0, 1, 2],
    findings: [],
  });
});

test("a part without labels beside one with labels: its samples are unknown, and counted", () => {
  assert.deepEqual(read([null, ["a", "b"]]), {
    classes: ["a", "b"],
    labels: [-1, -1, -1, 0, 1],
    findings: [["labels-missing", 3]],
  });
  assert.deepEqual(read([null, null]).labels, null);
});

test("integers index data.classes where none of them is a name; names that are the numbers are matched as text", () => {
  assert.deepEqual(read([["0", "2", "1", "2"]], { classes: ["tshirt", "trouser", "bag"] }), {
    classes: ["tshirt", "trouser", "bag"],
    labels: [0, 2, 1, 2],
    findings: [["labels-as-indices", 3]],
  });
  assert.deepEqual(read([["0.0", "1.0"]], { classes: ["no", "yes"] }).labels, [0, 1]);
  assert.deepEqual(read([["2", "0", "1"]], { classes: ["2", "1", "0"] }), {
    classes: ["2", "1", "0"],
    labels: [0, 2, 1],
    findings: [],
  });
  assert.deepEqual(
    read([["0", "1"]], { classes: ["10", "20"] }).labels,
    [0, 1],
    "numbers that are no labels are names",
  );
  assert.deepEqual(read([["0", "1", "-1", "-100"]], { classes: ["no", "yes"] }).labels, [0, 1, -1, -1]);
});

test("parts: a class only of the training part is said; data.classes accepts what it lists", () => {
  assert.deepEqual(
    read([
      ["a", "b", "c"],
      ["a", "b"],
    ]).findings,
    [["class-untested", 1]],
  );
  assert.deepEqual(read([["a", "b", "c"], ["a", "b", "c"], ["b"]]).findings, [["class-untested", 2]]);
  assert.deepEqual(read([["a", "b", "c"], ["a"], ["a", "b", "c"]]).findings, [["class-not-validated", 2]]);
  const listed = { classes: [">50K", ">50K.", "<=50K"] };
  assert.deepEqual(
    read(
      [
        [">50K", "<=50K"],
        [">50K.", "<=50K"],
      ],
      listed,
    ).labels,
    [0, 2, 1, 2],
  );
});

test("within one part alike names are the audit's matter", () => {
  assert.deepEqual(read([["lo", "Lo", "lo."]]).classes, ["Lo", "lo", "lo."]);
});

const spellings: readonly (readonly [string, string, string])[] = [
  [">50K", ">50K.", "punctuation"],
  ["yes", "YES", "case"],
  ["café", "cafe\u0301", "Unicode form"],
  ["cat", "ｃａｔ", "Unicode form"],
  ["cat", "cat;", "punctuation"],
  ["New York", "New  York", "spaces"],
  ["1", "1.0", "number format"],
];
for (const [a, b, why] of spellings)
  for (const [train, other] of [
    [a, b],
    [b, a],
  ] as const)
    test(`refused: ${JSON.stringify(train)} for training, ${JSON.stringify(other)} in the other part`, () => {
      const fault: ExpectedFault = { code: "class-duplicate", found: [why], cure: ["data.classes"] };
      assert.throws(
        () =>
          read([
            [train, "x"],
            [other, "x"],
          ]),
        faultLike({ ...fault, where: "test.csv" }),
      );
      assert.throws(() => read([[train, "x"], [other, "x"], ["x"]]), faultLike({ ...fault, where: "validation.csv" }));
      assert.throws(
        () =>
          read([
            [train, other, "x"],
            [train, "x"],
          ]),
        faultLike(fault),
      );
    });

const refused: readonly [string, () => unknown, ExpectedFault][] = [
  [
    "a class that only the test part holds",
    () => read([times(3, "a", "b"), ["a", "c", "c"]]),
    { code: "class-unseen", where: "test.csv", found: ['"c"', "test part", "2 samples"], cure: ["data.classes"] },
  ],
  [
    "classes that only the validation part holds",
    () => read([times(3, "a", "b"), ["a", "c", "d"], ["a", "b"]]),
    { code: "class-unseen", where: "validation.csv", found: ['"c"', '"d"', "validation part"] },
  ],
  [
    "a label that is not listed",
    () => read([["a", "b", "x"]], { classes: ["a", "b"] }),
    { code: "class-unknown", where: "training.csv", found: ['"x"', "1 sample"] },
  ],
  [
    "a listed name in another spelling",
    () =>
      read(
        [
          [">50K", "<=50K"],
          [">50K.", "<=50K"],
        ],
        { classes: [">50K", "<=50K"] },
      ),
    { code: "class-unknown", where: "test.csv", found: ['">50K."'], cure: ['">50K"'] },
  ],
  [
    "integers of which some are names",
    () => read([["0", "1", "2"]], { classes: ["1", "2", "3"] }),
    { code: "class-unknown", where: "data.classes", found: ["two ways", '"0"', '"1"'] },
  ],
  [
    "integers beyond the list",
    () => read([["0", "1", "2", "3"]], { classes: ["a", "b", "c"] }),
    { code: "class-unknown", found: ["index from 0 to 2"] },
  ],
  [
    "an integer that is no name beside names that are no indices",
    () => read([["5", "1", "0"]], { classes: ["5", "1"] }),
    { code: "class-unknown", where: "training.csv", found: ['"0"'] },
  ],
  [
    "integers that begin at one",
    () => read([["1", "2", "3"]], { classes: ["a", "b", "c"] }),
    { code: "class-unknown", cure: ["Subtract 1"] },
  ],
  [
    "labels just -1 and 1 with other names",
    () => read([["-1", "1"]], { classes: ["no", "yes"] }),
    { code: "class-unknown", found: ['"-1"'] },
  ],
  ["labels all empty", () => read([["", " ", ""]]), { code: "labels-missing", found: ["3 samples"] }],
  ["labels all -100", () => read([["-100", "-100"]]), { code: "labels-missing", found: ["-100"] }],
  ["labels all NaN in an array", () => read([["NaN", "NaN"]], { kind: "numbers" }), { code: "labels-missing" }],
  ["labels all missing with a list", () => read([["", ""]], { classes: ["a", "b"] }), { code: "labels-missing" }],
  ["one class alone", () => read([["a", "a", ""]]), { code: "class-too-few", found: ["1 class", '"a"'] }],
  ["one record alone", () => read([["a"]]), { code: "class-too-few" }],
  [
    "a name twice",
    () => read([["a", "b"]], { classes: ["a", "b", "a "] }),
    { code: "class-duplicate", where: "data.classes" },
  ],
  [
    "measured values in a table",
    () => read([Array.from({ length: 500 }, (_, i) => String(i / 10))]),
    { code: "label-type", where: "training.csv", found: ["regression", "500 different"] },
  ],
  ["few measured values, all different", () => read([["0.5", "1.25", "3.75"]]), { code: "label-type" }],
  [
    "fractions in an array",
    () => read([times(9, "0.5", "1")], { kind: "numbers" }),
    { code: "label-type", found: [0.5] },
  ],
];
for (const [what, make, fault] of refused) test(`refused: ${what}`, () => assert.throws(make, faultLike(fault)));

test("few fractions in a table may be classes", () => {
  assert.deepEqual(read([times(9, "0.5", "1.5", "2")]).classes, ["0.5", "1.5", "2"]);
});

test("10,000 classes of 20,000 samples, in parts and with a list, take a second or two", () => {
  const names = Array.from({ length: 10_000 }, (_, i) => `class ${i}`);
  const start = performance.now();
  assert.equal(read([times(2, ...names), names]).classes.length, 10_000);
  assert.equal(read([times(2, ...names), names], { classes: names }).labels?.[9_999], 9_999);
  assert.equal(read([times(2, ...names.map((_, i) => String(i)))], { classes: names }).labels?.[9_999], 9_999);
  assert.throws(
    () => read([times(2, ...names), [...names, "another"]], { classes: names }),
    faultLike({ code: "class-unknown" }),
  );
  assert.ok(performance.now() - start < 8000);
});

const folder = mkdtempSync(join(tmpdir(), "limbeck-labels-"));
after(() => rmSync(folder, { recursive: true, force: true }));
/** A table of a feature and these labels. */
const table = (name: string, labels: readonly string[]): string => {
  const path = join(folder, name);
  writeFileSync(path, `x,label\n${labels.map((l, i) => `${i / 7},${l}`).join("\n")}\n`);
  return path;
};
const load = (path: string, more: object = {}) => loadData({ source: "table", path, label: "label", ...more });

test("tables: the same rules. UCI adult's points, -100, integers with names", async () => {
  const train = table("train.csv", times(20, ">50K", "<=50K"));
  const points = table("test.csv", times(5, ">50K.", "<=50K."));
  await assert.rejects(
    load(train, { test_path: points }),
    faultLike({ code: "class-duplicate", found: ['">50K"', '">50K."', "punctuation"] }),
  );
  const both = await load(train, { test_path: points, classes: ["<=50K", "<=50K.", ">50K", ">50K."] });
  assert.equal(both.data.classes.length, 4);
  const coded = await load(table("coded.csv", times(10, "0", "1", "2", "-100")), { classes: ["a", "b", "c"] });
  assert.deepEqual([...(coded.data.labels ?? [])].slice(0, 4), [0, 1, 2, -1]);
  assert.deepEqual(
    coded.findings?.map((f) => [f.code, f.count]),
    [
      ["labels-missing", 10],
      ["labels-as-indices", 3],
    ],
  );
});
