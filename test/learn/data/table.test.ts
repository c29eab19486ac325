import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { DuckDBInstance } from "@duckdb/node-api";
import { type DataInput, InputError, loadData } from "../../../src/index.js";

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
  await assert.rejects(loadData(table("t.csv", { test_path: at("new.csv") })), {
    code: "class-unknown",
    where: at("new.csv"),
    found: /^row 1 \(line 2\), column "colour": "violet"/,
  });
  writeFileSync(at("less.csv"), "width,kind\n1,k0\n");
  await assert.rejects(loadData(table("t.csv", { test_path: at("less.csv") })), {
    code: "column-missing",
    where: "data.test_path",
    found: /"odd/,
  });
});

/** What is wrong, the file, more of the recipe, and the error's code, place ("": the file) and finding. */
const refused: readonly [string, string, object, string, string, RegExp][] = [
  ["missing value", "width,kind\n1,a\n,b\n3,a\n", {}, "value-missing", "", /^row 2 \(line 3\), column "width"/],
  ["NaN", "width,kind\n1,a\nnan,b\n3,a\n", {}, "value-missing", "", /^row 2 \(line 3\), column "width"/],
  ["infinity", "width,kind\n1,a\ninf,b\n3,a\n", {}, "not-finite", "", /^row 2 \(line 3\), column "width".*Infinity/],
  ["text among numbers", "width,kind\n1,a\nwide,b\n3,a\n", {}, "column-type", "", /^row 2 \(line 3\).*"wide"/],
  ["dates", "day,kind\n2020-01-01,a\n2020-01-02,b\n", {}, "column-type", "", /column "day".*"2020-01-01"/],
  ["ragged lines", "width,height,kind\n1,2,a\n3,b\n4,5,a\n", {}, "row-invalid", "", /^line 3 has 2/],
  ["no rows", "width,kind\n", {}, "data-empty", "", /no rows/],
  ["label misspelt", "width,kind\n1,a\n2,b\n", { label: "knd" }, "column-missing", "data.label", /"knd"/],
  ["label as feature", "width,kind\n1,a\n2,b\n", { features: ["kind"] }, "option-conflict", "data.features", /"kind"/],
  ["no feature left", "width,kind\n1,a\n2,b\n", { ignore: ["width"] }, "column-missing", "data.features", /no feature/],
  [
    "a feature twice",
    "width,kind\n1,a\n2,b\n",
    { features: ["width", "width"] },
    "option-invalid",
    "data.features",
    /"width"/,
  ],
];
for (const [what, content, more, code, where, found] of refused) {
  test(`refused: ${what}`, async () => {
    const path = at(`${what.replaceAll(" ", "-")}.csv`);
    writeFileSync(path, content);
    const reading = loadData({ source: "table", path, label: "kind", ...more });
    await assert.rejects(reading, { code, where: where || path, found });
  });
}

test("refused: one class", async () => {
  writeFileSync(at("one-class.csv"), "width,kind\n1,a\n2,a\n");
  await assert.rejects(loadData({ source: "table", path: at("one-class.csv"), label: "kind" }), InputError);
});

test("nothing runs from a column's name", async () => {
  writeFileSync(at("it's.csv"), `"a""; DROP TABLE x; --",kind\n${rows.map((_, i) => `${i},k${i % 2}`).join("\n")}\n`);
  const { data } = await loadData({ source: "table", path: at("it's.csv"), label: "kind" });
  assert.deepEqual([...(data.features ?? [])], ['a"; DROP TABLE x; --']);
});

test("a column under data.categorical that is no feature is pointed at", async () => {
  const { findings } = await loadData(table("t.csv", { features: ["width"] }));
  assert.deepEqual(findings?.find((f) => f.code === "categorical-unused")?.examples, ["colour"]);
});
