import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { loadData } from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-idx-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** An IDX file as its format says: 0 0 type rank, sizes big-endian, bytes. */
function idx(shape: readonly number[], bytes: readonly number[], type = 8): Buffer {
  const sizes = shape.flatMap((d) => [d >>> 24, (d >>> 16) & 255, (d >>> 8) & 255, d & 255]);
  return Buffer.from([0, 0, type, shape.length, ...sizes, ...bytes]);
}
const images = (n: number) =>
  idx(
    [n, 2, 3],
    Array.from({ length: n * 6 }, (_, i) => i % 256),
  );
const labels = (n: number) =>
  idx(
    [n],
    Array.from({ length: n }, (_, i) => i % 2),
  );

function write(name: string, files: Record<string, Buffer>): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const [file, bytes] of Object.entries(files)) writeFileSync(join(path, file), bytes);
  return path;
}

test("plain and gzipped files, the source's own test part", async () => {
  const path = write("good", {
    "train-images-idx3-ubyte.gz": gzipSync(images(20)),
    "train-labels-idx1-ubyte": labels(20),
    "t10k-images-idx3-ubyte": images(6),
    "t10k-labels-idx1-ubyte.gz": gzipSync(labels(6)),
  });
  const { data, splits, normalisation } = await loadData({ source: "idx", path, split: { validation: 4 } });
  assert.deepEqual([...data.sampleShape], [1, 2, 3]);
  assert.equal(data.size, 26);
  assert.deepEqual([...data.samples.subarray(6, 12)], [6, 7, 8, 9, 10, 11]);
  assert.deepEqual([...splits.test], [20, 21, 22, 23, 24, 25]);
  assert.equal(normalisation.scale, 1 / 255);
});

const refused: readonly [string, Record<string, Buffer>, RegExp][] = [
  ["wrong magic", { "train-images-idx3-ubyte": Buffer.from("not idx at all") }, /not an IDX file/],
  ["another type", { "train-images-idx3-ubyte": idx([1, 2, 3], [0, 0, 0, 0, 0, 0], 0x0d) }, /0xd/],
  ["cut off", { "train-images-idx3-ubyte": images(20).subarray(0, 60) }, /the header promises/],
  ["damaged gzip", { "train-images-idx3-ubyte.gz": gzipSync(images(20)).subarray(0, 40) }, /damaged or cut off/],
  ["counts", { "train-images-idx3-ubyte": images(20), "train-labels-idx1-ubyte": labels(19) }, /19 labels.*20 samples/],
  ["empty folder", {}, /holds no train-images/],
];
for (const [what, files, message] of refused) {
  test(`refused: ${what}`, async () => {
    const path = write(what.replaceAll(" ", "-"), files);
    await assert.rejects(loadData({ source: "idx", path }), message);
  });
}
