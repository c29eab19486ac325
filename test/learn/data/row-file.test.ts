/** Rows looked up in a file: the right ones, in few reads, and nothing left open. */
import assert from "node:assert/strict";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";
import { BlockReader, rowsOfBlock } from "../../../src/learn/data/sources/row-blocks.js";
import { readRows, rowRanges } from "../../../src/learn/data/sources/row-file.js";
import { faultLike } from "../../support/faults.js";

const folder = fs.mkdtempSync(join(tmpdir(), "limbeck-rows-"));
const counted = {
  read: mock.method(fs, "readSync"),
  open: mock.method(fs, "openSync"),
  close: mock.method(fs, "closeSync"),
};
syncBuiltinESMExports();
after(() => {
  mock.restoreAll();
  syncBuiltinESMExports();
  fs.rmSync(folder, { recursive: true, force: true });
});

const COUNT = 5000;
const START = 10;

/** A file of rows whose bytes follow from the row's number, and how many reads some of them take. */
function fileOf(rowBytes: number) {
  const path = join(folder, `${rowBytes}.bin`);
  const bytes = Buffer.alloc(START + COUNT * rowBytes);
  const at = (row: number, k: number): number => (row * 31 + k * 7 + (row >> 8)) & 255;
  for (let row = 0; row < COUNT; row++)
    for (let k = 0; k < rowBytes; k++) bytes[START + row * rowBytes + k] = at(row, k);
  fs.writeFileSync(path, bytes);
  const file = { path, start: START, rowBytes, remedy: "Write it again" };
  const readsFor = (rows: readonly number[]): number => {
    const before = counted.read.mock.callCount();
    const [opened, closed] = [counted.open.mock.callCount(), counted.close.mock.callCount()];
    const out = new Uint8Array(rows.length * rowBytes);
    readRows(file, Uint32Array.from(rows), out);
    rows.forEach((row, i) => {
      for (let k = 0; k < rowBytes; k++)
        assert.equal(out[i * rowBytes + k], at(row, k), `row ${row} at place ${i}, byte ${k}`);
    });
    assert.equal(counted.close.mock.callCount() - closed, counted.open.mock.callCount() - opened, "all are closed");
    return counted.read.mock.callCount() - before;
  };
  return { file, readsFor };
}

const range = (from: number, count: number, step = 1): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);

test("neighbours are read together whatever their order; rows far apart are not read along", () => {
  const { readsFor } = fileOf(40);
  assert.equal(readsFor(range(100, 512)), 1, "a range");
  assert.equal(readsFor(range(100, 512).reverse()), 1, "the same backwards");
  assert.equal(readsFor(range(0, 300, 3)), 1, "every third");
  assert.equal(readsFor([7, 7, 3, 7]), 1, "one row several times");
  assert.equal(readsFor([4999, 0, 2500]), 3, "rows 100 kB apart");
  assert.equal(readsFor([]), 0);
  const all = range(0, COUNT).map((i) => (i * 617) % COUNT);
  assert.equal(readsFor(all), 1, "200 kB in any order");
});

test("no read is much larger than a megabyte", () => {
  const { readsFor } = fileOf(3000);
  const before = counted.read.mock.callCount();
  const reads = readsFor(range(0, COUNT));
  assert.ok(reads >= 15 && reads <= 16, `${reads} reads of 15 MB`);
  for (const call of counted.read.mock.calls.slice(before)) {
    const length = (call.arguments as unknown[])[3] as number;
    assert.ok(length <= 1 << 20, `${length} bytes in one read`);
  }
});

test("a file that ends early is named with the first row that is missing", () => {
  const { file, readsFor } = fileOf(8);
  fs.truncateSync(file.path, START + 100 * 8 + 3);
  assert.equal(readsFor(range(90, 10)), 1);
  const out = new Uint8Array(80);
  assert.throws(
    () => readRows(file, Uint32Array.from(range(95, 10)), out),
    faultLike({ code: "file-damaged", where: "8.bin", found: ["sample 100"], cure: ["Write it again"] }),
  );
});

test("ranges cover every row once", () => {
  const parts = [...rowRanges(1000, 4096, 100_000)];
  assert.deepEqual(
    parts.flatMap((p) => [...p]),
    range(0, 1000),
  );
  assert.ok(parts.every((p) => p.length <= 24));
  assert.equal([...rowRanges(3, 5000, 10)].length, 3, "at least a row at a time");
});

test("a block that is asked for again is read once from end to end", () => {
  const { file } = fileOf(1000);
  const blocks = new BlockReader(file, COUNT);
  const rows = rowsOfBlock(1000);
  assert.equal(rows, 1048);
  const bytesFor = (...asked: number[]): number => {
    const before = counted.read.mock.callCount();
    blocks.ask(Uint32Array.from(asked));
    const calls = counted.read.mock.calls.slice(before);
    return calls.reduce((sum, call) => sum + ((call.arguments as unknown[])[3] as number), 0);
  };
  assert.equal(bytesFor(5, 900), 0, "a first look reads nothing ahead");
  assert.equal(bytesFor(7), rows * 1000, "a second look reads the block");
  assert.equal(bytesFor(9, 10), 0, "which is then known");
  const dense = range(rows, 200);
  assert.equal(bytesFor(...dense) + bytesFor(...dense), 0, "what is read together anyway needs no help");
  assert.equal(
    bytesFor(4 * rows, 4 * rows + 1) + bytesFor(COUNT - 1),
    (COUNT - 4 * rows) * 1000,
    "the last is shorter",
  );
  const large = new BlockReader({ ...file, rowBytes: 64 << 10 }, 10);
  const before = counted.read.mock.callCount();
  for (let i = 0; i < 3; i++) large.ask(Uint32Array.of(1));
  assert.equal(counted.read.mock.callCount(), before, "large rows are read by themselves");
});
