/** Labels as NumPy arrays: text, numbers, one-hot; what is refused, and what a recipe makes of them. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { zipSync } from "fflate";
import { readNpyLabels } from "../../../src/learn/data/sources/npy-labels.js";
import { loadData } from "../../../src/index.js";
import { type ExpectedFault, faultLike } from "../../support/faults.js";
import { encodeNpy } from "../../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-npy-labels-"));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const write = (bytes: Uint8Array, name = `${files++}.npy`): string => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};

/** NumPy's fixed-width text: code points in four bytes each ("U"), or bytes ("S"), filled up with zeros. */
function text(type: string, values: readonly string[], shape: readonly number[] = [values.length]): Uint8Array {
  const width = Number(type.slice(2));
  const wide = type[1] === "U";
  const bytes = new Uint8Array(values.length * width * (wide ? 4 : 1));
  const view = new DataView(bytes.buffer);
  values.forEach((value, i) => {
    if (wide)
      [...value].forEach((c, k) => {
        view.setUint32((i * width + k) * 4, c.codePointAt(0) as number, type[0] !== ">");
      });
    else bytes.set(new TextEncoder().encode(value), i * width);
  });
  return encodeNpy(type, shape, bytes);
}
const labelsOf = (bytes: Uint8Array, count: number): string[] => [
  ...readNpyLabels(bytes, "y.npy", count, "x.npy").labels,
];

test("text labels: UTF-32 in both byte orders, bytes, beyond the first plane, of every length", () => {
  const names = ["cat", "dog", "é", "🦊🦊", ""];
  for (const type of ["<U3", ">U3"]) assert.deepEqual(labelsOf(text(type, names), 5), names, type);
  assert.deepEqual(labelsOf(text("|S3", ["cat", "do", "é", ""]), 4), ["cat", "do", "é", ""]);
  assert.deepEqual(labelsOf(text("<U3", names, [5, 1]), 5), names);
  assert.deepEqual(labelsOf(encodeNpy("<U0", [3], new Uint8Array(0)), 3), ["", "", ""]);
});

test("numbers: integers of all kinds, whole floats, NaN, booleans; a column", () => {
  assert.deepEqual(labelsOf(encodeNpy("<i8", [3], BigInt64Array.of(0n, -100n, 7n)), 3), ["0", "-100", "7"]);
  assert.deepEqual(labelsOf(encodeNpy("<f4", [3], Float32Array.of(0, Number.NaN, 2)), 3), ["0", "NaN", "2"]);
  assert.deepEqual(labelsOf(encodeNpy("<f8", [2, 1], Float64Array.of(1, -1)), 2), ["1", "-1"]);
  assert.deepEqual(labelsOf(encodeNpy("|b1", [2], Uint8Array.of(1, 0)), 2), ["1", "0"]);
  assert.deepEqual(labelsOf(encodeNpy(">i2", [2], Uint8Array.of(1, 0, 0, 3)), 2), ["256", "3"]);
});

test("one-hot labels are read as the column of the one, and that is said", () => {
  for (const bytes of [
    encodeNpy("<f4", [3, 4], Float32Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1)),
    encodeNpy("|u1", [3, 4], Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1)),
    encodeNpy("|b1", [3, 4], Uint8Array.of(0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1)),
  ]) {
    const { labels, finding } = readNpyLabels(bytes, "y.npy", 3, "x.npy");
    assert.deepEqual([...labels], ["2", "0", "3"]);
    assert.deepEqual([finding?.code, finding?.count, finding?.level], ["labels-one-hot", 3, "note"]);
  }
});

const two = (values: readonly number[]) => encodeNpy("<f4", [2, 2], Float32Array.from(values));
const structured = (): Uint8Array => {
  const bytes = encodeNpy("<f4", [2], new Float32Array(2));
  const before = Buffer.from(bytes).toString("latin1");
  return Buffer.from(before.replace("'<f4'", "[('a', '<i4'), ('b', '<f8')]"), "latin1");
};
const refused: readonly [string, Uint8Array, number, ExpectedFault][] = [
  [
    "another number of labels",
    encodeNpy("<i4", [3], Int32Array.of(0, 1, 0)),
    2,
    { code: "array-mismatch", found: ["3 labels", "2 samples"] },
  ],
  [
    "another number of text labels",
    text("<U3", ["a", "b", "c"]),
    4,
    { code: "array-mismatch", found: ["3 labels", "4 samples"] },
  ],
  [
    "labels of several dimensions",
    encodeNpy("<i4", [2, 2, 1], new Int32Array(4)),
    2,
    { code: "array-mismatch", found: ["2,2,1"] },
  ],
  ["text of several columns", text("<U3", ["a", "b", "c", "d"], [2, 2]), 2, { code: "array-mismatch", found: ["2,2"] }],
  ["a single number", encodeNpy("<i4", [], Int32Array.of(1)), 1, { code: "array-mismatch", found: ["single number"] }],
  [
    "several classes a sample",
    two([1, 1, 0, 1]),
    2,
    { code: "label-type", found: ["row 0", "2 ones"], cure: ["argmax"] },
  ],
  ["no class of a sample", two([1, 0, 0, 0]), 2, { code: "label-type", found: ["row 1", "no one"] }],
  ["probabilities", two([0.25, 0.75, 1, 0]), 2, { code: "label-type", found: ["row 0", "probabilities"] }],
  ["other numbers", two([3, 4, 1, 0]), 2, { code: "label-type", found: ["row 0", 3] }],
  [
    "objects",
    encodeNpy("|O", [2], new Uint8Array(2)),
    2,
    { code: "file-type", found: ["pickle"], cure: ["astype(str)"] },
  ],
  ["records", structured(), 2, { code: "file-type", found: ["named fields", "'a'"] }],
  ["complex numbers", encodeNpy("<c8", [2], new Float32Array(4)), 2, { code: "file-type", found: ["complex"] }],
  ["dates", encodeNpy("<M8[ns]", [2], new BigInt64Array(2)), 2, { code: "file-type", found: ["dates"] }],
  ["raw bytes", encodeNpy("|V3", [2], new Uint8Array(6)), 2, { code: "file-type", found: ["raw bytes"] }],
  ["text that is no UTF-8", encodeNpy("|S1", [2], Uint8Array.of(0xe9, 65)), 2, { code: "encoding-invalid" }],
  ["no code point", encodeNpy("<U1", [2], Uint32Array.of(65, 0x110000)), 2, { code: "encoding-invalid" }],
  ["text cut off", text("<U3", ["a", "b"]).subarray(0, -4), 2, { code: "file-damaged", found: [24, 20] }],
  [
    "ids beyond 2^53",
    encodeNpy("<i8", [2], BigInt64Array.of(1n, 2n ** 60n + 1n)),
    2,
    { code: "label-type", found: ["label 1"], cure: ["astype(str)"] },
  ],
  ["a negative shape", encodeNpy("<i4", [-2], Int32Array.of(0, 1)), 2, { code: "file-damaged" }],
];
for (const [what, bytes, count, fault] of refused)
  test(`refused: ${what}`, () => {
    assert.throws(() => readNpyLabels(bytes, "y.npy", count, "x.npy"), faultLike({ where: "y.npy", ...fault }));
  });

const COUNT = 60;
const samples = write(
  encodeNpy(
    "<f4",
    [COUNT, 2],
    Float32Array.from({ length: COUNT * 2 }, (_, i) => Math.sin(i)),
  ),
);
const cycled = <T>(...values: T[]): T[] => Array.from({ length: COUNT }, (_, i) => values[i % values.length] as T);
const load = (labels: Uint8Array, more: object = {}) =>
  loadData({ source: "npy", samples, label_file: write(labels), ...more });
const codes = ({ findings = [] }: Awaited<ReturnType<typeof loadData>>) => findings.map((f) => [f.code, f.count]);

test("a recipe's data: text labels are classes, missing ones are counted", async () => {
  const texts = await load(text("<U4", cycled("fox", "cat", "", "nan")));
  assert.deepEqual([...texts.data.classes], ["cat", "fox", "nan"]);
  assert.deepEqual([...(texts.data.labels ?? [])].slice(0, 4), [1, 0, -1, 2]);
  assert.deepEqual(codes(texts), [["labels-missing", 15]]);
  assert.ok(
    [...texts.splits.test, ...texts.splits.validation].every((i) => i % 4 !== 2),
    "never judged on",
  );
});

test("a recipe's data: -100 and NaN are missing, -1 unless it is one of two signs, and names index integers", async () => {
  const ignored = await load(encodeNpy("<i4", [COUNT], Int32Array.from(cycled(0, 1, -100, -1))));
  assert.deepEqual([[...ignored.data.classes], codes(ignored)], [["0", "1"], [["labels-missing", 30]]]);
  const nan = await load(encodeNpy("<f4", [COUNT], Float32Array.from(cycled(0, 1, Number.NaN))));
  assert.deepEqual([[...nan.data.classes], codes(nan)], [["0", "1"], [["labels-missing", 20]]]);
  const signs = await load(encodeNpy("|i1", [COUNT], Int8Array.from(cycled(-1, 1))));
  assert.deepEqual([[...signs.data.classes], codes(signs)], [["-1", "1"], []]);
  const named = await load(encodeNpy("<i8", [COUNT], BigInt64Array.from(cycled(0n, 1n, 2n))), {
    classes: ["a", "b", "c"],
  });
  assert.deepEqual([...(named.data.labels ?? [])].slice(0, 3), [0, 1, 2]);
  const oneHot = await load(encodeNpy("|u1", [COUNT, 2], Uint8Array.from(cycled([1, 0], [0, 1]).flat())), {
    classes: ["no", "yes"],
  });
  assert.deepEqual([...(oneHot.data.labels ?? [])].slice(0, 2), [0, 1]);
  assert.deepEqual(
    codes(oneHot).map(([code]) => code),
    ["labels-one-hot", "labels-as-indices"],
  );
});

test("a recipe's data, refused: measured values, all missing, one class, text as samples, samples that are no file", async () => {
  const values = Float32Array.from({ length: COUNT }, (_, i) => i / 7);
  const cases: [() => Promise<unknown>, ExpectedFault][] = [
    [() => load(encodeNpy("<f4", [COUNT], values)), { code: "label-type", found: ["regression"] }],
    [
      () => load(encodeNpy("<i4", [COUNT], new Int32Array(COUNT).fill(-100))),
      { code: "labels-missing", found: [COUNT] },
    ],
    [() => load(encodeNpy("<f4", [COUNT], new Float32Array(COUNT).fill(Number.NaN))), { code: "labels-missing" }],
    [() => load(encodeNpy("<i4", [COUNT], new Int32Array(COUNT))), { code: "class-too-few", found: ['"0"'] }],
    [
      () => loadData({ source: "npy", samples: write(text("<U3", ["a", "b"])) }),
      { code: "file-type", found: ["text"] },
    ],
    [() => loadData({ source: "npy", samples: folder }), { code: "file-is-folder" }],
    [() => loadData({ source: "npy", samples: write(new Uint8Array(0)) }), { code: "data-empty", found: ["0 bytes"] }],
    [
      () => loadData({ source: "npy", samples: write(encodeNpy("<f4", [0, 4], new Float32Array(0))) }),
      { code: "data-empty" },
    ],
    [
      () => loadData({ source: "npy", samples: write(encodeNpy("<f4", [4, 0], new Float32Array(0))) }),
      { code: "data-empty" },
    ],
    [
      () => loadData({ source: "npy", samples: write(encodeNpy("<f4", [1, 4], new Float32Array(4))) }),
      { code: "budget-invalid", where: "data.split.test" },
    ],
    [
      () => loadData({ source: "npy", samples, label_file: join(folder, "none.npy") }),
      { code: "file-missing", where: "none.npy" },
    ],
    [
      () => loadData({ source: "npy", samples, test_label_file: samples }),
      { code: "option-missing", where: "data.test_samples" },
    ],
    [
      () => loadData({ source: "npy", samples, split: { test: 1000 } }),
      { code: "budget-invalid", where: "data.split.test", found: ["1,000", 60] },
    ],
    [
      () => loadData({ source: "npy", samples, split: { validation: 60 } }),
      { code: "budget-invalid", where: "data.split.validation" },
    ],
    [
      () => loadData({ source: "npy", samples, test_samples: write(encodeNpy("<f4", [2, 3], new Float32Array(6))) }),
      { code: "array-mismatch", found: ["[3]", "[2]"] },
    ],
  ];
  for (const [make, fault] of cases) await assert.rejects(make, faultLike(fault), JSON.stringify(fault));
  const link = join(folder, "link.npy");
  symlinkSync("gone.npy", link);
  await assert.rejects(
    loadData({ source: "npy", samples: link }),
    faultLike({ code: "file-missing", where: "link.npy" }),
  );
});

test("a value that is not finite is told by its part: file and row", async () => {
  const bad = Float32Array.from({ length: 20 }, (_, i) => (i === 7 ? Number.POSITIVE_INFINITY : i));
  const test_samples = write(encodeNpy("<f4", [10, 2], bad));
  for (const memory of ["whole", "file"] as const)
    await assert.rejects(
      loadData({ source: "npy", samples, test_samples, memory }),
      faultLike({ code: "not-finite", where: test_samples, found: ["sample 3, value 1", "Infinity"] }),
    );
});

test("whole numbers beyond 32 bits are rounded, and that is said, also of files that stay on the disk", async () => {
  const ids = write(encodeNpy("<i8", [COUNT, 1], BigInt64Array.from(cycled(1n, 2n ** 40n))));
  for (const memory of ["whole", "file"] as const) {
    const { findings = [] } = await loadData({ source: "npy", samples: ids, memory });
    assert.deepEqual(
      findings.map((f) => [f.code, f.where]),
      [["integers-rounded", ids]],
    );
  }
});

/** An archive of these arrays. */
const archive = (arrays: Readonly<Record<string, Uint8Array>>, name: string): string =>
  write(zipSync(Object.fromEntries(Object.entries(arrays).map(([key, bytes]) => [`${key}.npy`, bytes]))), name);
const rows = (n: number) =>
  encodeNpy(
    "<f4",
    [n, 2],
    Float32Array.from({ length: n * 2 }, (_, i) => Math.cos(i)),
  );
const marks = (n: number, ...values: number[]) =>
  encodeNpy(
    "<i4",
    [n],
    Int32Array.from({ length: n }, (_, i) => values[i % values.length] as number),
  );

test("npz: x_val and y_val choose epochs, what is not used is said", async () => {
  const path = archive(
    {
      x_train: rows(40),
      y_train: marks(40, 0, 1),
      x_val: rows(10),
      y_val: marks(10, 0, 1),
      extra: rows(3),
      y_test: marks(4, 0, 1),
    },
    "parts.npz",
  );
  const { data, splits, findings = [] } = await loadData({ source: "npz", path });
  assert.equal(data.size, 50);
  assert.deepEqual([splits.train.length, splits.validation.length, splits.test.length], [32, 10, 8]);
  assert.deepEqual([...splits.validation], [40, 41, 42, 43, 44, 45, 46, 47, 48, 49]);
  assert.deepEqual(
    findings.map((f) => [f.code, f.examples]),
    [
      ["parts-found", ["x_train (40)", "x_val (10, chooses epochs)"]],
      ["arrays-unused", ["extra", "y_test"]],
    ],
  );
});

test("npz: text labels; labels that are not there are said, or refused when the recipe names them", async () => {
  const named = await loadData({
    source: "npz",
    path: archive(
      {
        x_train: rows(20),
        y_train: text(
          "<U3",
          Array.from({ length: 20 }, (_, i) => (i % 2 ? "cat" : "dog")),
        ),
      },
      "text.npz",
    ),
  });
  assert.deepEqual([...named.data.classes], ["cat", "dog"]);
  const path = archive({ x_train: rows(20), labels: marks(20, 0, 1) }, "other.npz");
  const bare = await loadData({ source: "npz", path });
  assert.equal(bare.data.labels, null);
  assert.deepEqual(
    bare.findings?.map((f) => f.code),
    ["arrays-unused", "labels-absent"],
  );
  await assert.rejects(
    loadData({ source: "npz", path, label_key: "label" }),
    faultLike({ code: "array-missing", where: "data.label_key", cure: ['"labels"'] }),
  );
  await assert.rejects(
    loadData({ source: "npz", path, test_samples: "x_held" }),
    faultLike({ code: "array-missing", where: "data.test_samples" }),
  );
});

test("npz, refused: cut off, empty, a folder, no array, another number of labels, a class that only the test part holds", async () => {
  const whole = archive({ x_train: rows(20), y_train: marks(20, 0, 1) }, "whole.npz");
  const cut = archive({ x_train: rows(20), y_train: marks(20, 0, 1) }, "cut.npz");
  truncateSync(cut, 200);
  mkdirSync(join(folder, "folder.npz"));
  const cases: [string, ExpectedFault][] = [
    [cut, { code: "file-damaged", where: "cut.npz" }],
    [write(new Uint8Array(0), "empty.npz"), { code: "data-empty", where: "empty.npz" }],
    [join(folder, "folder.npz"), { code: "file-is-folder", where: "folder.npz" }],
    [archive({}, "none.npz"), { code: "array-missing", where: "data.samples" }],
    [
      archive({ x_train: rows(20), y_train: marks(19, 0, 1) }, "less.npz"),
      { code: "array-mismatch", where: "less.npz: y_train", found: ["19 labels"] },
    ],
    [
      archive(
        { x_train: rows(20), y_train: marks(20, 0, 1), x_test: rows(3), y_test: marks(3, 0, 1, 5) },
        "unseen.npz",
      ),
      { code: "class-unseen", where: "unseen.npz: y_test", found: ['"5"'] },
    ],
    [
      archive({ x_train: rows(20), y_train: marks(20, -1) }, "missing.npz"),
      { code: "labels-missing", where: "missing.npz: y_train" },
    ],
    [archive({ x_train: rows(1), y_train: marks(1, 0) }, "one.npz"), { code: "class-too-few" }],
  ];
  for (const [path, fault] of cases)
    await assert.rejects(loadData({ source: "npz", path }), faultLike(fault), JSON.stringify(fault));
  assert.equal((await loadData({ source: "npz", path: whole })).data.size, 20);
});

test("the limit is a draw of the classes' shares, the same of a file on the disk, in the file's order", async () => {
  const count = 600;
  const x = write(
    encodeNpy(
      "<f4",
      [count, 1],
      Float32Array.from({ length: count }, (_, i) => i),
    ),
  );
  // Sorted by class, as files often are: the first 60 rows would hold one class.
  const y = write(
    encodeNpy(
      "<i4",
      [count],
      Int32Array.from({ length: count }, (_, i) => (i < 300 ? 0 : i < 580 ? 1 : 2)),
    ),
  );
  const config = { source: "npy" as const, samples: x, label_file: y, limit: 63, split: { validation: 0, test: 0 } };
  const [whole, file] = [await loadData({ ...config, memory: "whole" }), await loadData({ ...config, memory: "file" })];
  const labels = [...(whole.data.labels ?? [])];
  const counts = [0, 1, 2].map((c) => labels.filter((l) => l === c).length);
  assert.deepEqual(counts, [31, 29, 3], "one of each, and 60 by share");
  const values = [...whole.data.samples];
  assert.deepEqual(
    values,
    values.toSorted((a, b) => a - b),
    "in the file's order",
  );
  assert.deepEqual(
    labels,
    values.map((v) => (v < 300 ? 0 : v < 580 ? 1 : 2)),
    "with their labels",
  );
  const read = new Float32Array(63);
  file.data.fill?.(
    Uint32Array.from({ length: 63 }, (_, i) => i),
    read,
  );
  assert.deepEqual([...read], values);
  assert.equal(file.data.hash, whole.data.hash);
  assert.deepEqual(codes(whole), [["limit-drawn", 537]]);
});
