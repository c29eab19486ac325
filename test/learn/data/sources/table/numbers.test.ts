/** What a column of text leaves as its one reading, and true sentences for what is not a number. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findingOf, read, refused, rowsOf, write } from "../../../../support/tables.js";

/** A table of one feature from its cells, separated by semicolons. */
const column = (cells: readonly string[]): string =>
  write("t.csv", ["value;kind", ...cells.map((c, i) => `${c};k${i % 2}`)].join("\n"));
const values = async (cells: readonly string[], more: object = {}): Promise<number[]> =>
  rowsOf(await read(column(cells), more)).flat();

test("decimal commas and thousands, where a column leaves one reading", async () => {
  const cases: [string[], number[]][] = [
    [
      ["1,5", "2,25", "-0,5", "7"],
      [1.5, 2.25, -0.5, 7],
    ],
    [
      ["1,234,567", "1,234", "12"],
      [1234567, 1234, 12],
    ],
    [
      ["1.234,5", "1.234", "7"],
      [1234.5, 1234, 7],
    ],
    [
      ["1.234.567", "1.234", "7"],
      [1234567, 1234, 7],
    ],
    [
      ["1,234.5", "1,234", "7"],
      [1234.5, 1234, 7],
    ],
    [
      ["0,123", "1,234"],
      [Math.fround(0.123), Math.fround(1.234)],
    ],
    [
      ["1 234", "12 345 678", "5"],
      [1234, 12345678, 5],
    ],
    [
      ["1\u00a0234,5", "2,5"],
      [1234.5, 2.5],
    ],
    [
      ["1'234.5", "2.5"],
      [1234.5, 2.5],
    ],
    [
      ["1,5e2", "2,5"],
      [150, 2.5],
    ],
    [
      ["\u22125", "3"],
      [-5, 3],
    ],
    [
      ["1.234", "2.345"],
      [Math.fround(1.234), Math.fround(2.345)],
    ],
  ];
  for (const [cells, expected] of cases) assert.deepEqual(await values(cells), expected, cells.join(" | "));
  const loaded = await read(column(["1,5", "2,5"]));
  assert.equal(findingOf(loaded, "numbers-converted")?.level, "note");
  assert.equal(findingOf(await read(column(["1.5", "2.5"])), "numbers-converted"), undefined);
  const quoted = write("t.csv", 'value,kind\n"1,234,567",a\n"1,234",b\n');
  assert.deepEqual(rowsOf(await read(quoted)).flat(), [1234567, 1234]);
});

test("a column of 1,234 alone has two readings and needs data.decimal", async () => {
  const cells = ["1,234", "5,678", "12"];
  await refused(read(column(cells)), "option-missing", "data.decimal", /row 1 \(line 2\).*"1,234" is 1234 or 1\.234/);
  assert.deepEqual(await values(cells, { decimal: "." }), [1234, 5678, 12]);
  assert.deepEqual(await values(cells, { decimal: "," }), [Math.fround(1.234), Math.fround(5.678), 12]);
  // With a decimal comma, a point groups thousands; where it cannot, the value is none.
  assert.deepEqual(await values(["1.234", "5"], { decimal: "," }), [1234, 5]);
  const points = column(["1.5", "5", "2"]);
  await refused(read(points, { decimal: "," }), "column-type", points, /"1\.5".*decimal mark ","/, /data\.decimal/);
  const commas = column(["1,5", "5", "2"]);
  await refused(read(commas, { decimal: "." }), "column-type", commas, /"1,5".*decimal mark "\."/, /data\.decimal/);
});

test("both kinds of decimals in a column are an error that shows both", async () => {
  const file = column(["1,5", "2.5", "3"]);
  await refused(read(file), "column-type", file, /"2\.5".*"1,5"|"1,5".*"2\.5"/);
});

test("one text among numbers is named with its row", async () => {
  const file = column(["1", "2", "wide", "4", "5"]);
  await refused(read(file), "column-type", file, /row 3 \(line 4\), column "value": "wide" is not a number/);
  const hexadecimal = column(["1", "0x1F", "3"]);
  await refused(read(hexadecimal), "column-type", hexadecimal, /"0x1F"/);
});

test("texts, money, percentages, dates and lists: each its own sentence", async () => {
  const cases: [string[], RegExp, RegExp][] = [
    [["$1,234", "$5"], /money/, /sign/],
    [["1,5 €", "2 €"], /money/, /sign/],
    [["EUR 5", "EUR 6"], /money/, /sign/],
    [["12%", "5%"], /percentages/, /sign/],
    [["12.5 %", "5 %"], /percentages/, /sign/],
    [["2020-01-31", "2020-02-01"], /dates/, /days since/],
    [["31.12.2020", "01.01.2021"], /dates/, /days since/],
    [["12:30", "13:45"], /dates or times/, /days since/],
    [["2020-01-31T12:00:00Z", "2020-01-31T13:00:00Z"], /dates/, /days since/],
    [["[1, 2]", "[3, 4]"], /lists/, /Parquet or JSON/],
    [["(1,234)", "(5)"], /parentheses/, /minus/],
    [["red", "green", "red", "green"], /text \("red"\)/, /data\.categorical/],
  ];
  for (const [cells, found, cure] of cases) {
    const file = column(cells);
    await refused(read(file), "column-type", file, found, cure);
  }
});

test("nobody is told to encode a nearly unique column one-hot, and doing so is refused", async () => {
  const names = Array.from({ length: 40 }, (_, i) => `name ${i}`);
  const file = column(names);
  await refused(read(file), "column-type", file, /text \("name 0"\)/, /data\.ignore.*40 different texts in 40 rows/);
  await refused(
    read(file, { categorical: ["value"] }),
    "column-type",
    "data.categorical",
    /40 different texts in 40 rows/,
    /data\.ignore/,
  );
  const many = column(Array.from({ length: 900 }, (_, i) => `name ${i % 300}`));
  await refused(read(many, { categorical: ["value"] }), "column-type", "data.categorical", /300 different texts/);
});

test("truth values are 1 and 0", async () => {
  assert.deepEqual(await values(["true", "False", "TRUE", ""], { missing: "drop" }), [1, 0, 1]);
  const json = write("t.json", '[{"v": true, "kind": "a"}, {"v": false, "kind": "b"}]');
  assert.deepEqual(rowsOf(await read(json)).flat(), [1, 0]);
});

test("infinite values, and those beyond float32, are errors with the row", async () => {
  for (const cell of ["inf", "-Infinity", "1e39"]) {
    const file = column(["1", cell, "3"]);
    await refused(read(file), "not-finite", file, /row 2 \(line 3\), column "value"/);
  }
});

test("codes with leading zeros are pointed at", async () => {
  const codes = await read(column(["01234", "1234", "00501"]));
  assert.deepEqual(rowsOf(codes).flat(), [1234, 1234, 501]);
  assert.deepEqual(
    [findingOf(codes, "leading-zeros")?.level, findingOf(codes, "leading-zeros")?.count],
    ["warning", 2],
  );
  const json = await read(write("t.json", '[{"v":"007","kind":"a"},{"v":"12","kind":"b"}]'));
  assert.equal(findingOf(json, "leading-zeros")?.count, 1);
  assert.equal(findingOf(await read(column(["0.5", "0", "-0", "10"])), "leading-zeros"), undefined);
});

test("whole numbers that float32 rounds are counted", async () => {
  const loaded = await read(column(["16777217", "16777216", "5"]));
  assert.equal(findingOf(loaded, "integers-rounded")?.count, 1);
});

test("all columns that cannot be used are described together", async () => {
  const path = write("t.csv", "a,b,c,kind\nred,$1,1,x\ngreen,$2,2,y\nred,$3,3,x\ngreen,$4,4,y\n");
  await assert.rejects(
    read(path),
    (error: { code?: string; where?: string; details?: readonly { found: string }[] }) => {
      assert.deepEqual([error.code, error.where, error.details?.length], ["column-type", path, 2]);
      assert.match(error.details?.[0]?.found ?? "", /column "a".*text/);
      assert.match(error.details?.[1]?.found ?? "", /column "b".*money/);
      return true;
    },
  );
});
