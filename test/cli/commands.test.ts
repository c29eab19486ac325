/** Every command, once from begin to end, on the digits. */
import "../../src/run/entries.js";
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { gunzipSync } from "node:zlib";
import { sizeOf } from "../../src/engine/graph/tensor.js";
import { loadModelFile } from "../../src/node/model-file.js";
import { loadRecipe } from "../../src/run/recipe/load.js";
import { type Outcome, SMALL, temporary, warmLimbeck } from "./support.js";

const { folder, remove } = temporary();
const limbeck = warmLimbeck();
const DIGITS = resolve("recipes/digits.yaml");
const at = (name: string): string => join(folder, name);
/** The fields of a JSON document that these tests look at. */
interface Document {
  readonly parameters: number;
  readonly statistics: number;
  readonly model: string;
  readonly source: string;
  readonly bytes: number;
  readonly accuracy: number | null;
  readonly agreement: number | null;
  readonly perClass: readonly unknown[];
  readonly latency: unknown;
  readonly operators: readonly { readonly op: string }[];
  readonly features: readonly { readonly name: string; readonly shape: readonly number[] | null }[];
}
const json = (outcome: Outcome): Document => JSON.parse(outcome.stdout) as Document;

/** The first rows of the embedded digits: 64 pixels and a label each. */
const rows = gunzipSync(readFileSync("data/digits.csv.gz"))
  .toString("latin1")
  .split("\n")
  .slice(0, 40)
  .map((line) => line.split(",").map(Number));

before(async () => {
  const made = await limbeck(["distill", DIGITS, ...SMALL, "--out", at("run"), "--json"]);
  assert.equal(made.code, 0, made.stderr);
  writeFileSync(at("distill.json"), made.stdout);
});
after(remove);

describe("distill", () => {
  test("--json is the summary, alone", () => {
    const summary = JSON.parse(readFileSync(at("distill.json"), "utf8"));
    assert.deepEqual(
      summary.models.map((m: { role: string }) => m.role),
      ["teacher", "student", "baseline"],
    );
    assert.equal(summary.models[1].parameters, 64 * 10 + 10 + 10 * 10 + 10);
    assert.deepEqual(summary, JSON.parse(readFileSync(at("run/summary.json"), "utf8")));
  });

  test("export.raw changes the file, not a figure; the snippet normalises", async () => {
    const made = await limbeck([
      "distill",
      DIGITS,
      ...SMALL,
      "--set",
      "export.raw=true",
      "--out",
      at("rawly"),
      "--json",
    ]);
    assert.equal(made.code, 0, made.stderr);
    const [raw, normal] = ["rawly", "run"].map((d) => JSON.parse(readFileSync(at(`${d}/summary.json`), "utf8")));
    for (const [i, model] of normal.models.entries()) {
      assert.equal(raw.models[i].accuracy.mean, model.accuracy.mean, model.name);
      assert.ok(Math.abs(raw.models[i].nll.mean - model.nll.mean) < 1e-6, model.name);
    }
    assert.ok(!loadModelFile(at("rawly/student.onnx")).model.graph.nodes.some((n) => n.name.startsWith("normalise/")));
    assert.match(readFileSync(at("rawly/use-in-node.mjs"), "utf8"), /const normalise = /);
    assert.doesNotMatch(readFileSync(at("run/use-in-node.mjs"), "utf8"), /const normalise = /);
    const evaluated = json(await limbeck(["evaluate", at("rawly"), "--latency-runs", "0", "--json"]));
    assert.ok(normal.models[1].seeds.some((s: { accuracy: number }) => s.accuracy === evaluated.accuracy));
  });

  test("Ctrl-C ends with 130 and --resume finishes", async () => {
    const long = [...SMALL, "--set", "seeds=1", "--set", "training.steps=800", "--out", at("stopped")];
    const stopped = await limbeck(["distill", DIGITS, ...long], { signal: { name: "SIGINT", after: "Distilling" } });
    assert.equal(stopped.code, 130, stopped.stderr);
    assert.equal(stopped.stdout, "");
    assert.match(stopped.stderr, /--resume/);
    assert.ok(!existsSync(at("stopped/student.onnx")));
    const listed = await limbeck(["runs", folder, "--json"]);
    const runs = JSON.parse(listed.stdout) as { path: string; state: string; accuracy: number | null }[];
    assert.equal(runs.find((r) => r.path === at("stopped"))?.state, "unfinished");
    const finished = await limbeck(["distill", DIGITS, ...long, "--resume", "--quiet"]);
    assert.equal(finished.code, 0, finished.stderr);
    assert.ok(existsSync(at("stopped/student.onnx")));
  });
});

describe("train", () => {
  test("the student on labels alone is the run's baseline, to the byte", async () => {
    const made = await limbeck(["train", DIGITS, ...SMALL, "--out", at("alone"), "--json"]);
    assert.equal(made.code, 0, made.stderr);
    const summary = JSON.parse(made.stdout);
    const run = JSON.parse(readFileSync(at("run/summary.json"), "utf8"));
    assert.equal(summary.models.length, 1);
    assert.deepEqual(summary.comparisons, []);
    assert.deepEqual(summary.models[0].accuracy, run.models[2].accuracy);
    assert.deepEqual(summary.models[0].confusion, run.models[2].confusion);
    assert.ok(existsSync(at("alone/model.onnx")));
    const again = await limbeck(["train", DIGITS, ...SMALL, "--out", at("alone"), "--resume", "--json"]);
    assert.deepEqual(JSON.parse(again.stdout).models[0].seeds, summary.models[0].seeds);
  });

  test("--model teacher, and its file teaches", async () => {
    const made = await limbeck(["train", DIGITS, ...SMALL, "--model", "teacher", "--out", at("teacher"), "-q"]);
    assert.equal(made.code, 0, made.stderr);
    assert.equal(made.stderr, "");
    assert.match(made.stdout, /^teacher\s+85,002/m);
    const file = `teacher={ file: ${at("teacher/model.onnx")} }`;
    const labelled = await limbeck(["label", DIGITS, "--set", file, "--out", at("file-labels"), "--json"]);
    assert.equal(labelled.code, 0, labelled.stderr);
    const result = JSON.parse(labelled.stdout);
    assert.equal(result.kind, "logits");
    assert.ok(result.accuracy.validation > 0.85, `${result.accuracy.validation}`);
  });
});

describe("label", () => {
  test("writes a store that teaches; --resume keeps it; another teacher is refused", async () => {
    const label = ["label", DIGITS, ...SMALL, "--out", at("labels")];
    const made = await limbeck([...label, "--json"]);
    assert.equal(made.code, 0, made.stderr);
    const result = JSON.parse(made.stdout);
    assert.equal(result.samples, 1797);
    assert.equal(readFileSync(at("labels/outputs.bin")).length, 1797 * 10 * 4);
    const refused = await limbeck(label);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /not empty.*--resume/);
    const resumed = await limbeck([...label, "--resume", "--json"]);
    assert.deepEqual(JSON.parse(resumed.stdout), result);
    const other = await limbeck([...label, "--set", "teacher.training.epochs=5", "--resume"]);
    assert.equal(other.code, 2);
    const store = ["--set", `teacher={ label_store: ${at("labels")} }`, "--out", at("from-store"), "--json"];
    const taught = await limbeck(["distill", DIGITS, ...SMALL.slice(0, 6), ...store]);
    assert.equal(taught.code, 0, taught.stderr);
    assert.ok(JSON.parse(taught.stdout).models[1].agreement.mean > 0.6);
  });
});

describe("evaluate", () => {
  test("a run's student has the figures of its summary", async () => {
    const found = await limbeck(["evaluate", at("run"), "--latency-runs", "5", "--json"]);
    assert.equal(found.code, 0, found.stderr);
    const e = JSON.parse(found.stdout);
    const summary = JSON.parse(readFileSync(at("run/summary.json"), "utf8"));
    const seed = summary.models[1].seeds.find((s: { accuracy: number }) => s.accuracy === e.accuracy);
    assert.ok(seed, `accuracy ${e.accuracy} is that of no seed`);
    for (const key of ["nll", "ece", "agreement", "softKL"])
      assert.ok(Math.abs(e[key] - seed[key]) < 1e-6, `${key}: ${e[key]} and ${seed[key]}`);
    assert.equal(e.parameters, 760);
    const counted = e.confusion.flat().reduce((a: number, v: number) => a + v, 0);
    assert.equal(counted, e.data.samples);
  });

  test("a model with itself as the teacher agrees entirely; the text has the tables", async () => {
    writeFileSync(at("data.yaml"), "data: { source: digits }\n");
    const student = at("run/student.onnx");
    const found = await limbeck(["evaluate", student, "-d", at("data.yaml"), "-t", student, "--part", "validation"]);
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /^model .* 100\.0 % +0\.000$/m);
    assert.match(found.stdout, /^class +precision +recall +F1 +samples$/m);
    assert.match(found.stdout, /confusion/);
    assert.match(found.stdout, /latency +\d/);
  });

  test("--robustness: errors under corruptions, relative to the teacher's or the reference's", async () => {
    const set = ["--set", "evaluation.robustness={samples: 50, severities: [4]}", "--latency-runs", "0"];
    const found = await limbeck(["evaluate", at("run"), "--robustness", "--corruptions", "scale,contrast", ...set]);
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /^under 2 corruptions at severity 4 \(50 samples, seed 0\)$/m);
    assert.match(found.stdout, /^error under +model +teacher$/m);
    assert.match(found.stdout, /^mCE +\d+\.\d % +100\.0 %$/m);
    const student = at("run/student.onnx");
    const asked = await limbeck(["evaluate", at("run"), "--robustness", "--reference", student, ...set, "--json"]);
    const { robustness } = JSON.parse(asked.stdout);
    assert.equal(robustness.corruptions.length, 15);
    assert.deepEqual([robustness.samples, robustness.severities, robustness.reference], [50, [4], "reference"]);
    const [model, , reference] = robustness.models;
    assert.deepEqual(model.seeds, reference.seeds);
    assert.equal(model.mCE.mean, 1);
  });

  test("without labels only the comparison is left", async () => {
    const flags = ["--set", "data.labels=ignore", "-t", at("run/student.onnx"), "--latency-runs", "0", "--json"];
    const found = json(await limbeck(["evaluate", at("run/student.onnx"), "-d", DIGITS, ...flags]));
    assert.deepEqual([found.accuracy, found.agreement, found.perClass, found.latency], [null, 1, [], null]);
  });
});

describe("export", () => {
  test("as it is: the same bytes; nothing is overwritten", async () => {
    const made = json(await limbeck(["export", at("run"), "--json"]));
    assert.deepEqual(readFileSync(made.model), readFileSync(at("run/student.onnx")));
    const again = await limbeck(["export", at("run")]);
    assert.equal(again.code, 2);
    assert.match(again.stderr, /not overwritten/);
  });

  test("--raw leaves out the normalisation, and predict puts it back from the metadata", async () => {
    const made = await limbeck(["export", at("run"), "--raw", "--out", at("raw.onnx"), "--json"]);
    assert.equal(made.code, 0, made.stderr);
    const { model } = loadModelFile(at("raw.onnx"));
    assert.ok(model.graph.nodes.every((n) => !n.name.startsWith("normalise/")));
    assert.deepEqual(JSON.parse(model.metadata.normalisation as string), { scale: 1 / 16, mean: [0], std: [1] });
    const marks = ({ metadata }: typeof model) => [metadata["limbeck.samples"], metadata["limbeck.outputs"]];
    assert.deepEqual(marks(model), [undefined, "logits"]);
    assert.deepEqual(marks(loadModelFile(at("run/student.onnx")).model), ["raw", "logits"]);
    writeFileSync(at("two.json"), JSON.stringify(rows.slice(0, 2).map((r) => r.slice(0, 64))));
    const ask = async (file: string) => JSON.parse((await limbeck(["predict", file, at("two.json"), "--json"])).stdout);
    assert.deepEqual(await ask(at("raw.onnx")), await ask(at("run/student.onnx")));
  });

  test("--half halves the weights; roles and seeds are found", async () => {
    const half = json(await limbeck(["export", at("run"), "--half", "--role", "teacher", "--json"]));
    const { graph } = loadModelFile(half.model).model;
    const matrices = [...graph.initializers.values()].filter((t) => t.shape.length === 2);
    assert.deepEqual([...new Set(matrices.map((t) => t.dtype))], ["float16"]);
    assert.equal(
      matrices.reduce((n, t) => n + sizeOf(t.shape), 0),
      64 * 256 + 256 * 256 + 256 * 10,
    );
    assert.ok(half.bytes < 180_000);
    const baseline = json(await limbeck(["export", at("run"), "--role", "baseline", "--seed", "1", "--json"]));
    assert.match(baseline.source, /baseline-.*-seed1/);
    const nobody = await limbeck(["export", at("run"), "--seed", "7"]);
    assert.equal(nobody.code, 2);
    assert.match(nobody.stderr, /no student with seed 7.*student, seed 0/);
  });
});

describe("predict", () => {
  test("names the digits of a table, the same through every kind of file", async () => {
    const pixels = rows.map((r) => r.slice(0, 64));
    writeFileSync(at("d.csv"), pixels.map((r) => r.join(",")).join("\n"));
    writeFileSync(at("d.json"), JSON.stringify(pixels));
    writeFileSync(at("d.npy"), npy(pixels));
    const ask = async (name: string): Promise<{ class: string; probability: number; top: unknown[] }[]> => {
      const found = await limbeck(["predict", at("run/student.onnx"), at(name), "-k", "3", "--json"]);
      assert.equal(found.code, 0, found.stderr);
      return JSON.parse(found.stdout);
    };
    const answers = await ask("d.csv");
    const right = answers.filter((a, i) => a.class === String(rows[i]?.[64])).length;
    assert.ok(right >= 26, `${right} of 40`);
    assert.ok(answers.every((a) => a.top.length === 3 && a.probability > 0 && a.probability <= 1));
    const plain = (list: object[]) => list.map((p) => ({ ...p, file: "" }));
    assert.deepEqual(plain(await ask("d.json")), plain(answers));
    assert.deepEqual(plain(await ask("d.npy")), plain(answers));
  });

  test("reads images", async (t) => {
    const sharp = await import("sharp").catch(() => null);
    if (!sharp) return t.skip("sharp is not installed");
    // Sixteen steps of grey become 0 to 255; --scale takes them back.
    const raw = { width: 8, height: 8, channels: 1 as const };
    const files = [0, 1, 6].map((i) => [i, at(`${i}.png`)] as const);
    for (const [i, file] of files) {
      const bytes = Uint8Array.from(rows[i]?.slice(0, 64) ?? [], (v) => Math.min(255, v * 16));
      await sharp.default(bytes, { raw }).png().toFile(file);
    }
    const asked = await limbeck([
      "predict",
      at("run/student.onnx"),
      ...files.map(([, f]) => f),
      "--scale",
      "1/16",
      "--json",
    ]);
    assert.equal(asked.code, 0, asked.stderr);
    writeFileSync(
      at("same.json"),
      JSON.stringify(files.map(([i]) => rows[i]?.slice(0, 64).map((v) => Math.min(255, v * 16) / 16))),
    );
    const same = await limbeck(["predict", at("run/student.onnx"), at("same.json"), "--json"]);
    const of = (o: Outcome) =>
      (JSON.parse(o.stdout) as { class: string; probability: number }[]).map((p) => [p.class, p.probability]);
    assert.deepEqual(of(asked), of(same));
  });
});

describe("init", () => {
  test("every combination parses; the digits run; nothing is overwritten", async () => {
    for (const data of ["digits", "idx", "table", "images", "npy", "npz"])
      for (const teacher of ["model", "file", "store"]) {
        // In this process: eighteen of its own would be slow.
        const { starterRecipe } = await import("../../src/app/commands/starter-recipe.js");
        const file = at(`${data}-${teacher}.yaml`);
        writeFileSync(file, starterRecipe({ data: data as "digits", teacher: teacher as "model" }));
        const { recipe } = loadRecipe(file);
        assert.equal(recipe.data.source, data);
        assert.ok(({ model: "model", file: "file", store: "label_store" }[teacher] as string) in recipe.teacher);
      }
    const made = await limbeck(["init", "mine.yaml"], { cwd: folder });
    assert.equal(made.code, 0, made.stderr);
    const text = readFileSync(at("mine.yaml"), "utf8");
    assert.match(text, /^# \S.*\nseed: 0$/m);
    assert.equal((await limbeck(["init", "mine.yaml"], { cwd: folder })).code, 2);
    const few = ["--set", "seeds=1", "--set", "training.epochs=2", "--set", "teacher.training.epochs=2"];
    const run = await limbeck(["distill", "mine.yaml", ...few, "--json"], { cwd: folder });
    assert.equal(run.code, 0, run.stderr);
    assert.ok(existsSync(at("runs/mine/student.onnx")));
  });
});

describe("inspect and runs", () => {
  test("inspect", async () => {
    const found = json(await limbeck(["inspect", at("run/student.onnx"), "--json"]));
    assert.deepEqual(found.operators.map((o) => o.op).sort(), ["Flatten", "Gemm", "Mul", "Relu"]);
    const [student] = JSON.parse(readFileSync(at("run/summary.json"), "utf8")).models.slice(1);
    assert.deepEqual([found.parameters, found.statistics], [student.parameters, 0]);
    const logits = found.features.find((f) => f.name === "logits");
    assert.deepEqual(logits?.shape, [1, 10]);
    const text = await limbeck(["inspect", at("run/student.onnx"), "--features"]);
    for (const { name, shape } of found.features)
      assert.ok(text.stdout.includes(name) && text.stdout.includes(`[${shape?.join(", ")}]`), name);
    assert.doesNotMatch((await limbeck(["inspect", at("run/student.onnx")])).stdout, /^features$/m);
    const normed = ["student={ kind: mlp, hidden: [5], batch_norm: true }", "training.steps=40"].flatMap((s) => [
      "--set",
      s,
    ]);
    const trained = await limbeck(["train", DIGITS, ...normed, "--out", at("normed"), "-q"]);
    assert.equal(trained.code, 0, trained.stderr);
    const one = await limbeck(["inspect", at("normed/model.onnx")]);
    // As the summary counts; a mean and a variance of 5 channels apart.
    const counted = JSON.parse(readFileSync(at("normed/summary.json"), "utf8")).models[0].parameters;
    assert.ok(
      one.stdout.includes(`, ${counted} parameters and 10 running statistics of batch norm, opset`),
      one.stdout,
    );
  });

  test("runs", async () => {
    const found = await limbeck(["runs", folder]);
    assert.equal(found.code, 0, found.stderr);
    assert.match(found.stdout, /^digits +distill +done .*(helped|harmed|no measurable difference) +\S+run$/m);
    assert.match(found.stdout, /^digits-student +train +done/m);
    assert.match(found.stdout, /^digits-labels +label +done/m);
  });
});

/** A float32 .npy of this table (NEP 1, version 1.0). */
function npy(table: readonly (readonly number[])[]): Uint8Array {
  const head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${table.length}, ${table[0]?.length}), }`;
  const header = `${head.padEnd(128 - 10 - 1)}\n`;
  const values = Float32Array.from(table.flat());
  const bytes = new Uint8Array(10 + header.length + values.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0]);
  bytes.set(new TextEncoder().encode(header), 10);
  bytes.set(new Uint8Array(values.buffer), 10 + header.length);
  return bytes;
}
