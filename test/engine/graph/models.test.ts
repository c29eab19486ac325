/** Models as files: other tools' bytes (test/fixtures/graph/make.py) come back untouched, weights are views, bad files are named. */
import assert from "node:assert/strict";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  NodeProtoSchema,
} from "onnx-buf";
import { InputError } from "../../../src/base/errors.js";
import { text } from "../../../src/engine/graph/attributes.js";
import { loadModelFile, saveModelFile } from "../../../src/node/model-file.js";
import { irVersionFor, lowestOpset } from "../../../src/engine/graph/opsets.js";
import { readModel } from "../../../src/engine/graph/read.js";
import { numbersOf, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Node } from "../../../src/engine/graph/types.js";
import { verifyGraph } from "../../../src/engine/graph/verify.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";

const fixtures = join(process.cwd(), "test", "fixtures", "graph");
const folder = mkdtempSync(join(tmpdir(), "limbeck-graph-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(fixtures, name)));

for (const name of ["linear.onnx", "unknown-field.onnx", "types.onnx", "if.onnx"]) {
  test(`${name} comes back byte for byte`, () => {
    const bytes = bytesOf(name);
    assert.deepEqual(writeModel(readModel(bytes)), bytes);
  });
}

test("what a model says of itself", () => {
  const model = readModel(bytesOf("linear.onnx"));
  assert.deepEqual([model.opsets, model.irVersion, model.producerName], [{ "": 17 }, 8, "someone"]);
  assert.deepEqual(model.metadata, { owner: "Ürsula \u2603" });
  const { graph } = model;
  assert.deepEqual(graph.inputs, [{ name: "x", dtype: "float32", shape: ["batch", 3] }]);
  assert.deepEqual(
    graph.nodes.map((n) => n.op),
    ["MatMul", "Add"],
  );
  assert.equal(graph.nodes[1]?.name, "last");
  assert.ok(graph.nodes[0]?.name, "unnamed nodes get a name");
  assert.deepEqual(numbersOf(graph.initializers.get("w") as never), [0, 1, 2, 3, 4, 5]);
  verifyGraph(graph);
});

test("every element type, in typed fields and raw bytes", () => {
  const { graph } = readModel(bytesOf("types.onnx"));
  const values = Object.fromEntries(
    [...graph.initializers].filter(([n]) => n !== "float16").map(([n, t]) => [n, numbersOf(t)]),
  );
  assert.deepEqual(values, {
    float32: [1.5, -2],
    float64: [1.5, -2],
    int8: [1, -2],
    uint8: [1, 250],
    int16: [1, -300],
    uint16: [1, 60000],
    int32: [1, -70000],
    uint32: [1, 4000000000],
    int64: [1, -5000000000],
    uint64: [1, 9000000000],
    bool: [1, 0],
  });
  assert.deepEqual([...(graph.initializers.get("float16")?.data as Uint16Array)], [0x3e00, 0xc000]);
});

test("large weights are views of the file's bytes, not copies", () => {
  const values = Float32Array.from({ length: 4096 }, (_, i) => i);
  const graph: Graph = {
    name: "big",
    inputs: [{ name: "x", dtype: "float32", shape: [4096] }],
    outputs: [{ name: "y", dtype: "float32", shape: [4096] }],
    nodes: [{ name: "n", op: "Add", domain: "", inputs: ["x", "w"], outputs: ["y"], attributes: {} }],
    initializers: new Map([["w", tensor("float32", values, [4096])]]),
  };
  const written = writeModel({ graph, opsets: { "": 13 }, irVersion: 7, metadata: {} });
  // A view needs its first byte on a multiple of four: one of four paddings of the buffer gives that.
  const shared = [0, 1, 2, 3].map((padding) => {
    const buffer = new ArrayBuffer(written.length + padding);
    const bytes = new Uint8Array(buffer, padding);
    bytes.set(written);
    const w = readModel(bytes).graph.initializers.get("w");
    assert.deepEqual(w?.data, values);
    return (w?.data as Float32Array).buffer === buffer;
  });
  assert.equal(shared.filter(Boolean).length, 1);
});

test("a changed weight is written, the rest stays", async () => {
  const model = readModel(bytesOf("linear.onnx"));
  const initializers = new Map(model.graph.initializers);
  initializers.set("b", tensor("float32", [7, 8], [2]));
  const path = join(folder, "changed.onnx");
  await saveModelFile({ ...model, graph: { ...model.graph, initializers } }, path);
  const again = loadModelFile(path).model;
  assert.deepEqual(numbersOf(again.graph.initializers.get("b") as never), [7, 8]);
  assert.deepEqual(numbersOf(again.graph.initializers.get("w") as never), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual([again.metadata, again.opsets], [model.metadata, model.opsets]);
});

test("external data beside the model is read; what leaves its folder is refused", () => {
  const home = join(folder, "external");
  mkdirSync(join(home, "sub"), { recursive: true });
  for (const f of ["external.onnx", "external.bin"]) cpSync(join(fixtures, f), join(home, f));
  const { model, hash } = loadModelFile(join(home, "external.onnx"));
  assert.deepEqual(numbersOf(model.graph.initializers.get("w") as never), [0, 1, 2, 3, 4, 5]);
  assert.deepEqual(numbersOf(model.graph.initializers.get("b") as never), [0.5, -1]);

  const bytes = new Uint8Array(readFileSync(join(home, "external.bin")));
  const changed = bytes.slice();
  changed[0] = 1;
  writeFileSync(join(home, "external.bin"), changed);
  assert.notEqual(loadModelFile(join(home, "external.onnx")).hash, hash, "the hash covers external tensors");

  truncateSync(join(home, "external.bin"), 10);
  assert.throws(() => loadModelFile(join(home, "external.onnx")), {
    code: "file-damaged",
    where: join(home, "external.onnx"),
    found: /"external\.bin" has 10 bytes/,
    expected: /^\d+ bytes$/,
  });
  rmSync(join(home, "external.bin"));
  assert.throws(() => loadModelFile(join(home, "external.onnx")), { code: "file-missing", found: /"external\.bin"/ });
  writeFileSync(join(folder, "outside.bin"), bytes);
  if (process.platform !== "win32") {
    symlinkSync(join(folder, "outside.bin"), join(home, "external.bin"));
    assert.throws(() => loadModelFile(join(home, "external.onnx")), {
      code: "file-unreadable",
      found: /"external\.bin"/,
    });
  }
  // Each of these names leads to a readable file; of the same length, so that the protobuf stays whole.
  rmSync(join(home, "external.bin"), { force: true });
  mkdirSync(join(folder, "elsewhere"));
  for (const f of ["outside.b", "w1"]) writeFileSync(join(folder, f), bytes);
  symlinkSync(join(folder, "elsewhere"), join(home, "link"), "junction");
  const original = Buffer.from(readFileSync(join(home, "external.onnx"))).toString("latin1");
  writeFileSync(join(folder, "elsewhere", "w"), bytes);
  for (const location of ["../outside.b", "sub/../../w1", "link/./././w", "/etc/../etc/", "..\\outside.b"]) {
    assert.equal(location.length, 12);
    const path = join(home, "evil.onnx");
    writeFileSync(path, Buffer.from(original.replaceAll("external.bin", location), "latin1"));
    assert.throws(() => loadModelFile(path), { code: "file-unreadable", where: path }, location);
  }
});

test("external data counts in the size of a model", () => {
  const { bytes, size } = loadModelFile(join(fixtures, "external.onnx"));
  assert.equal(size - bytes.length, 8 * 4, "w [3,2] and b [2] in float32");
});

test('"to the end" as the largest int64 stays the end when a model is written again', () => {
  const most = 2n ** 63n - 1n;
  for (const op of ["INT", "INTS"] as const) {
    const graph = create(GraphProtoSchema, {
      node: [
        create(NodeProtoSchema, {
          name: "n",
          opType: "Slice",
          input: ["x"],
          output: ["y"],
          attribute: [
            create(AttributeProtoSchema, {
              name: "ends",
              type: AttributeProto_AttributeType[op],
              ...(op === "INT" ? { i: most } : { ints: [most, -most - 1n, -2n] }),
            }),
          ],
        }),
      ],
    });
    const model = readModel(toBinary(ModelProtoSchema, create(ModelProtoSchema, { irVersion: 8n, graph })));
    const again = readModel(writeModel({ ...model })).graph.nodes[0]?.attributes.ends;
    const safe = Number.MAX_SAFE_INTEGER;
    assert.deepEqual(again?.value, op === "INT" ? safe : [safe, -safe, -2]);
  }
});

const damaged: readonly [string, Uint8Array, string][] = [
  ["empty", new Uint8Array(0), "file-damaged"],
  ["text", new TextEncoder().encode("just some text, no model at all"), "file-type"],
  ["zip", Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 0), "file-type"],
  ["a page", new TextEncoder().encode("<!doctype html><title>404</title>"), "file-type"],
  ["a pointer", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1\noid sha256:0"), "file-type"],
  ["cut off", bytesOf("linear.onnx").subarray(0, 100), "file-damaged"],
];
for (const [what, bytes, code] of damaged) {
  test(`refused: ${what}`, () => {
    const path = join(folder, `${what.replace(" ", "-")}.onnx`);
    writeFileSync(path, bytes);
    assert.throws(() => loadModelFile(path), { name: "InputError", code, where: path, expected: /ONNX/, cure: /./ });
  });
}

test("refused: no file, a folder; flipped bytes never crash in another way", () => {
  assert.throws(() => loadModelFile(join(folder, "none.onnx")), {
    code: "file-missing",
    where: join(folder, "none.onnx"),
  });
  assert.throws(() => loadModelFile(folder), { code: "file-is-folder", where: folder });
  const bytes = bytesOf("linear.onnx");
  for (let i = 0; i < bytes.length; i++) {
    const flipped = bytes.slice();
    flipped[i] = (flipped[i] as number) ^ 0x40;
    try {
      readModel(flipped, { where: "flipped" });
    } catch (error) {
      assert.ok(error instanceof InputError, `byte ${i}: ${error}`);
    }
  }
});

const base: Graph = readModel(bytesOf("linear.onnx")).graph;
const node = (i: number, more: Partial<Node>): Graph => ({
  ...base,
  nodes: base.nodes.map((n, k) => (k === i ? { ...n, ...more } : n)),
});
test("refused while it is read into a student: a name nobody defines, an attribute of another kind", () => {
  const replay = (graph: Graph): unknown => {
    const b = createBuilder();
    return b.inline(graph, new Map(graph.inputs.map((i) => [i.name, b.input(i.name, "float32", [2, 3])])));
  };
  replay(base);
  const lost = node(1, { inputs: ["m", "nothing"] });
  assert.throws(() => replay(lost), { code: "model-invalid", where: 'node "last" (Add)', found: /"nothing"/ });
  const odd = node(1, { op: "Softmax", inputs: ["m"], attributes: { axis: text("1") } });
  assert.throws(() => replay(odd), {
    name: "InputError",
    code: "model-invalid",
    where: 'node "last" (Softmax)',
    found: /"axis".*string/,
    expected: "int",
  });
});

const broken: readonly [string, Graph, RegExp][] = [
  ["a value assigned twice", node(1, { outputs: ["m"] }), /"m" is assigned twice/],
  ["a name nobody defines", node(1, { inputs: ["m", "nothing"] }), /reads "nothing", which is not defined/],
  ["nodes out of order", { ...base, nodes: [...base.nodes].reverse() }, /reads "m", which is not defined before/],
  ["a cycle", node(0, { inputs: ["y", "w"] }), /reads "y"/],
  ["an output nobody makes", node(1, { outputs: ["z"] }), /output "y" is not defined/],
  ["a node without a name", node(0, { name: "" }), /node name "" is empty/],
  ["a node name twice", node(0, { name: "last" }), /"last" is taken twice/],
  [
    "a weight of another size than its shape",
    {
      ...base,
      initializers: new Map([...base.initializers, ["b", { dtype: "float32", shape: [3], data: new Float32Array(2) }]]),
    },
    /"b" of shape \[3\] holds 2/,
  ],
];
for (const [what, graph, message] of broken)
  test(`the verifier finds ${what}`, () => assert.throws(() => verifyGraph(graph), message));

/** From onnx.defs: per op, [since_version, inputs, attributes, ...] in ascending order; and IR per opset. */
const onnx = JSON.parse(readFileSync(join(fixtures, "onnx-versions.json"), "utf8")) as {
  since: Record<string, [number, number, string[], string[]][]>;
  ir: [number, number][];
};

test("the lowest opset: every op we may export exists there with its inputs and attributes", () => {
  const cases: [string, string[], string[]][] = [
    ["Gemm", ["a", "b", "c"], ["transB"]],
    ["Conv", ["x", "w", "b"], ["dilations", "group", "kernel_shape", "pads", "strides"]],
    ["Relu", ["x"], []],
    ["LeakyRelu", ["x"], ["alpha"]],
    ["Gelu", ["x"], ["approximate"]],
    ["HardSwish", ["x"], []],
    ["LayerNormalization", ["x", "s", "b"], ["axis", "epsilon"]],
    ["BatchNormalization", ["x", "s", "b", "m", "v"], ["epsilon"]],
    ["MaxPool", ["x"], ["kernel_shape", "pads", "strides"]],
    ["AveragePool", ["x"], ["kernel_shape", "pads", "strides", "count_include_pad"]],
    ["AveragePool", ["x"], ["kernel_shape", "dilations"]],
    ["GlobalAveragePool", ["x"], []],
    ["ReduceMean", ["x", "axes"], ["keepdims"]],
    ["ReduceMax", ["x", "axes"], ["keepdims"]],
    ["ReduceSum", ["x", "axes"], ["keepdims"]],
    ["Flatten", ["x"], ["axis"]],
    ["Reshape", ["x", "s"], []],
    ["Reshape", ["x", "s"], ["allowzero"]],
    ["Split", ["x", "s"], ["axis"]],
    ["Split", ["x"], ["axis", "num_outputs"]],
    ["Pad", ["x", "p", "c"], ["mode"]],
    ["Pad", ["x", "p", "c", "axes"], ["mode"]],
    ["Squeeze", ["x", "axes"], []],
    ["Cast", ["x"], ["to"]],
    ["Mish", ["x"], []],
    ["GroupNormalization", ["x", "s", "b"], ["epsilon", "num_groups"]],
    ["Trilu", ["x", "k"], ["upper"]],
    ["ScatterElements", ["x", "i", "u"], ["axis", "reduction"]],
    ["CastLike", ["x", "y"], []],
    ["Resize", ["x", "r", "s"], ["mode"]],
  ];
  for (const [op, inputs, attributes] of cases) {
    const graph: Graph = {
      name: op,
      inputs: [],
      outputs: [],
      initializers: new Map(),
      nodes: [
        {
          name: "n",
          op,
          domain: "",
          inputs,
          outputs: ["y"],
          attributes: Object.fromEntries(attributes.map((a) => [a, { kind: "int", value: 1n } as never])),
        },
      ],
    };
    const opset = lowestOpset(graph);
    const valid = onnx.since[op]?.filter(([since]) => since <= opset).at(-1);
    assert.ok(valid, `${op} does not exist at opset ${opset}`);
    const [since, count, known] = valid;
    assert.ok(inputs.length <= count, `${op}-${since} takes ${count} inputs, not ${inputs.length}`);
    for (const a of attributes) assert.ok(known.includes(a), `${op}-${since} has no ${a}`);
  }
});

test("IR versions: those that came with the opsets", () => {
  for (const [opset, ir] of onnx.ir) {
    if (opset < 13 || opset > 25) continue;
    const earliest = Math.min(...onnx.ir.filter(([o]) => o === opset).map(([, v]) => v));
    assert.equal(irVersionFor(opset), earliest, `opset ${opset} (${ir})`);
  }
});
