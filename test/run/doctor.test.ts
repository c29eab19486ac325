/** Mistakes are planted, and the doctor has to find each; a clean recipe passes. */
import assert from "node:assert/strict";
import { planOf } from "../../src/run/recipe/load.js";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, test } from "node:test";
import { RAW } from "../../src/learn/data/normalise.js";
import {
  auditData,
  type CustomLoss,
  examine,
  type Finding,
  fromArrays,
  int,
  int64s,
  type LossInputs,
  labelData,
  loadModelFile,
  probeLoss,
  type RecipeInput,
  saveModelFile,
  scalar,
  tensor,
  type Value,
} from "../../src/index.js";
import { selection } from "../../src/app/doctor/selection.js";
import { temperature } from "../../src/app/doctor/temperature.js";
import type { Patient } from "../../src/app/doctor/types.js";

const root = mkdtempSync(join(tmpdir(), "limbeck-doctor-"));
after(() => rmSync(root, { recursive: true, force: true }));
const FILE = resolve("test/fixtures/teacher/hidden-batch.onnx");
const recipe = (more: object = {}): RecipeInput =>
  ({
    name: "patient",
    data: { source: "digits" },
    teacher: { file: FILE },
    student: { kind: "mlp", hidden: [16] },
    training: { epochs: 1 },
    objective: { distillation_loss: { kind: "kd", temperature: 4 } },
    ...more,
  }) as RecipeInput;
const failed = (findings: readonly Finding[]): string[] =>
  findings.filter((f) => f.status === "fail").map((f) => f.check);

test("a clean recipe passes", async () => {
  const findings = await examine(recipe());
  assert.deepEqual(failed(findings), []);
  assert.ok(findings.length >= 6, String(findings.length));
});

/** A loss of temperature 4 on both sides' rows; `form` gets log p of student and teacher at T and their logits / T. */
function custom(form: (i: LossInputs, s: Value, t: Value, temperature: number) => Value): CustomLoss {
  return {
    name: "planted",
    needs: { teacher: true, labels: false },
    build(i) {
      const { builder: b } = i;
      const c = b.constant(scalar(4, i.studentLogits.dtype));
      const soft = (z: Value): Value => b.op("LogSoftmax", [b.op("Div", [z, c])], { axis: int(-1) });
      return form(i, soft(i.studentLogits), soft(i.teacher?.values as Value), 4);
    },
  };
}
const times = (i: LossInputs, v: Value, f: number): Value =>
  i.builder.op("Mul", [v, i.builder.constant(scalar(f, v.dtype))]);
/** Sum over all of p (log p - log q), over the batch. */
function kl({ builder: b, studentLogits }: LossInputs, logP: Value, logQ: Value): Value {
  const each = b.op("Mul", [b.op("Exp", [logP]), b.op("Sub", [logP, logQ])]);
  const sum = b.op("ReduceSum", [each, b.constant(int64s([0, 1]))], { keepdims: int(0) });
  return b.op("Div", [sum, b.constant(scalar(studentLogits.shape[0] as number, sum.dtype))]);
}
const again = (i: LossInputs, logP: Value): Value =>
  i.builder.op("LogSoftmax", [i.builder.op("Exp", [logP])], { axis: int(-1) });
/** 16 KL of softmax(softmax(z) / 4): what a network that ends in a softmax gives to a loss that has one of its own. */
function softenedAgain(i: LossInputs): Value {
  const { builder: b } = i;
  const soft = (z: Value): Value => {
    const p = b.op("Softmax", [z], { axis: int(-1) });
    return b.op("LogSoftmax", [times(i, p, 1 / 4)], { axis: int(-1) });
  };
  return times(i, kl(i, soft(i.teacher?.values as Value), soft(i.studentLogits)), 16);
}

const PLANTED: readonly (readonly [string, RegExp | null, CustomLoss])[] = [
  ["a right loss", null, custom((i, s, t) => times(i, kl(i, t, s), 16))],
  ["1: mean over classes", /over the classes/, custom((i, s, t) => times(i, kl(i, t, s), 16 / (s.shape[1] as number)))],
  ["2: no T^2", /^T\^2 /, custom((i, s, t) => kl(i, t, s))],
  ["3: softmax of probabilities", /softmax/, custom((i, s, t) => times(i, kl(i, again(i, t), again(i, s)), 16))],
  ["3: probabilities softened as if they were logits", /softmax/, custom((i) => softenedAgain(i))],
  ["3: logits as log probabilities", /logits/, custom((i, _, t) => kl(i, t, i.studentLogits))],
  ["4: swapped", /swapped/, custom((i, s, t) => times(i, kl(i, s, t), 16))],
  ["4: teacher with itself", /teacher with itself/, custom((i, _, t) => kl(i, t, t))],
  ["4: student with itself", /away from the teacher|with itself/, custom((i, s) => kl(i, s, s))],
  ["sum over the batch", /batch/, custom((i, s, t) => times(i, tvd(i, s, t), s.shape[0] as number))],
];
function tvd({ builder: b, studentLogits }: LossInputs, s: Value, t: Value): Value {
  const apart = b.op("Abs", [b.op("Sub", [b.op("Exp", [s]), b.op("Exp", [t])])]);
  const sum = b.op("ReduceSum", [apart, b.constant(int64s([0, 1]))], { keepdims: int(0) });
  return b.op("Div", [sum, b.constant(scalar(studentLogits.shape[0] as number, sum.dtype))]);
}
for (const [name, found, definition] of PLANTED) {
  test(`loss, ${name}`, async () => {
    const [finding] = await probeLoss({ kind: "custom", definition });
    assert.equal(finding?.status, found ? "fail" : "ok", JSON.stringify(finding));
    if (found) assert.match(`${finding?.why}`, found);
  });
}

test("5: a shuffled label store; the same store in order passes", async () => {
  const store = join(root, "answers");
  await labelData(recipe(), { out: store });
  const teacher = { label_store: store };
  assert.deepEqual(failed(await examine(recipe({ teacher }))), []);
  const file = join(store, "outputs.bin");
  const bytes = readFileSync(file);
  const row = 10 * 4;
  const rows = bytes.length / row;
  const shuffled = Buffer.alloc(bytes.length);
  // 1009 is prime to the number of rows: every row lands in another place.
  for (let i = 0; i < rows; i++) bytes.copy(shuffled, ((i * 1009 + 7) % rows) * row, i * row, (i + 1) * row);
  writeFileSync(file, shuffled);
  assert.deepEqual(failed(await examine(recipe({ teacher }))), ["label store", "teacher against labels"]);
  // A store that was written before its hash was kept, or shuffled by whoever labelled: only the labels tell.
  const header = join(store, "store.json");
  const { outputsHash: _, ...before } = JSON.parse(readFileSync(header, "utf8")) as Record<string, unknown>;
  writeFileSync(header, JSON.stringify(before));
  assert.deepEqual(failed(await examine(recipe({ teacher }))), ["teacher against labels"]);
});

test("3: a teacher that ends in a softmax, called logits; as probabilities it passes", async () => {
  const teacher = { file: join(process.cwd(), "test/fixtures/teacher/nhwc.onnx"), normalise: "data" } as const;
  const of = async (outputs: "logits" | "probabilities"): Promise<Finding | undefined> =>
    (await examine(recipe({ teacher: { ...teacher, outputs } }), { quick: true })).find(
      (f) => f.check === "teacher's outputs",
    );
  assert.equal((await of("probabilities"))?.status, "ok");
  const found = await of("logits");
  assert.equal(found?.status, "fail", JSON.stringify(found));
  assert.match(`${found?.change}`, /teacher\.outputs/);
});

test("6: a teacher exported in training mode", async () => {
  const { model } = loadModelFile(FILE);
  const output = model.graph.outputs[0]?.name as string;
  const rename = (name: string): string => (name === output ? "before" : name);
  const dropout = {
    name: "drop",
    op: "Dropout",
    domain: "",
    inputs: ["before", "drop_ratio", "drop_mode"],
    outputs: [output],
    attributes: { seed: int(3) },
  };
  const nodes = model.graph.nodes.map((n) => ({ ...n, outputs: n.outputs.map(rename) }));
  const initializers = new Map(model.graph.initializers)
    .set("drop_ratio", scalar(0.2, "float32"))
    .set("drop_mode", tensor("bool", [1], []));
  const file = join(root, "training.onnx");
  await saveModelFile({ ...model, graph: { ...model.graph, nodes: [...nodes, dropout], initializers } }, file);
  const modeOf = async (path: string) =>
    (await examine(recipe({ teacher: { file: path } }))).find((f) => f.check === "teacher's mode");
  const found = await modeOf(file);
  assert.equal(found?.status, "warn");
  assert.match(`${found?.found}`, /1 Dropout layer was exported in training mode/);
  // What is drawn at random stays so in inference mode.
  const noise = { ...dropout, name: "noise", op: "RandomNormalLike", inputs: ["before"], outputs: ["noise"] };
  const sum = { ...dropout, name: "sum", op: "Add", inputs: ["before", "noise"], attributes: {} };
  const noisy = join(root, "noisy.onnx");
  const added = [...nodes, { ...noise, attributes: {} }, sum];
  await saveModelFile({ ...model, graph: { ...model.graph, nodes: added } }, noisy);
  const drawn = await modeOf(noisy);
  assert.equal(drawn?.status, "fail");
  assert.match(`${drawn?.found}`, /RandomNormalLike/);
});

test("8: a distillation term a thousand times too small", async () => {
  const objective = {
    weights: { student: 1, distillation: 0.0005 },
    distillation_loss: { kind: "kd", temperature: 4 },
  };
  const finding = (await examine(recipe({ objective }))).find((f) => f.check === "term scales");
  assert.equal(finding?.status, "fail");
  assert.match(`${finding?.change}`, /distillation: /);
});

test("9: test samples that were trained on", () => {
  const data = fromArrays({ samples: Float32Array.of(1, 2, 3, 4, 2, 5), sampleShape: [1], classes: ["a", "b"] });
  const part = (...i: number[]): Uint32Array => Uint32Array.from(i);
  const with_ = (test: Uint32Array): Patient => {
    const loaded = { data, splits: { train: part(0, 1), validation: part(2), test }, normalisation: RAW };
    return { loaded: { ...loaded, audit: auditData(loaded) } } as unknown as Patient;
  };
  assert.deepEqual(failed(selection(with_(part(4, 5))) as Finding[]), ["selection"]);
  assert.deepEqual(failed(selection(with_(part(3, 5))) as Finding[]), []);
});

test("a teacher that cannot be asked yet is said to be unasked", async () => {
  const findings = await examine(
    recipe({ teacher: { model: { kind: "mlp", hidden: [32] }, training: { epochs: 1 } } }),
  );
  assert.deepEqual(
    findings.filter((f) => f.status === "warn").map((f) => f.check),
    ["teacher's answers"],
  );
});

test("a high temperature for a small student with plenty of labels", async () => {
  const size = 25_000;
  const data = fromArrays({
    samples: Float32Array.from({ length: size }, (_, i) => i),
    sampleShape: [1],
    labels: Int32Array.from({ length: size }, (_, i) => i % 2),
    classes: ["a", "b"],
  });
  const train = Uint32Array.from({ length: size }, (_, i) => i);
  const none = new Uint32Array(0);
  const statusAt = async (t: number, count: number): Promise<string | undefined> => {
    const splits = { train: train.slice(0, count), validation: none, test: none };
    const patient = {
      plan: planOf(recipe()),
      folder: ".",
      loaded: { data, splits },
      objective: { studentLoss: { kind: "cross-entropy" }, distillationLoss: { kind: "kd", temperature: t } },
    } as unknown as Patient;
    return (await temperature(patient))[0]?.status;
  };
  assert.deepEqual([await statusAt(4, size), await statusAt(2, size), await statusAt(4, 3000)], ["warn", "ok", "ok"]);
});
