import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { gzipSync } from "node:zlib";
import { loadData } from "../../../src/index.js";
import { type ExpectedFault, faultLike } from "../../support/faults.js";

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

const refused: readonly [string, Record<string, Buffer>, ExpectedFault][] = [
  ["wrong magic", { "train-images-idx3-ubyte": Buffer.from("not idx at all") }, { code: "file-type" }],
  [
    "another type",
    { "train-images-idx3-ubyte": idx([1, 2, 3], [0, 0, 0, 0, 0, 0], 0x0d) },
    { code: "file-type", found: ["0xd"] },
  ],
  ["cut off", { "train-images-idx3-ubyte": images(20).subarray(0, 60) }, { code: "file-damaged", found: [120, 44] }],
  ["damaged gzip", { "train-images-idx3-ubyte.gz": gzipSync(images(20)).subarray(0, 40) }, { code: "file-damaged" }],
  [
    "counts",
    { "train-images-idx3-ubyte": images(20), "train-labels-idx1-ubyte": labels(19) },
    { code: "array-mismatch", where: "train-labels-idx1-ubyte", found: ["19 labels", "20 samples"] },
  ],
  ["empty folder", {}, { code: "file-missing", where: "empty-folder" }],
  ["an empty file", { "train-images-idx3-ubyte": Buffer.alloc(0) }, { code: "data-empty", found: ["0 bytes"] }],
  ["no image", { "train-images-idx3-ubyte": images(0) }, { code: "data-empty", where: "idx3-ubyte" }],
  [
    "labels in the images' place",
    { "train-images-idx3-ubyte": labels(20), "train-labels-idx1-ubyte": images(20) },
    { code: "array-mismatch", where: "train-images-idx3-ubyte", found: ["20 numbers"] },
  ],
  [
    "images in the labels' place",
    { "train-images-idx3-ubyte": images(20), "train-labels-idx1-ubyte": images(20) },
    { code: "array-mismatch", where: "train-labels-idx1-ubyte", found: ["20,2,3"] },
  ],
  [
    "one class alone",
    { "train-images-idx3-ubyte": images(20), "train-labels-idx1-ubyte": idx([20], Array(20).fill(7)) },
    { code: "class-too-few", where: "train-labels-idx1-ubyte", found: ["1 class", '"7"'] },
  ],
  [
    "one record alone",
    { "train-images-idx3-ubyte": images(1), "train-labels-idx1-ubyte": labels(1) },
    { code: "class-too-few", where: "train-labels-idx1-ubyte" },
  ],
  [
    "another size in the test part",
    {
      "train-images-idx3-ubyte": images(20),
      "t10k-images-idx3-ubyte": idx([1, 3, 2], [1, 2, 3, 4, 5, 6]),
    },
    { code: "array-mismatch", where: "t10k-images-idx3-ubyte", found: ["1x3x2", "1x2x3"] },
  ],
  [
    "a class that only the test part holds",
    {
      "train-images-idx3-ubyte": images(20),
      "train-labels-idx1-ubyte": labels(20),
      "t10k-images-idx3-ubyte": images(3),
      "t10k-labels-idx1-ubyte": idx([3], [0, 1, 9]),
    },
    { code: "class-unseen", where: "t10k-labels-idx1-ubyte", found: ['"9"', "1 sample"], cure: ["data.classes"] },
  ],
];
for (const [what, files, fault] of refused) {
  test(`refused: ${what}`, async () => {
    const path = write(what.replaceAll(" ", "-"), files);
    await assert.rejects(loadData({ source: "idx", path }), faultLike(fault));
  });
}

test("refused: a broken link, a folder and a file in each other's place", async () => {
  const path = write("places", { "train-images-idx3-ubyte": images(20) });
  symlinkSync("gone", join(path, "train-labels-idx1-ubyte"));
  await assert.rejects(
    loadData({ source: "idx", path }),
    faultLike({ code: "file-missing", where: "train-labels-idx1-ubyte", found: ["link to gone"] }),
  );
  await assert.rejects(
    loadData({ source: "idx", path: join(path, "train-images-idx3-ubyte") }),
    faultLike({ code: "file-is-folder", where: "train-images-idx3-ubyte", found: ["a file"] }),
  );
  await assert.rejects(
    loadData({ source: "idx", images: path }),
    faultLike({ code: "file-is-folder", where: "places", found: ["a folder"] }),
  );
  await assert.rejects(loadData({ source: "idx" }), faultLike({ code: "option-missing", where: "data" }));
  await assert.rejects(
    loadData({ source: "idx", images: join(path, "train-images-idx3-ubyte"), test_label_file: join(path, "x") }),
    faultLike({ code: "option-missing", where: "data.test_images" }),
  );
});

test("255 is a class; a label file that is not there is said; of two files with one name one is used, and said", async () => {
  const path = write("said", {
    "train-images-idx3-ubyte": images(20),
    "train-labels-idx1-ubyte": idx(
      [20],
      Array.from({ length: 20 }, (_, i) => (i % 2 ? 255 : 0)),
    ),
  });
  const known = await loadData({ source: "idx", path });
  assert.deepEqual([...known.data.classes], ["0", "255"]);
  assert.deepEqual(known.findings, []);
  const bare = await loadData({ source: "idx", path: write("bare", { "train-images-idx3-ubyte": images(20) }) });
  assert.equal(bare.data.labels, null);
  assert.deepEqual(
    bare.findings?.map((f) => [f.code, f.level]),
    [["labels-absent", "warning"]],
  );
  writeFileSync(join(path, "train-images-idx3-ubyte.gz"), gzipSync(images(20)));
  const twice = await loadData({ source: "idx", path });
  assert.deepEqual(
    twice.findings?.map((f) => f.code),
    ["file-twice"],
  );
});

test("data.classes names the integers by index; the hash is that of the names", async () => {
  const path = write("named", { "train-images-idx3-ubyte": images(20), "train-labels-idx1-ubyte": labels(20) });
  const { data, findings } = await loadData({ source: "idx", path, classes: ["shirt", "shoe"] });
  assert.deepEqual([...data.classes], ["shirt", "shoe"]);
  assert.deepEqual([...(data.labels ?? [])].slice(0, 4), [0, 1, 0, 1]);
  assert.deepEqual(
    findings?.map((f) => [f.code, f.where]),
    [["labels-as-indices", "data.classes"]],
  );
});
