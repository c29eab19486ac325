import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { decodeImage } from "../../../src/learn/data/sources/images.js";
import { loadData } from "../../../src/index.js";
import { faultLike } from "../../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-images-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A PNG of one colour, or of given RGB pixels. */
async function picture(path: string, width: number, height: number, rgb: readonly number[]): Promise<string> {
  const pixels = rgb.length === 3 ? Array.from({ length: width * height }, () => rgb).flat() : rgb;
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  await sharp(Uint8Array.from(pixels), { raw: { width, height, channels: 3 } }).toFile(file);
  return file;
}

test("pixels come out as [channels, height, width]", async () => {
  const rgb = [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120];
  const file = await picture("plain.png", 2, 2, rgb);
  assert.deepEqual(
    [...(await decodeImage(file, { size: [2, 2], channels: 3 }))],
    [10, 40, 70, 100, 20, 50, 80, 110, 30, 60, 90, 120],
  );
  const grey = await picture("grey.png", 2, 2, [7, 7, 7]);
  assert.deepEqual([...(await decodeImage(grey, { size: [2, 2], channels: 1 }))], [7, 7, 7, 7]);
});

test("one grey channel in the file is three in the sample; EXIF turns; transparency is black", async () => {
  const one = join(folder, "one.png");
  await sharp(Uint8Array.of(5, 9), { raw: { width: 2, height: 1, channels: 1 } }).toFile(one);
  assert.deepEqual([...(await decodeImage(one, { size: [1, 2], channels: 3 }))], [5, 9, 5, 9, 5, 9]);
  const turned = join(folder, "turned.png");
  await sharp(Uint8Array.of(1, 1, 1, 200, 200, 200), { raw: { width: 2, height: 1, channels: 3 } })
    .withMetadata({ orientation: 6 })
    .toFile(turned);
  assert.deepEqual(
    [...(await decodeImage(turned, { size: [2, 1], channels: 1 }))],
    [1, 200],
    "upright: 1 wide, 2 high",
  );
  const clear = join(folder, "clear.png");
  await sharp(Uint8Array.of(255, 255, 255, 0), { raw: { width: 1, height: 1, channels: 4 } }).toFile(clear);
  assert.deepEqual([...(await decodeImage(clear, { size: [1, 1], channels: 3 }))], [0, 0, 0]);
});

test("a folder per class: sorted classes, hidden files skipped, sub-folders read", async () => {
  for (let i = 0; i < 6; i++) {
    await picture(`flat/dog/${i}.png`, 4, 4, [200, 0, i]);
    await picture(`flat/cat/deep/${i}.png`, 4, 4, [0, 200, i]);
  }
  writeFileSync(join(folder, "flat/dog/.DS_Store"), "x");
  writeFileSync(join(folder, "flat/dog/notes.txt"), "x");
  const { data } = await loadData({
    source: "images",
    path: join(folder, "flat"),
    size: [2, 2],
    split: { validation: 2, test: 2 },
  });
  assert.deepEqual([...data.classes], ["cat", "dog"]);
  assert.deepEqual([...(data.labels ?? [])], [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual([...data.sampleShape], [3, 2, 2]);
  assert.deepEqual([...data.samples.subarray(12 * 7, 12 * 8)], [200, 200, 200, 200, 0, 0, 0, 0, 1, 1, 1, 1]);
});

test("train/ and test/; a flat folder has no labels", async () => {
  for (const c of ["a", "b"])
    for (let i = 0; i < 4; i++) {
      await picture(`parts/train/${c}/${i}.png`, 2, 2, [i, i, i]);
      if (i < 2) await picture(`parts/test/${c}/${i}.png`, 2, 2, [i, i, i]);
    }
  const parts = await loadData({
    source: "images",
    path: join(folder, "parts"),
    size: [2, 2],
    channels: 1,
    split: { validation: 2 },
  });
  assert.deepEqual([...parts.splits.test], [8, 9, 10, 11]);
  for (let i = 0; i < 5; i++) await picture(`loose/${i}.jpg`, 3, 3, [9, 9, 9]);
  const loose = await loadData({ source: "images", path: join(folder, "loose"), size: [3, 3] });
  assert.equal(loose.data.labels, null);
});

test("refused: damaged image, empty class, images beside classes, no folder", async () => {
  const load = (path: string) => loadData({ source: "images", path: join(folder, path), size: [2, 2] });
  await picture("bad/a/0.png", 2, 2, [1, 1, 1]);
  mkdirSync(join(folder, "bad/b"));
  await assert.rejects(load("bad"), faultLike({ code: "data-empty", where: "bad/b", found: ["no image"] }));
  writeFileSync(join(folder, "bad/b/broken.png"), "no picture");
  await assert.rejects(
    load("bad"),
    faultLike({ code: "image-unreadable", where: "broken.png", found: ["decoded"], cure: ["data.skip_unreadable"] }),
  );
  await picture("bad/loose.png", 2, 2, [1, 1, 1]);
  await assert.rejects(
    load("bad"),
    faultLike({ code: "data-mistake", where: "bad", found: ["1 image", "loose.png", "2 class folders"] }),
  );
  await assert.rejects(load("nowhere"), faultLike({ code: "file-missing", where: "nowhere" }));
});

test("samples are called by their files; sizes are those before stretching, turned as the EXIF data says", async () => {
  for (let i = 0; i < 6; i++) {
    await picture(`sized/train/a/${i}.png`, 12, 9, [i, 0, 0]);
    await picture(`sized/train/b/${i}.png`, 10, 10, [0, i, 0]);
    await picture(`sized/test/a/${i}.png`, 8, 10, [0, 0, i]);
    await picture(`sized/test/b/${i}.png`, 10, 8, [i, i, i]);
  }
  const wide = join(folder, "sized/test/b/0.png");
  await sharp({ create: { width: 20, height: 60, channels: 3, background: "red" } })
    .withMetadata({ orientation: 6 })
    .toFile(wide);
  const path = join(folder, "sized");
  const { data, imageSizes } = await loadData({ source: "images", path, size: [10, 5], classes: ["a", "b"] });
  assert.equal(data.names?.length, data.size);
  assert.equal(data.names?.[0], "train/a/0.png");
  assert.equal(data.names?.[data.size - 1], "test/b/5.png");
  assert.ok(imageSizes);
  assert.equal(imageSizes.images, 24);
  assert.deepEqual(imageSizes.width, [8, 60]);
  assert.deepEqual(imageSizes.height, [8, 20]);
  // Into 10 high and 5 wide: 12x9 changes by 2.67, 10x10 by 2, 8x10 by 1.6, 10x8 by 2.5 and 60x20 by 6.
  assert.equal(imageSizes.stretched, 24);
  assert.deepEqual(
    imageSizes.worst.slice(0, 1).map(({ name, width, height }) => ({ name, width, height })),
    [{ name: "test/b/0.png", width: 60, height: 20 }],
  );
  const limited = await loadData({
    source: "images",
    path,
    size: [10, 5],
    limit: 9,
    split: { validation: 0, stratify: false },
  });
  assert.equal(limited.data.names?.length, limited.data.size);
});
