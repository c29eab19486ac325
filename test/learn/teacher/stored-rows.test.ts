/** Stores too large for memory: the same answers and the same students as stores that are held. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { type LabelStore, loadData, openLabelStore, readLabelStore, type Teacher } from "../../../src/index.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import { combineAnswers, combineRows, confidenceWeights } from "../../../src/learn/teacher/group/group.js";
import { train } from "../../../src/learn/train/train.js";
import { faultLike } from "../../support/faults.js";
import { trainingSettings } from "../../support/training.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-ranges-"));
after(() => rmSync(root, { recursive: true, force: true }));
const { data, splits, normalisation } = await loadData({ source: "digits" });

const teacherThat = (seed: number): Teacher => ({
  name: `waves ${seed}`,
  hash: `waves ${seed}`,
  preprocessing: "none",
  kind: "logits",
  classes: 10,
  batch: 64,
  parameters: null,
  bytes: 0,
  notes: [],
  answer: async (_, indices) =>
    Float32Array.from(
      Array.from(indices).flatMap((i) => Array.from({ length: 10 }, (__, c) => 3 * Math.sin(i * seed + c))),
    ),
  async dispose() {},
});

/** The same store held and read. */
async function both(name: string, precision: "float32" | "float16" = "float32", seed = 1.7) {
  const folder = join(root, name);
  const held = await openLabelStore(folder, teacherThat(seed), data, { precision });
  const read = await openLabelStore(folder, teacherThat(seed), data, { precision, memory: 0 });
  assert.deepEqual([held.inMemory, read.inMemory], [true, false]);
  return { folder, held, read };
}

const rowsOf = (store: LabelStore, indices: Uint32Array): Float32Array => {
  const out = new Float32Array(indices.length * 10);
  store.gather(indices, out);
  return out;
};
const some = Uint32Array.from({ length: 200 }, (_, i) => (i * 617) % data.size);

for (const precision of ["float32", "float16"] as const)
  test(`${precision}: rows that are looked up are the rows of the whole`, async () => {
    const { folder, held, read } = await both(precision, precision);
    const hash = createHash("sha256").update(readFileSync(join(folder, "outputs.bin")));
    assert.equal(held.header.outputsHash, hash.digest("hex"));
    assert.deepEqual(rowsOf(read, some), rowsOf(held, some));
    assert.deepEqual(read.outputs, held.outputs);
    const exact = await teacherThat(1.7).answer(data, some);
    const tolerance = precision === "float16" ? 3 * 2 ** -11 : 0;
    for (const [k, v] of rowsOf(read, some).entries())
      assert.ok(Math.abs(v - (exact[k] as number)) <= tolerance, `${v} against ${exact[k]}`);
    // The bound counts float32 answers, whatever their size on the disk.
    const bytes = data.size * 10 * 4;
    assert.equal(readLabelStore(folder, data, { memory: bytes }).inMemory, true);
    assert.equal(readLabelStore(folder, data, { memory: bytes - 1 }).inMemory, false);
  });

test("a damaged answer is found when the store is opened, a lost one when it is asked for", async () => {
  const { folder, read } = await both("damaged");
  const file = join(folder, "outputs.bin");
  const bytes = readFileSync(file);
  const damaged = Buffer.from(bytes);
  damaged.writeFloatLE(Number.POSITIVE_INFINITY, 40 * 1500 + 8);
  writeFileSync(file, damaged);
  assert.throws(
    () => readLabelStore(folder, data, { memory: 0 }),
    faultLike({ code: "file-damaged", where: "outputs.bin", found: ["Infinity for sample 1500"] }),
  );
  writeFileSync(file, bytes);
  truncateSync(file, 40 * 600);
  assert.deepEqual(rowsOf(read, Uint32Array.of(599)).length, 10);
  assert.throws(
    () => rowsOf(read, Uint32Array.of(3, 600)),
    faultLike({ code: "file-damaged", where: "outputs.bin", found: ["sample 600"], cure: ["Label again"] }),
  );
});

test("groups combine looked-up rows to what all answers at once give", async () => {
  const [a, b] = [await both("first"), await both("second", "float32", 0.9)];
  const held = [a.held, b.held].map((m) => ({ kind: m.kind, values: m.outputs }));
  const pick = (all: Float32Array): number[] => Array.from(some).flatMap((i) => [...all.subarray(i * 10, i * 10 + 10)]);
  for (const how of ["mean-logits", "mean-probabilities"] as const) {
    const fixed = combineRows([a.read, b.read], how, [0.3, 0.7], 10, some);
    assert.deepEqual([...fixed], pick(combineAnswers(held, how, [0.3, 0.7], 10)));
    const labels = (data.labels as Int32Array).map((l, i) => (i % 3 ? l : -1));
    const weights = confidenceWeights(held, labels, 10);
    const byLabel = combineRows([a.read, b.read], how, { labels }, 10, some);
    assert.deepEqual([...byLabel], pick(combineAnswers(held, how, weights, 10)));
    assert.notDeepEqual([...byLabel], [...fixed]);
  }
});

test("training reads either to the same bytes", async () => {
  const { held, read } = await both("training");
  const built = trainableModel(
    buildModel({ kind: "mlp", hidden: [16] }, { inputShape: data.sampleShape, classes: 10, seed: 1 }),
  );
  const trained = async (teacher: LabelStore): Promise<number[]> => {
    const { weights } = await train(
      {
        name: "student",
        model: { ...built, graph: withNormalisation(built.graph, built.inputs[0] as string, normalisation, "uint8") },
        data,
        train: splits.train,
        validation: splits.validation,
        objective: {
          alpha: 0.9,
          studentLoss: { kind: "cross-entropy" },
          distillationLoss: { kind: "kd", temperature: 2 },
        },
        teacher,
        settings: trainingSettings({
          batch: 32,
          rule: { kind: "sgd", momentum: 0.9, nesterov: false, weightDecay: 0 },
          schedule: { kind: "constant", lr: 0.05, warmup: 0 },
        }),
        directory: null,
        fingerprint: "test",
      },
      {},
    );
    return [...weights].sort().flatMap(([, w]) => [...w]);
  };
  const [one, other] = [await trained(held), await trained(read)];
  assert.ok(one.length > 1000 && one.every(Number.isFinite));
  assert.deepEqual(other, one);
  const foreign = await both("other training", "float32", 0.3);
  assert.notDeepEqual(await trained(foreign.read), one, "the answers matter, or this test says nothing");
});
