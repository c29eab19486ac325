/** Classifiers as strangers write them (test/fixtures/teacher/make.py), against ONNX Runtime run by hand. */
import { onnxTeacherOptions } from "../../../src/run/teaching/onnx-teacher.js";
import type { FileTeacherInput, FileTeacherPlan } from "../../../src/run/teaching/kinds/file-schema.js";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { faultOf } from "../../../src/base/errors.js";
import {
  fromArrays,
  InputError,
  loadData,
  loadModelFile,
  type Node,
  openOnnxTeacher,
  saveModelFile,
  type Teacher,
  type ValueInfo,
} from "../../../src/index.js";
import { planOf } from "../../../src/run/recipe/load.js";
import { openSession } from "../../../src/node/session.js";
import { detectKind } from "../../../src/learn/teacher/onnx.js";

const folder = join(process.cwd(), "test", "fixtures", "teacher");
const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
const { data, splits } = digits;
/** x W + b of the first 40 digits in NumPy. */
const scores = readFileSync(join(folder, "scores.csv"), "utf8")
  .trim()
  .split("\n")
  .map((l) => l.split(",").map(Number));
const first = Uint32Array.from({ length: 40 }, (_, i) => i);

async function open(file: string, more: Partial<FileTeacherInput> = {}, over = digits): Promise<Teacher> {
  const recipe = planOf({
    data: { source: "digits" },
    teacher: { file: `${file}.onnx`, ...more },
    student: { kind: "mlp", hidden: [4] },
    training: { epochs: 1 },
  });
  const { path, ...options } = onnxTeacherOptions(recipe.teacher as FileTeacherPlan, over, folder);
  return openOnnxTeacher(path, over.data, over.splits.train, { ...options, threads: 1 });
}

const rowsOf = (values: Float32Array, width: number): number[][] =>
  Array.from({ length: values.length / width }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));

function assertClose(
  actual: readonly number[][],
  expected: readonly number[][],
  tolerance: number,
  what: string,
): void {
  assert.equal(actual.length, expected.length, what);
  for (const [i, row] of actual.entries()) {
    for (const [c, v] of row.entries()) {
      const wanted = expected[i]?.[c] as number;
      assert.ok(Math.abs(v - wanted) <= tolerance, `${what} ${i},${c}: ${v} against ${wanted}`);
    }
  }
}

/** @param found what the error must have found */
const rejects = (work: Promise<unknown>, code: string, where: string, found: RegExp): Promise<void> =>
  assert.rejects(work, (e) => {
    const fault = faultOf(e);
    assert.ok(fault, String(e));
    assert.deepEqual([fault.code, fault.where], [code, where], fault.found);
    assert.match(fault.found, found);
    return true;
  });

const softmax = (row: readonly number[]): number[] => {
  const e = row.map((z) => Math.exp(z - Math.max(...row)));
  return e.map((v) => v / e.reduce((a, b) => a + b, 0));
};

const logitTeachers: readonly [string, Partial<FileTeacherInput>, RegExp | null][] = [
  ["plain", {}, null],
  ["flat", {}, null],
  ["batch-one", {}, /fixed at 1/],
  ["batch-seven", {}, /fixed at 7/],
  ["bytes", {}, /expects bytes/],
  ["several", {}, null],
  ["several", { output: "scores" }, null],
  ["dropout", {}, null],
];
for (const [file, more, note] of logitTeachers) {
  test(`${file}${more.output ? ` with output ${more.output}` : ""}: the scores of NumPy, seen to be logits`, async () => {
    const teacher = await open(file, more);
    assert.equal(teacher.kind, "logits");
    assertClose(rowsOf(await teacher.answer(data, first), 10), scores, 2e-4, file);
    const notes = teacher.notes.join("; ");
    assert.match(notes, /its outputs are logits \(.*teacher\.outputs overrides\)/);
    assert.match(notes, /correct on 9\d\.\d %/);
    if (note) assert.match(notes, note);
    await teacher.dispose();
  });
}

test("nhwc with a softmax called logits: seen to be probabilities, overridable", async () => {
  const teacher = await open("nhwc");
  assert.equal(teacher.kind, "probabilities");
  assert.match(teacher.notes.join("; "), /\[N,H,W,C\].*probabilities/);
  assertClose(rowsOf(await teacher.answer(data, first), 10), scores.map(softmax), 1e-5, "nhwc");
  await teacher.dispose();
  const told = await open("nhwc", { outputs: "logits" });
  assert.equal(told.kind, "logits");
  await told.dispose();
});

test("ZipMap: the rows themselves, their order by the names the model gives its classes", async () => {
  const teacher = await open("zip-map");
  assert.equal(teacher.kind, "probabilities");
  assertClose(rowsOf(await teacher.answer(data, first), 10), scores.map(softmax), 1e-5, "zip-map");
  await teacher.dispose();
  const told = await open("zip-map", { output: "output_probability" });
  assert.equal(told.preprocessing, teacher.preprocessing);
  await told.dispose();
});

test("a batch of one in hiding is found, an answer without a batch is one row", async () => {
  const hidden = await open("hidden-batch");
  assert.match(hidden.notes.join("; "), /one sample per call/);
  assert.equal(hidden.batch, 1);
  const bare = await open("no-batch");
  for (const teacher of [hidden, bare]) {
    assertClose(rowsOf(await teacher.answer(data, first), 10), scores, 2e-4, teacher.name);
    await teacher.dispose();
  }
});

test("an input without a declared rank takes the samples as they are", async () => {
  const { normalisation } = digits;
  const table = {
    data: { ...data, sampleShape: [64] },
    splits,
    normalisation: normalisation.mean.length === 1 ? normalisation : { scale: 1 / 16, mean: [0], std: [1] },
  };
  const teacher = await open("no-rank", {}, table);
  assertClose(rowsOf(await teacher.answer(table.data, first), 10), scores, 2e-4, "no-rank");
  await teacher.dispose();
});

test("sigmoids are pointed out", async () => {
  const teacher = await open("sigmoid");
  assert.equal(teacher.kind, "logits");
  assert.match(teacher.notes.join("; "), /between 0 and 1.*sigmoids/);
  await teacher.dispose();
  const plain = await open("plain");
  assert.doesNotMatch(plain.notes.join("; "), /sigmoids/);
  await plain.dispose();
});

test("bytes: a normalisation that rounding would destroy is refused", async () => {
  const unit = { scale: 1 / 16, mean: [0], std: [1] };
  const refused = (normalise: FileTeacherInput["normalise"], found: RegExp): Promise<void> =>
    rejects(open("bytes", { normalise }), "option-conflict", "teacher.normalise", found);
  await refused(unit, /takes bytes.*between 0\.00 and 1\.00/);
  await refused({ scale: 1, mean: [8], std: [1] }, /between -8\.00 and 8\.00/);
  await refused({ scale: 100, mean: [0], std: [1] }, /takes bytes.*1\.60e\+3/);
  const raw = await open("bytes", { normalise: "none" });
  await raw.dispose();
});

test("answers that are not finite, class numbers, and a second input are refused in the teacher's words", async () => {
  const at = (file: string): string => join(folder, `${file}.onnx`);
  await rejects(open("not-finite"), "not-finite", at("not-finite"), /NaN for sample \d+/);
  await rejects(open("labels-only"), "model-output", at("labels-only"), /"out" holds int64/);
  await rejects(open("several", { output: "best" }), "model-output", at("several"), /"best" holds int64/);
  for (const more of [{}, { input: "in" }])
    await rejects(open("two-inputs", more), "model-input", at("two-inputs"), /2 inputs \("in", "keep"\)/);
});

test("float16 in and out", async () => {
  const teacher = await open("half");
  assertClose(rowsOf(await teacher.answer(data, first), 10), scores, 0.02, "half");
  await teacher.dispose();
});

test("a fixed larger size: bilinear with half-pixel centres, then the model", async () => {
  const teacher = await open("large");
  assert.match(teacher.notes.join("; "), /resized from 8x8 to 16x16/);
  // By hand: each output pixel from the source at (i + 0.5) / 2 - 0.5, clamped.
  const image = Array.from(data.samples.subarray(0, 64), (v) => v / 16);
  const weight = (i: number): [number, number, number] => {
    const at = Math.min(Math.max((i + 0.5) / 2 - 0.5, 0), 7);
    return [Math.floor(at), Math.min(Math.floor(at) + 1, 7), at - Math.floor(at)];
  };
  const big = Float32Array.from({ length: 256 }, (_, p) => {
    const [y0, y1, fy] = weight(Math.floor(p / 16));
    const [x0, x1, fx] = weight(p % 16);
    const at = (y: number, x: number): number => image[8 * y + x] as number;
    return (1 - fy) * ((1 - fx) * at(y0, x0) + fx * at(y0, x1)) + fy * ((1 - fx) * at(y1, x0) + fx * at(y1, x1));
  });
  const session = await openSession(join(folder, "large.onnx"), { threads: 1 });
  const direct = await session.run({ in: { dtype: "float32", shape: [1, 1, 16, 16], data: big } });
  const answers = await teacher.answer(data, Uint32Array.of(0));
  assertClose([Array.from(answers)], [Array.from(direct.out?.data as Float32Array)], 1e-4, "large");
  await session.dispose();
  await teacher.dispose();
  await rejects(
    open("large", { resize: "none" }),
    "model-input",
    join(folder, "large.onnx"),
    /16.*8x8.*teacher\.resize/,
  );
});

test("another class order: refused near chance without `classes`, right with it", async () => {
  await rejects(open("reversed"), "class-order", join(folder, "reversed.onnx"), /but on 9\d\.\d % with/);
  await assert.rejects(open("reversed"), /teacher\.classes: \["9","8","7","6",/);
  const names = ["9", "8", "7", "6", "5", "4", "3", "2", "1", "0"];
  const teacher = await open("reversed", { classes: names });
  assertClose(rowsOf(await teacher.answer(data, first), 10), scores, 2e-4, "reversed");
  await teacher.dispose();
  const forced = await open("reversed", { allow_chance: true });
  await forced.dispose();
});

test("a class order that is wrong in part is refused with the right one", async () => {
  // Digits 2 and 3, 6 and 7, 8 and 9 taken for each other: right in four of ten, well above chance.
  const swapped = [..."0132457698"];
  const right =
    /correct on 40\.0 %.*but on 9\d\.\d % with.*teacher\.classes: \["0","1","2","3","4","5","6","7","8","9"\]/;
  await assert.rejects(open("plain", { classes: swapped }), right);
  await assert.rejects(
    open("twelve", { classes: ["x", ...swapped, "y"] }),
    /teacher\.classes: \["x","0","1",.*"9","y"\]/,
  );
  await (await open("plain", { classes: swapped, allow_chance: true })).dispose();
});

test("more classes than the data: its names pick the columns", async () => {
  await rejects(open("twelve"), "model-output", join(folder, "twelve.onnx"), /"out" is \[(500|64),12\]/);
  const teacher = await open("twelve", {
    classes: ["none", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "blank"],
  });
  assert.equal(teacher.classes, 10);
  assertClose(rowsOf(await teacher.answer(data, first), 10), scores, 2e-4, "twelve");
  await teacher.dispose();
  await rejects(
    open("twelve", { classes: ["none", "0", "1"] }),
    "class-unknown",
    "teacher.classes",
    /"2".*twelve\.onnx/,
  );
});

/** The fixture with 12 classes, ending in a softmax over all of them, in a folder of its own. */
async function softTwelve(): Promise<string> {
  const { model } = loadModelFile(join(folder, "twelve.onnx"));
  const [output] = model.graph.outputs as [ValueInfo];
  const nodes = model.graph.nodes.map((n) => ({
    ...n,
    outputs: n.outputs.map((o) => (o === output.name ? "scores" : o)),
  }));
  const soft: Node = {
    name: "soft",
    op: "Softmax",
    domain: "",
    inputs: ["scores"],
    outputs: [output.name],
    attributes: {},
  };
  const path = join(mkdtempSync(join(tmpdir(), "limbeck-onnx-")), "soft-twelve.onnx");
  await saveModelFile({ ...model, graph: { ...model.graph, nodes: [...nodes, soft] } }, path);
  return path;
}

test("a softmax over more classes than the data: probabilities all the same, of the classes kept", async () => {
  const classes = ["none", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "blank"];
  const teacher = await open((await softTwelve()).replace(/\.onnx$/, ""), { classes });
  assert.equal(teacher.kind, "probabilities");
  assertClose(rowsOf(await teacher.answer(data, first), 10), scores.map(softmax), 1e-5, "of ten of twelve");
  await teacher.dispose();
});

test("outputs that are not what the recipe calls them", async () => {
  await rejects(
    open("plain", { outputs: "probabilities" }),
    "model-output",
    "teacher.outputs",
    /answers -?[\d.]+ for sample/,
  );
  const twice = await open("nhwc", { outputs: "logits" });
  assert.match(twice.notes.join("; "), /declared as logits.*second softmax/);
  await twice.dispose();
});

test("wrong normalisation shows as chance, or as wrong scores, never in silence", async () => {
  await assert.rejects(
    open("plain", { normalise: { scale: -1, mean: [0], std: [1] } }),
    /Check teacher\.classes \(order\), teacher\.normalise/,
  );
});

test("what does not fit is named", async () => {
  await rejects(open("several", { output: "score" }), "model-output", "teacher.output", /no output "score"/);
  await rejects(open("plain", { input: "image" }), "model-input", "teacher.input", /no input "image"/);
  await rejects(open("text-input"), "model-input", join(folder, "text-input.onnx"), /takes string/);
  await assert.rejects(open("nothing"), InputError);
  const wide = fromArrays({ samples: new Float32Array(300), sampleShape: [3], classes: ["a", "b"] });
  const over = {
    data: wide,
    splits: { train: Uint32Array.of(0, 1), validation: Uint32Array.of(), test: Uint32Array.of() },
    normalisation: digits.normalisation,
  };
  await rejects(open("flat", {}, over), "model-input", join(folder, "flat.onnx"), /64.*a sample has 3 values/);
  await rejects(
    open("plain", {}, over),
    "model-input",
    join(folder, "plain.onnx"),
    /an image, but the samples are \[3\]/,
  );
});

test("the teacher runs in inference mode: asked twice, it answers the same (pitfall 6)", async () => {
  const teacher = await open("dropout");
  assert.deepEqual(await teacher.answer(data, splits.test), await teacher.answer(data, splits.test));
  await teacher.dispose();
});

test("kinds: a row that is negative or does not sum to one makes logits", () => {
  assert.equal(detectKind(Float32Array.of(0.2, 0.8, 1, 0), 2), "probabilities");
  assert.equal(detectKind(Float32Array.of(0.2, 0.8, 1, 0.5), 2), "logits");
  assert.equal(detectKind(Float32Array.of(1.2, -0.2), 2), "logits");
});
