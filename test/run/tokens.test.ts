/** Token ids through everything a run does: NumPy files, label store, training, export, prediction, snippets, the library. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import * as web from "onnxruntime-web/wasm";
import { tensor } from "../../src/engine/graph/tensor.js";
import {
  Distiller,
  distill,
  evaluateModel,
  exportRun,
  fromArrays,
  loadData,
  loadModelFile,
  predictFiles,
  type RecipeInput,
} from "../../src/index.js";
import { Random } from "../../src/engine/random/random.js";
import { runOnce } from "../../src/node/session.js";
import { faultLike } from "../support/faults.js";
import { encodeNpy } from "../support/npy.js";

web.env.wasm.numThreads = 1;
web.env.logLevel = "error";

// Inside the project, so that the snippet finds onnxruntime-node as it would in a user's.
mkdirSync("build", { recursive: true });
const folder = mkdtempSync(join("build", "tokens-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/**
 * Sentences of 12 tokens: 5 to 12 words from 10 to 59, two of them replaced by the markers 1 and 2, filled up with 0. The
 * class is which marker comes first: no count of tokens tells it, only their order.
 */
const [COUNT, LENGTH, VOCABULARY] = [3000, 12, 60];
const random = new Random(11, "sentences");
let drawn = 0;
const below = (n: number): number => Math.floor(random.uniform(drawn++) * n);
const ids = new Int32Array(COUNT * LENGTH);
const labels = new Int32Array(COUNT);
for (let i = 0; i < COUNT; i++) {
  const words = 5 + below(LENGTH - 4);
  for (let k = 0; k < words; k++) ids[i * LENGTH + k] = 10 + below(50);
  const first = below(words - 1);
  const second = first + 1 + below(words - 1 - first);
  labels[i] = below(2);
  ids[i * LENGTH + first] = 1 + (labels[i] as number);
  ids[i * LENGTH + second] = 2 - (labels[i] as number);
}
writeFileSync(join(folder, "x.npy"), encodeNpy("<i8", [COUNT, LENGTH], BigInt64Array.from(ids, BigInt)));
writeFileSync(join(folder, "y.npy"), encodeNpy("<i4", [COUNT], labels));

const encoder = { kind: "text-encoder", vocabulary: VOCABULARY, depth: 1, heads: 2, padding_id: 0 } as const;
const schedule = { kind: "one-cycle", lr: 0.005 } as const;
const recipe: RecipeInput = {
  name: "order",
  data: { source: "npy", samples: "x.npy", label_file: "y.npy", split: { validation: 0.1, test: 0.2 } },
  teacher: { model: { ...encoder, dim: 32 }, training: { epochs: 10, batch: 64, schedule } },
  student: { ...encoder, dim: 16, mlp_ratio: 2, dropout: 0.05 },
  training: { epochs: 8, batch: 64, schedule },
};
const run = await distill(recipe, { folder, out: join(folder, "run"), threads: 1 });
const loaded = await loadData(recipe.data, { folder });

test("a text encoder learns the order of tokens, from a teacher that knows it, through an int64 file", async () => {
  const accuracy = Object.fromEntries(run.summary.models.map((m) => [m.role, m.accuracy?.mean ?? 0]));
  assert.ok((accuracy.teacher as number) > 0.95, `teacher ${accuracy.teacher}`);
  assert.ok((accuracy.student as number) > 0.9, `student ${accuracy.student}`);
  assert.ok(loaded.data.samples instanceof Int32Array);
  const { model } = loadModelFile(run.student);
  assert.deepEqual(model.graph.inputs, [{ name: "input", dtype: "int64", shape: ["batch", LENGTH] }]);
  assert.ok(!model.graph.nodes.some((n) => n.op === "Dropout"));
  const evaluation = await evaluateModel(run.student, loaded, { latencyRuns: 3 });
  const row = run.summary.models.find((m) => m.role === "student");
  assert.ok(Math.abs((evaluation.accuracy as number) - (row?.accuracy?.mean ?? 0)) < 1e-9);
  assert.ok((evaluation.latency?.medianMs ?? 0) > 0 && evaluation.notes.some((n) => /whole numbers/.test(n)));
  assert.ok(!evaluation.notes.some((n) => /normalised/.test(n)), evaluation.notes.join("; "));
  assert.equal(evaluation.parameters, row?.parameters);
});

const logitsOf = async (file: string, rows: Int32Array): Promise<Float32Array> => {
  const input = tensor("int64", rows, [rows.length / LENGTH, LENGTH]);
  return (await runOnce(readFileSync(file), { input })).logits?.data as Float32Array;
};

test("predict takes ids from .npy and .json and says what ONNX Runtime says", async () => {
  const some = ids.slice(0, 20 * LENGTH);
  const [npy, json] = [join(folder, "some.npy"), join(folder, "some.json")];
  writeFileSync(npy, encodeNpy("<i4", [20, LENGTH], some));
  writeFileSync(json, JSON.stringify([...some]));
  const logits = await logitsOf(run.student, some);
  for (const file of [npy, json]) {
    const found = await predictFiles(run.student, [file]);
    assert.deepEqual(
      found.map((p) => p.class),
      Array.from({ length: 20 }, (_, i) => ((logits[2 * i] as number) >= (logits[2 * i + 1] as number) ? "0" : "1")),
    );
  }
  writeFileSync(json, JSON.stringify([...some.slice(1), 0.5]));
  await assert.rejects(predictFiles(run.student, [json]), {
    code: "model-input",
    where: "files",
    expected: /whole numbers/,
  });
});

test("ids that would be normalised are refused before anything is written", async () => {
  const out = join(folder, "normalised");
  const standard = { ...recipe, data: { ...recipe.data, normalise: "standard" } } as RecipeInput;
  await assert.rejects(distill(standard, { folder, out }), {
    code: "option-conflict",
    where: "data.normalise",
    cure: /none/,
  });
  assert.ok(!existsSync(out));
});

test("onnxruntime-web's wasm gives the same answers", async () => {
  const session = await web.InferenceSession.create(new Uint8Array(readFileSync(run.student)));
  const some = ids.slice(0, 5 * LENGTH);
  const input = new web.Tensor("int64", BigInt64Array.from(some, BigInt), [5, LENGTH]);
  const found = (await session.run({ input })).logits?.data as Float32Array;
  await session.release();
  for (const [i, v] of (await logitsOf(run.student, some)).entries())
    assert.ok(Math.abs(v - (found[i] as number)) < 1e-5 * Math.max(1, Math.abs(v)), `${i}: ${found[i]} for ${v}`);
});

test("exported again, as half precision or raw, it answers the same", async () => {
  const half = await exportRun(run.directory, { half: true, out: join(folder, "half.onnx") });
  assert.ok(half.difference < 0.02 * Math.max(1, half.largest) && half.largest > 0);
  const raw = await exportRun(run.directory, { raw: true, out: join(folder, "raw.onnx") });
  assert.equal(raw.difference, 0);
  const [a, b] = [await logitsOf(run.student, ids), await logitsOf(raw.model, ids)];
  assert.deepEqual(b, a);
});

test("the snippet beside the student runs", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [join(run.directory, "use-in-node.mjs")]);
  const said = /logits: \[([^\]]*)\]/.exec(stdout)?.[1]?.split(",").map(Number) ?? [];
  const expected = await logitsOf(run.student, new Int32Array(LENGTH));
  assert.equal(said.length, 2);
  expected.forEach((v, i) => {
    assert.ok(Math.abs((said[i] as number) - v) < 1e-5);
  });
});

test("the Distiller takes an Int32Array and any teacher; its student answers as its file does", async () => {
  const data = fromArrays({ samples: ids, sampleShape: [LENGTH], labels, classes: ["one", "two"] });
  const distiller = new Distiller({ teacher: run.student, student: { ...encoder, dim: 8 }, threads: 1 });
  distiller.compile({ learningRate: 0.01, temperature: 2 });
  await distiller.fit(data, { steps: 30, batchSize: 64 });
  const file = join(folder, "small.onnx");
  await distiller.student.save(file);
  assert.deepEqual(await distiller.student.predict(data), await predictInChunks(file));
  await distiller.dispose();
});

/** In the student's own chunks of 512, so that the same kernels run. */
async function predictInChunks(file: string): Promise<Float32Array> {
  const out = new Float32Array(2 * COUNT);
  for (let at = 0; at < COUNT; at += 512)
    out.set(await logitsOf(file, ids.slice(at * LENGTH, (at + 512) * LENGTH)), 2 * at);
  return out;
}

test("what is no token id is refused before training, by sample and position", async () => {
  const fit = (samples: Int32Array | number[][], more: object = {}): Promise<unknown> => {
    const data = fromArrays({ samples, sampleShape: [4], labels: [0, 1, 0, 1], name: "ids" });
    const distiller = new Distiller({ teacher: "none.onnx", student: { ...encoder, dim: 8 } });
    return distiller.compile({ alpha: 0 }).fit(data, { steps: 1, batchSize: 2, validationSplit: 0, ...more });
  };
  const good = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 59];
  const outside = faultLike({ code: "model-input", where: "ids", found: ["sample 3, position 3", 60] });
  await assert.rejects(fit(Int32Array.from([...good.slice(0, 15), 60])), outside);
  await assert.rejects(fit(Int32Array.from([-1, ...good.slice(1)])), {
    code: "model-input",
    found: /sample 0, position 0 .*-1/,
  });
  const rows = [0, 4, 8, 12].map((at) => good.slice(at, at + 4));
  await assert.rejects(fit([...rows.slice(1), [0.5, 1, 2, 3]]), {
    code: "model-input",
    found: /sample 3, position 0 .*0\.5/,
  });
  await assert.rejects(fit(Int32Array.from(good), { normalise: "standard" }), {
    code: "option-conflict",
    where: "data.normalise",
  });
  // Whole numbers in float32 are as good: nested arrays of numbers.
  await fit(rows);
});
