/** Gaps of a table travel with the model: an export fills them as its training data were filled. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import * as ort from "onnxruntime-node";
import {
  type DataInput,
  distill,
  evaluateModel,
  exportRun,
  InputError,
  labelData,
  loadData,
  loadModelFile,
  predictFiles,
  type RecipeInput,
} from "../../src/index.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-missing-"));
after(() => rmSync(root, { recursive: true, force: true }));
const at = (name: string): string => join(root, name);

/** Three numbers, of which the first two decide the label, and a colour; every seventh value is missing. */
const rows = Array.from({ length: 300 }, (_, i) => {
  const [a, b, c] = [50 + 9 * Math.sin(i), 3 * Math.cos(i * 1.7), i % 13];
  return { a, b, c, colour: ["red", "green"][i % 2] as string, kind: a + b > 50 ? "high" : "low" };
});
const gap = (i: number, k: number): boolean => (i * 4 + k) % 7 === 3;
const cells = (i: number): string[] => {
  const row = rows[i] as (typeof rows)[number];
  return [row.a.toFixed(3), row.b.toFixed(3), String(row.c), row.colour].map((v, k) => (gap(i, k) ? "" : v));
};
const line = (i: number): string => `${cells(i).join()},${rows[i]?.kind}`;
const header = "a,b,c,colour,kind";

const data: DataInput = {
  source: "table",
  path: at("data.csv"),
  label: "kind",
  categorical: ["colour"],
  missing: "mean",
  split: { validation: 0.2, test: 0.3 },
};
const recipe = (more: object = {}): RecipeInput => ({
  name: "gaps",
  data,
  teacher: {
    model: { kind: "mlp", hidden: [16] },
    training: { steps: 300, batch: 32, schedule: { kind: "constant", lr: 0.01 } },
  },
  student: { kind: "mlp", hidden: [4] },
  training: { steps: 300, batch: 32, schedule: { kind: "constant", lr: 0.01 } },
  evaluation: { latency_runs: 5 },
  ...more,
});

let student = "";
let raw = "";
/** What stands in for a missing value of each feature: a, b, c, colour=green, colour=red. */
let fills: readonly number[] = [];

before(async () => {
  writeFileSync(at("data.csv"), [header, ...rows.map((_, i) => line(i))].join("\n"));
  fills = (await loadData(data)).normalisation.missing as readonly number[];
  await distill(recipe(), { out: at("run"), threads: 1 });
  student = at("run/student.onnx");
  raw = (await exportRun(at("run"), { raw: true, out: at("raw.onnx") })).model;
});

/** Features of a row as numbers; NaN where missing, or filled by hand. */
function features(i: number, filled: boolean): number[] {
  const [a, b, c, colour] = cells(i) as [string, string, string, string];
  const numbers = [a, b, c].map((v) => (v === "" ? Number.NaN : Number(v)));
  const levels = colour === "" ? [0, 0] : [Number(colour === "green"), Number(colour === "red")];
  return [...numbers, ...levels].map((v, k) => (filled && Number.isNaN(v) ? (fills[k] as number) : v));
}

async function logits(model: string, values: Float32Array): Promise<number[]> {
  const session = await ort.InferenceSession.create(model);
  const input = new ort.Tensor("float32", values, [values.length / 5, 5]);
  const output = await session.run({ [session.inputNames[0] as string]: input });
  return Array.from(output[session.outputNames[0] as string]?.data as Float32Array);
}

const all = (filled: boolean): Float32Array => Float32Array.from(rows.flatMap((_, i) => features(i, filled)));

test("the exported student takes NaN and answers as for the training part's means, in ONNX Runtime", async () => {
  assert.ok(all(false).some(Number.isNaN));
  assert.deepEqual(fills.slice(3), [0, 0]);
  const [gaps, filled] = [await logits(student, all(false)), await logits(student, all(true))];
  assert.ok(filled.every(Number.isFinite));
  assert.deepEqual(gaps, filled);
  const { graph } = loadModelFile(student).model;
  assert.deepEqual(
    graph.nodes.filter((n) => n.name.startsWith("normalise/")).map((n) => n.op),
    ["IsNaN", "Where", "Mul", "Add"],
  );
});

test("without data.missing: mean the graph has no such nodes", async () => {
  await distill(recipe({ data: { ...data, missing: "drop" } }), { out: at("dropped"), threads: 1 });
  const { graph } = loadModelFile(at("dropped/student.onnx")).model;
  assert.ok(!graph.nodes.some((n) => n.op === "IsNaN" || n.op === "Where"));
});

test("predict: a file with gaps is answered as the same file filled by hand", async () => {
  const write = (name: string, filled: boolean): string => {
    const text = rows.slice(0, 40).map((_, i) =>
      features(i, filled)
        .map((v) => (Number.isNaN(v) ? "NA" : v))
        .join(),
    );
    writeFileSync(at(name), text.join("\n"));
    return at(name);
  };
  const [gaps, filled] = [write("gaps.csv", false), write("filled.csv", true)];
  writeFileSync(at("gaps.json"), JSON.stringify(rows.slice(0, 40).map((_, i) => features(i, false))));
  for (const model of [student, raw]) {
    const expected = (await predictFiles(model, [filled])).map((p) => [p.class, p.probability]);
    assert.equal(new Set(expected.map(([name]) => name)).size, 2);
    for (const file of [gaps, at("gaps.json")]) {
      const found = (await predictFiles(model, [file])).map((p) => [p.class, p.probability]);
      assert.deepEqual(found, expected, `${model} ${file}`);
    }
  }
});

test("predict: a model that does not fill gaps refuses them, and rows of another width", async () => {
  const dropped = at("dropped/student.onnx");
  await assert.rejects(predictFiles(dropped, [at("gaps.csv")]), { code: "value-missing", where: at("gaps.csv") });
  writeFileSync(at("wide.csv"), Array.from({ length: 5 }, () => "1,2,3,0,1,9").join("\n"));
  await assert.rejects(predictFiles(dropped, [at("wide.csv")]), { code: "array-mismatch", found: /6 columns/ });
  await assert.rejects(predictFiles(dropped, [at("wide.csv")]), InputError);
});

test("evaluate: another table's gaps get the model's own means, not that table's", async () => {
  const shifted = rows.map(
    (_, i) =>
      `${cells(i)
        .map((v, k) => (k < 3 && v !== "" ? Number(v) + 5 : v))
        .join()},${rows[i]?.kind}`,
  );
  writeFileSync(at("other.csv"), [header, ...shifted].join("\n"));
  const byHand = rows.map((_, i) => {
    const values = features(i, false).map((v, k) => (Number.isNaN(v) ? (fills[k] as number) : k < 3 ? v + 5 : v));
    const colour = values[3] === 1 ? "green" : values[4] === 1 ? "red" : "NA";
    return `${values.slice(0, 3).join()},${colour},${rows[i]?.kind}`;
  });
  writeFileSync(at("by-hand.csv"), [header, ...byHand].join("\n"));
  for (const model of [student, raw]) {
    const [found, expected] = await Promise.all(
      ["other.csv", "by-hand.csv"].map(async (name) => {
        const loaded = await loadData({ ...data, path: at(name) });
        return evaluateModel(model, loaded, { part: "all", latencyRuns: 1 });
      }),
    );
    assert.equal(found?.accuracy, expected?.accuracy);
    assert.ok(Math.abs((found?.nll ?? 0) - (expected?.nll ?? 1)) < 1e-9, `${found?.nll} ${expected?.nll}`);
  }
});

test("a raw export's metadata and ready code hold what stands in for missing values", async () => {
  const { metadata } = loadModelFile(raw).model;
  assert.deepEqual(JSON.parse(metadata.normalisation as string).missing.map(Math.fround), [...fills]);
  const code = readFileSync(at("raw-use-in-node.mjs"), "utf8");
  const body = code.split("\n").filter((l) => /^const (missing|mean|std|normalise) = /.test(l));
  const normalise = new Function(`${body.join("\n")}\nreturn normalise;`)() as (v: Float32Array) => Float32Array;
  assert.deepEqual(normalise(Float32Array.from(features(1, false))), normalise(Float32Array.from(features(1, true))));
  const inside = await exportRun(at("run"), { out: at("again.onnx") });
  assert.deepEqual(await logits(inside.model, all(false)), await logits(student, all(false)));
});

test("a teacher's answers are kept and found again for the same means only", async () => {
  const labelled = { ...recipe(), teacher: { file: student } } as RecipeInput;
  const { store } = await labelData(labelled, { out: at("labels"), threads: 1 });
  const teacher = { ...labelled, teacher: { label_store: store } } as RecipeInput;
  await distill(teacher, { out: at("stored"), threads: 1 });
  const other = { ...teacher, data: { ...data, split: { validation: 0.2, test: 0.3, seed: 4 } } } as RecipeInput;
  await assert.rejects(distill(other, { out: at("stored-other"), threads: 1 }), { where: store, found: /other data/ });
});
