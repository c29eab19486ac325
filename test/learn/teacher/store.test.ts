import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import type { ErrorCode } from "../../../src/base/errors.js";
import {
  type DataSet,
  fromArrays,
  InterruptedError,
  openLabelStore,
  readLabelStore,
  type Teacher,
} from "../../../src/index.js";
import { faultLike } from "../../support/faults.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-store-"));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
const fresh = (): string => join(root, String(folders++));

const SIZE = 1300;
const make = (seed: number): DataSet =>
  fromArrays({
    samples: Float32Array.from({ length: SIZE }, (_, i) => Math.sin(i + seed)),
    sampleShape: [1],
    classes: ["a", "b", "c"],
  });
const data = make(1);

/** Its answer tells the sample apart from every other one. */
const answerOf = (sample: number): number[] => [sample + 0.5, -sample, (sample % 7) / 3];

function teacherThat(more: Partial<Teacher> = {}): Teacher & { asked: number[] } {
  const asked: number[] = [];
  return {
    name: "counter",
    hash: "t1",
    preprocessing: "p1",
    kind: "logits",
    classes: 3,
    batch: 64,
    parameters: null,
    bytes: 0,
    notes: [],
    asked,
    async answer(_, indices) {
      asked.push(...indices);
      return Float32Array.from(Array.from(indices).flatMap(answerOf));
    },
    async dispose() {},
    ...more,
  };
}

const all = (store: { gather(i: Uint32Array, out: Float32Array): void }): number[] => {
  const out = new Float32Array(SIZE * 3);
  store.gather(
    Uint32Array.from({ length: SIZE }, (_, i) => i),
    out,
  );
  return [...out];
};
const expected = [...Float32Array.from(Array.from({ length: SIZE }, (_, i) => i).flatMap(answerOf))];

test("every sample is asked about once; a second opening asks nothing", async () => {
  const folder = fresh();
  const teacher = teacherThat();
  const store = await openLabelStore(folder, teacher, data, { precision: "float32" });
  assert.deepEqual(all(store), expected);
  assert.deepEqual(
    teacher.asked,
    Array.from({ length: SIZE }, (_, i) => i),
  );
  const again = teacherThat();
  assert.deepEqual(all(await openLabelStore(folder, again, data, { precision: "float32" })), expected);
  assert.deepEqual(again.asked, []);
  assert.deepEqual(all(readLabelStore(folder, data)), expected);
});

test("answers follow the sample, not its place in a shuffled batch (pitfall 5)", async () => {
  const store = await openLabelStore(fresh(), teacherThat(), data, { precision: "float32" });
  const shuffled = Uint32Array.from({ length: SIZE }, (_, i) => (i * 617) % SIZE);
  const out = new Float32Array(SIZE * 3);
  store.gather(shuffled, out);
  for (const [i, sample] of shuffled.entries())
    assert.deepEqual([...out.subarray(3 * i, 3 * i + 3)], [...Float32Array.from(answerOf(sample))]);
});

test("interrupted labelling goes on where it stopped", async () => {
  const folder = fresh();
  const controller = new AbortController();
  const first = teacherThat();
  await assert.rejects(
    openLabelStore(folder, first, data, {
      precision: "float32",
      signal: controller.signal,
      onProgress: () => controller.abort(),
    }),
    InterruptedError,
  );
  assert.ok(first.asked.length > 0 && first.asked.length < SIZE);
  assert.throws(
    () => readLabelStore(folder, data),
    faultLike({ code: "store-mismatch", where: folder, found: ["512 of 1,300"], cure: ["--resume"] }),
  );
  const second = teacherThat();
  assert.deepEqual(all(await openLabelStore(folder, second, data, { precision: "float32" })), expected);
  assert.equal(first.asked.length + second.asked.length, SIZE, "nothing is asked twice");
});

test("a row cut in half by a kill is labelled again", async () => {
  const folder = fresh();
  await openLabelStore(folder, teacherThat(), data, { precision: "float32" });
  const file = join(folder, "outputs.bin");
  truncateSync(file, 700 * 12 + 5);
  const teacher = teacherThat();
  assert.deepEqual(all(await openLabelStore(folder, teacher, data, { precision: "float32" })), expected);
  assert.equal(teacher.asked[0], 700);
});

test("another teacher, data, preprocessing, kind or precision is refused with the reason", async () => {
  const folder = fresh();
  await openLabelStore(folder, teacherThat(), data, { precision: "float32" });
  const open = (teacher: Teacher, over: DataSet = data, precision: "float32" | "float16" = "float32") =>
    openLabelStore(folder, teacher, over, { precision });
  const changed = (what: string) => faultLike({ code: "store-mismatch", where: folder, found: [what] });
  await assert.rejects(open(teacherThat({ hash: "t2" })), changed("the teacher"));
  await assert.rejects(open(teacherThat({ preprocessing: "p2" })), changed("preprocessing"));
  await assert.rejects(open(teacherThat({ kind: "probabilities" })), changed("kind of outputs"));
  await assert.rejects(open(teacherThat(), make(2)), changed("the data"));
  await assert.rejects(open(teacherThat(), data, "float16"), changed("precision"));
  assert.throws(() => readLabelStore(folder, make(2)), faultLike({ code: "store-mismatch", where: folder }));
  assert.throws(() => readLabelStore(join(folder, "none"), data), faultLike({ code: "file-missing", where: "none" }));
  assert.deepEqual(all(readLabelStore(folder, data)), expected, "what was there stays");
  writeFileSync(join(folder, "store.json"), "{");
  assert.throws(() => readLabelStore(folder, data), faultLike({ code: "file-damaged", where: "store.json" }));
});

test("a store that was tampered with is refused, never misread", async () => {
  const folder = fresh();
  await openLabelStore(folder, teacherThat(), data, { precision: "float32" });
  const [json, bin] = [join(folder, "store.json"), join(folder, "outputs.bin")];
  const [header, bytes] = [readFileSync(json, "utf8"), readFileSync(bin)];
  const refused = (code: ErrorCode, where: string, ...found: string[]): void => {
    assert.throws(() => readLabelStore(folder, data), faultLike({ code, where, found }));
    writeFileSync(json, header);
    writeFileSync(bin, bytes);
  };
  rmSync(bin);
  refused("store-mismatch", folder, "0 of 1,300");
  writeFileSync(bin, Buffer.concat([bytes, bytes]));
  refused("store-mismatch", "outputs.bin", "31200");
  const damaged = Buffer.from(bytes);
  damaged.writeFloatLE(Number.NaN, 12 * 70 + 4);
  writeFileSync(bin, damaged);
  refused("file-damaged", "outputs.bin", "NaN for sample 70");
  writeFileSync(json, header.replace("1300", "13"));
  refused("store-mismatch", folder, "13 samples");
  for (const nonsense of ["null", "[]", "{}", '{"format":1}', header.replace("float32", "int8")]) {
    writeFileSync(json, nonsense);
    refused("file-damaged", "store.json");
  }
  writeFileSync(json, '{"format":2}');
  refused("file-type", "store.json", "2");
  assert.deepEqual(all(readLabelStore(folder, data)), expected);
});

test("float16: half the bytes, each answer within half precision", async () => {
  const folder = fresh();
  const store = await openLabelStore(folder, teacherThat(), data, { precision: "float16" });
  assert.equal(statSync(join(folder, "outputs.bin")).size, SIZE * 3 * 2);
  all(store).forEach((v, i) => {
    const exact = expected[i] as number;
    assert.ok(Math.abs(v - exact) <= Math.max(2 ** -25, Math.abs(exact) * 2 ** -11), `${v} against ${exact}`);
  });
  const huge = teacherThat({ answer: async (_, i) => new Float32Array(i.length * 3).fill(1e5) });
  await assert.rejects(openLabelStore(fresh(), huge, data, { precision: "float16" }), {
    code: "not-finite",
    where: "teacher.precision",
    expected: /65504/,
    cure: /float32/,
  });
});

test("rows without a header belong to nobody: they are labelled again", async () => {
  const folder = fresh();
  const other = teacherThat({ hash: "t0", answer: async (_, i) => new Float32Array(i.length * 3).fill(7) });
  await openLabelStore(folder, other, data, { precision: "float32" });
  rmSync(join(folder, "store.json"));
  assert.deepEqual(all(await openLabelStore(folder, teacherThat(), data, { precision: "float32" })), expected);
});

test("a teacher that gives more or fewer values than it has classes is refused", async () => {
  for (const width of [2, 4]) {
    const odd = teacherThat({ answer: async (_, i) => new Float32Array(i.length * width).fill(1) });
    await assert.rejects(
      openLabelStore(fresh(), odd, data, { precision: "float32" }),
      new RegExp(`gives ${512 * width} values for 512 samples of 3 classes; expected 1536`),
    );
  }
});

test("answers that are not finite are refused with the sample", async () => {
  const broken = teacherThat({
    answer: async (_, indices) =>
      Float32Array.from(Array.from(indices).flatMap((i) => (i === 600 ? [0, Number.NaN, 0] : [1, 2, 3]))),
  });
  await assert.rejects(openLabelStore(fresh(), broken, data, { precision: "float32" }), /answers NaN for sample 600/);
});

test("the hash of the answers comes with the last of them, the teacher's file with the first", async () => {
  const folder = fresh();
  const file = join(root, "model.onnx");
  const header = (): Record<string, unknown> => JSON.parse(readFileSync(join(folder, "store.json"), "utf8"));
  const controller = new AbortController();
  const stopping = { precision: "float32", signal: controller.signal, onProgress: () => controller.abort() } as const;
  await assert.rejects(openLabelStore(folder, teacherThat({ file }), data, stopping), InterruptedError);
  assert.deepEqual([header().teacherFile, header().outputsHash], ["../model.onnx", undefined]);
  await openLabelStore(folder, teacherThat({ file }), data, { precision: "float32" });
  const written = readFileSync(join(folder, "outputs.bin"));
  const expected = createHash("sha256").update(written).digest("hex");
  assert.equal(header().outputsHash, expected);
  // Whoever opens it again labels nothing and vouches for nothing.
  writeFileSync(
    join(folder, "outputs.bin"),
    written.map((b, i) => (i < 4 ? 0 : b)),
  );
  const changed = openLabelStore(folder, teacherThat(), data, { precision: "float32" });
  await assert.rejects(changed, faultLike({ code: "store-mismatch", where: folder, found: ["outputs.bin"] }));
  assert.equal(header().outputsHash, expected);
});

test("the header says what the store belongs to", async () => {
  const folder = fresh();
  await openLabelStore(folder, teacherThat(), data, { precision: "float32" });
  const header = JSON.parse(readFileSync(join(folder, "store.json"), "utf8")) as Record<string, unknown>;
  assert.deepEqual(
    [header.teacherHash, header.dataHash, header.preprocessing, header.kind, header.samples, header.classes],
    ["t1", data.hash, "p1", "logits", SIZE, ["a", "b", "c"]],
  );
});
