/** A label's text is its text, in every kind of table; what has none is missing. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import { labelsOf, pathFor, read, refused, write } from "../../../../support/tables.js";

const texts = [
  "01",
  "1",
  "1.0",
  "true",
  "True",
  "2020-01-01",
  "1e3",
  "12:30",
  "2020-01-01T00:00:00",
  "0x1F",
  "NA",
  "None",
];

async function parquet(select: string): Promise<string> {
  const path = pathFor("t.parquet");
  const duckdb = await (await DuckDBInstance.create(":memory:")).connect();
  await duckdb.run(`COPY (${select}) TO '${path}' (FORMAT parquet)`);
  duckdb.closeSync();
  return path;
}

test("labels keep their text: leading zeros, decimals, truth values, dates, words", async () => {
  const rows = [...texts, ...texts];
  const csv = write("t.csv", ["width,kind", ...rows.map((t, i) => `${i},${t}`)].join("\n"));
  const tsv = write("t.tsv", ["width\tkind", ...rows.map((t, i) => `${i}\t"${t}"`)].join("\n"));
  const json = write("t.json", JSON.stringify(rows.map((kind, width) => ({ width, kind }))));
  const jsonl = write("t.jsonl", rows.map((kind, width) => JSON.stringify({ width, kind })).join("\n"));
  const values = rows.map((t, i) => `(${i}, '${t}')`).join(", ");
  const pq = await parquet(`SELECT * FROM (VALUES ${values}) AS t(width, kind)`);
  for (const path of [csv, tsv, json, jsonl, pq]) {
    const loaded = await read(path);
    assert.deepEqual(labelsOf(loaded), rows, path);
    assert.deepEqual([...loaded.data.classes].sort(), [...texts].sort(), path);
  }
});

test("labels that are numbers in the file are named as the file writes them", async () => {
  const json = write("t.json", '[{"x": 1, "kind": 1}, {"x": 2, "kind": 2}, {"x": 3, "kind": 10}, {"x": 4, "kind": 1}]');
  assert.deepEqual(labelsOf(await read(json)), ["1", "2", "10", "1"]);
  assert.deepEqual([...(await read(json)).data.classes], ["1", "2", "10"]);
  const pq = await parquet("SELECT i AS x, i % 2 = 0 AS kind FROM range(4) AS t(i)");
  assert.deepEqual(labelsOf(await read(pq)), ["true", "false", "true", "false"]);
});

test("an empty cell, null and NaN are missing labels", async () => {
  const csv = write("t.csv", 'x,kind\n1,a\n2,\n3,b\n4,""\n5,a\n');
  assert.deepEqual(labelsOf(await read(csv)), ["a", "", "b", "", "a"]);
  const json = write(
    "t.json",
    '[{"x":1,"kind":"a"},{"x":2,"kind":null},{"x":3,"kind":"b"},{"x":4},{"x":5,"kind":"a"}]',
  );
  assert.deepEqual(labelsOf(await read(json)), ["a", "", "b", "", "a"]);
  const numbers = write("t.json", '[{"x":1,"kind":1.5},{"x":2,"kind":NaN},{"x":3,"kind":2.5},{"x":4,"kind":1.5}]');
  assert.deepEqual(labelsOf(await read(numbers)), ["1.5", "", "2.5", "1.5"]);
  const pq = await parquet(
    "SELECT * FROM (VALUES (1, 1.5::DOUBLE), (2, 'nan'::DOUBLE), (3, 2.5), (4, NULL)) AS t(x, kind)",
  );
  assert.deepEqual(labelsOf(await read(pq)), ["1.5", "", "2.5", ""]);
});

test("labels that are all missing, a label that is not there, or not a text", async () => {
  const empty = write("t.csv", "x,kind\n1,\n2,\n3,\n");
  await refused(read(empty), "labels-missing", empty, /"kind" is empty in all 3 rows/);
  assert.equal((await read(empty, { labels: "ignore" })).data.labels, null);
  await refused(read(empty, { label: "knd" }), "column-missing", "data.label", /no column "knd"/, /"kind"/);
  const lists = await parquet("SELECT i AS x, [i, 2] AS kind FROM range(4) AS t(i)");
  await refused(read(lists), "column-type", lists, /"kind" holds/);
  const objects = write("t.json", '[{"x":1,"kind":{"a":1}},{"x":2,"kind":{"a":2}},{"x":3,"kind":"b"}]');
  await refused(read(objects), "column-type", objects, /"kind" holds records/);
});
