/** Operations on values against torchvision's and Pillow's numbers, and images worked out by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as colour from "../../../../src/learn/data/augment/colour.js";
import { Draws } from "../../../../src/learn/data/augment/draws.js";
import { sharpness } from "../../../../src/learn/data/augment/filters.js";
import {
  drawRandAugment,
  OPERATIONS,
  PIXEL_OPS,
  type PixelOp,
} from "../../../../src/learn/data/augment/randaugment.js";
import { renderView } from "../../../../src/learn/data/augment/render.js";
import type { View } from "../../../../src/learn/data/augment/view.js";
import { close, fixture, viewWith } from "./support.js";

const { shape, image, cases } = fixture.colour;
const plane = shape[1] * shape[2];

const DIRECT: Record<string, (image: Float32Array, amount: number) => void> = {
  brightness: colour.brightness,
  contrast: (v, factor) => colour.contrast(v, plane, factor),
  saturation: (v, factor) => colour.saturation(v, plane, factor),
  hue: (v, turn) => colour.hue(v, plane, turn),
  autocontrast: (v) => colour.autocontrast(v, plane),
  sharpness: (v, factor) => sharpness(v, shape[1], shape[2], factor, new Float32Array(v.length)),
};

test("as torchvision: brightness, contrast, saturation, hue, sharpness, autocontrast", () => {
  for (const { op, amount, out } of cases) {
    const pixels = Float32Array.from(image, (v) => (op === "autocontrast" ? 0.6 * v + 0.1 : v));
    (DIRECT[op] as (typeof DIRECT)[string])(pixels, amount);
    close(pixels, out, 1e-6, `${op} ${amount}`);
  }
});

test("a view's colours are the same in the data's own range", () => {
  for (const { op, amount, out } of cases) {
    if (!["brightness", "contrast", "saturation", "hue"].includes(op)) continue;
    const rendered = new Float32Array(image.length);
    const raw = Float32Array.from(image, (v) => 5 * v - 2);
    renderView(viewWith({ [op]: amount } as Partial<View>), raw, 0, shape, rendered, 0, [-2, 3]);
    close(
      rendered.map((v) => (v + 2) / 5),
      out,
      1e-6,
      `${op} ${amount}`,
    );
  }
});

function rendered(ops: PixelOp[], bytes: ArrayLike<number>, size: readonly number[]): Uint8Array {
  const out = new Uint8Array(bytes.length);
  renderView(viewWith({ ops }), Uint8Array.from(bytes), 0, size, out, 0);
  return out;
}

test("as Pillow, bit for bit: posterize, solarize, equalize", () => {
  const { levels } = fixture;
  for (const { op, amount, magnitude, out } of levels.cases) {
    const drawn =
      magnitude === undefined ? null : (OPERATIONS.solarize as (typeof OPERATIONS)[string])(magnitude / 10, 1, 6, 7);
    const pixel: PixelOp = drawn && "pixel" in drawn ? drawn.pixel : [PIXEL_OPS.posterize, amount as number];
    assert.deepEqual([...rendered([pixel], levels.image, levels.shape)], out, `${op} ${amount ?? magnitude}`);
  }
  const even = levels.equalize.flatMap(([from]) => new Array<number>(255).fill(from));
  const expected = levels.equalize.flatMap(([, to]) => new Array<number>(255).fill(to));
  assert.deepEqual([...rendered([[PIXEL_OPS.equalize, 0]], even, [1, 30, 51])], expected);
});

test("equalize by hand: a level becomes the share below it; channels on their own; one level stays", () => {
  // Below 10: none; below 20: 2 of the 3 under the highest; below 90: all.
  const two = [10, 10, 20, 90, 7, 7, 7, 7];
  assert.deepEqual([...rendered([[PIXEL_OPS.equalize, 0]], two, [2, 2, 2])], [0, 0, 170, 255, 7, 7, 7, 7]);
});

test("the other operations by hand", () => {
  const one = (op: number, amount: number, bytes: number[], size: number[]): number[] => [
    ...rendered([[op, amount]], bytes, size),
  ];
  assert.deepEqual(one(PIXEL_OPS.autocontrast, 0, [50, 110, 150, 50], [1, 2, 2]), [0, 153, 255, 0]);
  assert.deepEqual(one(PIXEL_OPS.autocontrast, 0, [9, 9, 9, 9], [1, 2, 2]), [9, 9, 9, 9]);
  assert.deepEqual(one(PIXEL_OPS.brightness, 1.5, [100, 200, 0, 8], [1, 2, 2]), [150, 255, 0, 12]);
  // The mean is 100.
  assert.deepEqual(one(PIXEL_OPS.contrast, 0.5, [40, 160, 100, 100], [1, 2, 2]), [70, 130, 100, 100]);
  // Grey of pure red: 0.299 * 255 = 76.245; half way to it.
  assert.deepEqual(one(PIXEL_OPS.color, 0.5, [255, 0, 0], [3, 1, 1]), [166, 38, 38]);
  assert.deepEqual(one(PIXEL_OPS.color, 0, [255, 0, 0], [3, 1, 1]), [76, 76, 76]);
  // Centre 130 among zeros: the smoothed one is 5 * 130 / 13 = 50; 0.1 leaves 50 + 8, 1.9 gives 50 + 152.
  const spot = [0, 0, 0, 0, 130, 0, 0, 0, 0];
  assert.equal(one(PIXEL_OPS.sharpness, 0.1, spot, [1, 3, 3])[4], 58);
  assert.equal(one(PIXEL_OPS.sharpness, 1.9, spot, [1, 3, 3])[4], 202);
  assert.throws(() => one(99, 0, spot, [1, 3, 3]), { code: "store-mismatch", where: "views.bin", found: /99/ });
});

test("operations are done in the order drawn", () => {
  const brighten: PixelOp = [PIXEL_OPS.brightness, 1.5];
  const invert: PixelOp = [PIXEL_OPS.solarize, 0];
  assert.deepEqual([...rendered([brighten, invert], [100], [1, 1, 1])], [105]);
  assert.deepEqual([...rendered([invert, brighten], [100], [1, 1, 1])], [233]);
});

test("RandAugment's strengths: nothing at magnitude 0, the paper's at 10", () => {
  const at = (name: string, m: number, sign: number) =>
    (OPERATIONS[name] as (typeof OPERATIONS)[string])(m, sign, 32, 64);
  const move = (name: string, m: number, sign: number): readonly number[] => {
    const drawn = at(name, m, sign);
    assert.ok(drawn && "move" in drawn);
    return drawn.move.map((v) => v + 0);
  };
  for (const name of ["rotate", "shear-x", "shear-y", "translate-x", "translate-y"])
    assert.deepEqual(move(name, 0, 1), [1, 0, 0, 0, 1, 0], name);
  close(move("rotate", 1, 1), [Math.sqrt(3) / 2, -0.5, 0, 0.5, Math.sqrt(3) / 2, 0], 1e-12, "30 degrees");
  assert.deepEqual(move("shear-x", 1, -1), [1, -0.3, 0, 0, 1, 0]);
  assert.deepEqual(move("shear-y", 0.5, 1), [1, 0, 0, 0.15, 1, 0]);
  assert.deepEqual(move("translate-x", 1, 1), [1, 0, -20, 0, 1, 0], "10 / 32 of 64 pixels");
  assert.deepEqual(move("translate-y", 1, -1), [1, 0, 0, 0, 1, 10], "10 / 32 of 32 pixels");
  assert.deepEqual(at("posterize", 1, 1), { pixel: [PIXEL_OPS.posterize, 4] });
  assert.deepEqual(at("posterize", 0, 1), { pixel: [PIXEL_OPS.posterize, 8] });
  for (const name of ["color", "contrast", "brightness", "sharpness"] as const) {
    assert.deepEqual(at(name, 1, 1), { pixel: [PIXEL_OPS[name], 1.9] });
    const weak = at(name, 1, -1);
    close(weak && "pixel" in weak ? weak.pixel : [], [PIXEL_OPS[name], 0.1], 1e-12, name);
    assert.deepEqual(at(name, 0, -1), { pixel: [PIXEL_OPS[name], 1] });
  }
});

test("RandAugment draws its list evenly, so many at a time; grey images have no colour to change", () => {
  const counts = (channels: number): Map<number, number> => {
    const found = new Map<number, number>();
    for (let i = 0; i < 6000; i++) {
      const { pixels } = drawRandAugment({ ops: 2, magnitude: 9 }, new Draws(4, i, 0), [channels, 8, 8]);
      assert.ok(pixels.length <= 2);
      for (const [op] of pixels) found.set(op, (found.get(op) ?? 0) + 1);
    }
    return found;
  };
  const [rgb, grey] = [counts(3), counts(1)];
  assert.equal(rgb.size, 8);
  assert.equal(grey.get(PIXEL_OPS.color), undefined);
  assert.equal(grey.size, 7);
  // 12000 draws of one in 14 (13): five standard deviations of a binomial.
  for (const [found, list] of [
    [rgb, 14],
    [grey, 13],
  ] as const)
    for (const [op, n] of found)
      assert.ok(Math.abs(n - 12000 / list) < 5 * Math.sqrt((12000 / list) * (1 - 1 / list)), `operation ${op}: ${n}`);
});

test("RandAugment's moves compose: a turn and a shift are one map", () => {
  let seen = 0;
  for (let i = 0; i < 2000; i++) {
    const { move } = drawRandAugment({ ops: 2, magnitude: 10 }, new Draws(4, i, 1), [1, 32, 32]);
    const [a, , c, , , f] = move;
    if (Math.abs(a - Math.sqrt(3) / 2) < 1e-9 && Math.hypot(c, f) > 1) {
      // 10 pixels along one axis, turned or not by the order in which they came.
      assert.ok(Math.abs(Math.hypot(c, f) - 10) < 1e-9);
      seen++;
    }
  }
  assert.ok(seen > 10, `${seen} views with both`);
});
