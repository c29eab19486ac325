/** Partners, shares and boxes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeMix, drawMix, encodeMix, MIX_WIDTH, type Mix } from "../../../../src/learn/data/augment/mix.js";
import { mixInto } from "../../../../src/learn/data/augment/render.js";
import { symmetricBeta } from "../../../../src/engine/random/beta.js";
import { Random } from "../../../../src/engine/random/random.js";
import { fixture } from "./support.js";

const N = 20_000;

test("Beta(alpha, alpha): mean, variance and quantiles", () => {
  for (const alpha of [0.2, 0.5, 1, 3]) {
    const values = Array.from({ length: N }, (_, i) => symmetricBeta(new Random(i, `beta ${alpha}`), alpha));
    const mean = values.reduce((a, b) => a + b, 0) / N;
    const variance = values.reduce((a, v) => a + (v - 0.5) ** 2, 0) / N;
    const exact = 1 / (4 * (2 * alpha + 1));
    assert.ok(Math.abs(mean - 0.5) < 5 * Math.sqrt(exact / N), `alpha ${alpha}: mean ${mean}`);
    // The fourth central moment is at most a sixteenth, so this is five standard errors or more.
    assert.ok(Math.abs(variance - exact) < 5 * Math.sqrt(1 / 16 / N), `alpha ${alpha}: variance ${variance}`);
    for (const { at, quantile } of fixture.beta.filter((b) => b.alpha === alpha)) {
      const share = values.filter((v) => v <= quantile).length / N;
      assert.ok(
        Math.abs(share - at) < 5 * Math.sqrt((at * (1 - at)) / N),
        `alpha ${alpha}: ${share} below ${quantile}`,
      );
    }
  }
});

test("Beta with a tiny alpha is 0 or 1, never NaN", () => {
  const values = Array.from({ length: 2000 }, (_, i) => symmetricBeta(new Random(i, "tiny"), 0.001));
  assert.ok(values.every((v) => v >= 0 && v <= 1));
  assert.ok(values.filter((v) => v < 1e-3 || v > 1 - 1e-3).length > 1950);
  assert.ok(Math.abs(values.filter((v) => v > 0.5).length - 1000) < 5 * Math.sqrt(500));
});

const SHAPE = [2, 9, 7];
const candidates = Uint32Array.of(4, 8, 15, 16, 23, 42);
const draw = (config: Parameters<typeof drawMix>[0], i: number): Mix => {
  const mix = drawMix(config, 6, i % 97, Math.floor(i / 97), candidates, SHAPE);
  assert.ok(mix);
  return mix;
};

test("a function of (seed, sample, epoch)", () => {
  const config = { cutmix: { alpha: 1 }, mixup: { alpha: 1 } };
  const at = (seed: number, sample: number, epoch: number): string =>
    JSON.stringify(drawMix(config, seed, sample, epoch, candidates, SHAPE));
  assert.equal(at(1, 2, 3), at(1, 2, 3));
  assert.equal(new Set([at(1, 2, 3), at(2, 2, 3), at(1, 3, 3), at(1, 2, 4)]).size, 4);
  assert.equal(drawMix({ flip: true }, 1, 2, 3, candidates, SHAPE), null);
  assert.equal(drawMix(config, 1, 2, 3, new Uint32Array(0), SHAPE), null);
});

test("partners are drawn evenly among the candidates", () => {
  const counts = new Map<number, number>();
  for (let i = 0; i < 6000; i++) {
    const { partner } = draw({ mixup: { alpha: 0.4 } }, i);
    counts.set(partner, (counts.get(partner) ?? 0) + 1);
  }
  assert.deepEqual(
    [...counts.keys()].sort((a, b) => a - b),
    [...candidates],
  );
  for (const [partner, n] of counts)
    assert.ok(Math.abs(n - 1000) < 5 * Math.sqrt(6000 * (1 / 6) * (5 / 6)), `${partner}: ${n}`);
});

test("with both, each comes half the time; samples that are no images are only blended", () => {
  const config = { cutmix: { alpha: 1 }, mixup: { alpha: 1 } };
  const boxes = Array.from({ length: 4000 }, (_, i) => draw(config, i)).filter((m) => m.box !== null).length;
  assert.ok(Math.abs(boxes - 2000) < 5 * Math.sqrt(1000), `${boxes} boxes`);
  for (let i = 0; i < 100; i++) assert.equal(drawMix(config, 1, i, 0, candidates, [5])?.box, null);
  assert.equal(drawMix({ cutmix: { alpha: 1 } }, 1, 2, 3, candidates, [5]), null);
});

test("cutmix: lambda is exactly the share of own pixels, after the border cut the box off", () => {
  const [channels, height, width] = SHAPE as [number, number, number];
  const size = channels * height * width;
  let cut = 0;
  for (let i = 0; i < 2000; i++) {
    const mix = draw({ cutmix: { alpha: 1 } }, i);
    const [top, left, h, w] = mix.box as NonNullable<Mix["box"]>;
    assert.ok(top >= 0 && left >= 0 && top + h <= height && left + w <= width);
    const own = new Uint8Array(size).fill(1);
    mixInto(mix, own, 0, new Uint8Array(size + 3).fill(2), 3, SHAPE);
    const kept = own.filter((v) => v === 1).length;
    assert.ok(Math.abs(mix.lambda - kept / size) < 1e-12, `view ${i}`);
    if (top === 0 || left === 0 || top + h === height || left + w === width) cut++;
  }
  assert.ok(cut > 200);
});

test("cutmix: away from the border the box has the drawn share of the area and the image's proportions", () => {
  const shape = [1, 1000, 500];
  let inside = 0;
  for (let i = 0; i < 500; i++) {
    const mix = drawMix({ cutmix: { alpha: 1 } }, 2, i, 0, candidates, shape);
    const [top, left, h, w] = mix?.box as NonNullable<Mix["box"]>;
    if (top === 0 || left === 0 || top + h === 1000 || left + w === 500 || h < 10) continue;
    assert.ok(Math.abs(h - 2 * w) <= 2, `${h} by ${w}`);
    inside++;
  }
  assert.ok(inside > 50);
});

test("cutmix pastes the partner's own pixels, and only in the box", () => {
  const own = Float32Array.from({ length: 24 }, (_, i) => i);
  const partner = Float32Array.from({ length: 24 }, (_, i) => 100 + i);
  mixInto({ partner: 0, lambda: 0, box: [1, 2, 2, 1] }, own, 0, partner, 0, [2, 3, 4]);
  const expected = Array.from({ length: 24 }, (_, i) => ([6, 10, 18, 22].includes(i) ? 100 + i : i));
  assert.deepEqual([...own], expected);
});

test("mixup is linear in both samples, of any shape; bytes are rounded", () => {
  const mix = { partner: 3, lambda: 0.3, box: null };
  const own = Float32Array.of(-9, 1, 2, -4, -9);
  mixInto(mix, own, 1, Float32Array.of(7, 10, 20, 40), 1, [3]);
  for (const [i, v] of [-9, 0.3 + 7, 0.6 + 14, -1.2 + 28, -9].entries())
    assert.ok(Math.abs((own[i] as number) - v) < 1e-5, `value ${i}`);
  const bytes = Uint8Array.of(0, 255, 10, 1);
  mixInto(mix, bytes, 0, Uint8Array.of(255, 255, 13, 0), 0, [1, 2, 2]);
  assert.deepEqual([...bytes], [179, 255, 12, 0]);
});

test("a recorded mix is the same mix", () => {
  const config = { cutmix: { alpha: 0.5 }, mixup: { alpha: 0.5 } };
  for (const mix of [null, ...Array.from({ length: 200 }, (_, i) => draw(config, i))]) {
    const values = encodeMix(mix);
    assert.equal(values.length, MIX_WIDTH);
    assert.deepEqual(decodeMix(values), mix);
  }
  assert.throws(() => decodeMix([1]), /these are 1/);
});
