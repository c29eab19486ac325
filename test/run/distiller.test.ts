import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { faultOf } from "../../src/base/errors.js";
import {
  type DataSet,
  Distiller,
  evaluateObjective,
  fromArrays,
  InputError,
  loadData,
  type Teacher,
} from "../../src/index.js";
import { openSession } from "../../src/node/session.js";
import { inRecipe } from "../support/faults.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
const teacherFile = join(folder, "teacher.onnx");

const part = (data: DataSet, indices: Uint32Array, labelled: boolean): DataSet => {
  const size = data.samples.length / data.size;
  const samples = new Float32Array(indices.length * size);
  indices.forEach((s, i) => {
    samples.set(data.samples.subarray(s * size, (s + 1) * size), i * size);
  });
  const labels = labelled ? Array.from(indices, (i) => data.labels?.[i] ?? -1) : undefined;
  return fromArrays({ samples, sampleShape: data.sampleShape, labels, classes: data.classes });
};

test("labels alone, save, and the saved file answers as the student does", async () => {
  const alone = new Distiller({ teacher: "nobody asks it", student: { kind: "mlp", hidden: [64] }, seed: 3 });
  alone.compile({ alpha: 0, learningRate: 0.01 });
  const result = await alone.fit(digits, { epochs: 15 });
  assert.equal(result.steps, Math.floor(digits.splits.train.length / 64) * 15);
  const scores = await alone.evaluate(digits);
  await alone.student.save(teacherFile);
  assert.deepEqual(new Uint8Array(readFileSync(teacherFile)), alone.student.bytes);

  // The accuracy by hand, from ONNX Runtime's own answers.
  const { data, splits } = digits;
  const test = part(data, splits.test, true);
  const session = await openSession(teacherFile, { threads: 1 });
  const output = await session.run({
    input: { dtype: "float32", shape: [test.size, ...data.sampleShape], data: test.samples as Float32Array },
  });
  const logits = output.logits?.data as Float32Array;
  const right = Array.from(test.labels as Int32Array, (label, i) => {
    const row = Array.from(logits.subarray(i * 10, i * 10 + 10));
    return row.indexOf(Math.max(...row)) === label;
  }).filter(Boolean).length;
  assert.equal(scores.accuracy, right / test.size);
  assert.ok((scores.accuracy ?? 0) > 0.9, `accuracy ${scores.accuracy}`);
  assert.equal(scores.agreement, null, "no teacher was asked");
  await session.dispose();
  await alone.dispose();
});

test("a file teaches samples without labels; the answers come close to the teacher's", async () => {
  const unlabelled = part(digits.data, digits.splits.train, false);
  const distiller = new Distiller({ teacher: teacherFile, student: { kind: "mlp", hidden: [16] } });
  distiller.compile({
    alpha: 1,
    temperature: 2,
    schedule: { kind: "one-cycle", lr: 0.02 },
    metrics: ["agreement", "softKL"],
  });
  await distiller.fit(unlabelled, { epochs: 1 });
  const early = await distiller.evaluate(digits);
  await distiller.fit(unlabelled, { epochs: 30 });
  const late = await distiller.evaluate(digits);
  assert.deepEqual(Object.keys(late), ["agreement", "softKL"]);
  assert.ok((late.agreement ?? 0) > 0.9, `agreement ${late.agreement}`);
  assert.ok((late.softKL ?? 1) < 0.5 * (early.softKL ?? 0), `soft KL ${early.softKL} -> ${late.softKL}`);
  await distiller.dispose();
});

test("anything that answers can teach", async () => {
  const asked = new Set<number>();
  const teacher: Teacher = {
    name: "rule",
    hash: "rule",
    preprocessing: "none",
    kind: "probabilities",
    classes: 2,
    batch: 64,
    parameters: null,
    bytes: 0,
    notes: [],
    async answer(data, indices) {
      return Float32Array.from(
        Array.from(indices).flatMap((i) => {
          asked.add(i);
          const p = 1 / (1 + Math.exp(-4 * (data.samples[2 * i] as number)));
          return [1 - p, p];
        }),
      );
    },
    async dispose() {},
  };
  const samples = Float32Array.from({ length: 800 }, (_, i) => Math.sin(i * 12.9898) * 2);
  const data = fromArrays({ samples, sampleShape: [2], classes: ["left", "right"] });
  const distiller = new Distiller({ teacher, student: { kind: "mlp", hidden: [] } });
  distiller.compile({ alpha: 1, temperature: 1, learningRate: 0.05, optimizer: { kind: "adam" } });
  await distiller.fit(data, { epochs: 120, batchSize: 32, validationSplit: 0.1 });
  assert.equal(asked.size, 400, "every sample was labelled");
  // A linear student can be the teacher exactly: its logit difference is 4 x.
  const logits = await distiller.student.predict(
    fromArrays({ samples: Float32Array.of(0, 0, 1, 0, 0, 1), sampleShape: [2] }),
  );
  const difference = [0, 1, 2].map((i) => (logits[2 * i + 1] as number) - (logits[2 * i] as number));
  assert.ok(Math.abs(difference[0] as number) < 0.05, `bias ${difference[0]}`);
  assert.ok(Math.abs((difference[1] as number) - 4) < 0.3, `slope ${difference[1]}`);
  assert.ok(Math.abs(difference[2] as number) < 0.15, `other feature ${difference[2]}`);
  await distiller.dispose();
});

test("same seed, same bytes; another seed, others", async () => {
  const bytes = async (seed: number): Promise<Uint8Array> => {
    const distiller = new Distiller({ teacher: teacherFile, student: { kind: "mlp", hidden: [8] }, seed });
    await distiller.fit(digits, { steps: 40 });
    const out = distiller.student.bytes;
    await distiller.dispose();
    return out;
  };
  const [a, b, c] = [await bytes(1), await bytes(1), await bytes(2)];
  assert.deepEqual(a, b);
  assert.notDeepEqual(a, c);
});

test("augment: the teacher is asked about the views themselves, or keeps its answers for the unchanged samples", async () => {
  const loaded = await loadData({ source: "digits" });
  const asked: Float32Array[] = [];
  const teacher: Teacher = {
    ...{
      name: "made",
      hash: "made",
      preprocessing: "",
      kind: "logits",
      classes: 10,
      batch: 64,
      parameters: 1,
      bytes: 4,
    },
    notes: [],
    answer: async (data, indices) => {
      const pixels = new Float32Array(indices.length * 64);
      indices.forEach((s, i) => {
        pixels.set(data.samples.subarray(s * 64, (s + 1) * 64), i * 64);
      });
      asked.push(pixels);
      return Float32Array.from(
        { length: indices.length * 10 },
        (_, i) => pixels[64 * Math.floor(i / 10) + 20 + (i % 10)] ?? 0,
      );
    },
    dispose: async () => {},
  };
  const weights = [];
  for (const views of ["online", "clean"] as const) {
    const distiller = new Distiller({ teacher, student: { kind: "mlp", hidden: [4] }, threads: 1 });
    distiller.compile({ alpha: 1, learningRate: 0.01 });
    asked.length = 0;
    const result = await distiller.fit(loaded, { steps: 3, batchSize: 32, augment: { shift: 2 }, views });
    weights.push([...result.weights].flatMap(([, w]) => [...w]));
    const batches = asked.filter((a) => a.length === 32 * 64);
    assert.equal(batches.length, views === "online" ? 3 : 0);
    await distiller.dispose();
  }
  assert.notDeepEqual(weights[0], weights[1]);
});

test("mistakes are named", async () => {
  const student = { kind: "mlp", hidden: [8] } as const;
  assert.throws(
    () => new Distiller({ teacher: "t.onnx", student: { kind: "mpl" } as never }),
    inRecipe("student.kind", "option-invalid", /"mpl"/, /mlp/),
  );
  assert.throws(() => new Distiller({ teacher: "t.onnx", student }).student, {
    code: "option-missing",
    where: "Distiller",
    cure: /fit/,
  });
  assert.throws(
    () => new Distiller({ teacher: "t.onnx", student }).compile({ alpha: 2 }),
    inRecipe("objective.alpha", "option-invalid", /2/),
  );
  assert.throws(
    () => new Distiller({ teacher: "t.onnx", student }).compile({ optimizer: "adamm" as "adam" }),
    inRecipe("training.optimizer.kind", "option-invalid", /"adamm"/, /adam/),
  );
  assert.throws(
    () => new Distiller({ teacher: "t", student }).compile({ learningRate: 1, schedule: { kind: "constant", lr: 1 } }),
    { code: "option-conflict", where: "compile", found: /learningRate and schedule/ },
  );
  await assert.rejects(new Distiller({ teacher: join(folder, "no.onnx"), student }).fit(digits), InputError);
  const unlabelled = part(digits.data, digits.splits.train, false);
  await assert.rejects(new Distiller({ teacher: teacherFile, student }).fit(unlabelled), {
    code: "labels-missing",
    cure: /alpha to 1/,
  });
});

test("evaluateObjective: Hinton's objective by hand", async () => {
  const [z, t, temperature, alpha] = [[1, 2, 0.5], [3, 1, -1], 2, 0.7];
  const softmax = (row: readonly number[], at: number): number[] => {
    const e = row.map((v) => Math.exp(v / at));
    const sum = e.reduce((a, v) => a + v, 0);
    return e.map((v) => v / sum);
  };
  const [p, q, hard] = [softmax(t, temperature), softmax(z, temperature), softmax(z, 1)];
  const kl = p.reduce((s, v, i) => s + v * Math.log(v / (q[i] as number)), 0);
  const expected = (1 - alpha) * -Math.log(hard[1] as number) + alpha * temperature ** 2 * kl;
  const result = await evaluateObjective(
    { alpha, studentLoss: { kind: "cross-entropy" }, distillationLoss: { kind: "kd", temperature } },
    { studentLogits: [z], teacherLogits: [t], labels: [1] },
  );
  assert.ok(Math.abs(result.loss - expected) < 1e-12);
  z.forEach((_, i) => {
    const slope =
      (1 - alpha) * ((hard[i] as number) - Number(i === 1)) +
      alpha * temperature * ((q[i] as number) - (p[i] as number));
    assert.ok(Math.abs((result.gradient[0]?.[i] as number) - slope) < 1e-12);
  });
});

test("without a teacher it learns from labels alone; an objective that asks one says so", async () => {
  const [alone, taught] = [{}, { teacher: "nobody asks it" }].map(
    (more) => new Distiller({ student: { kind: "mlp", hidden: [4] }, threads: 1, ...more }),
  ) as [Distiller, Distiller];
  for (const distiller of [alone, taught]) {
    distiller.compile({ alpha: 0 });
    await distiller.fit(digits, { steps: 3 });
  }
  assert.deepEqual(alone.student.bytes, taught.student.bytes);
  alone.compile({ alpha: 0.5 });
  await assert.rejects(alone.fit(digits, { steps: 1 }), (e) => faultOf(e)?.code === "teacher-missing");
  for (const distiller of [alone, taught]) await distiller.dispose();
});
