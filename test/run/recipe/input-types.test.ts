/** The types of recipes know what the schemas of the entries know: the compiler and the parser refuse the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { type DataInput, type ModelInput, parseRecipe } from "../../../src/index.js";

const sources: readonly DataInput[] = [
  { source: "npy", samples: "x.npy", label_file: "y.npy", split: { test: "source" } },
  { source: "images", path: "photos", size: [32, 32], channels: 1, classes: ["cat", 3] },
];
const models: readonly ModelInput[] = [
  { kind: "cnn", layers: [{ conv: 3, kernel: [3, 5], batch_norm: true }, { global_pool: "average" }] },
  { kind: "onnx", file: "student.onnx", frozen: ["stem*"] },
];
const refusedSources: readonly DataInput[] = [
  // @ts-expect-error the code's name of a field
  { source: "npy", samples: "x.npy", labelFile: "y.npy" },
  // @ts-expect-error without its path
  { source: "table" },
  // @ts-expect-error a field of another source
  { source: "digits", path: "digits.csv" },
];
const refusedModels: readonly ModelInput[] = [
  // @ts-expect-error no such depth
  { kind: "resnet", depth: 9 },
  // @ts-expect-error no such kind
  { kind: "alexnet" },
  // @ts-expect-error a layer of no kind
  { kind: "cnn", layers: [{ pool: 2 }] },
];

const parse = (data: object, student: object): unknown =>
  parseRecipe({ data, student, teacher: { file: "teacher.onnx" }, training: { epochs: 1 } });
const [digits, linear] = [{ source: "digits" }, { kind: "mlp", hidden: [] }];

test("data and models that the types take are parsed, those that they refuse are refused", () => {
  for (const data of sources) parse(data, linear);
  for (const student of models) parse(digits, student);
  for (const data of refusedSources) assert.throws(() => parse(data, linear), /data/, JSON.stringify(data));
  for (const student of refusedModels) assert.throws(() => parse(digits, student), /student/, JSON.stringify(student));
});
