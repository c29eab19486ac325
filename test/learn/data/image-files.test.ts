/** Files that are no readable images: followed, skipped and counted, or refused; and the limit, drawn before decoding. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import sharp from "sharp";
import { formatOf } from "../../../src/learn/data/sources/image-format.js";
import { loadData } from "../../../src/index.js";
import { faultLike } from "../../support/faults.js";
import { codesOf, imagesAt, picture, pictures } from "../../support/pictures.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-image-files-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let roots = 0;
const write = (folders: Readonly<Record<string, number>>): Promise<string> =>
  pictures(join(folder, `${roots++}`), folders);
const finding = ({ findings = [] }: Awaited<ReturnType<typeof loadData>>, code: string) =>
  findings.find((f) => f.code === code);
const countsOf = ({ data }: Awaited<ReturnType<typeof loadData>>): Record<string, number> =>
  Object.fromEntries(data.classes.map((c, k) => [c, [...(data.labels ?? [])].filter((l) => l === k).length]));

const SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"><rect width="4" height="4"/></svg>';

test("links to class folders and to files are followed", async () => {
  const root = await write({ cat: 6, dog: 5 });
  const elsewhere = await write({ foxes: 7, single: 1 });
  symlinkSync(join(elsewhere, "foxes"), join(root, "fox"));
  symlinkSync(join(elsewhere, "single", "000.png"), join(root, "cat", "linked.png"));
  const loaded = await loadData(imagesAt(root, { split: { validation: 0, test: 0 } }));
  assert.deepEqual(countsOf(loaded), { cat: 7, dog: 5, fox: 7 });
  assert.deepEqual(loaded.findings, []);
});

test("circles of links end; broken links, pipes and folders read twice are counted and named", async () => {
  const root = await write({ cat: 6, dog: 5 });
  symlinkSync("..", join(root, "cat", "up"));
  symlinkSync(".", join(root, "cat", "self"));
  symlinkSync(tmpdir(), join(root, "dog", "far-up"));
  symlinkSync("gone.png", join(root, "dog", "broken.png"));
  symlinkSync("loop.png", join(root, "dog", "loop.png"));
  execFileSync("mkfifo", [join(root, "dog", "pipe.png")]);
  const loaded = await loadData(imagesAt(root));
  assert.deepEqual(countsOf(loaded), { cat: 6, dog: 5 });
  const skipped = finding(loaded, "files-skipped");
  assert.deepEqual([skipped?.count, skipped?.level], [6, "warning"]);
  for (const word of ["2 broken links (broken.png", "1 pipe", "3 links to a folder"])
    assert.ok(skipped?.text.includes(word), `"${word}" in "${skipped?.text}"`);
});

test("other files are counted by extension; .jfif is read, whatever its case; hidden files are counted by themselves", async () => {
  const root = await write({ cat: 6, dog: 6 });
  for (let i = 0; i < 3; i++) writeFileSync(join(root, "cat", `${i}.HEIC`), "x");
  writeFileSync(join(root, "dog", "notes.txt"), "x");
  writeFileSync(join(root, "dog", "drawing.svg"), SVG);
  writeFileSync(join(root, "labels.csv"), "x");
  writeFileSync(join(root, "dog", "without"), "x");
  for (const name of [".DS_Store", "._000.png", "Thumbs.db"]) writeFileSync(join(root, "dog", name), "x");
  mkdirSync(join(root, "__MACOSX", "cat"), { recursive: true });
  const jpeg = await sharp(join(root, "cat", "000.png"))
    .jpeg()
    .toBuffer();
  for (const name of ["a.jfif", "b.JFIF", "c.jpe", "d.JPG"]) writeFileSync(join(root, "dog", name), jpeg);
  const loaded = await loadData(imagesAt(root));
  assert.deepEqual(countsOf(loaded), { cat: 6, dog: 10 });
  const skipped = finding(loaded, "files-skipped");
  assert.deepEqual([skipped?.count, skipped?.level], [7, "warning"]);
  for (const word of ["3 .heic", "1 .txt", "1 .svg", "1 .csv", "1 without extension"])
    assert.ok(skipped?.text.includes(word), `"${word}" in "${skipped?.text}"`);
  const hidden = finding(loaded, "files-hidden");
  assert.deepEqual([hidden?.count, hidden?.level, hidden?.quiet], [4, "note", true]);
});

test("text beside images is only a note; nothing is said of a clean folder", async () => {
  const root = await write({ cat: 6, dog: 6 });
  assert.deepEqual((await loadData(imagesAt(root))).findings, []);
  writeFileSync(join(root, "README.md"), "x");
  assert.equal(finding(await loadData(imagesAt(root)), "files-skipped")?.level, "note");
});

test("refused: a class of unreadable formats, with what it holds", async () => {
  const root = await write({ cat: 6 });
  mkdirSync(join(root, "dog"));
  for (let i = 0; i < 4; i++) writeFileSync(join(root, "dog", `${i}.heic`), "x");
  await assert.rejects(
    loadData(imagesAt(root)),
    faultLike({ code: "data-empty", where: "dog", found: ["no image", "4 .heic"] }),
  );
});

/** Files that no decoder takes, under names of images. */
async function damage(root: string): Promise<string[]> {
  const whole = await sharp({ create: { width: 64, height: 64, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
  const files: Record<string, Buffer | string> = {
    "cat/empty.png": "",
    "cat/page.jpg": "<!DOCTYPE html><title>404</title>",
    "dog/cut.jpg": whole.subarray(0, 200),
    "dog/drawing.png": SVG,
    "dog/hidden-drawing.png": `${"<!-- x -->".repeat(100)}${SVG}`,
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, name), bytes);
  return Object.keys(files).sort();
}

test("refused: images that cannot be decoded, all of them counted, the first ones named", async () => {
  const root = await write({ cat: 6, dog: 6 });
  const bad = await damage(root);
  await assert.rejects(
    loadData(imagesAt(root)),
    faultLike({
      code: "image-unreadable",
      where: root,
      found: ["5 of 17 images", bad[0] as string, bad[1] as string, "HTML", "2 more"],
      cure: ["data.skip_unreadable"],
    }),
  );
});

test("data.skip_unreadable leaves them out, counts and names them; samples and labels stay together", async () => {
  const root = await write({ cat: 6, dog: 6 });
  const clean = await loadData(imagesAt(root));
  const bad = await damage(root);
  const loaded = await loadData(imagesAt(root, { skip_unreadable: true }));
  assert.deepEqual(countsOf(loaded), { cat: 6, dog: 6 });
  assert.equal(loaded.data.hash, clean.data.hash, "what is left is what was there before");
  const skipped = finding(loaded, "files-unreadable");
  assert.deepEqual([skipped?.count, skipped?.level], [5, "warning"]);
  assert.deepEqual(skipped?.examples, bad);
  assert.equal(finding(loaded, "files-skipped"), undefined);
});

test("refused: a class that is unreadable as a whole, even where unreadable images are skipped", async () => {
  const root = await write({ cat: 6 });
  mkdirSync(join(root, "dog"));
  writeFileSync(join(root, "dog", "0.png"), "no picture");
  await assert.rejects(
    loadData(imagesAt(root, { skip_unreadable: true })),
    faultLike({ code: "data-empty", found: ['"dog"'] }),
  );
});

test("an image under another image's name is read; of several frames the first is, and that is said", async () => {
  const root = await write({ cat: 6, dog: 6 });
  copyFileSync(join(root, "cat", "000.png"), join(root, "cat", "really-png.jpg"));
  const still = (r: number) => ({
    create: { width: 2, height: 2, channels: 3 as const, background: { r, g: 0, b: 0 } },
  });
  const two = await Promise.all([0, 200].map((r) => sharp(still(r)).png().toBuffer()));
  const frames = await sharp(two, { join: { animated: true } })
    .gif()
    .toBuffer();
  writeFileSync(join(root, "dog", "moving.gif"), frames);
  const loaded = await loadData(imagesAt(root));
  assert.deepEqual(countsOf(loaded), { cat: 7, dog: 7 });
  assert.deepEqual(codesOf(loaded), ["frames-skipped"]);
  assert.deepEqual(finding(loaded, "frames-skipped")?.examples, ["dog/moving.gif"]);
});

test("the limit is a draw with every class in it, in the order of the files, the same each time", async () => {
  const root = await write({ aardvark: 40, bear: 30, cat: 10 });
  const load = (more: object) => loadData(imagesAt(root, { split: { validation: 0, test: 0, ...more }, limit: 16 }));
  const loaded = await load({});
  assert.deepEqual(countsOf(loaded), { aardvark: 8, bear: 6, cat: 2 });
  const names = loaded.data.names ?? [];
  assert.deepEqual([...names], [...names].sort(), "the order of the files");
  assert.ok(!names.includes("aardvark/007.png") || !names.includes("aardvark/000.png"), "not simply the first ones");
  assert.deepEqual((await load({})).data.names, names);
  assert.notDeepEqual((await load({ seed: 1 })).data.names, names);
  const drawn = finding(loaded, "limit-drawn");
  assert.deepEqual([drawn?.count, drawn?.level], [64, "note"]);
  await assert.rejects(
    loadData(imagesAt(root, { limit: 2 })),
    faultLike({ code: "budget-invalid", where: "data.limit", found: ["2 samples", "3 classes"] }),
  );
});

test("the limit is drawn before anything is decoded", async () => {
  const root = await write({ cat: 40, dog: 40 });
  const limited = imagesAt(root, { limit: 10, split: { validation: 0, test: 0 } });
  const kept = new Set((await loadData(limited)).data.names);
  const other = readdirSync(join(root, "cat"))
    .map((name) => `cat/${name}`)
    .find((name) => !kept.has(name)) as string;
  writeFileSync(join(root, other), "no picture");
  assert.deepEqual(new Set((await loadData(limited)).data.names), kept);
});

test("refused: a file, nothing and a broken link in the folder's place", async () => {
  const root = await write({ cat: 1 });
  await assert.rejects(
    loadData(imagesAt(join(root, "cat", "000.png"))),
    faultLike({ code: "file-is-folder", where: "000.png" }),
  );
  symlinkSync("gone", join(root, "link"));
  await assert.rejects(loadData(imagesAt(join(root, "link"))), faultLike({ code: "file-missing", found: ["gone"] }));
});

test("what files are by their first bytes", async () => {
  const make = sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } });
  const heads: [Buffer | Uint8Array, string, boolean][] = [
    [await make.clone().png().toBuffer(), "PNG", true],
    [await make.clone().jpeg().toBuffer(), "JPEG", true],
    [await make.clone().webp().toBuffer(), "WebP", true],
    [await make.clone().gif().toBuffer(), "GIF", true],
    [await make.clone().tiff().toBuffer(), "TIFF", true],
    [await make.clone().avif().toBuffer(), "AVIF", true],
    [Buffer.from(`<?xml version="1.0"?>${SVG}`), "SVG, a drawing without pixels", false],
    [Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1"), "HEIC", false],
    [Buffer.from("BM\x36\0\0\0", "latin1"), "BMP", false],
    [Buffer.from("version https://git-lfs.github.com/spec/v1\noid"), "a Git LFS pointer, not the file itself", false],
  ];
  for (const [head, name, readable] of heads)
    assert.deepEqual(formatOf(head.subarray(0, 512)), { name, readable }, name);
  assert.equal(formatOf(Buffer.from("no picture")), null);
});

test("all usual formats are decoded to the same pixels, whatever their names", async () => {
  const root = await write({ cat: 1, dog: 1 });
  const make = sharp({ create: { width: 8, height: 8, channels: 3, background: { r: 200, g: 40, b: 90 } } });
  rmSync(join(root, "cat"), { recursive: true });
  mkdirSync(join(root, "cat"));
  for (const [name, how] of [
    ["a.png", make.clone().png()],
    ["b.webp", make.clone().webp({ lossless: true })],
    ["c.tif", make.clone().tiff()],
    ["d.avif", make.clone().avif({ lossless: true })],
    ["e.gif", make.clone().gif()],
  ] as const)
    writeFileSync(join(root, "cat", name), await how.toBuffer());
  renameSync(join(root, "cat", "a.png"), join(root, "cat", "a.apng"));
  const { data } = await loadData(imagesAt(root, { split: { validation: 0, test: 0 } }));
  assert.equal(data.size, 6);
  for (let i = 0; i < 5; i++)
    for (const [c, value] of [200, 40, 90].entries())
      assert.ok(Math.abs((data.samples[i * 12 + c * 4] as number) - value) <= 2, `${data.names?.[i]}, channel ${c}`);
  await picture(join(root, "dog", "last.png"));
});
