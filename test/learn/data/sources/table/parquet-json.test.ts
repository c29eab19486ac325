/** Parquet and JSON: names, types, lists, and files that are damaged or hold something else. */
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { findingOf, pathFor, read, refused, rowsOf, write } from "../../../../support/tables.js";

const fixture = (name: string): string => join("test", "fixtures", "tables", name);
const records = (list: readonly object[]): string => JSON.stringify(list);

test("a path is one file, also for DuckDB, and folders add no column", async () => {
  for (const name of [
    "data[12].parquet",
    "data?.parquet",
    "*.parquet",
    "[!a].parquet",
    "a]b[.parquet",
    "it's.parquet",
  ]) {
    const path = pathFor(join("fold=3", "[x]*", name));
    copyFileSync(fixture("index-range.parquet"), path);
    for (const other of ["data1.parquet", "data2.parquet", "b.parquet"])
      copyFileSync(fixture("case.parquet"), join(dirname(path), other));
    const loaded = await read(path);
    assert.deepEqual(loaded.data.features, ["x"], name);
    assert.deepEqual(rowsOf(loaded).flat(), [3.5, 1.25, 2, 7.75], name);
  }
  const path = pathFor(join("fold=3", "data[12].json"));
  writeFileSync(
    path,
    records([
      { x: 1, kind: "a" },
      { x: 2, kind: "b" },
    ]),
  );
  writeFileSync(
    join(dirname(path), "data1.json"),
    records([
      { y: 5, kind: "z" },
      { y: 6, kind: "w" },
    ]),
  );
  assert.deepEqual((await read(path)).data.features, ["x"]);
});

test("lists of numbers become features, one for each place", async () => {
  const loaded = await read(fixture("types.parquet"), { features: ["list", "fixed"] });
  assert.deepEqual(loaded.data.features, ["list[0]", "list[1]", "fixed[0]", "fixed[1]", "fixed[2]"]);
  assert.deepEqual(rowsOf(loaded), [
    [1, 2, 1, 2, 3],
    [3, 4, 4, 5, 6],
  ]);
  const json = write(
    "t.json",
    records([
      { v: [1, 2.5], kind: "a" },
      { v: [3, 4], kind: "b" },
    ]),
  );
  assert.deepEqual(rowsOf(await read(json)), [
    [1, 2.5],
    [3, 4],
  ]);
  const gaps = write(
    "t.json",
    '[{"v":null,"kind":"a"},{"v":[1,2],"kind":"b"},{"v":[3,null],"kind":"a"},{"v":[5,6],"kind":"a"}]',
  );
  await refused(read(gaps), "value-missing", gaps, /row 1, column "v".*2 values in 2 rows/);
  assert.deepEqual(rowsOf(await read(gaps, { missing: "drop" })), [
    [1, 2],
    [5, 6],
  ]);
  const ragged = fixture("types.parquet");
  await refused(
    read(ragged, { features: ["ragged"] }),
    "row-invalid",
    join(process.cwd(), ragged),
    /row 2, column "ragged": the list has 2 numbers/,
  );
  const test = write("test.json", records([{ v: [1, 2, 3], kind: "a" }]));
  await refused(read(json, { test_path: test }), "column-type", test, /"v" have 3 numbers/);
});

test("numbers of every type, truth values, dictionaries", async () => {
  const loaded = await read(fixture("types.parquet"), {
    features: ["flag", "money", "half", "level"],
    categorical: ["level"],
  });
  assert.deepEqual(loaded.data.features, ["flag", "money", "half", "level=u", "level=v"]);
  assert.deepEqual(rowsOf(loaded), [
    [1, 1, 1.5, 1, 0],
    [0, 2, 2.5, 0, 1],
  ]);
});

test("columns that cannot be features are refused with what they hold", async () => {
  const path = join(process.cwd(), fixture("types.parquet"));
  const cases: [string, RegExp, RegExp][] = [
    ["image", /images/, /source: images/],
    ["bytes", /bytes/, /source: images/],
    ["day", /dates/, /days since/],
    ["instant", /dates/, /days since/],
    ["nested", /lists of lists/, /Flatten/],
    ["words", /lists of something else/, /data\.ignore/],
  ];
  for (const [name, found, cure] of cases)
    await refused(read(path, { features: [name] }), "column-type", path, found, cure);
  const json = write(
    "t.json",
    records([
      { v: { a: 1 }, w: 1, kind: "a" },
      { v: { a: 2 }, w: 2, kind: "b" },
    ]),
  );
  await refused(read(json), "column-type", json, /"v" holds records/);
  const mixed = write(
    "t.json",
    records([
      { v: [1], w: 1, kind: "a" },
      { v: 2, w: 2, kind: "b" },
    ]),
  );
  await refused(read(mixed), "column-type", mixed, /"v" holds/);
});

test("names that differ only by case stay apart in Parquet; a name that occurs twice is an error", async () => {
  const loaded = await read(fixture("case.parquet"));
  assert.deepEqual(
    [loaded.data.features, rowsOf(loaded)],
    [
      ["x", "X"],
      [
        [1, 3],
        [2, 4],
      ],
    ],
  );
  const twice = join(process.cwd(), fixture("twice.parquet"));
  await refused(read(twice), "column-duplicate", twice, /"x"/);
  const json = write("t.json", '[{"x":1,"x":2,"kind":"a"},{"x":3,"kind":"b"}]');
  await refused(read(json), "column-duplicate", json, /"x"/);
  const cased = write(
    "t.json",
    records([
      { x: 1, X: 2, kind: "a" },
      { x: 3, X: 4, kind: "b" },
    ]),
  );
  await refused(read(cased), "column-duplicate", cased, /"X"/);
  const numbered = write(
    "t.json",
    records([
      { x: 1, x_1: 2, kind: "a" },
      { x: 3, x_1: 4, kind: "b" },
    ]),
  );
  assert.deepEqual((await read(numbered)).data.features, ["x", "x_1"]);
});

test("texts that are numbers are read as numbers, and that is said", async () => {
  const json = write(
    "t.json",
    records([
      { v: "1.5", kind: "a" },
      { v: "2", kind: "b" },
    ]),
  );
  const loaded = await read(json);
  assert.deepEqual(rowsOf(loaded).flat(), [1.5, 2]);
  assert.equal(findingOf(loaded, "numbers-from-text")?.level, "note");
  const commas = write(
    "t.json",
    records([
      { v: "1,5", kind: "a" },
      { v: "2,5", kind: "b" },
    ]),
  );
  assert.deepEqual(rowsOf(await read(commas)).flat(), [1.5, 2.5]);
});

test("records in which a name comes late, or is missing", async () => {
  const late = Array.from({ length: 30_000 }, (_, x) => ({ x, kind: `k${x % 2}` }));
  const path = write("t.jsonl", [...late, { x: 1, y: 2, kind: "k0" }].map((r) => JSON.stringify(r)).join("\n"));
  await refused(read(path), "value-missing", path, /"y": the value is missing; 30,000 values in 30,000 rows/);
  assert.equal((await read(path, { ignore: ["y"] })).data.size, 30_001);
});

test("JSON that is not records, or not JSON", async () => {
  const cases: [string, string, string, RegExp][] = [
    ["t.json", "[[1,2],[3,4]]", "file-type", /begins with/],
    ["t.json", '{"x":{"0":1,"1":2},"kind":{"0":"a","1":"b"}}', "file-type", /single record/],
    ["t.json", '{"columns":["x","kind"],"data":[[1,"a"],[2,"b"]]}', "file-type", /single record/],
    ["t.json", '{"rows":[{"x":1,"kind":"a"},{"x":2,"kind":"b"}]}', "file-type", /single record/],
    ["t.jsonl", '{"x":1,"kind":"a"}\n[2,"b"]\n', "file-type", /records/],
    ["t.json", "3", "file-type", /begins with "3"/],
    ["t.json", "<html>", "file-type", /begins with "<html>"/],
    ["t.json", "[]", "data-empty", /no rows/],
    ["t.json", " \n ", "data-empty", /no rows/],
    ["t.json", '[{"x":1,"kind":"a"},{"x":2,"kind":"b"', "file-damaged", /JSON/],
    ["t.jsonl", '{"x":1,"kind":"a"}\n{"x":2,"ki', "file-damaged", /line 2|line 3|JSON/],
    ["t.json", '[{"x":1,"kind":"a"}]', "data-empty", /single row/],
  ];
  for (const [name, content, code, found] of cases) {
    const path = write(name, content);
    await refused(read(path), code, path, found);
  }
  const packed = write(
    "t.json.gz",
    gzipSync(
      records([
        { x: 1, kind: "a" },
        { x: 2, kind: "b" },
      ]),
    ),
  );
  assert.deepEqual(rowsOf(await read(packed)).flat(), [1, 2]);
});

test("Parquet without rows", async () => {
  const path = pathFor("t.parquet");
  const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
  await duckdb.run(`COPY (SELECT 1 AS x, 'a' AS kind WHERE false) TO '${path}' (FORMAT parquet)`);
  duckdb.closeSync();
  await refused(read(path), "data-empty", path, /no rows/);
});

test("Parquet that is cut off, or none", async () => {
  const whole = readFileSync(fixture("index.parquet"));
  const cut = write("cut.parquet", whole.subarray(0, whole.length - 100));
  await refused(read(cut), "file-damaged", cut, /cut off/);
  const holed = write("holed.parquet", Buffer.concat([whole.subarray(0, 200), whole.subarray(600)]));
  await refused(read(holed), "file-damaged", holed, /DuckDB cannot read/);
  const text = write("t.parquet", "x,kind\n1,a\n");
  await refused(read(text), "file-type", text, /not a Parquet file/);
  const folder = pathFor("folder.parquet");
  mkdirSync(folder);
  await refused(read(folder), "file-is-folder", folder, /folder/);
  await refused(read(fixture("index.parquet"), { encoding: "utf-16" }), "option-conflict", "data.encoding", /Parquet/);
});
