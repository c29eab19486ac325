/** NumPy files that stay on the disk: the same samples, hashes and numbers as those that are loaded. */
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { staysInFile } from "../../../src/learn/data/memory.js";
import { fillBatch, sampleAt, samplePieces } from "../../../src/learn/data/read.js";
import { allocateSamples } from "../../../src/learn/data/samples.js";
import type { SampleArray } from "../../../src/engine/graph/samples.js";
import { sizeOf } from "../../../src/engine/graph/tensor.js";
import { drawnViews } from "../../../src/learn/data/views.js";
import { corrupt, type DataSet, type LoadedData, loadData, valueRange } from "../../../src/index.js";
import { type ExpectedFault, faultLike } from "../../support/faults.js";
import { encodeNpy } from "../../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-npy-file-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const write = (type: string, shape: readonly number[], data: ArrayBufferView): string => {
  const path = join(folder, `${files++}.npy`);
  writeFileSync(path, encodeNpy(type, shape, data));
  return path;
};

const COUNT = 300;
const waves = (n: number): number[] => Array.from({ length: n }, (_, i) => 50 * Math.sin(i * 1.7) + (i % 5));
const whole = (n: number): number[] => waves(n).map(Math.round);
const labelFile = write(
  "<i4",
  [COUNT],
  Int32Array.from({ length: COUNT }, (_, i) => (i * 7) % 3),
);

const bigEndian = (values: Float32Array): Uint8Array => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((v, i) => {
    bytes.writeFloatBE(v, i * 4);
  });
  return new Uint8Array(bytes);
};

/** All samples in an order that is not the file's, by their indices. */
function shuffled(data: DataSet): [number[], SampleArray] {
  const order = Uint32Array.from({ length: data.size }, (_, i) => (i * 131 + 7) % data.size);
  const size = sizeOf(data.sampleShape);
  const out = allocateSamples(data.samples, data.size * size);
  fillBatch(data, order, out);
  return [[...order], out];
}

/** Loads the same both ways and holds everything of the one to the other. */
async function both(config: Record<string, unknown>, what = ""): Promise<{ file: LoadedData; loaded: LoadedData }> {
  const load = (memory: "file" | "whole"): Promise<LoadedData> =>
    loadData({ source: "npy", samples: "", ...config, memory });
  const [file, loaded] = [await load("file"), await load("whole")];
  assert.equal(file.data.samples.length, 0, "nothing is held");
  assert.ok(loaded.data.samples.length > 0 && !loaded.data.fill);
  const { samples: _, fill: __, blocks, ...described } = file.data;
  const { samples: ___, ...other } = loaded.data;
  assert.ok(blocks && !loaded.data.blocks, "only what lies on the disk is shuffled in blocks");
  assert.deepEqual(described, other, `${what} name, shape, labels, classes and hash`);
  assert.deepEqual([file.splits, file.normalisation], [loaded.splits, loaded.normalisation]);
  assert.deepEqual(shuffled(file.data), shuffled(loaded.data));
  assert.deepEqual(sampleAt(file.data, 17), sampleAt(loaded.data, 17));
  return { file, loaded };
}

test("every element type: the samples, hash, splits and fitted normalisation of the loaded file", async () => {
  const n = COUNT * 7;
  const types: readonly (readonly [string, ArrayBufferView, string])[] = [
    ["|u1", Uint8Array.from(whole(n), (v) => v & 255), "Uint8Array"],
    ["|b1", Uint8Array.from(whole(n), (v) => v & 1), "Float32Array"],
    ["<f4", Float32Array.from(waves(n)), "Float32Array"],
    [">f4", bigEndian(Float32Array.from(waves(n))), "Float32Array"],
    ["<f8", Float64Array.from(waves(n)), "Float32Array"],
    ["<f2", Uint16Array.from(whole(n), (v) => 0x3c00 + (v & 511)), "Float32Array"],
    ["<i2", Int16Array.from(whole(n)), "Int32Array"],
    ["<i4", Int32Array.from(whole(n), (v) => v * 1e6), "Int32Array"],
    ["<i8", BigInt64Array.from(whole(n), BigInt), "Int32Array"],
    ["<u4", Uint32Array.from(whole(n), (v) => 2 ** 31 + v * 1e6), "Float32Array"],
  ];
  for (const [type, values, kept] of types) {
    const samples = write(type, [COUNT, 7], values);
    const { file } = await both({ samples, label_file: labelFile, normalise: "standard" }, type);
    assert.equal(file.data.samples.constructor.name, kept, type);
    assert.ok(file.normalisation.mean.length === 7 && file.normalisation.std.some((s) => s !== 1), type);
  }
});

test("images with channels last, random views of them", async () => {
  const numbers = whole(COUNT * 6 * 5 * 3);
  const pixels = Uint8Array.from(numbers, (v) => v & 255);
  for (const values of [pixels, Float32Array.from(numbers)]) {
    const type = values === pixels ? "|u1" : "<f4";
    const { file, loaded } = await both(
      { samples: write(type, [COUNT, 6, 5, 3], values), label_file: labelFile },
      type,
    );
    assert.deepEqual([...file.data.sampleShape], [3, 6, 5]);
    // Sample 40, channel 2, row 4, column 1, against the file's own order.
    assert.equal(sampleAt(file.data, 40)[(2 * 6 + 4) * 5 + 1], values[((40 * 6 + 4) * 5 + 1) * 3 + 2]);
    const views = ({ data }: LoadedData): SampleArray => {
      const out = allocateSamples(data.samples, 20 * 90);
      const some = Uint32Array.from({ length: 20 }, (_, i) => i * 13);
      drawnViews(data, { flip: true, shift: 2, noise: 0.2 }, 3, new Uint32Array(0)).render(some, 1, out);
      return out;
    };
    assert.deepEqual(views(file), views(loaded));
    const blended = ({ data }: LoadedData): unknown => {
      const out = allocateSamples(data.samples, 8 * 90);
      const some = Uint32Array.from({ length: 8 }, (_, i) => 5 + i * 31);
      const all = Uint32Array.from({ length: COUNT }, (_, i) => i);
      const found = drawnViews(data, { flip: true, mixup: { alpha: 1 } }, 3, all).render(some, 2, out);
      return [found, out];
    };
    assert.deepEqual(blended(file), blended(loaded));
    const how = { corruption: "contrast", severity: 3, seed: 1, range: valueRange(loaded.data) } as const;
    assert.deepEqual(valueRange(file.data), how.range);
    assert.deepEqual(corrupt(file.data, Uint32Array.of(4, 99), how), corrupt(loaded.data, Uint32Array.of(4, 99), how));
  }
});

test("a test file behind the training file, of the same type and of another; a limit", async () => {
  const samples = write("<f4", [COUNT, 4], Float32Array.from(waves(COUNT * 4)));
  const test_label_file = write("<i4", [40], new Int32Array(40).fill(1));
  for (const test of [
    write("<f4", [40, 4], Float32Array.from(waves(160))),
    write("<i4", [40, 4], Int32Array.from(whole(160))),
  ]) {
    const config = { samples, label_file: labelFile, test_samples: test, test_label_file, limit: 120 };
    const { file } = await both(config);
    assert.equal(file.data.size, 160);
    assert.equal(file.splits.test[0], 120);
  }
});

test("passes go through all samples once, in their order", async () => {
  const values = Float32Array.from(waves(2000 * 600));
  const samples = write("<f4", [2000, 600], values);
  const { data } = await loadData({ source: "npy", samples, memory: "file", split: { validation: 0, test: 0 } });
  const seen: number[] = [];
  let most = 0;
  const odd = Uint32Array.from({ length: 1000 }, (_, i) => 1 + 2 * i);
  for (const piece of samplePieces(data, odd)) {
    most = Math.max(most, piece.samples.byteLength);
    piece.indices.forEach((i, k) => {
      seen.push(i);
      assert.equal(piece.samples[k * 600 + 599], values[i * 600 + 599]);
    });
  }
  assert.deepEqual(seen, [...odd]);
  assert.ok(most <= 1 << 20, `${most} bytes at once`);
});

test("what cannot be read by position is refused with what to do", async () => {
  const load = (samples: string) => loadData({ source: "npy", samples, memory: "file" });
  const refused = (samples: string, fault: ExpectedFault) => assert.rejects(load(samples), faultLike(fault));
  const fixture = (name: string): string => join(process.cwd(), "test", "fixtures", "data", name);
  await refused(fixture("grid-fortran.npy"), {
    code: "file-type",
    where: "grid-fortran.npy",
    found: ["Fortran"],
    cure: ["ascontiguousarray", "data.memory"],
  });
  await refused(join(folder, "none.npy"), { code: "file-missing", where: "none.npy" });
  await refused(folder, { code: "file-is-folder" });
  await refused(fixture("objects.npy"), { code: "file-type", where: "objects.npy", found: ["pickle", "|O"] });
  const values = Float32Array.from(waves(COUNT));
  values[250] = Number.NaN;
  await refused(write("<f4", [COUNT, 1], values), { code: "not-finite", found: ["sample 250", "value 0", "NaN"] });
  const cut = write("<f4", [COUNT, 2], Float32Array.from(waves(COUNT * 2)));
  truncateSync(cut, 1000);
  await refused(cut, { code: "file-damaged", found: ["2400 bytes"] });
  appendFileSync(cut, new Uint8Array(8));
  truncateSync(cut, 50);
  await refused(cut, { code: "file-damaged", found: ["header"] });
});

test("a file that changes while it is in use is noticed", async () => {
  const samples = write("<f4", [COUNT, 2], Float32Array.from(waves(COUNT * 2)));
  const { data } = await loadData({ source: "npy", samples, memory: "file" });
  utimesSync(samples, new Date(0), new Date(0));
  assert.throws(() => sampleAt(data, 3), faultLike({ code: "file-damaged", found: ["changed"] }));
});

test("auto: files beyond an eighth of the memory, or beyond 2 GiB, stay on the disk", () => {
  const [a, b, huge] = ["a", "b", "huge"].map((n) => join(folder, n)) as [string, string, string];
  writeFileSync(a, new Uint8Array(600));
  writeFileSync(b, new Uint8Array(400));
  writeFileSync(huge, "");
  truncateSync(huge, 2 ** 31);
  assert.equal(staysInFile("auto", [a, b], 8000), false, "just an eighth");
  assert.equal(staysInFile("auto", [a, b], 7999), true);
  assert.equal(staysInFile("auto", [a], 7999), false);
  assert.equal(staysInFile("auto", [huge], 2 ** 50), true);
  assert.deepEqual([staysInFile("file", [a], 8000), staysInFile("whole", [a], 1)], [true, false]);
  assert.throws(
    () => staysInFile("whole", [a, huge]),
    faultLike({ code: "memory-exceeded", where: "data.memory", found: ["huge", 2 ** 31], cure: ["file"] }),
  );
});
