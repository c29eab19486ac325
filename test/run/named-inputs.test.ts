/** Models with several inputs from a recipe to a student: named arrays, made masks, exports, evaluation; and what is refused. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { zipSync } from "fflate";
import { distill, evaluateModel, loadData, predictFiles, type RecipeInput } from "../../src/index.js";
import { tensor } from "../../src/engine/graph/tensor.js";
import { Random } from "../../src/engine/random/random.js";
import { openSession } from "../../src/node/session.js";
import { limbeck } from "../cli/support.js";
import { encodeNpy } from "../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-named-inputs-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const fixture = (name: string): string => join(process.cwd(), "test", "fixtures", "encoders", `${name}.onnx`);

const [COUNT, LENGTH] = [240, 9];
const random = new Random(1, "records");
let at = 0;
const draw = (n: number): number => Math.floor(random.uniform(at++) * n);
/** Records of 3 to 9 tokens, padded with 0. */
const records = Array.from({ length: COUNT }, () => {
  const length = 3 + draw(LENGTH - 2);
  return Array.from({ length: LENGTH }, (_, i) => (i < length ? 4 + draw(36) : 0));
});
const masks = records.map((ids) => ids.map((id) => Number(id !== 0)));
const int64 = (values: readonly number[]): BigInt64Array => BigInt64Array.from(values, BigInt);
const save = (name: string, rows: readonly number[][], type: "<i8" | "<f4" = "<i8"): void =>
  writeFileSync(
    join(folder, name),
    encodeNpy(
      type,
      [rows.length, rows[0]?.length ?? 0],
      type === "<f4" ? Float32Array.from(rows.flat()) : int64(rows.flat()),
    ),
  );
save("ids.npy", records);
save("mask.npy", masks);
save("float-mask.npy", masks, "<f4");
copyFileSync(fixture("bert-dynamo"), join(folder, "teacher.onnx"));
copyFileSync(fixture("distilbert-torchscript"), join(folder, "student.onnx"));

const recipe = {
  name: "encoders",
  data: { source: "npy", inputs: { ids: "ids.npy", mask: "mask.npy" }, padding_id: 0, split: { test: 0.25 } },
  teacher: { file: "teacher.onnx", inputs: { input_ids: "ids", attention_mask: "mask" }, outputs: "logits" },
  student: { kind: "onnx", file: "student.onnx", inputs: { input_ids: "ids", attention_mask: "mask" } },
  training: { steps: 120, batch: 20, optimizer: { kind: "adamw" }, schedule: { kind: "constant", lr: 0.01 } },
  objective: { alpha: 1, distillation_loss: { kind: "kd", temperature: 1 } },
  evaluation: { latency_runs: 2 },
} as const satisfies RecipeInput;

test("an encoder teaches another over named arrays; the student's file takes both, and answers as it was scored", async () => {
  const out = join(folder, "run");
  const { summary, student } = await distill(recipe, { out, folder, threads: 1 });
  const row = summary.models.find((m) => m.role === "student");
  // The start: a student of other weights that has learnt nothing.
  assert.ok((row?.softKL?.mean ?? 9) < 0.1, `soft KL ${row?.softKL?.mean}`);
  const notes = summary.notes.join("\n");
  assert.match(notes, /it has 3 inputs: input_ids \(from ids\), attention_mask \(from mask\), token_type_ids/);
  assert.match(notes, /"token_type_ids" is filled with zeros/);
  const session = await openSession(student, { threads: 1 });
  assert.deepEqual(session.inputs.map((i) => i.name).sort(), ["attention_mask", "input_ids"]);
  const [ids, mask] = [records.slice(0, 5), masks.slice(0, 5)];
  const answers = await session.run({
    input_ids: tensor("int64", ids.flat(), [5, LENGTH]),
    attention_mask: tensor("int64", mask.flat(), [5, LENGTH]),
  });
  await session.dispose();
  assert.deepEqual(answers.logits?.shape, [5, 3]);
  const snippet = readFileSync(join(out, "use-in-node.mjs"), "utf8");
  assert.match(snippet, /"input_ids": new ort\.Tensor\("int64", BigInt64Array/);
  const made = spawnSync(
    process.execPath,
    [
      "--input-type=module",
      "-e",
      snippet.replace("import.meta.url", JSON.stringify(`file://${join(out, "use-in-node.mjs")}`)),
    ],
    { encoding: "utf8" },
  );
  assert.match(made.stdout, /best/, made.stderr);
});

test("the mask is made from the padding id: the same teacher, the same answers, the same student", async () => {
  const made = {
    ...recipe,
    data: { source: "npy", inputs: { ids: "ids.npy" }, padding_id: 0, split: { test: 0.25 } },
  } as const;
  const own = {
    ...made,
    teacher: { file: "teacher.onnx", inputs: { input_ids: "ids" }, outputs: "logits" },
    student: { kind: "onnx", file: "student.onnx", inputs: { input_ids: "ids" } },
  } as const;
  const { student } = await distill(own, { out: join(folder, "made"), folder, threads: 1 });
  assert.deepEqual(readFileSync(student), readFileSync(join(folder, "run", "student.onnx")), "to the byte");
});

test("its file can be evaluated on the arrays of a recipe", async () => {
  const labels = records.map((_, i) => [i % 3]);
  writeFileSync(join(folder, "y.npy"), encodeNpy("<i8", [COUNT], int64(labels.flat())));
  const inputs = { input_ids: "ids.npy", attention_mask: "mask.npy" };
  const data = { source: "npy", inputs, label_file: "y.npy", split: { test: 0.25 } } as const;
  const loaded = await loadData(data, { folder });
  const { accuracy } = await evaluateModel(join(folder, "run", "student.onnx"), loaded, { threads: 1, latencyRuns: 2 });
  assert.ok(accuracy !== null && accuracy >= 0 && accuracy <= 1);
});

test("the run can be evaluated: its student reads the arrays that its recipe maps", async () => {
  const { code, stdout, stderr } = await limbeck(["evaluate", join(folder, "run"), "--latency-runs", "2", "--json"]);
  assert.equal(code, 0, stderr);
  const { agreement, latency } = JSON.parse(stdout);
  assert.ok(agreement > 0.5 && latency.medianMs > 0, stdout);
});

test("its file predicts from an archive whose arrays are named after its inputs", async () => {
  const student = join(folder, "run", "student.onnx");
  const shape = [COUNT, LENGTH];
  const array = (rows: readonly number[][], type: "<i8" | "<f4" = "<i8"): Uint8Array =>
    encodeNpy(type, shape, type === "<f4" ? Float32Array.from(rows.flat()) : int64(rows.flat()));
  const archive = (name: string, arrays: Record<string, Uint8Array>): string => {
    const entries = Object.entries(arrays).map(([key, bytes]) => [`${key}.npy`, bytes] as const);
    writeFileSync(join(folder, name), zipSync(Object.fromEntries(entries)));
    return join(folder, name);
  };
  const texts = archive("texts.npz", { attention_mask: array(masks), other: array(masks), input_ids: array(records) });
  const found = await predictFiles(student, [texts, texts], { topK: 3, threads: 1 });
  assert.equal(found.length, 2 * COUNT);
  const session = await openSession(student, { threads: 1 });
  const { logits } = await session.run({
    input_ids: tensor("int64", records.flat(), shape),
    attention_mask: tensor("int64", masks.flat(), shape),
  });
  await session.dispose();
  for (const [i, { index, top }] of found.entries()) {
    const row = [0, 1, 2].map((c) => Math.exp(Number(logits?.data[(i % COUNT) * 3 + c])));
    const sum = row.reduce((a, b) => a + b);
    assert.equal(index, i % COUNT);
    for (const t of top) assert.ok(Math.abs(t.probability - (row[Number(t.class)] as number) / sum) < 1e-5);
  }
  const refuses = (file: string, fault: object, options: object = {}): Promise<void> =>
    assert.rejects(predictFiles(student, [file], { threads: 1, ...options }), fault);
  await refuses(join(folder, "ids.npy"), { code: "file-type", where: join(folder, "ids.npy"), expected: /input_ids/ });
  await refuses(texts, { code: "option-conflict", where: "--key" }, { key: "input_ids" });
  const partial = archive("partial.npz", { input_ids: array(records) });
  await refuses(partial, { code: "array-missing", where: partial });
  await refuses(archive("mask.npz", { attention_mask: array(masks) }), { code: "model-input", where: student });
  const fractions = archive("fractions.npz", { input_ids: array(records), attention_mask: array(masks, "<f4") });
  await refuses(fractions, { code: "model-input", where: student, found: /fractional/ });
  const empty = masks.map((row, i) => (i === 3 ? row.map(() => 0) : row));
  const zeros = archive("zeros.npz", { input_ids: array(records), attention_mask: array(empty) });
  await refuses(zeros, { code: "row-invalid", where: zeros, found: /record 3/ });
});

const refused = (changes: object, fault: object): Promise<void> =>
  assert.rejects(
    distill({ ...recipe, ...changes } as RecipeInput, { out: join(folder, "no"), folder, threads: 1 }),
    fault,
  );

test("refused before training: nothing fills an input, unknown names, fractional masks, ids beyond the table", async () => {
  const only = { source: "npy", inputs: { ids: "ids.npy" }, split: { test: 0.25 } };
  const map = { input_ids: "ids" };
  await refused(
    { data: only, student: { ...recipe.student, inputs: map }, teacher: { ...recipe.teacher, inputs: map } },
    {
      code: "option-missing",
      where: /data\.padding_id/,
    },
  );
  await refused(
    { student: { ...recipe.student, inputs: { input_ids: "idz" } } },
    {
      code: "model-input",
      where: "student.inputs.input_ids",
      cure: /"ids"/,
    },
  );
  await refused(
    { data: { ...recipe.data, inputs: { ids: "ids.npy", mask: "float-mask.npy" } } },
    {
      code: "model-input",
      found: /attention_mask.*fractional|fractional.*attention_mask/,
    },
  );
  save(
    "large.npy",
    records.map((r) => r.map((id) => id * 2)),
  );
  await refused(
    { data: { ...recipe.data, inputs: { ids: "large.npy", mask: "mask.npy" } } },
    {
      code: "model-input",
      found: /40 rows/,
    },
  );
  save("short.npy", masks.slice(1));
  await refused(
    { data: { ...recipe.data, inputs: { ids: "ids.npy", mask: "short.npy" } } },
    {
      code: "array-mismatch",
      found: /239/,
    },
  );
  await refused({ data: { source: "npy", split: { test: 0.25 } } }, { code: "option-missing", where: "data.samples" });
});
