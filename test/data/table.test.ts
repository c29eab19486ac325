import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { type DataInput, loadData } from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-table-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);

/** 60 rows: two numbers, a colour, a class. */
const rows = Array.from({ length: 60 }, (_, i) => ({
  width: i / 4,
  'odd "name': 100 - i,
  colour: ["red", "green", "blue"][i % 3] as string,
  kind: `k${i % 2}`,
}));
const text = (separator: string, list: readonly object[] = rows): string =>
  [
    Object.keys(rows[0] as object)
      .map((k) => `"${k.replaceAll('"', '""')}"`)
      .join(separator),
    ...list.map((r) => Object.values(r).join(separator)),
  ].join("\n");

writeFileSync(at("t.csv"), text(","));
writeFileSync(at("t.csv.gz"), gzipSync(text(",")));
writeFileSync(at("t.tsv"), text("\t"));
writeFileSync(at("t.json"), JSON.stringify(rows));
writeFileSync(at("t.jsonl"), rows.map((r) => JSON.stringify(r)).join("\n"));
const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
await duckdb.run(`COPY (SELECT * FROM read_csv('${at("t.csv")}')) TO '${at("t.parquet")}' (FORMAT parquet)`);
duckdb.closeSync();

const table = (path: string, more: object = {}): DataInput =>
  ({
    source: "table",
    path: at(path),
    label: "kind",
    categorical: ["colour"],
    split: { validation: 10, test: 20 },
    ...more,
  }) as DataInput;

for (const file of ["t.csv", "t.csv.gz", "t.tsv", "t.json", "t.jsonl", "t.parquet"]) {
  test(`${file}: values, one-hot columns and labels in the file's order`, async () => {
    const { data } = await loadData(table(file));
    assert.deepEqual([...(data.features ?? [])], ["width", 'odd "name', "colour=blue", "colour=green", "colour=red"]);
    assert.deepEqual([...data.classes], ["k0", "k1"]);
    const expected = rows.flatMap((r) => [
      r.width,
      r['odd "name'],
      Number(r.colour === "blue"),
      Number(r.colour === "green"),
      Number(r.colour === "red"),
    ]);
    assert.deepEqual([...data.samples], expected);
    assert.deepEqual(
      [...(data.labels ?? [])],
      rows.map((_, i) => i % 2),
    );
  });
}

test("standardised by default, with numbers of the training part alone", async () => {
  const { data, splits, normalisation } = await loadData(
    table("t.csv", { features: ["width"], categorical: undefined }),
  );
  const train = Array.from(splits.train, (i) => data.samples[i] as number);
  const mean = train.reduce((a, v) => a + v, 0) / train.length;
  const std = Math.sqrt(train.reduce((a, v) => a + (v - mean) ** 2, 0) / train.length);
  assert.ok(Math.abs((normalisation.mean[0] as number) - mean) < 1e-6);
  assert.ok(Math.abs((normalisation.std[0] as number) - std) < 1e-6);
});

test("a table without a header, chosen and left-out columns, no label", async () => {
  writeFileSync(at("bare.csv"), rows.map((r) => `${r.kind},${r.width},${r['odd "name']}`).join("\n"));
  const { data } = await loadData({ source: "table", path: at("bare.csv"), label: "column0" });
  assert.deepEqual([...data.sampleShape], [2]);
  const alone = await loadData({ source: "table", path: at("bare.csv"), ignore: ["column0"] });
  assert.equal(alone.data.labels, null);
});

test("a test table of its own; what it lacks or adds is named", async () => {
  writeFileSync(at("test.csv"), text(",", rows.slice(0, 8)));
  const { data, splits } = await loadData(table("t.csv", { test_path: at("test.csv"), split: { validation: 10 } }));
  assert.equal(data.size, 68);
  assert.deepEqual([...splits.test], [60, 61, 62, 63, 64, 65, 66, 67]);
  writeFileSync(at("new.csv"), text(",", [{ ...rows[0], colour: "violet" }]));
  await assert.rejects(
    loadData(table("t.csv", { test_path: at("new.csv") })),
    /"violet" does not occur in the training/,
  );
  writeFileSync(at("less.csv"), "width,kind\n1,k0\n");
  await assert.rejects(loadData(table("t.csv", { test_path: at("less.csv") })), /no column "odd/);
});

const refused: readonly [string, string, object, RegExp][] = [
  ["missing value", "width,kind\n1,a\n,b\n3,a\n", {}, /row 2, column "width".*missing/],
  ["NaN", "width,kind\n1,a\nnan,b\n3,a\n", {}, /sample 1, width.*NaN/],
  ["infinity", "width,kind\n1,a\ninf,b\n3,a\n", {}, /sample 1, width.*Infinity/],
  ["text among numbers", "width,kind\n1,a\nwide,b\n3,a\n", {}, /column "width" holds VARCHAR.*data\.categorical/],
  ["dates", "day,kind\n2020-01-01,a\n2020-01-02,b\n", {}, /column "day" holds DATE/],
  ["ragged lines", "width,height,kind\n1,2,a\n3,b\n4,5,a\n", {}, /[Ll]ine/],
  ["no rows", "width,kind\n", {}, /no rows/],
  ["label misspelt", "width,kind\n1,a\n2,b\n", { label: "knd" }, /no column "knd"; did you mean "kind"/],
  ["label as feature", "width,kind\n1,a\n2,b\n", { features: ["width", "kind"] }, /give the answer away/],
  ["one class", "width,kind\n1,a\n2,a\n", {}, /1 class/],
];
for (const [what, content, more, message] of refused) {
  test(`refused: ${what}`, async () => {
    const path = at(`${what.replaceAll(" ", "-")}.csv`);
    writeFileSync(path, content);
    await assert.rejects(loadData({ source: "table", path, label: "kind", ...more }), message);
  });
}

test("refused: no file, unknown kind, damaged parquet; nothing runs from a column's name", async () => {
  await assert.rejects(loadData(table("none.csv")), /no such file/);
  writeFileSync(at("t.xlsx"), "x");
  await assert.rejects(loadData(table("t.xlsx")), /expected \.csv/);
  writeFileSync(at("bad.parquet"), "PAR1 nonsense");
  const cut = text(",").split("\n");
  writeFileSync(at("cut.csv"), [...cut.slice(0, 40), "1,2", ...cut.slice(41)].join("\n"));
  await assert.rejects(
    loadData(table("cut.csv")),
    /cut\.csv: it is no table with the same number of columns in every row/,
  );
  await assert.rejects(loadData(table("bad.parquet")), /bad\.parquet.*DuckDB cannot read/);
  writeFileSync(at("it's.csv"), `"a""; DROP TABLE x; --",kind\n${rows.map((_, i) => `${i},k${i % 2}`).join("\n")}\n`);
  const { data } = await loadData({ source: "table", path: at("it's.csv"), label: "kind" });
  assert.deepEqual([...(data.features ?? [])], ['a"; DROP TABLE x; --']);
});
