/** Classifiers as scikit-learn's exporter writes them (test/fixtures/sklearn/make.py), against scikit-learn's own probabilities. */
import { onnxTeacherOptions } from "../../../src/run/teaching/onnx-teacher.js";
import type { FileTeacherInput, FileTeacherPlan } from "../../../src/run/teaching/kinds/file-schema.js";
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { faultOf } from "../../../src/base/errors.js";
import {
  evaluateModel,
  type LoadedData,
  loadData,
  openOnnxTeacher,
  predictFiles,
  type Teacher,
} from "../../../src/index.js";
import { planOf } from "../../../src/run/recipe/load.js";
import { examine } from "../../../src/app/doctor/doctor.js";
import { encodeNpy } from "../../support/npy.js";

const folder = join(process.cwd(), "test", "fixtures", "sklearn");
const expected: Readonly<Record<string, { classes: string[]; probabilities: number[][] }>> = JSON.parse(
  readFileSync(join(folder, "probabilities.json"), "utf8"),
);
const features = ["length (cm)", "depth", "ratio", "count"];
const table = (label: string, classes?: string[]): Promise<LoadedData> =>
  loadData({ source: "table", path: join(folder, "table.csv"), label, features, classes });
const sizes = await table("size", ["low", "middle", "high"]);
const big = await table("big");
const first = Uint32Array.from({ length: 25 }, (_, i) => i);

async function open(name: string, over = sizes, more: Partial<FileTeacherInput> = {}): Promise<Teacher> {
  const recipe = planOf({
    data: { source: "digits" },
    teacher: { file: `${name}.onnx`, ...more },
    student: { kind: "mlp", hidden: [4] },
    training: { epochs: 1 },
  });
  const { path, ...options } = onnxTeacherOptions(recipe.teacher as FileTeacherPlan, over, folder);
  return openOnnxTeacher(path, over.data, over.splits.train, { ...options, threads: 1 });
}

/** The answers of the first rows must be scikit-learn's, in the data's order of classes. @returns the notes */
async function answersAsSklearn(
  name: string,
  over = sizes,
  more: Partial<FileTeacherInput> = {},
  tolerance = 1e-4,
): Promise<string> {
  const teacher = await open(name, over, more);
  const { classes, probabilities } = expected[name] as (typeof expected)[string];
  const answers = await teacher.answer(over.data, first);
  await teacher.dispose();
  const names = over.data.classes;
  assert.equal(answers.length, first.length * names.length);
  for (const i of first)
    for (const [c, wanted] of names.entries()) {
      const value = answers[i * names.length + c] as number;
      const p = teacher.kind === "probabilities" ? value : softmaxOf(answers, i, names.length, c);
      const right = probabilities[i]?.[classes.indexOf(wanted)] as number;
      assert.ok(Math.abs(p - right) < tolerance, `${name}, row ${i}, ${wanted}: ${p} against ${right}`);
    }
  return teacher.notes.join("\n");
}

function softmaxOf(values: Float32Array, row: number, classes: number, c: number): number {
  const own = Array.from(values.subarray(row * classes, (row + 1) * classes), Math.exp);
  return (own[c] as number) / own.reduce((a, b) => a + b, 0);
}

const found: readonly [name: string, what: string, note: RegExp][] = [
  [
    "forest",
    "a list of maps by text",
    /raw samples: correct on 9\d\.\d % of \d+ labelled samples, with .* student's on [1-5]\d\.\d %/,
  ],
  ["forest-rows", "text labels beside rows", /raw samples: correct on/],
  ["bagged-rows", "names only where labels are looked up", /raw samples: correct on/],
  ["forest-columns", "an output for each class", /raw samples: correct on/],
  ["scaler", "a Scaler of ai.onnx.ml inside", /raw samples: correct on/],
  ["columns", "an input for each column, one of whole numbers", /feeds 4 of 4 columns by name/],
  [
    "standardised",
    "trained on standardised features",
    /samples normalised like the student's: correct on .*with raw samples on/,
  ],
];
for (const [name, what, note] of found) {
  test(`${name} (${what}): scikit-learn's probabilities, by the names of the classes, without a field set`, async () => {
    // limbeck's mean and deviation are those of another part of the table.
    const notes = await answersAsSklearn(name, sizes, {}, name === "standardised" ? 0.05 : 1e-4);
    assert.match(notes, note);
    assert.match(notes, /outputs are probabilities/);
  });
}

test("a list of maps by number: names of the data that are these numbers", async () => {
  const teacher = await open("forest-numbers", sizes, { classes: ["low", "middle", "high"] });
  const { classes, probabilities } = expected["forest-numbers"] as (typeof expected)[string];
  assert.deepEqual(classes, ["0", "1", "2"]);
  const answers = await teacher.answer(sizes.data, first);
  for (const i of first)
    for (const c of [0, 1, 2])
      assert.ok(Math.abs((answers[3 * i + c] as number) - (probabilities[i]?.[c] as number)) < 1e-4);
  await teacher.dispose();
  // The same numbers as names of the data, in another order: the maps' keys decide.
  const turned = {
    ...sizes,
    data: {
      ...sizes.data,
      classes: ["2", "0", "1"],
      labels: sizes.data.labels?.map((l) => [1, 2, 0][l] as number) ?? null,
    },
  };
  await answersAsSklearn("forest-numbers", turned);
});

test("two classes as a list of maps", async () => {
  assert.match(await answersAsSklearn("two", big), /outputs are probabilities/);
});

for (const [name, kind] of [
  ["sigmoid", "probability"],
  ["sigmoid-flat", "probability"],
  ["logit", "logit"],
] as const) {
  test(`${name}: one value a sample is the ${kind} of the second class`, async () => {
    const notes = await answersAsSklearn(name, big);
    assert.match(notes, new RegExp(`one value per sample: limbeck reads it as the ${kind} of "small"`));
    assert.match(notes, /correct on 9\d\.\d %/);
  });
}

test("one value a sample: what it is called counts", async () => {
  const teacher = await open("sigmoid", big, { outputs: "logits", normalise: "none", allow_chance: true });
  assert.equal(teacher.kind, "logits");
  const answers = await teacher.answer(big.data, first);
  const p = expected.sigmoid?.probabilities[0]?.[1] as number;
  assert.equal(answers[0], 0);
  assert.ok(Math.abs((answers[1] as number) - p) < 1e-5);
  await teacher.dispose();
  await refused(
    open("logit", big, { outputs: "probabilities" }),
    "model-output",
    "teacher.outputs",
    /answers -?[\d.]+ for sample/,
  );
});

test("one value of the first class instead of the second: refused with the right order, right with it", async () => {
  await refused(
    open("sigmoid-turned", big),
    "class-order",
    join(folder, "sigmoid-turned.onnx"),
    /\["small","large"\]/,
    "message",
  );
  await answersAsSklearn("sigmoid-turned", big, { classes: ["small", "large"] });
});

test("one value a sample does not tell three classes apart", async () => {
  await refused(open("sigmoid"), "model-output", join(folder, "sigmoid.onnx"), /"p" is \[\d+,1\]/);
});

test("evaluate reads them alike, and chooses by training samples", async () => {
  for (const [file, over, least] of [
    ["forest", sizes, 0.85],
    ["sigmoid", big, 0.9],
    ["sigmoid-flat", big, 0.9],
    ["columns", sizes, 0.85],
  ] as const) {
    const { accuracy, classes, notes } = await evaluateModel(join(folder, `${file}.onnx`), over, {
      latencyRuns: 0,
      threads: 1,
    });
    assert.ok((accuracy ?? 0) > least, `${file}: ${accuracy}`);
    assert.deepEqual(classes, over.data.classes);
    assert.doesNotMatch(notes.join("\n"), /it is correct on/);
  }
});

test("the doctor finds out what a run would", async () => {
  const findings = await examine(
    {
      data: { source: "table", path: join(folder, "table.csv"), label: "size", features },
      teacher: { file: join(folder, "forest.onnx") },
      student: { kind: "mlp", hidden: [4] },
      training: { steps: 10 },
    },
    { quick: true, threads: 1 },
  );
  const answers = findings.find((f) => f.check === "teacher's answers");
  assert.equal(answers?.status, "ok");
  assert.match(answers?.found ?? "", /it gets raw samples: .* 9\d\.\d % of/);
  assert.deepEqual(
    findings.filter((f) => f.status === "fail"),
    [],
  );
});

test("predict reads them alike: probabilities of both classes, the model's names, and a note", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "limbeck-sklearn-")), "rows.npy");
  writeFileSync(file, encodeNpy("<f4", [25, 4], Float32Array.from(sizes.data.samples.subarray(0, 100))));
  for (const name of ["forest", "forest-columns", "two", "sigmoid", "sigmoid-flat", "logit"]) {
    const said: string[] = [];
    const options = { topK: 3, threads: 1, onNote: (text: string) => void said.push(text) };
    const found = await predictFiles(join(folder, `${name}.onnx`), [file], options);
    const { classes, probabilities } = expected[name] as (typeof expected)[string];
    // A network with a sigmoid does not name its classes.
    const single = name.startsWith("sigmoid") || name === "logit";
    for (const [i, { top }] of found.entries()) {
      assert.equal(top.length, classes.length, name);
      for (const { class: c, probability } of top) {
        const right = probabilities[i]?.[single ? Number(c) : classes.indexOf(c)] as number;
        assert.ok(Math.abs(probability - right) < 1e-4, `${name}, row ${i}, ${c}: ${probability} against ${right}`);
      }
    }
    assert.equal(said.length, single ? 1 : 0, said.join());
    if (single) assert.match(said[0] ?? "", /one value per sample.*of "1"/);
  }
});

test("inputs that are no columns of the data are named", async () => {
  const data = { ...sizes.data, features: ["length (cm)", "depth", "ratio", "number"] };
  await refused(
    open("columns", { ...sizes, data }),
    "model-input",
    join(folder, "columns.onnx"),
    /input "count" is not among/,
  );
  const { features: _, ...bare } = sizes.data;
  await refused(open("columns", { ...sizes, data: bare }), "model-input", join(folder, "columns.onnx"), /4 inputs/);
});

test("a column of whole numbers gets whole numbers", async () => {
  const samples = Float32Array.from(sizes.data.samples, (v, i) => (i === 7 ? v + 0.5 : v));
  const half = { ...sizes, data: { ...sizes.data, samples } };
  await refused(open("columns", half), "model-input", sizes.data.name, /column "count" holds \d+\.5/);
  await refused(
    open("columns", sizes, { normalise: { scale: 1, mean: [1], std: [2] } }),
    "model-input",
    sizes.data.name,
    /normalised/,
  );
});

function refused(
  work: Promise<unknown>,
  code: string,
  where: string,
  text: RegExp,
  part: "found" | "message" = "found",
): Promise<void> {
  return assert.rejects(work, (e) => {
    const fault = faultOf(e);
    assert.ok(fault, String(e));
    assert.equal(fault.where, where);
    assert.match(part === "found" ? fault.found : (e as Error).message, text);
    // Until every error has its code.
    if (fault.code !== "internal") assert.equal(fault.code, code);
    return true;
  });
}
