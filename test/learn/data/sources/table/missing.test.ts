/** Missing values of features: an error that counts them, rows left out, or the training part's mean. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findingOf, labelsOf, read, refused, rowsOf, write } from "../../../../support/tables.js";

const HALVES = { validation: 0, test: 0.5, stratify: false };
const content = "x,y,kind\n1,10,a\n,20,b\n3,,a\n?,NA,b\n5,50,a\n6,60,b\n7,70,a\n8,80,b\n";

test("by default a missing value is an error: the first one, how many there are, and what to do", async () => {
  const path = write("t.csv", content);
  await refused(
    read(path),
    "value-missing",
    path,
    /^row 2 \(line 3\), column "x": the value is missing; 4 values in 3 rows are missing \("x" 2, "y" 2\)/,
    /data\.missing to mean.*drop.*data\.ignore/,
  );
  // Columns that are not used may have gaps.
  assert.deepEqual(rowsOf(await read(path, { features: ["y"], missing: "drop" })).length, 6);
  const label = await read(write("t.csv", "x,kind\n1,a\n2,\n3,b\n4,a\n"));
  assert.deepEqual(rowsOf(label).flat(), [1, 2, 3, 4]);
});

test("every usual mark is a missing number, in any case, and no number is one", async () => {
  const marks = [
    "",
    "NA",
    "N/A",
    "n/a",
    "NaN",
    "nan",
    "null",
    "NULL",
    "None",
    "none",
    "<NA>",
    "#N/A",
    "?",
    "-",
    "--",
    ".",
    "\\N",
    " ",
    " NA ",
  ];
  for (const mark of marks) {
    const path = write("t.csv", `x;y;kind\n1;1;a\n${mark};2;b\n3;3;a\n4;4;b\n`);
    await refused(read(path), "value-missing", path, /^row 2/);
    const loaded = await read(path, { missing: "drop" });
    assert.deepEqual(
      rowsOf(loaded).map(([x]) => x),
      [1, 3, 4],
      mark,
    );
    assert.equal(findingOf(loaded, "rows-dropped")?.count, 1);
  }
  // The same beside decimal commas, in JSON and as text in JSON.
  const commas = write("t.csv", "x;kind\n1,5;a\nNA;b\n2,5;b\n");
  assert.deepEqual(rowsOf(await read(commas, { missing: "drop" })).flat(), [1.5, 2.5]);
  for (const gap of ["null", "NaN", '"NA"', '""']) {
    const json = write("t.json", `[{"x":1,"kind":"a"},{"x":${gap},"kind":"b"},{"x":3,"kind":"b"}]`);
    assert.deepEqual(rowsOf(await read(json, { missing: "drop" })).flat(), [1, 3], gap);
  }
});

test("drop leaves out rows of both tables, with their labels, and counts them", async () => {
  const train = write("train.csv", content);
  const other = write("test.csv", "x,y,kind\n1,,a\n2,2,b\n");
  const loaded = await read(train, { missing: "drop", test_path: other, split: { validation: 0 } });
  assert.deepEqual(rowsOf(loaded), [
    [1, 10],
    [5, 50],
    [6, 60],
    [7, 70],
    [8, 80],
    [2, 2],
  ]);
  assert.deepEqual(labelsOf(loaded), ["a", "a", "b", "a", "b", "b"]);
  const dropped = (loaded.findings ?? []).filter((f) => f.code === "rows-dropped");
  assert.deepEqual(
    dropped.map((f) => [f.where, f.count]),
    [
      [train, 3],
      [other, 1],
    ],
  );
  const all = write("t.csv", "x,y,kind\n1,,a\n,2,b\n");
  await refused(read(all, { missing: "drop" }), "value-missing", all, /every row/, /mean/);
});

test("mean fills with the mean of the training part alone, and remembers where", async () => {
  const loaded = await read(write("t.csv", content), { missing: "mean", normalise: "none", split: HALVES });
  const given = [
    [1, 10],
    [null, 20],
    [3, null],
    [null, null],
    [5, 50],
    [6, 60],
    [7, 70],
    [8, 80],
  ];
  const train = [...loaded.splits.train];
  assert.ok(train.length < given.length);
  const meanOf = (c: number): number => {
    const present = train.flatMap((i) => given[i]?.[c] ?? []);
    return Math.fround(present.reduce((a, v) => a + v, 0) / present.length);
  };
  const means = [meanOf(0), meanOf(1)];
  assert.deepEqual(
    rowsOf(loaded),
    given.map((row) => row.map((v, c) => v ?? means[c])),
  );
  assert.deepEqual(loaded.normalisation.missing, means);
  assert.deepEqual([...(loaded.data.missing ?? [])], [2, 5, 6, 7]);
  assert.equal(findingOf(loaded, "values-filled")?.count, 4);
  // Another split has other means: what was answered for the old samples is no longer valid.
  const other = await read(write("t.csv", content), {
    missing: "mean",
    split: { ...HALVES, seed: 5 },
  });
  assert.notEqual(other.data.hash, loaded.data.hash);
  const again = await read(write("t.csv", content), { missing: "mean", normalise: "none", split: HALVES });
  assert.equal(again.data.hash, loaded.data.hash);
});

test("a missing level of a one-hot column is zero in all of its features", async () => {
  const path = write("t.csv", "colour,x,kind\nred,1,a\nNA,2,b\ngreen,3,a\n?,4,b\nred,5,b\n,6,b\n");
  const more = { categorical: ["colour"] };
  await refused(
    read(path, more),
    "value-missing",
    path,
    /^row 2 \(line 3\), column "colour": the value is missing \("NA"\); 3 values/,
  );
  const loaded = await read(path, { ...more, missing: "mean" });
  assert.deepEqual(loaded.data.features, ["colour=green", "colour=red", "x"]);
  assert.deepEqual(rowsOf(loaded), [
    [0, 1, 1],
    [0, 0, 2],
    [1, 0, 3],
    [0, 0, 4],
    [0, 1, 5],
    [0, 0, 6],
  ]);
  assert.deepEqual(loaded.normalisation.missing?.slice(0, 2), [0, 0]);
  assert.equal((await read(path, { ...more, missing: "drop" })).data.size, 3);
  // Signs are levels; words that mean nothing in one table are levels only where pandas keeps them, too.
  const signs = write("t.csv", "strand,x,kind\n+,1,a\n-,2,b\n+,3,a\n-,4,b\n");
  assert.deepEqual((await read(signs, { categorical: ["strand"] })).data.features, ["strand=+", "strand=-", "x"]);
});

test("levels are compared without the blanks around them", async () => {
  const path = write("t.csv", "colour,x,kind\n red,1,a\nred ,2,b\ngreen,3,a\ngreen,4,b\n");
  const loaded = await read(path, { categorical: ["colour"] });
  assert.deepEqual(loaded.data.features, ["colour=green", "colour=red", "x"]);
  assert.equal(findingOf(loaded, "blanks-trimmed")?.count, 2);
});

test("a column without any value, or without one in the training part", async () => {
  const path = write("t.csv", "x,y,kind\n1,,a\n2,,b\n3,NA,a\n");
  for (const missing of ["error", "mean", "drop"])
    await refused(
      read(path, { missing }),
      "value-missing",
      path,
      /"y" has no value in any of the 3 rows/,
      /data\.ignore/,
    );
  const rows = Array.from({ length: 10 }, (_, i) => `${i},,k${i % 2}`);
  const train = write("train.csv", ["x,y,kind", ...rows, "10,7,k0"].join("\n"));
  const seeds = Array.from({ length: 10 }, (_, seed) => ({ validation: 0, test: 0.5, stratify: false, seed }));
  const results = await Promise.all(
    seeds.map((split) =>
      read(train, { missing: "mean", split }).then(
        () => "filled",
        (e: { code: string }) => e.code,
      ),
    ),
  );
  assert.deepEqual([...new Set(results)].sort(), ["filled", "value-missing"]);
});
