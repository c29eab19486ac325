/** Several arrays of one data set: which one each input of a model reads, and what is made of others. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromArrays } from "../../../src/index.js";
import { readArrays } from "../../../src/learn/data/arrays.js";
import { fillPorts, type PortOptions } from "../../../src/learn/data/ports.js";

const rows = [
  [5, 6, 7],
  [8, 1, 1],
];
const int = (values: readonly number[]): Int32Array => Int32Array.from(values);
const texts = fromArrays({
  inputs: { ids: rows.map(int), long: [int([1, 2, 3, 4]), int([5, 6, 7, 8])] },
  labels: [0, 1],
});
const options: PortOptions = { where: "m.onnx", field: "teacher.inputs" };
const port = (name: string, dtype = "int64") => ({ name, dtype });
const all = Uint32Array.of(1, 0);

test("named arrays: the first is the main one, all are read by their names", () => {
  assert.deepEqual([texts.input, texts.sampleShape, texts.size], ["ids", [3], 2]);
  const [ids, long] = readArrays(texts, all, ["ids", "long"]);
  assert.deepEqual([ids, long], [int([8, 1, 1, 5, 6, 7]), int([5, 6, 7, 8, 1, 2, 3, 4])]);
});

test("another further array is another data set", () => {
  const hash = (long: number[], name = "long"): string =>
    fromArrays({ inputs: { ids: rows.map(int), [name]: [int(long), int([5, 6, 7, 8])] } }).hash;
  assert.equal(hash([1, 2, 3, 4]), hash([1, 2, 3, 4]));
  assert.notEqual(hash([1, 2, 3, 4]), hash([1, 2, 3, 5]));
  assert.notEqual(hash([1, 2, 3, 4]), hash([1, 2, 3, 4], "other"));
});

test("an input reads the array of its name, or the one it is mapped to; one input takes the only array", () => {
  const own = fillPorts(texts, [port("long"), port("ids")], options);
  assert.deepEqual([own.reads, own.notes], [["long", "ids"], []]);
  const mapped = fillPorts(texts, [port("input_ids")], { ...options, map: { input_ids: "long" } });
  assert.deepEqual(mapped.reads, ["long"]);
  const single = fromArrays({ samples: rows.map(int) });
  assert.deepEqual(fillPorts(single, [port("x")], options).reads, ["samples"]);
});

test("what a convention makes: a mask from padding, one text, positions; and it is said", () => {
  const ports = [port("input_ids"), port("attention_mask"), port("token_type_ids"), port("position_ids")];
  const filled = fillPorts(texts, ports, { ...options, map: { input_ids: "ids" }, paddingId: 1 });
  assert.deepEqual(filled.reads, ["ids", "attention_mask", "token_type_ids", "position_ids"]);
  assert.deepEqual(readArrays(filled.data, all, filled.reads), [
    int([8, 1, 1, 5, 6, 7]),
    int([1, 0, 0, 1, 1, 1]),
    int([0, 0, 0, 0, 0, 0]),
    int([0, 1, 2, 0, 1, 2]),
  ]);
  assert.equal(filled.notes.length, 3);
  assert.match(filled.notes[0] ?? "", /"attention_mask" is made from "ids": 0 where the id is 1/);
});

test("refused: a mask without a padding id, an input that nothing fills, names that are not there, other counts", () => {
  const map = { input_ids: "ids" };
  const ports = [port("input_ids"), port("attention_mask")];
  assert.throws(() => fillPorts(texts, ports, { ...options, map }), {
    code: "option-missing",
    where: "data.padding_id",
  });
  assert.throws(() => fillPorts(texts, [port("pixels", "float32")], options), { code: "model-input", where: "m.onnx" });
  assert.throws(() => fillPorts(texts, ports, { ...options, map: { input_ids: "idz" } }), {
    code: "model-input",
    where: "teacher.inputs.input_ids",
    cure: /"ids"/,
  });
  assert.throws(() => fillPorts(texts, ports, { ...options, map: { input_idz: "ids" } }), {
    code: "model-input",
    where: "teacher.inputs.input_idz",
    cure: /"input_ids"/,
  });
  assert.throws(() => fromArrays({ inputs: { ids: rows.map(int), mask: [int([1, 1, 1])] } }), {
    code: "array-mismatch",
    found: /1 record, the others have 2/,
  });
  assert.throws(() => fromArrays({ inputs: {} }), { code: "option-conflict" });
  assert.throws(() => fromArrays({ inputs: { ids: rows }, samples: rows }), { code: "option-conflict" });
});
