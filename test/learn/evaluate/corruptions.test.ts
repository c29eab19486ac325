import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { DataSet } from "../../../src/learn/data/types.js";
import type { SampleArray } from "../../../src/engine/graph/samples.js";
import {
  CORRUPTION_NAMES,
  CORRUPTIONS,
  type CorruptionName,
  corrupt,
  SEVERITIES,
  valueRange,
} from "../../../src/learn/evaluate/robustness/corruptions.js";
import { poisson } from "../../../src/learn/evaluate/robustness/noise.js";

type Images = Pick<DataSet, "name" | "samples" | "sampleShape">;

const images = (samples: SampleArray, ...sampleShape: number[]): Images => ({ name: "images", samples, sampleShape });

interface Fixture {
  readonly seed: number;
  readonly sample: number;
  readonly severities: readonly number[];
  readonly cases: readonly {
    readonly name: string;
    readonly type: "float32" | "uint8";
    readonly shape: readonly number[];
    readonly range: readonly [number, number];
    readonly raw: readonly number[];
    readonly corrupted: Readonly<Record<CorruptionName, readonly (readonly number[])[]>>;
  }[];
}

const fixture = JSON.parse(readFileSync("test/fixtures/evaluate/corruptions.json", "utf8")) as Fixture;

for (const { name, type, shape, range, raw, corrupted } of fixture.cases)
  for (const corruption of CORRUPTION_NAMES)
    test(`${corruption} of ${name} is what NumPy and PyTorch make of it`, () => {
      const { seed, sample, severities } = fixture;
      const size = raw.length;
      const samples = type === "uint8" ? new Uint8Array(size * (sample + 1)) : new Float32Array(size * (sample + 1));
      samples.set(raw, size * sample);
      const data = images(samples, ...shape);
      severities.forEach((severity, k) => {
        const found = corrupt(data, Uint32Array.of(sample), { corruption, severity, seed, range });
        const expected = corrupted[corruption][k] as readonly number[];
        assert.equal(found.constructor, samples.constructor);
        const worst = expected.reduce((a, v, i) => Math.max(a, Math.abs(v - (found[i] as number))), 0);
        assert.ok(worst <= (type === "uint8" ? 0 : 2e-6), `severity ${severity}: off by ${worst}`);
      });
    });

/** 40 images of 20x24 with a bright shape on dark ground, in RGB. */
function drawn(bytes: boolean): Images {
  const [n, h, w] = [40, 20, 24];
  const values = new Float32Array(n * 3 * h * w);
  for (let i = 0; i < n; i++)
    for (let c = 0; c < 3; c++)
      for (let y = 0; y < h; y++)
        for (let x = 0; x < w; x++) {
          const inside = Math.hypot(y - 6 - (i % 8), x - 8 - (i % 7)) < 4 + (i % 3);
          values[((i * 3 + c) * h + y) * w + x] = inside ? 0.5 + 0.2 * c + 0.1 * Math.sin(x) : 0.1 + 0.01 * y;
        }
  return images(bytes ? Uint8Array.from(values, (v) => Math.round(255 * Math.min(1, v))) : values, 3, h, w);
}

for (const bytes of [false, true])
  test(`more severe is further from the image, within its range (${bytes ? "uint8" : "float32"})`, () => {
    const data = drawn(bytes);
    const range = bytes ? ([0, 255] as const) : valueRange({ ...data, size: 40 });
    const all = Uint32Array.from({ length: 40 }, (_, i) => i);
    for (const corruption of CORRUPTION_NAMES) {
      const squares = SEVERITIES.map((severity) => {
        const found = corrupt(data, all, { corruption, severity, seed: 1, range });
        assert.ok(found.every((v) => v >= range[0] && v <= Math.fround(range[1])));
        return Float64Array.from(found, (v, i) => (v - (data.samples[i] as number)) ** 2).reduce((a, v) => a + v, 0);
      });
      for (const s of [1, 2, 3, 4])
        assert.ok((squares[s] as number) > (squares[s - 1] as number), `${corruption}: ${squares.join(", ")}`);
      assert.ok((squares[0] as number) > 0, corruption);
    }
  });

test("a corrupted sample depends on seed, sample, corruption and severity alone", () => {
  const data = drawn(true);
  const size = 3 * 20 * 24;
  for (const corruption of CORRUPTION_NAMES) {
    const how = { corruption, severity: 3, seed: 5, range: [0, 255] } as const;
    const some = corrupt(data, Uint32Array.of(9, 4, 31), how);
    assert.deepEqual(corrupt(data, Uint32Array.of(4), how), some.subarray(size, 2 * size), corruption);
    if (["gaussian-blur", "defocus-blur", "brightness", "contrast", "pixelate"].includes(corruption)) continue;
    const all = Uint32Array.from({ length: 40 }, (_, i) => i);
    assert.notDeepEqual(corrupt(data, all, { ...how, seed: 6 }), corrupt(data, all, how), corruption);
  }
  // Two samples that look alike do not get the same noise.
  const twins = images(new Float32Array(2 * 64).fill(0.5), 1, 8, 8);
  const noisy = corrupt(twins, Uint32Array.of(0, 1), {
    corruption: "gaussian-noise",
    severity: 2,
    seed: 0,
    range: [0, 1],
  });
  assert.notDeepEqual(noisy.slice(0, 64), noisy.slice(64));
});

test("closed forms: means and variances of noise, what blurs and geometry leave alone", () => {
  const n = 100 * 100;
  const flat = images(new Float32Array(n).fill(0.4), 1, 100, 100);
  const made = (corruption: CorruptionName, severity: number): Float32Array =>
    corrupt(flat, Uint32Array.of(0), { corruption, severity, seed: 2, range: [0, 1] }) as Float32Array;
  const moments = (v: Float32Array): [number, number] => {
    const mean = v.reduce((a, x) => a + x, 0) / n;
    return [mean, v.reduce((a, x) => a + (x - mean) ** 2, 0) / n];
  };
  // sigma 0.08; sigma 0.2 times 0.4; Poisson(25 * 0.4) / 25, whose variance is mean / 25. Four standard errors.
  const expected: [CorruptionName, number, number][] = [
    ["gaussian-noise", 2, 0.08 ** 2],
    ["speckle-noise", 2, (0.2 * 0.4) ** 2],
    ["shot-noise", 3, 0.4 / 25],
  ];
  for (const [corruption, severity, variance] of expected) {
    const [mean, found] = moments(made(corruption, severity));
    assert.ok(Math.abs(mean - 0.4) < 4 * Math.sqrt(variance / n), `${corruption}: mean ${mean}`);
    assert.ok(Math.abs(found - variance) < 4 * variance * Math.sqrt(2.1 / n), `${corruption}: variance ${found}`);
  }
  const struck = made("impulse-noise", 5);
  const share = (value: number): number => struck.filter((v) => v === value).length / n;
  for (const value of [0, 1]) assert.ok(Math.abs(share(value) - 0.12) < 4 * Math.sqrt((0.12 * 0.88) / n));
  for (const corruption of ["gaussian-blur", "defocus-blur", "motion-blur", "contrast", "shift", "elastic"] as const)
    for (const severity of SEVERITIES)
      assert.ok(
        made(corruption, severity).every((v) => Math.abs(v - 0.4) < 1e-6),
        corruption,
      );
  const dark = made("occlusion", 2).filter((v) => v === 0.5).length;
  assert.equal(dark, 30 * 30);
  assert.ok(made("brightness", 5).every((v) => Math.abs(v - 0.9) < 1e-6));
});

test("the smallest images and those of one value pass through", () => {
  for (const [h, w] of [
    [1, 1],
    [2, 5],
  ] as const) {
    const one = images(new Uint8Array(h * w).fill(7), 1, h, w);
    for (const corruption of CORRUPTION_NAMES)
      for (const severity of SEVERITIES)
        assert.deepEqual(
          [...corrupt(one, Uint32Array.of(0), { corruption, severity, seed: 0, range: [7, 7] })].filter((v) => v < 7),
          [],
          corruption,
        );
  }
});

test("docs/robustness.md has every corruption with its levels", () => {
  const rows = readFileSync("docs/robustness.md", "utf8")
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  assert.deepEqual(
    rows.map((r) => [r[1], r[3], ...r.slice(4, 9).map(Number)]),
    Object.entries(CORRUPTIONS).map(([name, { level, levels }]) => [`\`${name}\``, level, ...levels]),
  );
});

test("Poisson's quantiles", () => {
  // P(K <= k) for mean 3: 0.0498, 0.1991, 0.4232, 0.6472, 0.8153.
  assert.deepEqual(
    [0, 0.04, 0.05, 0.19, 0.2, 0.42, 0.43, 0.64, 0.65].map((u) => poisson(3, u)),
    [0, 0, 1, 1, 2, 2, 3, 3, 4],
  );
  assert.equal(poisson(0, 0.999999), 0);
});

test("what is no image is refused, and a severity that does not exist", () => {
  const how = { corruption: "contrast", severity: 1, seed: 0, range: [0, 1] } as const;
  assert.throws(() => corrupt(images(new Float32Array(4), 4), Uint32Array.of(0), how), {
    code: "option-conflict",
    where: "evaluation.robustness",
    found: /\[4\]/,
    expected: /uint8 or float32/,
  });
  assert.throws(() => corrupt(images(new Int32Array(4), 1, 2, 2), Uint32Array.of(0), how), { found: /int32/ });
  const image = images(new Float32Array(4), 1, 2, 2);
  assert.throws(() => corrupt(image, Uint32Array.of(0), { ...how, severity: 6 }), {
    code: "option-invalid",
    where: "severity",
    found: /6/,
    expected: /1 to 5/,
  });
});
