/** Rendering: what is cut out, noise, blur, ranges; all element types. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Augmentation } from "../../../../src/learn/data/augment/config.js";
import { blur, gaussianKernel } from "../../../../src/learn/data/augment/filters.js";
import { rangeOf, renderView } from "../../../../src/learn/data/augment/render.js";
import { drawView } from "../../../../src/learn/data/augment/view.js";
import type { SampleArray } from "../../../../src/engine/graph/samples.js";
import { drawnViews } from "../../../../src/learn/data/views.js";
import { fromArrays, fromFunction } from "../../../../src/index.js";
import { close, fixture, viewWith } from "./support.js";

test("cutout sets its box to 0 in every channel and nothing else", () => {
  const source = Float32Array.from({ length: 24 }, (_, i) => i + 1);
  const out = new Float32Array(26).fill(-7);
  renderView(viewWith({ cutout: [1, 2, 2, 1] }), source, 0, [2, 3, 4], out, 1);
  const expected = [...source];
  for (const at of [6, 10, 18, 22]) expected[at] = 0;
  assert.deepEqual([...out], [-7, ...expected, -7]);
});

test("the range of a data set: bytes have theirs, others what occurs", () => {
  const data = (samples: SampleArray) => ({ samples, size: samples.length, sampleShape: [1] });
  assert.deepEqual(rangeOf(data(Uint8Array.of(3, 9))), [0, 255]);
  assert.deepEqual(rangeOf(data(Float32Array.of(3, -2.5, 0))), [-2.5, 3]);
  const samples = Int32Array.of(-4, 12);
  assert.deepEqual(rangeOf(data(samples)), [-4, 12]);
  assert.equal(rangeOf(data(samples)), rangeOf(data(samples)), "found once");
  const values = Float32Array.of(8, 1, 9);
  const fill = (indices: Uint32Array, out: SampleArray): void =>
    indices.forEach((index, i) => {
      out[i] = values[index] as number;
    });
  assert.deepEqual(rangeOf({ ...data(new Float32Array(0)), size: 3, fill }), [1, 9], "samples that are made");
});

/** Mean and standard deviation. */
function moments(values: ArrayLike<number>): [number, number] {
  const all = Array.from(values);
  const mean = all.reduce((a, b) => a + b, 0) / all.length;
  return [mean, Math.sqrt(all.reduce((a, v) => a + (v - mean) ** 2, 0) / all.length)];
}

test("noise is normal, in parts of the value range, a function of its seed, other in every pixel and channel", () => {
  const shape = [3, 40, 50];
  const source = new Float32Array(6000).fill(2);
  const render = (noiseSeed: number): Float32Array => {
    const out = new Float32Array(6000);
    renderView(viewWith({ noise: 0.05, noiseSeed }), source, 0, shape, out, 0, [-3, 7]);
    return out;
  };
  const out = render(11);
  const [mean, std] = moments(out);
  // A range of 10: the standard deviation is 0.5, its own error 0.5 / sqrt(12000), the mean's 0.5 / sqrt(6000); five of each.
  assert.ok(Math.abs(mean - 2) < 0.033, `mean ${mean}`);
  assert.ok(Math.abs(std - 0.5) < 0.023, `std ${std}`);
  assert.equal(out.filter((v) => Math.abs(v - 2) < 0.5).length / 6000 > 0.66, true, "68% within one deviation");
  assert.equal(out.filter((v) => Math.abs(v - 2) < 0.5).length / 6000 < 0.71, true);
  assert.equal(new Set(out).size > 5900, true, "not the same number twice");
  assert.deepEqual(render(11), out);
  assert.notDeepEqual(render(12), out);
});

test("bytes stay bytes: noise is cut off at 0 and 255, not wrapped", () => {
  const source = Uint8Array.from({ length: 2000 }, (_, i) => (i % 2) * 255);
  const out = new Uint8Array(2000);
  renderView(viewWith({ noise: 0.1, noiseSeed: 5 }), source, 0, [1, 40, 50], out, 0);
  const dark = out.filter((_, i) => i % 2 === 0);
  const bright = out.filter((_, i) => i % 2 === 1);
  assert.ok(Math.max(...dark) < 128 && Math.min(...bright) > 127);
  // Half of the noise points outwards.
  assert.ok(Math.abs(dark.filter((v) => v === 0).length - 500) < 100);
  assert.ok(Math.abs(bright.filter((v) => v === 255).length - 500) < 100);
});

test("any view keeps within the range of its data, in bytes, whole numbers and floats", () => {
  const config = {
    rotate: 30,
    scale: [0.7, 1.4] as const,
    colour: { brightness: 0.9, contrast: 3, saturation: 3, hue: 0.5 },
    noise: 0.5,
    blur: 1,
    randaugment: { ops: 4, magnitude: 10 },
  };
  const shape = [3, 6, 5];
  const bytes = Uint8Array.from({ length: 90 }, (_, i) => (i * 83) % 256);
  for (let i = 0; i < 300; i++) {
    const view = drawView(config, 7, i, 0, shape);
    const floats = new Float32Array(90);
    renderView(
      view,
      Float32Array.from(bytes, (v) => v / 64 - 2),
      0,
      shape,
      floats,
      0,
      [-2, 255 / 64 - 2],
    );
    const whole = new Int32Array(90);
    renderView(
      view,
      Int32Array.from(bytes, (v) => v - 128),
      0,
      shape,
      whole,
      0,
      [-128, 127],
    );
    const out = new Uint8Array(90);
    renderView(view, bytes, 0, shape, out, 0);
    assert.ok(floats.every((v) => v >= -2 && v <= 255 / 64 - 2));
    assert.ok(whole.every((v) => v >= -128 && v <= 127));
    // A byte that wrapped would be far from what the same view makes of floats that clamp; fill values differ, so only bytes.
    const exact = new Float32Array(90);
    renderView(view, Float32Array.from(bytes), 0, shape, exact, 0, [0, 255]);
    close(out, exact, 0.5001, `view ${i}`);
  }
});

test("as SciPy's gaussian_filter", () => {
  const { shape, image, cases } = fixture.blur;
  for (const { sigma, out } of cases) {
    const pixels = Float32Array.from(image);
    blur(pixels, shape[1], shape[2], sigma, new Float32Array(pixels.length));
    close(pixels, out, 1e-6, `sigma ${sigma}`);
    const rendered = new Float32Array(image.length);
    renderView(
      viewWith({ blur: sigma }),
      Float32Array.from(image, (v) => 4 * v - 1),
      0,
      shape,
      rendered,
      0,
      [-1, 3],
    );
    close(
      rendered.map((v) => (v + 1) / 4),
      out,
      1e-6,
      `rendered, sigma ${sigma}`,
    );
  }
  assert.ok(Math.abs(gaussianKernel(1.3).reduce((a, b) => a + b) - 1) < 1e-12);
});

test("a batch: each sample's own view of that epoch, in the order asked for", () => {
  const samples = Uint8Array.from({ length: 4 * 48 }, (_, i) => (i * 29) % 256);
  const data = fromArrays({ samples, sampleShape: [3, 4, 4] });
  const config = { flip: true, shift: 1, rotate: 40, noise: 0.2 };
  const out = new Uint8Array(96);
  drawnViews(data, config, 9, new Uint32Array(0)).render(Uint32Array.of(3, 1), 6, out);
  for (const [i, sample] of [3, 1].entries()) {
    const one = new Uint8Array(48);
    renderView(drawView(config, 9, sample, 6, [3, 4, 4]), samples, sample * 48, [3, 4, 4], one, 0);
    assert.deepEqual(out.subarray(i * 48, i * 48 + 48), one);
  }
});

test("of samples that are made only those of a batch are: for the views, and once more for what is blended in", () => {
  const calls: number[][] = [];
  const data = fromFunction({
    size: 50,
    sampleShape: [1, 4, 4],
    identity: "made",
    fill(indices, out) {
      calls.push([...indices]);
      indices.forEach((index, i) => {
        out.fill(index, 16 * i, 16 * (i + 1));
      });
    },
  });
  const batch = Uint32Array.of(7, 3, 30);
  const rendered = (config: Augmentation) => {
    calls.length = 0;
    const out = new Float32Array(48);
    const blends = drawnViews(
      data,
      config,
      5,
      Uint32Array.from({ length: 50 }, (_, i) => i),
    ).render(batch, 0, out);
    return { out, blends };
  };
  rendered({ flip: true, shift: 1, crop: { area: [0.5, 1], ratio: [1, 1] } });
  assert.deepEqual(calls, [[...batch]]);
  const { out, blends } = rendered({ mixup: { alpha: 1 } });
  assert.deepEqual(calls, [[...batch], [...(blends?.partners ?? [])]]);
  batch.forEach((index, i) => {
    const share = blends?.shares[i] as number;
    const expected = share * index + (1 - share) * (blends?.partners[i] as number);
    assert.ok(Math.abs((out[16 * i] as number) - expected) < 1e-4);
  });
  rendered({ noise: 0.1 });
  assert.equal(Math.max(...calls.map((asked) => asked.length)), 50, "noise is a matter of the values' range");
});
