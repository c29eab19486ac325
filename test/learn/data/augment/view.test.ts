/** Draws: functions of (seed, sample, epoch), evenly over what the options allow, and recorded exactly. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Affine } from "../../../../src/learn/data/augment/affine.js";
import type { Augmentation } from "../../../../src/learn/data/augment/config.js";
import { augments, viewOptions } from "../../../../src/learn/data/augment/config.js";
import { renderView } from "../../../../src/learn/data/augment/render.js";
import {
  decodeView,
  drawView,
  encodeView,
  IDENTITY_VIEW,
  VIEW_WIDTH,
  type View,
} from "../../../../src/learn/data/augment/view.js";

const EVERYTHING: Augmentation = {
  flip: true,
  shift: 3,
  crop: { area: [0.5, 1], ratio: [0.75, 4 / 3] },
  rotate: 20,
  scale: [0.9, 1.2],
  colour: { brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
  noise: 0.1,
  blur: 1.5,
  cutout: 4,
  randaugment: { ops: 3, magnitude: 7 },
};
const SHAPE = [3, 12, 10];
const size = 360;
const image = Uint8Array.from({ length: size }, (_, i) => (i * 37 + 11) % 256);

function views(config: Augmentation, count: number, shape: readonly number[] = SHAPE): View[] {
  return Array.from({ length: count }, (_, i) => drawView(config, 3, i % 50, Math.floor(i / 50), shape));
}

test("the same triple gives the same bytes, another seed, sample or epoch others", () => {
  const bytes = (seed: number, sample: number, epoch: number): string => {
    const out = new Uint8Array(size);
    renderView(drawView(EVERYTHING, seed, sample, epoch, SHAPE), image, 0, SHAPE, out, 0);
    return out.join();
  };
  const first = bytes(1, 2, 3);
  bytes(9, 9, 9);
  assert.equal(bytes(1, 2, 3), first, "whatever was drawn between");
  const all = [first, bytes(2, 2, 3), bytes(1, 3, 3), bytes(1, 2, 4), bytes(1, 3, 2), bytes(2 ** 40 + 1, 2, 3)];
  assert.equal(new Set(all).size, all.length);
});

test("an option that is added leaves the draws of the others as they were", () => {
  const { noise: _, cutout: __, ...fewer } = EVERYTHING;
  const [all, some] = [drawView(EVERYTHING, 5, 1, 2, SHAPE), drawView(fewer, 5, 1, 2, SHAPE)];
  assert.deepEqual({ ...all, noise: 0, noiseSeed: 0, cutout: [0, 0, 0, 0] }, some);
  const flips = (config: Augmentation): boolean[] => views(config, 60).map((v) => v.affine[0] < 0);
  assert.deepEqual(flips({ flip: true }), flips({ flip: true, scale: [0.9, 1.1], shift: 2 }));
});

test("a recorded view is the same view", () => {
  for (const view of [IDENTITY_VIEW, ...views(EVERYTHING, 300)]) {
    const values = encodeView(view);
    assert.equal(values.length, VIEW_WIDTH);
    assert.deepEqual(decodeView(values), view);
    assert.deepEqual(decodeView(Array.from(values)), view);
  }
  assert.throws(() => decodeView([1, 2, 3]), /these are 3/);
});

test("views that a store held render to the same bytes", () => {
  for (const view of views(EVERYTHING, 40)) {
    const [drawn, stored] = [new Uint8Array(size), new Uint8Array(size)];
    renderView(view, image, 0, SHAPE, drawn, 0);
    renderView(decodeView(encodeView(view)), image, 0, SHAPE, stored, 0);
    assert.deepEqual(stored, drawn);
  }
});

/** Mean and extremes of 4000 uniform numbers lie within these of what they should be, with a chance below 1e-6. */
function uniformIn(values: number[], low: number, high: number, what: string): void {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const spread = high - low;
  assert.ok(Math.min(...values) >= low - 1e-9 && Math.max(...values) <= high + 1e-9, `${what} stays in its span`);
  assert.ok(Math.abs(mean - (low + high) / 2) < (spread * 5) / Math.sqrt(12 * values.length), `${what}: mean ${mean}`);
  assert.ok(Math.min(...values) < low + spread / 100 && Math.max(...values) > high - spread / 100, `${what} fills it`);
}

test("each option draws evenly in its own span", () => {
  const draw = (config: Augmentation, of: (v: View) => number): number[] => views(config, 4000).map(of);
  const angle = ([a, , , d]: Affine): number => (Math.atan2(d, a) * 180) / Math.PI;
  uniformIn(
    draw({ rotate: 25 }, (v) => angle(v.affine)),
    -25,
    25,
    "rotate",
  );
  uniformIn(
    draw({ scale: [0.8, 1.5] }, (v) => 1 / v.affine[0]),
    0.8,
    1.5,
    "scale",
  );
  uniformIn(
    draw({ blur: 2 }, (v) => v.blur),
    0,
    2,
    "blur",
  );
  uniformIn(
    draw({ noise: 0.3 }, (v) => v.noise),
    0,
    0.3,
    "noise",
  );
  const colour = { brightness: 0.5, contrast: 1.5, saturation: 0.2, hue: 0.25 };
  uniformIn(
    draw({ colour }, (v) => v.brightness),
    0.5,
    1.5,
    "brightness",
  );
  uniformIn(
    draw({ colour }, (v) => v.contrast),
    0,
    2.5,
    "contrast, not below 0",
  );
  uniformIn(
    draw({ colour }, (v) => v.saturation),
    0.8,
    1.2,
    "saturation",
  );
  uniformIn(
    draw({ colour }, (v) => v.hue),
    -0.25,
    0.25,
    "hue",
  );
  uniformIn(
    draw({ flip: true }, (v) => v.affine[0]).map((a) => (a + 1) / 2),
    0,
    1,
    "flip",
  );
  uniformIn(
    draw({ shift: 2 }, (v) => v.affine[2]),
    -2,
    2,
    "shift",
  );
  assert.deepEqual([...new Set(draw({ shift: 2 }, (v) => v.affine[5]))].sort(), [-1, -2, 0, 1, 2].sort());
});

test("options draw independently of each other", () => {
  const drawn = views({ rotate: 1, blur: 1, noise: 1, colour: { brightness: 0.5, contrast: 0.5 } }, 4000);
  const series = [
    drawn.map((v) => v.affine[3]),
    drawn.map((v) => v.blur),
    drawn.map((v) => v.noise),
    drawn.map((v) => v.brightness),
    drawn.map((v) => v.contrast),
  ];
  const centred = series.map((s) => {
    const mean = s.reduce((a, b) => a + b, 0) / s.length;
    const scale = Math.sqrt(s.reduce((a, b) => a + (b - mean) ** 2, 0));
    return s.map((v) => (v - mean) / scale);
  });
  for (const [i, a] of centred.entries())
    for (const b of centred.slice(i + 1)) {
      const correlation = a.reduce((sum, v, k) => sum + v * (b[k] as number), 0);
      // Standard deviation 1 / sqrt(4000); five of them.
      assert.ok(Math.abs(correlation) < 5 / Math.sqrt(4000), `correlation ${correlation}`);
    }
});

test("a crop is a box of the drawn area within the image", () => {
  const drawn = views({ crop: { area: [0.3, 0.9], ratio: [0.5, 2] } }, 4000, [1, 20, 30]);
  uniformIn(
    drawn.map(({ affine: [a, , , , e] }) => a * e),
    0.3,
    0.9,
    "share of the area",
  );
  for (const { affine } of drawn) {
    const [a, b, c, d, e, f] = affine;
    assert.deepEqual([b, d], [0, 0]);
    assert.ok(a / e >= 0.5 - 1e-9 && a / e <= 2 + 1e-9, "ratio, relative to the image's");
    // The box's edges: half a pixel outside the first and the last centre, in source pixels.
    const [left, right, top, bottom] = [c - a / 2, c + a * 29.5, f - e / 2, f + e * 19.5];
    assert.ok(left >= -0.5 - 1e-9 && right <= 29.5 + 1e-9 && top >= -0.5 - 1e-9 && bottom <= 19.5 + 1e-9);
  }
  const places = drawn.map(({ affine: [a, , c] }) => (c - a / 2 + 0.5) / (30 * (1 - a))).filter(Number.isFinite);
  uniformIn(places, 0, 1, "place along the free width");
});

test("cutout: a square whose centre is anywhere, cut off at the border", () => {
  const drawn = views({ cutout: 4 }, 4000).map((v) => v.cutout);
  for (const [top, left, height, width] of drawn) {
    assert.ok(top >= 0 && left >= 0 && top + height <= 12 && left + width <= 10);
    assert.ok(height === 4 || top === 0 || top + height === 12);
    assert.ok(height >= 2 && width >= 2 && height <= 4 && width <= 4);
  }
  // Tops: centres 0, 1 and 2 are cut off to 0; each further centre has its own.
  assert.deepEqual(
    [...new Set(drawn.map(([top]) => top))].sort((a, b) => a - b),
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
});

test("what changes nothing is not an augmentation", () => {
  assert.equal(augments(undefined), false);
  assert.equal(augments({ flip: false, shift: 0, colour: { hue: 0 }, randaugment: { ops: 0, magnitude: 9 } }), false);
  assert.equal(augments({ shift: 1 }), true);
  assert.equal(augments({ mixup: { alpha: 1 } }), true);
  assert.deepEqual(viewOptions({ flip: true, colour: { hue: 0.1 }, mixup: { alpha: 1 } }), ["flip", "colour"]);
  assert.deepEqual(drawView({ flip: true, shift: 3 }, 1, 2, 3, [4]), IDENTITY_VIEW, "a row of a table has no views");
  for (const view of views({ flip: false, shift: 0, rotate: 0 }, 5)) assert.deepEqual(view, IDENTITY_VIEW);
});
