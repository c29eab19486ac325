/** Columns that only number or name the rows are left out, and that is said. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { findingOf, read, refused, rowsOf, write } from "../../../../support/tables.js";

// Compiled tests run from build/; the fixtures stay in test/.
const fixture = (name: string): string => join("test", "fixtures", "tables", name);
const leftOut = (loaded: Awaited<ReturnType<typeof read>>): string[] =>
  (loaded.findings ?? []).flatMap((f) => (f.code === "index-column" ? (f.examples ?? []) : []));

test("what pandas writes: an index without a name, with one, of two levels, and one that was written twice", async () => {
  const cases: [string, string[]][] = [
    ["index.parquet", ["__index_level_0__"]],
    ["index-named.parquet", ["rid"]],
    ["index-two.parquet", ["site", "__index_level_1__"]],
    ["index-range.parquet", []],
    ["index.csv", ["column0"]],
    ["index-shuffled.csv", ["column0"]],
    ["index-twice.csv", ["column0", "Unnamed: 0"]],
    ["index-reset.csv", ["index"]],
    ["index-concat.csv", ["column0"]],
  ];
  for (const [name, expected] of cases) {
    const loaded = await read(fixture(name));
    assert.deepEqual(loaded.data.features, ["x"], name);
    assert.deepEqual(leftOut(loaded), expected, name);
  }
  assert.deepEqual(rowsOf(await read(fixture("index.parquet"))).flat(), [3.5, 1.25, 2, 7.75]);
});

test("data.features can name an index", async () => {
  const named = await read(fixture("index.parquet"), { features: ["__index_level_0__", "x"] });
  assert.deepEqual(rowsOf(named)[1], [11, 1.25]);
  const unnamed = await read(fixture("index.csv"), { features: ["column0"] });
  assert.deepEqual(rowsOf(unnamed).flat(), [10, 11, 12, 13]);
  assert.equal(findingOf(unnamed, "index-column"), undefined);
  const asInPandas = await read(fixture("index.csv"), { features: ["Unnamed: 0", "x"] });
  assert.deepEqual(rowsOf(asInPandas)[1], [11, 1.25]);
});

test("R's row names, and counting columns with usual names", async () => {
  const cars = write("cars.csv", '"","mpg","kind"\n"Mazda RX4",21,"a"\n"Datsun 710",22.8,"b"\n"Fiat 128",32.4,"a"\n');
  assert.deepEqual((await read(cars)).data.features, ["mpg"]);
  for (const name of ["index", "Index", "rownames", "row_id", "level_0"]) {
    const counting = write("t.csv", `${name},x,kind\n1,5,a\n2,7,b\n3,6,a\n`);
    assert.deepEqual(leftOut(await read(counting)), [name]);
  }
  const json = write("t.json", '[{"index":0,"x":5,"kind":"a"},{"index":1,"x":7,"kind":"b"}]');
  assert.deepEqual((await read(json)).data.features, ["x"]);
});

test("columns that only look so stay features", async () => {
  const refraction = write("t.csv", "index,x,kind\n1.51,5,a\n1.33,7,b\n1.51,6,a\n");
  assert.deepEqual((await read(refraction)).data.features, ["index", "x"]);
  const repeated = write("t.csv", ",x,kind\n5,5,a\n5,7,b\n9,6,a\n");
  assert.deepEqual((await read(repeated)).data.features, ["column0", "x"]);
  const rising = write("t.csv", "year,x,kind\n2001,5,a\n2002,7,b\n2003,6,a\n");
  assert.deepEqual((await read(rising)).data.features, ["year", "x"]);
});

test("a nameless column with nothing in it is left out; one index alone leaves no feature", async () => {
  const trailing = await read(write("t.csv", "x,kind,\n1,a,\n2,b,\n"));
  assert.deepEqual(trailing.data.features, ["x"]);
  assert.equal(findingOf(trailing, "column-empty")?.count, 1);
  const alone = write("t.csv", "index,kind\n0,a\n1,b\n");
  await refused(read(alone), "column-missing", "data.features", /index or empty/, /data\.features/);
});

test("the test table is read by the training table's columns, index or not", async () => {
  const train = write("train.csv", ",x,y,kind\n0,1,2,a\n1,3,4,b\n2,5,6,a\n");
  const other = write("test.csv", "kind,y,extra,x\nb,8,0,7\na,10,0,9\n");
  const loaded = await read(train, { test_path: other, split: { validation: 0 } });
  assert.deepEqual(rowsOf(loaded).slice(3), [
    [7, 8],
    [9, 10],
  ]);
  assert.deepEqual(findingOf(loaded, "columns-extra")?.examples, ["extra"]);
  const lacks = write("test.csv", "kind,x\nb,8\na,10\n");
  await refused(read(train, { test_path: lacks }), "column-missing", "data.test_path", /no column "y"/);
  const texts = write("test.csv", "x,y,kind\n1,low,a\n2,high,b\n");
  await refused(read(train, { test_path: texts }), "column-type", texts, /row 1 \(line 2\), column "y"/);
  const bare = write("test.csv", "1,2,a\n3,4,b\n");
  await refused(read(train, { test_path: bare }), "column-missing", "data.test_path", /no column "x"/);
});
