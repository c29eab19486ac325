/** Named arrays that a model cannot take, as teachers and as students: refused from a recipe, before anything is trained. */
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { distill, evaluateModel, loadData, type RecipeInput } from "../../src/index.js";
import { encodeNpy } from "../support/npy.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-bad-inputs-"));
after(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ["bert-dynamo", "bert-torchscript", "roberta-dynamo", "modernbert-dynamo"])
  copyFileSync(join(process.cwd(), "test", "fixtures", "encoders", `${name}.onnx`), join(folder, `${name}.onnx`));

const COUNT = 60;
type Rows = readonly (readonly number[])[];
const rowsOf = (length: number, value: (record: number, position: number) => number): Rows =>
  Array.from({ length: COUNT }, (_, i) => Array.from({ length }, (_, j) => value(i, j)));
const ids = rowsOf(7, (i, j) => 4 + ((i * 5 + j * 3) % 36));
const ones = rowsOf(7, () => 1);
const changed = (rows: Rows, records: readonly number[], value: (before: number, position: number) => number): Rows =>
  rows.map((row, i) => (records.includes(i) ? row.map(value) : row));

function save(name: string, rows: Rows, type: "<i8" | "<f4"): string {
  const [shape, values] = [[rows.length, rows[0]?.length ?? 0], rows.flat()];
  const data = type === "<f4" ? Float32Array.from(values) : BigInt64Array.from(values, BigInt);
  writeFileSync(join(folder, name), encodeNpy(type, shape, data));
  return name;
}
save(
  "labels.npy",
  rowsOf(1, (i) => i % 3),
  "<i8",
);

interface Bad {
  readonly ids?: Rows;
  readonly mask?: Rows;
  readonly maskType?: "<i8" | "<f4";
  readonly model?: string;
  readonly data?: object;
}

/** Each of the two models meets these arrays, the other one takes anything. */
async function refused(bad: Bad, fault: (file: string) => object): Promise<void> {
  const data = {
    source: "npy",
    inputs: {
      input_ids: save("ids.npy", bad.ids ?? ids, "<i8"),
      attention_mask: save("mask.npy", bad.mask ?? ones, bad.maskType ?? "<i8"),
    },
    label_file: "labels.npy",
    split: { test: 0.25 },
    ...bad.data,
  };
  const model = `${bad.model ?? "bert-dynamo"}.onnx`;
  const out = join(folder, "out");
  const attempt = (roles: object): Promise<unknown> =>
    distill({ name: "bad", data, training: { steps: 5, batch: 10 }, ...roles } as unknown as RecipeInput, {
      out,
      folder,
      threads: 1,
    });
  const teacher = { file: model, outputs: "logits" };
  await assert.rejects(
    attempt({ teacher, student: { kind: "mlp", hidden: [4] } }),
    fault(join(folder, model)),
    "teacher",
  );
  await assert.rejects(
    attempt({
      student: { kind: "onnx", file: model },
      teacher: { model: { kind: "mlp", hidden: [4] }, training: { steps: 5 } },
    }),
    fault(join(folder, model)),
    "student",
  );
  assert.deepEqual(readdirSync(out), [], "nothing is trained");
}

test("a mask that is zero everywhere in a record", async () => {
  await refused({ mask: changed(ones, [11, 30, 59], () => 0) }, () => ({
    code: "row-invalid",
    where: /ids|npy/,
    found: /"attention_mask".*only zeros in 3 records, first in record 11/,
    expected: "at least one token in each record",
  }));
});

test("a record of padding alone, where the mask is made from the padding id", async () => {
  const inputs = { input_ids: "ids.npy" };
  await refused({ ids: changed(ids, [4], () => 0), data: { inputs, padding_id: 0 } }, () => ({
    code: "row-invalid",
    found: /all ids are padding in record 4, so the mask "attention_mask"/,
    cure: /data\.padding_id/,
  }));
});

test("a mask of other numbers than 0 and 1", async () => {
  await refused({ mask: changed(ones, [2, 3], (v, j) => (j === 5 ? 2 : v)) }, (where) => ({
    code: "model-input",
    where,
    found: /"attention_mask" holds other numbers than 0 and 1 in 2 records, first in record 2: position 5 is 2/,
  }));
  await refused({ mask: changed(ones, [2], () => 0.5), maskType: "<f4" }, (where) => ({
    code: "model-input",
    where,
    found: /"attention_mask" takes whole numbers.*fractional/,
  }));
});

test("ids beyond the table, and negative ones", async () => {
  await refused({ ids: changed(ids, [8, 9], (v, j) => (j === 3 ? 40 : v)) }, (where) => ({
    code: "model-input",
    where,
    found: /"input_ids" looks up one of 40 rows.*in 2 records, first in record 8: position 3 is 40/,
    expected: "ids from 0 to 39",
  }));
  await refused({ ids: changed(ids, [0], () => -1) }, (where) => ({
    code: "model-input",
    where,
    found: /position 0 is -1/,
  }));
});

test("records longer than the table of positions", async () => {
  const long = { ids: rowsOf(25, (i, j) => 4 + ((i + j) % 36)), mask: rowsOf(25, () => 1) };
  for (const model of ["bert-dynamo", "bert-torchscript"])
    await refused({ ...long, model }, (where) => ({
      code: "model-input",
      where,
      found: /positions for 24 tokens .*"input_ids" holds 25 a record/,
      expected: "at most 24 tokens a record",
    }));
  // RoBERTa counts what is not padding (id 1).
  const padded = long.ids.map((row, i) => row.map((id, j) => (j >= 20 && i !== 17 ? 1 : id)));
  await refused({ ids: padded, mask: long.mask, model: "roberta-dynamo" }, (where) => ({
    code: "model-input",
    where,
    found: /positions for 22 tokens .*in record 17; the longest has 25/,
  }));
});

test("an array of another shape", async () => {
  writeFileSync(join(folder, "one.npy"), encodeNpy("<i8", [COUNT, 1, 7], BigInt64Array.from(ones.flat(), BigInt)));
  await refused({ data: { inputs: { input_ids: "ids.npy", attention_mask: "one.npy" } } }, (where) => ({
    code: "model-input",
    where,
    found: /"attention_mask" is \[.*\[1,1,7\]/,
  }));
});

test("an input that nothing fills, and arrays of other counts", async () => {
  await refused({ data: { inputs: { input_ids: "ids.npy" } } }, (file) => ({
    code: "option-missing",
    where: "data.padding_id",
    found: new RegExp(`${file} needs "attention_mask"`),
  }));
  await refused({ data: { inputs: { attention_mask: "mask.npy" } } }, (where) => ({
    code: "model-input",
    where,
    found: /nothing fills "input_ids" \(int64\)/,
    cure: /data\.inputs/,
  }));
  await refused({ mask: ones.slice(1) }, () => ({ code: "array-mismatch", found: /59 records, the others have 60/ }));
});

test("what fits is not refused", async () => {
  const inputs = { input_ids: save("ids.npy", ids, "<i8"), attention_mask: save("mask.npy", ones, "<i8") };
  const loaded = await loadData({ source: "npy", inputs, label_file: "labels.npy", split: { test: 0.25 } }, { folder });
  for (const name of ["bert-dynamo", "roberta-dynamo", "modernbert-dynamo"]) {
    const { data } = await evaluateModel(join(folder, `${name}.onnx`), loaded, { threads: 1, latencyRuns: 0 });
    assert.equal(data.samples, 15, name);
  }
});
