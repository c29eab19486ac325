import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseNpy } from "../../../src/learn/data/sources/npy.js";
import { loadData } from "../../../src/index.js";
import { faultLike } from "../../support/faults.js";
import { encodeNpy } from "../../support/npy.js";

const folder = join(process.cwd(), "test", "fixtures", "data");
const read = (name: string) => parseNpy(new Uint8Array(readFileSync(join(folder, name))), name);
const grid = Array.from({ length: 24 }, (_, i) => i);

test("every element type, both byte orders, column-major, header version 2: NumPy's arange(24)", () => {
  const types = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"].map((t) => `grid-${t}`);
  for (const name of [...types, "grid-big-f4", "grid-big-i2", "grid-fortran", "version2"]) {
    const { shape, data } = read(`${name}.npy`);
    assert.deepEqual(shape, [2, 3, 4], name);
    assert.deepEqual([...data], grid, name);
  }
  assert.ok(read("grid-u1.npy").data instanceof Uint8Array, "bytes stay bytes");
  assert.deepEqual([...read("flags.npy").data], [1, 0, 1]);
});

test("half precision: normal, subnormal, largest", () => {
  const [a, b, c, d, e] = read("half.npy").data as unknown as number[];
  assert.deepEqual([a, b, c], [0.5, -2, 65504]);
  assert.equal(d, 2 ** -24, "6e-8 rounds to the smallest subnormal");
  assert.equal(e, 0.333251953125);
});

test("objects, cut-off files and other files are refused by name", () => {
  const whole = new Uint8Array(readFileSync(join(folder, "grid-f4.npy")));
  const refused: [() => unknown, Parameters<typeof faultLike>[0]][] = [
    [() => read("objects.npy"), { code: "file-type", where: "objects.npy", found: ["pickle"], cure: ["astype(str)"] }],
    [
      () => parseNpy(whole.subarray(0, whole.length - 3), "cut.npy"),
      { code: "file-damaged", where: "cut.npy", found: [96, 93] },
    ],
    [() => parseNpy(whole.subarray(0, 40), "cut.npy"), { code: "file-damaged", found: ["header"] }],
    [
      () => parseNpy(new TextEncoder().encode("a,b,c\n1,2,3\n"), "table.csv"),
      { code: "file-type", where: "table.csv" },
    ],
    [() => parseNpy(new TextEncoder().encode("PK\x03\x04 and so on"), "x.npz"), { code: "file-type", cure: ["npz"] }],
  ];
  for (const [make, fault] of refused) assert.throws(make, faultLike(fault), JSON.stringify(fault));
});

test("npz with its own test part; [N,H,W,C] bytes become [C,H,W]; labels [N,1]", async () => {
  const { data, splits } = await loadData({ source: "npz", path: join(folder, "pictures.npz") });
  assert.deepEqual([...data.sampleShape], [3, 6, 5]);
  assert.equal(data.size, 40);
  assert.deepEqual([...data.classes], ["0", "1", "2", "3"]);
  assert.deepEqual([...splits.test], [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
  assert.ok(data.samples instanceof Uint8Array);
  // Against the archive's own bytes: sample 2, row 4, column 3, channel 1.
  const { unzipSync } = await import("fflate");
  const raw = parseNpy(
    unzipSync(new Uint8Array(readFileSync(join(folder, "pictures.npz"))))["x_train.npy"] as Uint8Array,
    "x_train",
  );
  assert.equal(data.samples[((2 * 3 + 1) * 6 + 4) * 5 + 3], raw.data[((2 * 6 + 4) * 5 + 3) * 3 + 1]);
});

test("npz under other keys, deflated; a wrong key gets the nearest name", async () => {
  const path = join(folder, "packed.npz");
  const { data } = await loadData({
    source: "npz",
    path,
    samples: "samples",
    label_key: "classes",
    split: { validation: 4, test: 8 },
  });
  assert.deepEqual([...data.sampleShape], [1, 6, 5]);
  assert.equal(data.classes.length, 4);
  await assert.rejects(
    loadData({ source: "npz", path, samples: "sample" }),
    faultLike({ code: "array-missing", where: "data.samples", found: ['"sample"'], cure: ['"samples"'] }),
  );
  await assert.rejects(
    loadData({ source: "npz", path: join(folder, "grid-u1.npy") }),
    faultLike({ code: "file-type", where: "grid-u1.npy", found: ["ZIP"] }),
  );
  await assert.rejects(
    loadData({ source: "npz", path: join(folder, "nothing.npz") }),
    faultLike({ code: "file-missing", where: "nothing.npz" }),
  );
});

test("npy: labels of another length, one-hot labels", async () => {
  const at = (name: string) => join(folder, name);
  await assert.rejects(
    loadData({ source: "npy", samples: at("grid-f4.npy"), label_file: at("flags.npy") }),
    faultLike({ code: "array-mismatch", where: "flags.npy", found: ["3 labels", "2 samples"] }),
  );
  await assert.rejects(
    loadData({ source: "npy", samples: at("grid-f4.npy"), label_file: at("grid-i8.npy") }),
    faultLike({ code: "array-mismatch", where: "grid-i8.npy", found: ["2,3,4"] }),
  );
});

test("npy: integers stay whole numbers where 32 bits hold them; floats and larger ones are float32", async () => {
  const samplesOf = async (bytes: Uint8Array): Promise<unknown> => {
    const path = join(mkdtempSync(join(tmpdir(), "limbeck-npy-")), "ids.npy");
    writeFileSync(path, bytes);
    const { data, normalisation } = await loadData({ source: "npy", samples: path, split: { validation: 0, test: 0 } });
    rmSync(path);
    assert.deepEqual(normalisation, { scale: 1, mean: [0], std: [1] }, "nothing is done to them");
    return [data.samples.constructor.name, [...data.sampleShape], ...data.samples];
  };
  const ids = [0, 2 ** 24 + 1, -5, 7999];
  const i4 = encodeNpy("<i4", [2, 2], Int32Array.from(ids));
  const i8 = encodeNpy("<i8", [2, 2], BigInt64Array.from(ids, BigInt));
  for (const bytes of [i4, i8]) assert.deepEqual(await samplesOf(bytes), ["Int32Array", [2], ...ids]);
  const beyond = encodeNpy("<i8", [2, 1], BigInt64Array.of(1n, 2n ** 40n));
  assert.deepEqual(await samplesOf(beyond), ["Float32Array", [1], 1, 2 ** 40]);
  const floats = encodeNpy("<f4", [2, 1], Float32Array.of(1, 2));
  assert.deepEqual(await samplesOf(floats), ["Float32Array", [1], 1, 2]);
});
