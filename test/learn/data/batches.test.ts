import assert from "node:assert/strict";
import { test } from "node:test";
import { fittedNormalisation, normaliseSamples } from "../../../src/learn/data/normalise.js";
import { epochOrder } from "../../../src/learn/data/order.js";
import { fillBatch } from "../../../src/learn/data/read.js";
import { drawnViews } from "../../../src/learn/data/views.js";
import { fromArrays } from "../../../src/index.js";

test("an epoch's order: every sample once, a function of (seed, epoch)", () => {
  const indices = Uint32Array.from({ length: 50 }, (_, i) => 3 * i);
  const order = epochOrder(indices, 7, 2);
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...indices],
  );
  assert.deepEqual(epochOrder(indices, 7, 2), order);
  assert.notDeepEqual(epochOrder(indices, 7, 3), order);
  assert.notDeepEqual(epochOrder(indices, 8, 2), order);
  assert.notDeepEqual([...order], [...indices], "shuffled");
});

test("a batch holds the samples asked for, in that order", () => {
  const data = fromArrays({ samples: Float32Array.from({ length: 12 }, (_, i) => i), sampleShape: [3] });
  const out = new Float32Array(6);
  fillBatch(data, Uint32Array.of(3, 1), out);
  assert.deepEqual([...out], [9, 10, 11, 3, 4, 5]);
});

const image = Uint8Array.from({ length: 24 }, (_, i) => i + 1);
const data = fromArrays({ samples: Uint8Array.from([...image, ...image]), sampleShape: [2, 3, 4] });

/** A view by index arithmetic: shifted by (dy, dx), perhaps mirrored, zeros where nothing was. */
function view(dy: number, dx: number, flip: boolean): number[] {
  const out: number[] = [];
  for (let c = 0; c < 2; c++)
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 4; x++) {
        const from = [y - dy, flip ? 3 - (x - dx) : x - dx] as const;
        const inside = y - dy >= 0 && y - dy < 3 && x - dx >= 0 && x - dx < 4;
        out.push(inside ? (image[(c * 3 + from[0]) * 4 + from[1]] as number) : 0);
      }
  return out;
}

test("augmented views are flips and shifts of the image, and every one of them occurs", () => {
  const augmentation = { flip: true, shift: 1 };
  const possible = new Map<string, string>();
  for (const dy of [-1, 0, 1])
    for (const dx of [-1, 0, 1])
      for (const flip of [false, true]) possible.set(view(dy, dx, flip).join(), `${dy},${dx},${flip}`);
  const seen = new Map<string, number>();
  const out = new Uint8Array(24);
  const trials = 720;
  for (let epoch = 0; epoch < trials; epoch++) {
    drawnViews(data, augmentation, 5, new Uint32Array(0)).render(Uint32Array.of(0), epoch, out);
    const which = possible.get(out.join());
    assert.ok(which !== undefined, `epoch ${epoch} gives another view: ${out}`);
    seen.set(which, (seen.get(which) ?? 0) + 1);
  }
  assert.equal(seen.size, 18);
  // 40 expected of each; a chance below 1e-9 of leaving [10, 90].
  for (const [which, count] of seen) assert.ok(count > 10 && count < 90, `${which}: ${count}`);
});

test("a view is a function of (seed, sample, epoch)", () => {
  const augmentation = { flip: true, shift: 2 };
  const at = (sample: number, seed: number, epoch: number): string => {
    const out = new Uint8Array(24);
    drawnViews(data, augmentation, seed, new Uint32Array(0)).render(Uint32Array.of(sample), epoch, out);
    return out.join();
  };
  const series = (sample: number, seed: number): string =>
    Array.from({ length: 20 }, (_, epoch) => at(sample, seed, epoch)).join(";");
  assert.equal(series(0, 1), series(0, 1));
  assert.notEqual(series(0, 1), series(0, 2));
  assert.notEqual(series(0, 1), series(1, 1), "the same pixels, but another sample");
});

test("normalisation is fitted on the training samples alone, per channel", () => {
  const samples = Float32Array.of(1, 10, 3, 30, 100, 1000);
  const set = fromArrays({ samples, sampleShape: [2] });
  const fitted = fittedNormalisation(set, Uint32Array.of(0, 1));
  assert.deepEqual([...fitted.mean], [2, 20]);
  assert.deepEqual([...fitted.std], [1, 10]);
  assert.deepEqual([...normaliseSamples(Float32Array.of(4, 0), fitted, [2])], [2, -2]);
});

test("a feature that never varies is not divided by zero", () => {
  const set = fromArrays({ samples: Float32Array.of(5, 1, 5, 2), sampleShape: [2] });
  const fitted = fittedNormalisation(set, Uint32Array.of(0, 1));
  assert.ok((fitted.std[0] as number) > 0);
  assert.ok([...normaliseSamples(Float32Array.of(5, 1), fitted, [2])].every(Number.isFinite));
});

test("a feature of tiny numbers is standardised all the same", () => {
  const set = fromArrays({ samples: Float32Array.of(1e-9, 3e-9), sampleShape: [1] });
  const { std } = fittedNormalisation(set, Uint32Array.of(0, 1));
  assert.ok(Math.abs((std[0] as number) - 1e-9) < 1e-12);
});
