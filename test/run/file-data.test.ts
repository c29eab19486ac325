/** Data that stays in its file, and data that a function makes: the same students, or the same bytes after a stop. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fillBatch } from "../../src/learn/data/read.js";
import {
  type DataSet,
  Distiller,
  distill,
  fromArrays,
  fromFunction,
  InterruptedError,
  type LoadedData,
  loadData,
  type RecipeInput,
  type SampleArray,
  type Teacher,
} from "../../src/index.js";
import { type ExpectedFault, faultLike } from "../support/faults.js";
import { encodeNpy } from "../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-file-data-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const digits = (await loadData({ source: "digits" })).data;
const [samples, labels] = [digits.samples, digits.labels as Int32Array];
writeFileSync(join(folder, "x.npy"), encodeNpy("|u1", [digits.size, 8, 8], samples));
writeFileSync(join(folder, "y.npy"), encodeNpy("<i4", [digits.size], labels));
const described = { source: "npy", samples: "x.npy", label_file: "y.npy", normalise: "standard" } as const;
const load = (memory: "file" | "whole"): Promise<LoadedData> => loadData({ ...described, memory }, { folder });

const teacher: Teacher = {
  name: "by the samples",
  hash: "by the samples",
  preprocessing: "none",
  kind: "logits",
  classes: 10,
  batch: 64,
  parameters: null,
  bytes: 0,
  notes: [],
  async answer(data, indices) {
    const raw = new Uint8Array(indices.length * 64);
    fillBatch(data, indices, raw);
    return Float32Array.from({ length: indices.length * 10 }, (_, k) => {
      const at = Math.floor(k / 10) * 64 + 6 * (k % 10);
      return ((raw[at] as number) + (raw[at + 1] as number)) / 8;
    });
  },
  async dispose() {},
};

let students = 0;
async function student(data: DataSet | LoadedData): Promise<Buffer> {
  const distiller = new Distiller({ teacher, student: { kind: "mlp", hidden: [12] }, seed: 3, threads: 1 });
  distiller.compile({ alpha: 0.5, temperature: 2, learningRate: 0.01 });
  await distiller.fit(data, { epochs: 3, batchSize: 32 });
  const path = join(folder, `student-${students++}.onnx`);
  await distiller.student.save(path);
  await distiller.dispose();
  return readFileSync(path);
}

test("in the same order a student of a file has the bytes of one of the loaded data; in blocks it has others", async () => {
  const [file, whole] = [await load("file"), await load("whole")];
  assert.equal(file.data.hash, whole.data.hash);
  const { blocks, ...unordered } = file.data;
  assert.ok(blocks);
  const expected = await student(whole);
  assert.ok((await student({ ...file, data: unordered })).equals(expected));
  assert.ok(!(await student(file)).equals(expected), "another order, or this test says nothing");
});

test("a whole run on a file: stopped and resumed, the same models, labels and metrics", async () => {
  const recipe: RecipeInput = {
    name: "file",
    seeds: 2,
    data: { ...described, memory: "file", split: { validation: 0.15, test: 0.3 } },
    teacher: { model: { kind: "mlp", hidden: [32] }, training: { epochs: 4, batch: 32 } },
    student: { kind: "mlp", hidden: [8] },
    training: { epochs: 4, batch: 32 },
  };
  const outcome = (out: string): Record<string, string> =>
    Object.fromEntries(
      readdirSync(out, { recursive: true })
        .map(String)
        .filter((f) => /(\.onnx|outputs\.bin|metrics\.jsonl)$/.test(f))
        .sort()
        .map((f) => [f, readFileSync(join(out, f)).toString("base64")]),
    );
  const options = { folder, threads: 1, jobs: 1 };
  const whole = await distill(recipe, { ...options, out: join(folder, "whole") });
  const [first] = whole.summary.models;
  assert.ok(first?.role === "teacher" && (first.accuracy?.mean ?? 0) > 0.8, "it learns from what it reads");
  const expected = outcome(join(folder, "whole"));
  assert.ok(Object.keys(expected).length >= 12);
  // Stopped in the middle of the first student's training.
  const controller = new AbortController();
  const out = join(folder, "stopped");
  await assert.rejects(
    distill(recipe, {
      ...options,
      out,
      signal: controller.signal,
      onEvent: (e) => {
        if (e.kind === "training" && /student/.test(e.progress.name) && e.progress.step > 40) controller.abort();
      },
    }),
    InterruptedError,
  );
  await distill(recipe, { ...options, resume: out });
  assert.deepEqual(outcome(out), expected);
});

/** The digits, made by a function. */
const made = (more: Partial<Parameters<typeof fromFunction>[0]> = {}): DataSet =>
  fromFunction({
    size: digits.size,
    sampleShape: [1, 8, 8],
    type: "uint8",
    labels,
    classes: digits.classes,
    name: "digits again",
    fill: (indices: Uint32Array, out: SampleArray) => {
      indices.forEach((index, i) => {
        out.set(samples.subarray(index * 64, index * 64 + 64), i * 64);
      });
    },
    ...more,
  });

test("samples of a function: the hash and the students of the same arrays", async () => {
  const bytes = Uint8Array.from(samples);
  const arrays = fromArrays({ samples: bytes, sampleShape: [1, 8, 8], labels, classes: digits.classes });
  assert.equal(made().hash, arrays.hash);
  assert.ok((await student(made())).equals(await student(arrays)));
  assert.ok((await student(made({ blocks: { rows: 20, window: 4 } }))).length > 0);
});

test("what a function's samples are known by, and what is refused of them", () => {
  let calls = 0;
  const counting = (identity?: string): DataSet =>
    made({
      identity,
      fill: (indices, out) => {
        calls++;
        out.fill(1, 0, indices.length * 64);
      },
    });
  const named = [counting("one"), counting("two"), counting("one")].map((d) => d.hash);
  assert.equal(calls, 0, "with a name nothing has to be made");
  assert.ok(named[0] === named[2] && named[0] !== named[1]);
  counting();
  assert.ok(calls > 0);
  const refused = (more: Parameters<typeof made>[0], fault: ExpectedFault): void =>
    assert.throws(() => made(more), faultLike({ where: "digits again", ...fault }));
  refused({ size: 0 }, { code: "option-invalid", found: ["size is 0"] });
  refused({ labels: labels.slice(1) }, { code: "array-mismatch", found: ["1,796 labels", "1,797 samples"] });
  refused({ blocks: { rows: 20, window: 0 } }, { code: "option-invalid", found: ["blocks.window is 0"] });
  const nan = (indices: Uint32Array, out: SampleArray): void =>
    indices.forEach((index, i) => {
      out.fill(index === 1500 ? Number.NaN : 1, i * 64, i * 64 + 64);
    });
  refused({ type: "float32", fill: nan }, { code: "not-finite", found: ["sample 1500", "value 0", "NaN"] });
});
