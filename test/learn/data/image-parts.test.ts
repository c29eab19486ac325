/** Which folders are parts of the data, and which are classes. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { loadData } from "../../../src/index.js";
import { type ExpectedFault, faultLike } from "../../support/faults.js";
import { codesOf, imagesAt, partsOf, picture, pictures } from "../../support/pictures.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-parts-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;
const write = (folders: Readonly<Record<string, number>>): Promise<string> =>
  pictures(join(folder, `${roots++}`), folders);

/** Three classes in each of these folders. */
const threeIn = (counts: Readonly<Record<string, number>>): Readonly<Record<string, number>> =>
  Object.fromEntries(
    Object.entries(counts).flatMap(([part, n]) => ["cat", "dog", "fox"].map((c) => [`${part}/${c}`, n])),
  );

test("train/ and val/: val chooses epochs, the test is drawn from train, and both are said", async () => {
  const loaded = await loadData(imagesAt(await write(threeIn({ train: 10, val: 4 }))));
  assert.deepEqual([...loaded.data.classes], ["cat", "dog", "fox"]);
  assert.deepEqual(partsOf(loaded), {
    train: { count: 24, folders: ["train/cat", "train/dog", "train/fox"] },
    validation: { count: 12, folders: ["val/cat", "val/dog", "val/fox"] },
    test: { count: 6, folders: ["train/cat", "train/dog", "train/fox"] },
  });
  const found = loaded.findings?.find((f) => f.code === "parts-found");
  assert.deepEqual(found?.examples, ["train/ (30)", "val/ (12, chooses epochs)"]);
  assert.match(found?.text ?? "", /test \(6\)/);
  assert.equal(found?.level, "note");
});

for (const [names, counts] of [
  [
    ["train", "val", "test"],
    [20, 4, 6],
  ],
  [
    ["Train", "Val", "Test"],
    [20, 4, 6],
  ],
  [
    ["TRAINING", "VALIDATION", "TESTING"],
    [20, 4, 6],
  ],
  [
    ["training", "valid", "test"],
    [20, 4, 6],
  ],
  [
    ["train", "dev", "testing"],
    [20, 4, 6],
  ],
] as const)
  test(`parts of their own: ${names.join(", ")}`, async () => {
    const [train, val, testing] = names;
    const [a, b, c] = counts;
    const root = await write({
      [`${train}/x`]: a / 2,
      [`${train}/y`]: a / 2,
      [`${val}/x`]: b / 2,
      [`${val}/y`]: b / 2,
      [`${testing}/x`]: c / 2,
      [`${testing}/y`]: c / 2,
    });
    const loaded = await loadData(imagesAt(root));
    assert.deepEqual(partsOf(loaded), {
      train: { count: a, folders: [`${train}/x`, `${train}/y`] },
      validation: { count: b, folders: [`${val}/x`, `${val}/y`] },
      test: { count: c, folders: [`${testing}/x`, `${testing}/y`] },
    });
    assert.deepEqual(codesOf(loaded), ["parts-found"]);
  });

test("train/ and test/ without validation, train/ alone: what is not there is drawn from train", async () => {
  const two = await loadData(imagesAt(await write(threeIn({ Train: 20, Test: 5 }))));
  assert.deepEqual(
    Object.values(partsOf(two)).map((p) => p.count),
    [51, 9, 15],
  );
  const one = await loadData(imagesAt(await write(threeIn({ train: 20 }))));
  assert.deepEqual([...one.data.classes], ["cat", "dog", "fox"]);
  assert.equal(one.splits.test.length, 12);
});

test("a split of the recipe instead of the source's own part: the part is left out, and that is said", async () => {
  const root = await write(threeIn({ train: 10, val: 4, test: 4 }));
  const loaded = await loadData(imagesAt(root, { split: { validation: 6, test: "source" } }));
  assert.deepEqual(
    Object.values(partsOf(loaded)).map((p) => p.count),
    [24, 6, 12],
  );
  const unused = loaded.findings?.find((f) => f.code === "part-unused");
  assert.deepEqual([unused?.where, unused?.count, unused?.level], ["data.split.validation", 12, "warning"]);
  const said = await loadData(imagesAt(root, { split: { validation: "source", test: "source" } }));
  assert.deepEqual(
    Object.values(partsOf(said)).map((p) => p.count),
    [30, 12, 12],
  );
});

test("a training folder beside other classes is a class, with a warning", async () => {
  for (const folders of [
    { train: 8, bus: 8, car: 8 },
    { test: 8, exam: 8, quiz: 8 },
  ] as Record<string, number>[]) {
    const loaded = await loadData(imagesAt(await write(folders)));
    assert.deepEqual([...loaded.data.classes], Object.keys(folders).sort());
    assert.deepEqual(
      loaded.findings?.map((f) => [f.code, f.level, f.examples]),
      [["part-name-as-class", "warning", [Object.keys(folders)[0]]]],
    );
  }
});

test("folders without images beside the parts are left out, and said", async () => {
  const root = await write(threeIn({ train: 10, val: 4 }));
  mkdirSync(join(root, "annotations"));
  const loaded = await loadData(imagesAt(root));
  assert.deepEqual(codesOf(loaded), ["parts-found", "folders-without-images"]);
});

test("parts through links; an unlabelled training part beside a labelled test part", async () => {
  const root = await write(threeIn({ elsewhere: 10, val: 4 }));
  renameSync(join(root, "elsewhere"), join(folder, "moved"));
  symlinkSync(join(folder, "moved"), join(root, "train"));
  assert.equal((await loadData(imagesAt(root))).data.size, 42);
  const bare = await pictures(await write(threeIn({ test: 3 })), { train: 20 });
  const { data, splits, findings } = await loadData(imagesAt(bare, { split: { validation: 0 } }));
  assert.deepEqual([...new Set(data.labels?.slice(0, 20))], [-1]);
  assert.deepEqual([splits.train.length, splits.test.length], [20, 9]);
  assert.ok(findings?.some((f) => f.code === "labels-missing" && f.count === 20));
});

const refused: readonly [string, Readonly<Record<string, number>>, ExpectedFault][] = [
  ["two validation parts", threeIn({ train: 4, val: 2, dev: 2 }), { code: "parts-unclear", found: ["dev/", "val/"] }],
  [
    "two test parts",
    threeIn({ train: 4, test: 2, Testing: 2 }),
    { code: "parts-unclear", found: ["test/", "Testing/"] },
  ],
  ["no training part", threeIn({ test: 4, val: 4 }), { code: "parts-unclear", found: ["test/, val/"] }],
  [
    "parts one level deeper",
    threeIn({ "data/train": 4, "data/val": 2 }),
    { code: "parts-unclear", found: ["train/, val/", "data/"], cure: ["data"] },
  ],
  [
    "parts below the classes",
    { "cat/train": 4, "cat/test": 2, "dog/train": 4, "dog/test": 2 },
    { code: "parts-unclear", found: ["test/, train/", "cat/"] },
  ],
  [
    "a class that only val holds",
    { "train/cat": 4, "train/dog": 4, "val/cat": 2, "val/dog": 2, "val/fox": 3 },
    { code: "class-unseen", where: "val", found: ['"fox"', "validation part", "3 samples"] },
  ],
  [
    "a class that only test holds",
    { "train/cat": 4, "train/dog": 4, "test/cat": 2, "test/wolf": 1 },
    { code: "class-unseen", where: "test", found: ['"wolf"', "test part", "1 sample"] },
  ],
  [
    "a class in two spellings",
    { "train/Cat": 4, "train/dog": 4, "val/cat": 2, "val/dog": 2 },
    { code: "class-duplicate", where: "val", found: ['"Cat"', '"cat"', "case"], cure: ["data.classes"] },
  ],
  ["one class alone", { cat: 8 }, { code: "class-too-few", found: ["cat/"] }],
  [
    "one class alone in parts",
    { "train/cat": 8, "test/cat": 4 },
    { code: "class-too-few", where: "train", found: ['"cat"'] },
  ],
  ["classes one level deeper", { "all/cat": 4, "all/dog": 4 }, { code: "class-too-few", cure: ["all"] }],
  ["one image alone", { "": 1 }, { code: "budget-invalid", where: "data.split.test", found: ["1 sample"] }],
  ["three images", { cat: 2, dog: 1 }, { code: "budget-invalid", where: "data.split.validation" }],
  ["no image", {}, { code: "data-empty", found: ["no image"] }],
];
for (const [what, folders, fault] of refused)
  test(`refused: ${what}`, async () => {
    const root = await write(folders);
    await assert.rejects(loadData(imagesAt(root)), faultLike(fault));
  });

test("refused: images beside parts, an empty part, an empty class of a part", async () => {
  const loose = await write(threeIn({ train: 4, val: 2 }));
  await picture(join(loose, "loose.png"));
  await assert.rejects(
    loadData(imagesAt(loose)),
    faultLike({ code: "data-mistake", found: ["loose.png", "2 part folders"] }),
  );
  const empty = await write(threeIn({ train: 4 }));
  mkdirSync(join(empty, "val"));
  await assert.rejects(loadData(imagesAt(empty)), faultLike({ code: "data-empty", where: "val" }));
  mkdirSync(join(empty, "val", "cat"));
  await assert.rejects(loadData(imagesAt(empty)), faultLike({ code: "data-empty", where: "val/cat" }));
});

test("a single class folder is read where labels are ignored", async () => {
  const { data } = await loadData(imagesAt(await write({ cat: 8 }), { labels: "ignore" }));
  assert.deepEqual([data.size, data.labels], [8, null]);
});

test("data.classes that lists both spellings, or the class that only test holds, accepts them", async () => {
  const root = await write({ "train/Cat": 4, "train/dog": 4, "val/cat": 2, "val/dog": 2 });
  const loaded = await loadData(imagesAt(root, { classes: ["Cat", "cat", "dog"], split: { test: 0 } }));
  assert.deepEqual([...(loaded.data.labels ?? [])], [0, 0, 0, 0, 2, 2, 2, 2, 1, 1, 2, 2]);
});
