/** Teachers that were exported in training mode are asked in inference form: the expected scores are NumPy's (test/fixtures/teacher). */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { FunctionProtoSchema, NodeProtoSchema } from "onnx-buf";
import { faultOf } from "../../../src/base/errors.js";
import { int, tensorAttribute } from "../../../src/engine/graph/attributes.js";
import { inferenceForm } from "../../../src/engine/graph/inference-form.js";
import { scalar, tensor } from "../../../src/engine/graph/tensor.js";
import {
  evaluateModel,
  loadData,
  loadModelFile,
  type Model,
  type Node,
  openOnnxTeacher,
  saveModelFile,
  type Teacher,
} from "../../../src/index.js";
import { openSession } from "../../../src/node/session.js";
import { webRuntime } from "../../../src/engine/runtime/web.js";
import { openTeacher } from "../../../src/web/teachers.js";
import { limbeck } from "../../cli/support.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-training-mode-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const fixtures = join(process.cwd(), "test", "fixtures", "teacher");
const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
const { data, splits } = digits;
const scores = readFileSync(join(fixtures, "scores.csv"), "utf8").trim().split(/[\n,]/).map(Number);
const first = Uint32Array.from({ length: 40 }, (_, i) => i);
const few = first.subarray(0, 2);

/** A batch norm whose effect an Add undoes, a dropout of half, a linear classifier. */
const plain = loadModelFile(join(fixtures, "dropout.onnx")).model;

const changed = (
  op: string,
  change: (node: Node) => Node,
  more: Partial<Model> = {},
  extra: readonly Node[] = [],
): Model => ({
  ...plain,
  ...more,
  graph: {
    ...plain.graph,
    nodes: [...extra, ...plain.graph.nodes.map((n) => (n.op === op ? change(n) : n))],
  },
});
const trainingNorm = (n: Node): Node => ({
  ...n,
  outputs: [...n.outputs, "new_mean", "new_variance"],
  attributes: { ...n.attributes, training_mode: int(1) },
});
/** As PyTorch's exporter writes it: the mode is a Constant node. */
const constantMode: Node = {
  name: "mode",
  op: "Constant",
  domain: "",
  inputs: [],
  outputs: ["mode"],
  attributes: { value: tensorAttribute(tensor("bool", [1], [])) },
};
const dropping = (n: Node): Node => ({ ...n, inputs: [n.inputs[0] ?? "", n.inputs[1] ?? "", "mode"] });

const norm = changed("BatchNormalization", trainingNorm);
const oldNorm = changed("BatchNormalization", (n) => ({ ...n, outputs: [...n.outputs, "m1", "v1", "m2", "v2"] }), {
  opsets: { "": 13 },
});
const dropout = changed("Dropout", dropping, {}, [constantMode]);
const asked = changed("Dropout", dropping);
const askedDropout: Model = {
  ...asked,
  graph: { ...asked.graph, inputs: [...asked.graph.inputs, { name: "mode", dtype: "bool", shape: [] }] },
};
const stored: Model = {
  ...asked,
  graph: { ...asked.graph, initializers: new Map([...asked.graph.initializers, ["mode", tensor("bool", [1], [])]]) },
};
/** ONNX Runtime takes dropouts inside a model out, whatever their mode; one at the end stays, and drops. */
const atTheEnd: Model = {
  ...plain,
  graph: {
    ...plain.graph,
    initializers: new Map([...plain.graph.initializers, ["mode", tensor("bool", [1], [])]]),
    nodes: plain.graph.nodes.flatMap((n) => {
      if (n.op === "Dropout") return [{ ...n, op: "Identity", inputs: n.inputs.slice(0, 1) }];
      if (n.op !== "Gemm") return [n];
      const last = {
        name: "last",
        op: "Dropout",
        domain: "",
        inputs: ["z", "ratio", "mode"],
        outputs: n.outputs,
        attributes: {},
      };
      return [{ ...n, outputs: ["z"] }, last];
    }),
  },
};
/** All nodes inside a branch that is always taken. */
const output = plain.graph.outputs[0] as (typeof plain.graph.outputs)[number];
const inBranch: Model = {
  ...norm,
  graph: {
    ...norm.graph,
    initializers: new Map([...norm.graph.initializers, ["always", tensor("bool", [1], [])]]),
    nodes: [
      {
        name: "branch",
        op: "If",
        domain: "",
        inputs: ["always"],
        outputs: [output.name],
        attributes: Object.fromEntries(
          ["then_branch", "else_branch"].map((name) => [
            name,
            {
              kind: "graph" as const,
              value: {
                name,
                inputs: [],
                outputs: [{ ...output, name: `${name}_out` }],
                initializers: new Map(),
                nodes: norm.graph.nodes.map((n) => ({
                  ...n,
                  name: `${name}_${n.name}`,
                  outputs: n.outputs.map((o) => `${name}_${o === output.name ? "out" : o}`),
                  inputs: n.inputs.map((i) =>
                    norm.graph.nodes.some((m) => m.outputs.includes(i)) ? `${name}_${i}` : i,
                  ),
                })),
              },
            },
          ]),
        ),
      },
    ],
  },
};

async function open(model: Model, name: string): Promise<Teacher> {
  const path = join(folder, `${name}.onnx`);
  await saveModelFile(model, path);
  return openOnnxTeacher(path, data, splits.train, {
    outputs: "auto",
    layout: "auto",
    resize: "auto",
    normalisation: { scale: 1 / 16, mean: [0], std: [1] },
    batch: 48,
    allowChance: false,
    threads: 1,
  });
}

const close = (actual: Float32Array, expected: readonly number[], what: string): void => {
  assert.equal(actual.length, expected.length, what);
  for (const [i, v] of actual.entries())
    assert.ok(Math.abs(v - (expected[i] as number)) < 2e-4, `${what} ${i}: ${v} against ${expected[i]}`);
};

const cases: readonly [name: string, model: Model, batchNorms: number, dropouts: number][] = [
  ["training-mode", norm, 1, 0],
  ["five-outputs", oldNorm, 1, 0],
  ["dropout-constant", dropout, 0, 1],
  ["dropout-stored", stored, 0, 1],
  ["dropout-input", askedDropout, 0, 1],
  ["dropout-last", atTheEnd, 0, 1],
  ["branch", inBranch, 2, 0],
];
for (const [name, model, batchNorms, dropouts] of cases) {
  test(`${name}: NumPy's scores, alike in batches of 2 and 48, and a note with the number of layers`, async () => {
    const teacher = await open(model, name);
    close(await teacher.answer(data, first), scores, name);
    assert.deepEqual(
      await teacher.answer(data, few),
      (await teacher.answer(data, first)).slice(0, 20),
      "two samples in other company",
    );
    const notes = teacher.notes.join("\n");
    if (batchNorms > 0)
      assert.match(notes, new RegExp(`${batchNorms} BatchNormalization layers? w\\w+ exported in training mode`));
    if (dropouts > 0) assert.match(notes, new RegExp(`${dropouts} Dropout layers? was exported in training mode`));
    await teacher.dispose();
  });
}

test("as the files are, ONNX Runtime's answers depend on the batch or on chance", async () => {
  for (const [name, model] of cases.filter(([name]) => name === "training-mode" || name === "dropout-last")) {
    const path = join(folder, `${name}-raw.onnx`);
    await saveModelFile(model, path);
    const session = await openSession(path, { threads: 1 });
    const x = Float32Array.from(data.samples.subarray(0, 40 * 64), (v) => v / 16);
    const { out } = await session.run({ in0: { dtype: "float32", shape: [40, 1, 8, 8], data: x } });
    const most = Math.max(...Array.from(out?.data as Float32Array, (v, i) => Math.abs(v - (scores[i] as number))));
    // Pixels that are 0 in the whole batch have no variance: NaN.
    assert.ok(!(most <= 1), `${name}: ${most}`);
    await session.dispose();
  }
});

test("functions of a file stay when its graph is changed; one in training mode is refused", async () => {
  const call = (n: Node): Node => (n.op === "Gemm" ? { ...n, op: "Linear", domain: "own" } : n);
  const withFunction = (nodes: readonly object[]): Model => ({
    ...norm,
    opsets: { ...norm.opsets, own: 1 },
    graph: { ...norm.graph, nodes: norm.graph.nodes.map(call) },
    functions: [
      {
        name: "Linear",
        nodes: [],
        origin: create(FunctionProtoSchema, {
          name: "Linear",
          domain: "own",
          input: ["x", "w", "b"],
          output: ["y"],
          opsetImport: [{ domain: "", version: 17n }],
          node: nodes.map((n) => create(NodeProtoSchema, n)),
        }),
      },
    ],
  });
  const linear = { opType: "Gemm", input: ["x", "w", "b"], output: ["y"], name: "inner" };
  const teacher = await open(withFunction([linear]), "function");
  close(await teacher.answer(data, first), scores, "function");
  assert.match(teacher.notes.join("\n"), /1 BatchNormalization layer/);
  await teacher.dispose();
  const flag = {
    opType: "Constant",
    output: ["on"],
    name: "on",
    attribute: [{ name: "value", type: 4, t: { dataType: 9, int32Data: [1] } }],
  };
  const inner = { opType: "Dropout", input: ["z", "", "on"], output: ["y"], name: "drop" };
  await assert.rejects(open(withFunction([flag, { ...linear, output: ["z"] }, inner]), "function-training"), (e) => {
    assert.equal(faultOf(e)?.code, "model-unsupported");
    assert.match(faultOf(e)?.found ?? "", /function "Linear" holds Dropout in training mode/);
    return true;
  });
});

test("a model in inference form is left alone, and its answers keep their name", async () => {
  assert.equal(inferenceForm(plain, "plain").model, plain);
  const [before, after] = [await open(plain, "plain"), await open(norm, "named")];
  assert.doesNotMatch(before.notes.join(), /training mode/);
  assert.notEqual(before.preprocessing, after.preprocessing, "answers of another form are another store's");
  await before.dispose();
  await after.dispose();
});

test("statistics of the batch that something reads: refused, with the node and the output", async () => {
  for (const used of [
    {
      ...norm,
      graph: {
        ...norm.graph,
        outputs: [...norm.graph.outputs, { name: "new_mean", dtype: "float32" as const, shape: null }],
      },
    },
    {
      ...norm,
      graph: {
        ...norm.graph,
        nodes: [
          ...norm.graph.nodes,
          { name: "reader", op: "Abs", domain: "", inputs: ["new_mean"], outputs: ["a"], attributes: {} },
        ],
      },
    },
  ])
    await assert.rejects(open(used, "used"), (e) => {
      const fault = faultOf(e);
      assert.equal(fault?.code, "model-unsupported");
      assert.equal(fault?.where, join(folder, "used.onnx"));
      assert.match(fault?.found ?? "", /running mean "new_mean" is used elsewhere/);
      return true;
    });
});

test("running statistics that nobody measured are pointed out", () => {
  const initializers = new Map(norm.graph.initializers);
  const [, , , mean, variance] = norm.graph.nodes.find((n) => n.op === "BatchNormalization")?.inputs ?? [];
  initializers.set(mean ?? "", tensor("float32", new Array(64).fill(0), [64]));
  initializers.set(variance ?? "", tensor("float32", new Array(64).fill(1), [64]));
  assert.equal(inferenceForm({ ...norm, graph: { ...norm.graph, initializers } }, "fresh").fresh, 1);
  assert.equal(inferenceForm(norm, "measured").fresh, 0);
});

test("random numbers in a teacher are a warning, with the operator", async () => {
  const noisy = changed("Flatten", (n) => ({ ...n, outputs: ["clean"] }), {}, []);
  const flat = plain.graph.nodes.find((n) => n.op === "Flatten")?.outputs[0] ?? "";
  const random = (op: string, attributes: Node["attributes"] = {}): Node => ({
    name: op,
    op,
    domain: "",
    inputs: ["clean"],
    outputs: ["noise"],
    attributes,
  });
  for (const op of ["RandomNormalLike", "RandomUniformLike"]) {
    const at = noisy.graph.nodes.findIndex((n) => n.op === "Flatten") + 1;
    const nodes = [...noisy.graph.nodes];
    const small: Node = {
      name: "small",
      op: "Mul",
      domain: "",
      inputs: ["noise", "tiny"],
      outputs: ["less"],
      attributes: {},
    };
    const sum: Node = {
      name: "sum",
      op: "Add",
      domain: "",
      inputs: ["clean", "less"],
      outputs: [flat],
      attributes: {},
    };
    nodes.splice(at, 0, random(op), small, sum);
    const initializers = new Map([...noisy.graph.initializers, ["tiny", scalar(1e-3)]]);
    const teacher = await open({ ...noisy, graph: { ...noisy.graph, nodes, initializers } }, op);
    assert.match((teacher.warnings ?? []).join(), new RegExp(`draws random numbers \\(${op}\\)`));
    await teacher.dispose();
  }
  const quiet = await open(plain, "quiet");
  assert.deepEqual(quiet.warnings, []);
  await quiet.dispose();
});

test("inspect says what a run would do with it", async () => {
  const path = join(folder, "inspected.onnx");
  await saveModelFile(norm, path);
  const { code, stdout } = await limbeck(["inspect", path]);
  assert.equal(code, 0);
  assert.match(stdout, /^note: 1 BatchNormalization layer .*training mode/m);
  assert.match(stdout, /can be a teacher or a student\.$/m);
  const two = await limbeck(["inspect", join(fixtures, "two-inputs.onnx"), "--json"]);
  assert.deepEqual(JSON.parse(two.stdout).notes, []);
  // One layer of ALBERT that runs twice: its tensors serve both, and PyTorch counts them once.
  const albert = await limbeck(["inspect", join(fixtures, "..", "encoders", "albert-dynamo.onnx"), "--json"]);
  assert.deepEqual(JSON.parse(albert.stdout).weights, {
    kinds: { embedding: 3, norm: 6, dense: 9, bias: 9 },
    constants: 0,
  });
  const { stdout: roles } = await limbeck(["inspect", join(fixtures, "two-inputs.onnx")]);
  assert.match(roles, /^Each of the 2 inputs reads the data's array of its name/m);
});

test("evaluate and limbeck/web ask it in inference form too", async () => {
  const path = join(folder, "evaluated.onnx");
  await saveModelFile(norm, path);
  const [inTraining, inInference] = await Promise.all(
    [path, join(fixtures, "dropout.onnx")].map((file) => evaluateModel(file, digits, { latencyRuns: 0, threads: 1 })),
  );
  assert.equal(inTraining?.accuracy, inInference?.accuracy);
  assert.equal(inTraining?.nll, inInference?.nll);
  assert.match(inTraining?.notes.join("\n") ?? "", /1 BatchNormalization layer was exported in training mode/);
  const teacher = await openTeacher(
    new Uint8Array(readFileSync(path)),
    digits,
    () => webRuntime({ device: "cpu", threads: 1 }),
    1,
  );
  close(await teacher.answer(data, first), scores, "web");
  assert.match(teacher.notes.join("\n"), /1 BatchNormalization layer was exported in training mode/);
  await teacher.dispose();
});
