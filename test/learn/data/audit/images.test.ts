/** Rules on images: proportions, single colours, the range of the pixels. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { summariseSizes } from "../../../../src/learn/data/sources/image-sizes.js";
import { findingsOf, RAW, sequence } from "./support.js";

const next = sequence(9);
const pixels = (count: number, scale: number): number[] =>
  Array.from({ length: count }, () => Math.floor(next() * 256) * scale);
const pictures = (count: number, scale = 1): number[][] => Array.from({ length: count }, () => pixels(3 * 16, scale));
const unit = { scale: 1 / 255, mean: [0], std: [1] };
const images = { sampleShape: [3, 4, 4], type: "uint8", more: { normalisation: unit } } as const;

test("ordinary images are not complained about", () => {
  assert.deepEqual([...findingsOf({ samples: pictures(30), ...images }).keys()], []);
});

test("images stretched by more than 1.5 to 1 are counted, the worst is named with its size", () => {
  const size = (name: string, width: number, height: number) => ({ name, path: `/pictures/${name}`, width, height });
  const imageSizes = summariseSizes(
    [size("square.png", 100, 100), size("photo.png", 150, 100), size("wide.png", 310, 100), size("tall.png", 100, 160)],
    [64, 64],
  );
  const finding = findingsOf({ samples: pictures(4), ...images, more: { normalisation: unit, imageSizes } }).get(
    "images-stretched",
  );
  assert.deepEqual([finding?.level, finding?.count], ["warning", 2]);
  assert.match(
    finding?.text ?? "",
    /2 of 4 images are stretched to 64x64 .*wide\.png: 310 pixels wide and 100 high, changed by 3\.1 to 1/,
  );
  const fitting = summariseSizes([size("photo.png", 150, 100), size("small.png", 30, 20)], [64, 96]);
  assert.equal(
    findingsOf({ samples: pictures(4), ...images, more: { normalisation: unit, imageSizes: fitting } }).has(
      "images-stretched",
    ),
    false,
    "150x100 into 96x64 keeps its proportions",
  );
});

test("images of a single colour are named: black, or red", () => {
  const samples = pictures(30);
  samples[3] = Array<number>(48).fill(0);
  samples[8] = [...Array<number>(16).fill(200), ...Array<number>(32).fill(10)];
  const names = samples.map((_, i) => `${i}.png`);
  const finding = findingsOf({ samples, names, ...images }).get("samples-constant");
  assert.deepEqual([finding?.count, finding?.examples, finding?.samples], [2, ["3.png", "8.png"], [[3], [8]]]);
});

test("pixels that reach the network too large or too small", () => {
  const large = findingsOf({ samples: pictures(30), sampleShape: [3, 4, 4], more: { normalisation: RAW } }).get(
    "value-range",
  );
  assert.equal(large?.where, "data.normalise");
  assert.match(large?.text ?? "", /not normalised/);
  const bits = pictures(30).map((p) => p.map((v) => v & 1));
  const small = findingsOf({ samples: bits, ...images }).get("value-range");
  assert.match(small?.text ?? "", /from 0 to 1,.* 0 to 0\.0039/);
  const halves = pictures(30, 1 / 255);
  assert.equal(
    findingsOf({ samples: halves, sampleShape: [3, 4, 4], more: { normalisation: RAW } }).has("value-range"),
    false,
  );
});
