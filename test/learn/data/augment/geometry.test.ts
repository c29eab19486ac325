/** Flips, quarter turns and whole shifts permute pixels exactly; everything else is held to PyTorch's grid_sample. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Affine,
  aboutCentre,
  compose,
  cropped,
  FLIP,
  IDENTITY,
  rotated,
  sheared,
  shifted,
  zoomed,
} from "../../../../src/learn/data/augment/affine.js";
import { resample } from "../../../../src/learn/data/augment/resample.js";
import { close, fixture } from "./support.js";

function moved(move: Affine, image: ArrayLike<number>, shape: readonly [number, number, number]): number[] {
  const out = new Float32Array(image.length);
  resample(aboutCentre(move, shape[1], shape[2]), Float32Array.from(image), 0, shape, out, 0);
  return [...out];
}

const six = [1, 2, 3, 4, 5, 6];
const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];

test("flips and whole shifts permute pixels", () => {
  assert.deepEqual(moved(FLIP, six, [1, 2, 3]), [3, 2, 1, 6, 5, 4]);
  assert.deepEqual(moved(FLIP, six, [1, 3, 2]), [2, 1, 4, 3, 6, 5]);
  assert.deepEqual(moved(shifted(1, 0), six, [1, 2, 3]), [0, 1, 2, 0, 4, 5]);
  assert.deepEqual(moved(shifted(-2, 1), six, [1, 2, 3]), [0, 0, 0, 3, 0, 0]);
  assert.deepEqual(moved(shifted(5, 0), six, [1, 2, 3]), [0, 0, 0, 0, 0, 0], "all of it gone");
  assert.deepEqual(moved(compose(FLIP, shifted(1, 0)), six, [1, 2, 3]), [0, 3, 2, 0, 6, 5], "mirrored, then shifted");
  assert.deepEqual(moved(compose(FLIP, shifted(-1, 0)), six, [1, 2, 3]), [2, 1, 0, 5, 4, 0]);
});

test("quarter turns are counter-clockwise and exact, planes stay apart", () => {
  assert.deepEqual(moved(rotated(90), nine, [1, 3, 3]), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
  assert.deepEqual(moved(rotated(180), nine, [1, 3, 3]), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
  assert.deepEqual(moved(rotated(-90), nine, [1, 3, 3]), [7, 4, 1, 8, 5, 2, 9, 6, 3]);
  assert.deepEqual(moved(rotated(450), nine, [1, 3, 3]), moved(rotated(90), nine, [1, 3, 3]));
  assert.deepEqual(moved(rotated(90), [1, 2, 3, 4, 50, 60, 70, 80], [2, 2, 2]), [2, 4, 1, 3, 60, 80, 50, 70]);
});

test("the centre of the image is fixed by turns and zooms", () => {
  for (const move of [rotated(33), zoomed(1.7), sheared(0.2, 0), compose(rotated(10), zoomed(0.5))])
    assert.equal(moved(move, nine, [1, 3, 3])[4], 5);
});

const MOVES: Record<string, (values: number[], height: number, width: number) => Affine> = {
  rotate: ([degrees]) => rotated(degrees as number),
  scale: ([factor]) => zoomed(factor as number),
  flip: () => FLIP,
  shift: ([dx, dy]) => shifted(dx as number, dy as number),
  shear: ([x, y]) => sheared(x as number, y as number),
  crop: ([top, left, h, w], height, width) =>
    cropped({ top: top as number, left: left as number, height: h as number, width: w as number }, height, width),
};

for (const { name, shape, steps, image, out } of fixture.affine) {
  test(`as PyTorch's affine_grid and grid_sample: ${name}`, () => {
    const [, height, width] = shape;
    const move = steps.reduce<Affine>(
      (sum, [kind, values]) => compose(sum, (MOVES[kind] as (typeof MOVES)[string])(values, height, width)),
      IDENTITY,
    );
    close(moved(move, image, shape), out, 1e-6, name);
  });
}

test("a whole number between pixels is rounded, in place in a larger array", () => {
  const source = Uint8Array.of(99, 10, 21, 99);
  const out = new Uint8Array(5).fill(7);
  resample([1, 0, 0.5, 0, 1, 0], source, 1, [1, 1, 2], out, 2);
  // (10 + 21) / 2 = 15.5 and (21 + 0) / 2 = 10.5.
  assert.deepEqual([...out], [7, 7, 16, 11, 7]);
  const negative = new Int32Array(2);
  resample([1, 0, 0.5, 0, 1, 0], Int32Array.of(-10, -21), 0, [1, 1, 2], negative, 0);
  assert.deepEqual([...negative], [-15, -10]);
});
