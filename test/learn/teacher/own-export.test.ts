/** limbeck's own exports as teachers: asked as their files say. Expected logits are NumPy's (test/fixtures/teacher/make.py). */
import { onnxTeacherOptions } from "../../../src/run/teaching/onnx-teacher.js";
import type { FileTeacherInput, FileTeacherPlan } from "../../../src/run/teaching/kinds/file-schema.js";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { exportModel } from "../../../src/engine/compile/export.js";
import {
  Distiller,
  evaluateModel,
  loadData,
  type Model,
  openOnnxTeacher,
  predictFiles,
  readLabelStore,
  saveModelFile,
  type Teacher,
  writeModel,
} from "../../../src/index.js";
import { planOf } from "../../../src/run/recipe/load.js";
import { webRuntime } from "../../../src/engine/runtime/web.js";
import { prepareModel } from "../../../src/run/students/prepare.js";
import { openTeacher } from "../../../src/web/teachers.js";
import { encodeNpy } from "../../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-own-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const fixtures = join(process.cwd(), "test", "fixtures", "teacher");

/** Pixels 0 ... 16, which become x / 16 inside the model. */
const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
const { data } = digits;
const classes = data.classes;
const first = Uint32Array.from({ length: 40 }, (_, i) => i);
/** (x / 16) W + b of the first 40 digits. */
const scores = readFileSync(join(fixtures, "scores.csv"), "utf8").trim().split(/[\n,]/).map(Number);

const { model: trainable } = prepareModel(
  { kind: "onnx", file: join(fixtures, "plain.onnx"), trainable: ["*"], frozen: [] } as never,
  { folder, data, classes: 10, seed: 0 },
);
const exported = (normalised: boolean, names: readonly string[] = classes): Model =>
  exportModel(trainable, new Map(), {
    normalisation: normalised ? digits.normalisation : null,
    classes: names,
    producerVersion: "test",
    metadata: normalised ? {} : { normalisation: JSON.stringify(digits.normalisation) },
  });
const own = exported(true);
const unmarked: Model = { ...own, metadata: { classes: JSON.stringify(classes) } };
await saveModelFile(own, at("own.onnx"));
await saveModelFile(unmarked, at("before.onnx"));
await saveModelFile(exported(false), at("raw.onnx"));
await saveModelFile(exported(true, [...classes].reverse()), at("reversed.onnx"));

async function asked(file: string, more: Partial<FileTeacherInput> = {}, over = digits): Promise<[number[], Teacher]> {
  const teacher = { file: `${file}.onnx`, allow_chance: true, ...more };
  const training = { epochs: 1 };
  const recipe = planOf({ data: { source: "digits" }, teacher, student: { kind: "mlp", hidden: [4] }, training });
  const { path, ...options } = onnxTeacherOptions(recipe.teacher as FileTeacherPlan, over, folder);
  const opened = await openOnnxTeacher(path, over.data, over.splits.train, { ...options, threads: 1 });
  const answers = await opened.answer(over.data, first);
  await opened.dispose();
  return [Array.from(answers), opened];
}

function close(actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-4): void {
  assert.equal(actual.length, expected.length);
  for (const [i, wanted] of expected.entries())
    assert.ok(Math.abs((actual[i] as number) - wanted) <= tolerance, `${i}: ${actual[i]} against ${wanted}`);
}

test("an export says that it takes raw samples and gives logits; a raw one only the latter", () => {
  const marks = ({ metadata }: Model) => [metadata["limbeck.samples"], metadata["limbeck.outputs"]];
  assert.deepEqual(marks(own), ["raw", "logits"]);
  assert.deepEqual(marks(exported(false)), [undefined, "logits"]);
});

test("by default it is asked as its file says, whatever the data's normalisation is", async () => {
  const standard = { ...digits, normalisation: { scale: 1, mean: [4.9], std: [6] } };
  for (const over of [digits, standard]) {
    const [answers, teacher] = await asked("own", {}, over);
    close(answers, scores);
    assert.equal(teacher.kind, "logits");
    assert.match(teacher.notes.join("\n"), /exported by limbeck: it gets raw samples/);
    close((await asked("raw", {}, over))[0], scores);
  }
  assert.match((await asked("raw"))[1].notes.join("\n"), /numbers in its metadata/);
});

test("an explicit normalise wins, with a note where it contradicts the file", async () => {
  const twice = (await asked("own", { normalise: "data" }))[1];
  assert.match(twice.notes.join("\n"), /normalised twice/);
  const [answers, teacher] = await asked("own", { normalise: "none" });
  close(answers, scores);
  assert.doesNotMatch(teacher.notes.join("\n"), /limbeck|twice/);
});

test("a file that does not say so: labels show that its normalisation is inside; without labels it gets the data's", async () => {
  const [double] = await asked("own", { normalise: "data" });
  assert.ok(Math.max(...double.map((v, i) => Math.abs(v - (scores[i] as number)))) > 1, "twice is another answer");
  const [found, teacher] = await asked("before");
  close(found, scores);
  assert.match(teacher.notes.join("\n"), /it gets raw samples: correct on 9\d\.\d % of 150 labelled samples/);
  const [unlabelled, unsure] = await asked("before", {}, { ...digits, data: { ...data, labels: null } });
  assert.deepEqual(unlabelled, double);
  assert.match(unsure.notes.join("\n"), /would need 50 labelled samples/);
  assert.deepEqual((await asked("before", { normalise: "data" }))[0], double);
});

test("outputs that look like probabilities are logits where the file says so", async () => {
  // Logits of a constant 0.1: rows that sum to 1.
  const flat: Model = {
    ...own,
    graph: {
      ...own.graph,
      initializers: new Map(
        [...own.graph.initializers].map(([name, t]) => [
          name,
          name.startsWith("normalise/") || !(t.data instanceof Float32Array)
            ? t
            : { ...t, data: t.data.map(() => (t.shape.length < 2 ? 0.1 : 0)) },
        ]),
      ),
    },
  };
  await saveModelFile(flat, at("flat.onnx"));
  await saveModelFile({ ...flat, metadata: {} }, at("flat-before.onnx"));
  assert.equal((await asked("flat"))[1].kind, "logits");
  assert.equal((await asked("flat", { outputs: "probabilities" }))[1].kind, "probabilities");
  assert.equal((await asked("flat-before"))[1].kind, "probabilities");
});

test("its class names decide the order where the recipe gives none", async () => {
  const turned = Array.from({ length: 40 }, (_, i) => scores.slice(i * 10, (i + 1) * 10).reverse()).flat();
  close((await asked("reversed"))[0], turned);
  close((await asked("reversed", { classes }))[0], scores);
});

test("Distiller, evaluate and predict go by it too", async () => {
  const distiller = new Distiller({ teacher: at("own.onnx"), student: { kind: "mlp", hidden: [4] }, threads: 1 });
  distiller.compile({ alpha: 1 });
  await distiller.fit(digits, { steps: 1, labelStore: at("store") });
  await distiller.dispose();
  close(readLabelStore(at("store"), data).outputs.subarray(0, 400), scores);
  // Data of no normalisation: nothing stands in front of the graph, and only the mark tells.
  const plain = exportModel(trainable, new Map(), {
    normalisation: { scale: 1, mean: [0], std: [1] },
    classes,
    producerVersion: "test",
  });
  await saveModelFile(plain, at("plain.onnx"));
  const scaled = { scale: 1, mean: [0], std: [1e6] };
  const measured = await evaluateModel(at("plain.onnx"), { ...digits, normalisation: scaled }, { latencyRuns: 0 });
  assert.ok((measured.accuracy as number) > 0.9, `${measured.accuracy}`);
  assert.match(measured.notes.join("\n"), /contains its normalisation/);
  const twice = { latencyRuns: 0, description: { normalise: "data" } } as const;
  assert.match((await evaluateModel(at("own.onnx"), digits, twice)).notes.join("\n"), /normalised twice/);
  const samples = Float32Array.from(data.samples.subarray(0, 40 * 64) as Uint8Array);
  const array = at("x.npy");
  writeFileSync(array, encodeNpy("<f4", [40, 1, 8, 8], samples));
  const best = Array.from({ length: 40 }, (_, i) => {
    const row = scores.slice(i * 10, (i + 1) * 10);
    return classes[row.indexOf(Math.max(...row))];
  });
  const predicted = await predictFiles(at("own.onnx"), [array], { threads: 1 });
  assert.deepEqual(
    predicted.map((p) => p.class),
    best,
  );
});

test("so does limbeck/web", async () => {
  const runtime = webRuntime({ device: "cpu", threads: 1 });
  const teacher = await openTeacher(writeModel(own), digits, () => runtime, 1);
  close(await teacher.answer(data, first), scores);
  assert.match(teacher.notes.join("\n"), /contains its normalisation/);
  await teacher.dispose();
});
