/** limbeck/web inside Node, over onnxruntime-web's wasm: next to the Node library on the same data. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import * as library from "../../src/index.js";
import { openSession } from "../../src/node/session.js";
import * as web from "../../src/web/index.js";
import { assertClose } from "../engine/runtime/network.js";
import { inRecipe } from "../support/faults.js";
import { digits, inFolder, teacherFor } from "./support.js";

const given = digits(400);
const teacher = await teacherFor(given);
const data = web.fromArrays({ ...given, sampleShape: [1, 8, 8] });
const student = { kind: "mlp", hidden: [16], batch_norm: true, dropout: 0.1 } as const;
const settings = { seed: 3, threads: 1 };
const open: { dispose(): Promise<void> }[] = [];
after(() => Promise.all(open.map((d) => d.dispose())));

function webDistiller(options: Partial<web.DistillerOptions> = {}): web.Distiller {
  const distiller = new web.Distiller({ teacher, student, ...settings, ...options });
  open.push(distiller);
  return distiller;
}

const objective = { alpha: 0.7, temperature: 3, clipNorm: 1 };

test("a fit in wasm follows the native one, and its student says the same in Node", async () => {
  await inFolder(async (folder) => {
    writeFileSync(join(folder, "teacher.onnx"), teacher);
    const native = new library.Distiller({ teacher: "teacher.onnx", student, folder, ...settings });
    native.compile(objective);
    const plain = library.fromArrays({ ...given, sampleShape: [1, 8, 8] });
    const found = webDistiller().compile(objective);
    for (const steps of [1, 4]) {
      const [a, b] = [await native.fit(plain, { steps }), await found.fit(data, { steps })];
      const [p, q] = [a.curve[0], b.curve[0]];
      assertClose(
        [q?.loss ?? Number.NaN, ...Object.values(q?.terms ?? {})],
        [p?.loss ?? 0, ...Object.values(p?.terms ?? {})],
        1e-5,
        `${steps} steps`,
      );
      assert.equal(q?.accuracy, p?.accuracy);
    }
    const history = await found.fit(data, { epochs: 30, batchSize: 32 });
    assert.equal(history.steps, 30 * Math.floor(340 / 32));
    const scores = await found.evaluate(data);
    assert.ok((scores.accuracy ?? 0) > 0.9, `accuracy ${scores.accuracy}`);
    const session = await openSession(found.student.bytes, { threads: 1 });
    const samples = Float32Array.from(given.samples.slice(0, 50).flat());
    const { logits } = await session.run({ input: { dtype: "float32", shape: [50, 1, 8, 8], data: samples } });
    const own = await found.student.predict(
      data,
      Uint32Array.from({ length: 50 }, (_, i) => i),
    );
    assertClose(own, logits?.data as Float32Array, 1e-5, "logits");
    await session.dispose();
    await native.dispose();
  });
});

test("every kind of teacher gives the same training", async () => {
  const session = await openSession(teacher, { threads: 1 });
  const ask = async (samples: web.SampleArray, count: number): Promise<Float32Array> => {
    const shape = [count, 1, 8, 8];
    const { logits } = await session.run({ input: { dtype: "float32", shape, data: Float32Array.from(samples) } });
    return logits?.data as Float32Array;
  };
  const answers = await ask(Float32Array.from(given.samples.flat()), 400);
  const sources: web.TeacherSource[] = [
    teacher.slice().buffer,
    { model: teacher, outputs: "logits" },
    { answers },
    ask,
  ];
  const losses: number[] = [];
  for (const source of sources) {
    const distiller = webDistiller({ teacher: source }).compile(objective);
    losses.push((await distiller.fit(data, { steps: 3 })).curve[0]?.loss ?? Number.NaN);
    const agreement = (await distiller.evaluate(data)).agreement as number;
    assert.ok(agreement >= 0 && agreement <= 1);
  }
  assertClose(
    losses,
    losses.map(() => losses[0] as number),
    1e-6,
  );
  // Answers belong to the data of the fit: of other data the teacher says nothing.
  const known = webDistiller({ teacher: { answers } }).compile(objective);
  await known.fit(data, { steps: 1 });
  const other = web.fromArrays({ ...digits(100), sampleShape: [1, 8, 8] });
  assert.equal((await known.evaluate(other)).agreement, null);
  await session.dispose();
});

test("trainings at the same time do not disturb each other", async () => {
  const train = async (seed: number): Promise<number | undefined> => {
    const { curve } = await webDistiller({ seed }).compile(objective).fit(data, { steps: 20 });
    return curve[0]?.loss;
  };
  const alone = [await train(1), await train(2)];
  assert.deepEqual(await Promise.all([train(1), train(2)]), alone);
});

test("a student goes on from its own bytes, with some of it frozen", async () => {
  const first = webDistiller().compile({ ...objective, learningRate: 0.01 });
  await first.fit(data, { epochs: 8 });
  const before = (await first.evaluate(data)).accuracy as number;
  const names = [...web.readModel(first.student.bytes).graph.initializers.keys()];
  const frozen = names.filter((n) => n.includes("1"));
  const second = webDistiller({ student: { kind: "onnx", model: first.student.bytes, frozen } });
  second.compile({ ...objective, learningRate: 1e-4 });
  await second.fit(data, { steps: 1 });
  assert.ok(Math.abs(((await second.evaluate(data)).accuracy as number) - before) < 0.05);
});

test("a fit can be stopped between steps and says where", async () => {
  const controller = new AbortController();
  const running = webDistiller().fit(data, { epochs: 1000, signal: controller.signal });
  // Only reached because the training lets other work have its turn.
  setTimeout(() => controller.abort(), 50);
  await assert.rejects(running, { name: "InterruptedError", message: /stopped after step \d+ of \d+/ });
});

test("errors name the option", async () => {
  const rejects = (options: Partial<web.DistillerOptions>, fault: object, fit: web.FitOptions = { steps: 1 }) =>
    assert.rejects(webDistiller(options).fit(data, fit), { name: "InputError", ...fault });
  await rejects(
    { teacher: { answers: new Float32Array(100) } },
    { code: "array-mismatch", where: "teacher.answers", found: /100 .* 400 / },
  );
  const answers = new Float32Array(400 * data.classes.length);
  await rejects(
    { teacher: { answers } },
    { code: "store-mismatch", where: "teacher.answers", cure: /views: "clean"/ },
    { steps: 1, augment: { noise: 0.1 } },
  );
  await rejects({ teacher: Uint8Array.of(1, 2, 3) }, { code: "file-damaged", where: "the teacher", expected: /ONNX/ });
  await rejects(
    { student: { kind: "onnx", model: Uint8Array.of(1) } },
    { code: "file-damaged", where: "the student", expected: /ONNX/ },
  );
  assert.throws(
    () => webDistiller({ student: { kind: "mlp", hiden: [1] } as never }),
    inRecipe("student.hiden", "option-unknown", /./, /"hidden"/),
  );
});

test("the version is the package's", () => {
  assert.equal(web.VERSION, (JSON.parse(readFileSync("package.json", "utf8")) as { version: string }).version);
});
