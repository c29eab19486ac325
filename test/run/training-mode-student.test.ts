/** A student that was exported in training mode learns as its twin in inference form, and its running statistics move once a step. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { int } from "../../src/engine/graph/attributes.js";
import { scalar, tensor } from "../../src/engine/graph/tensor.js";
import { Distiller, distill, loadData, loadModelFile, type Model, type Node, saveModelFile } from "../../src/index.js";
import { openSession } from "../../src/node/session.js";

const folder = mkdtempSync(join(tmpdir(), "limbeck-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string): string => join(folder, name);
const digits = await loadData({ source: "digits", split: { validation: 0.15, test: 0.3 } });
const { data, splits } = digits;

/** Batch norm of the 64 pixels, dropout, a linear classifier; in inference form. */
const node = (op: string, inputs: string[], outputs: string[], attributes: Node["attributes"] = {}): Node => ({
  name: op,
  op,
  domain: "",
  inputs,
  outputs,
  attributes,
});
const spread = (size: number, of: (i: number) => number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => of(i));
const twin: Model = {
  opsets: { "": 17 },
  irVersion: 8,
  metadata: {},
  graph: {
    name: "student",
    inputs: [{ name: "image", dtype: "float32", shape: ["n", 1, 8, 8] }],
    outputs: [{ name: "scores", dtype: "float32", shape: ["n", 10] }],
    nodes: [
      node("Flatten", ["image"], ["flat"]),
      node("BatchNormalization", ["flat", "gamma", "beta", "mean", "variance"], ["normed"]),
      node("Dropout", ["normed", "ratio"], ["dropped"]),
      node("Gemm", ["dropped", "w", "b"], ["scores"]),
    ],
    initializers: new Map([
      [
        "gamma",
        tensor(
          "float32",
          spread(64, () => 1),
          [64],
        ),
      ],
      [
        "beta",
        tensor(
          "float32",
          spread(64, () => 0),
          [64],
        ),
      ],
      [
        "mean",
        tensor(
          "float32",
          spread(64, (i) => i / 64),
          [64],
        ),
      ],
      [
        "variance",
        tensor(
          "float32",
          spread(64, (i) => 0.5 + i / 64),
          [64],
        ),
      ],
      ["ratio", scalar(0)],
      [
        "w",
        tensor(
          "float32",
          spread(640, (i) => Math.sin(i) / 4),
          [64, 10],
        ),
      ],
      [
        "b",
        tensor(
          "float32",
          spread(10, () => 0),
          [10],
        ),
      ],
    ]),
  },
};
const withNodes = (change: (n: Node) => Node, opset = 17): Model => ({
  ...twin,
  opsets: { "": opset },
  graph: { ...twin.graph, nodes: twin.graph.nodes.map(change) },
});
const named = (n: Node): Node =>
  n.op === "BatchNormalization"
    ? { ...n, outputs: ["normed", "mean2", "variance2"], attributes: { training_mode: int(1) } }
    : n.op === "Dropout"
      ? { ...n, inputs: [...n.inputs, "training"] }
      : n;
const modern: Model = {
  ...twin,
  graph: {
    ...withNodes(named).graph,
    initializers: new Map([...twin.graph.initializers, ["training", tensor("bool", [1], [])]]),
  },
};
const old = withNodes(
  (n) => (n.op === "BatchNormalization" ? { ...n, outputs: ["normed", "m1", "v1", "m2", "v2"] } : n),
  13,
);
await saveModelFile(twin, at("twin.onnx"));
await saveModelFile(modern, at("modern.onnx"));
await saveModelFile(old, at("old.onnx"));

async function trained(name: string, steps: number, learningRate = 0.01): Promise<{ bytes: Uint8Array; said: string }> {
  const distiller = new Distiller({
    teacher: "nobody asks it",
    student: { kind: "onnx", file: at(`${name}.onnx`) },
    threads: 1,
  });
  distiller.compile({ alpha: 0, learningRate });
  const { warnings } = await distiller.fit(digits, { steps, batchSize: splits.train.length, select: "last" });
  const { bytes } = distiller.student;
  await distiller.dispose();
  return { bytes, said: warnings.join("\n") };
}

const twinAfter = await trained("twin", 3);
for (const [name, dropouts] of [
  ["modern", 1],
  ["old", 0],
] as const) {
  test(`${name}: the same student as from the file in inference form, and a note`, async () => {
    const { bytes, said } = await trained(name, 3);
    await saveBytes(bytes, `${name}-after.onnx`);
    await saveBytes(twinAfter.bytes, "twin-after.onnx");
    const [mine, twins] = [`${name}-after.onnx`, "twin-after.onnx"].map((f) => loadModelFile(at(f)).model.graph);
    assert.deepEqual(mine?.initializers.get("w"), twins?.initializers.get("w"));
    assert.deepEqual(mine?.initializers.get("mean"), twins?.initializers.get("mean"));
    assert.match(said, /1 BatchNormalization layer was exported in training mode/);
    assert.equal(/1 Dropout layer was exported in training mode/.test(said), dropouts === 1);
    assert.equal(twinAfter.said.includes("training mode"), false);
  });

  test(`${name}: after one step the running statistics are 0.9 old + 0.1 of the batch`, async () => {
    const { bytes } = await trained(name, 1, 1e-30);
    await saveBytes(bytes, `${name}-one.onnx`);
    const { initializers } = loadModelFile(at(`${name}-one.onnx`)).model.graph;
    // By hand: mean and unbiased variance of every normalised pixel over the training samples.
    const { scale } = digits.normalisation;
    for (const pixel of [0, 9, 20, 43, 63]) {
      const values = Array.from(splits.train, (s) => (data.samples[s * 64 + pixel] as number) * scale);
      const mean = values.reduce((a, v) => a + v, 0) / values.length;
      const variance = values.reduce((a, v) => a + (v - mean) ** 2, 0) / (values.length - 1);
      const [m, v] = ["mean", "variance"].map((n) => (initializers.get(n)?.data as Float32Array)[pixel] as number);
      assert.ok(Math.abs((m as number) - (0.9 * (pixel / 64) + 0.1 * mean)) < 1e-5, `mean of pixel ${pixel}: ${m}`);
      assert.ok(
        Math.abs((v as number) - (0.9 * (0.5 + pixel / 64) + 0.1 * variance)) < 1e-5,
        `variance of pixel ${pixel}: ${v}`,
      );
    }
  });

  test(`${name}: two samples answer alike in batches of 2 and 48, by the formula of inference`, async () => {
    const { bytes } = await trained(name, 3);
    await saveBytes(bytes, `${name}-answers.onnx`);
    const path = at(`${name}-answers.onnx`);
    const session = await openSession(path, { threads: 1 });
    const [input] = session.inputs;
    const ask = async (count: number): Promise<Float32Array> => {
      const samples = data.samples.slice(0, count * 64);
      const dtype = input?.dtype === "uint8" ? "uint8" : "float32";
      const fed = dtype === "uint8" ? Uint8Array.from(samples) : Float32Array.from(samples);
      const { scores } = await session.run({ image: { dtype, shape: [count, 1, 8, 8], data: fed } });
      return (scores?.data as Float32Array).slice(0, 20);
    };
    const [two, many] = [await ask(2), await ask(48)];
    for (const [i, v] of two.entries()) assert.ok(Math.abs(v - (many[i] as number)) < 1e-5);
    const { initializers } = loadModelFile(path).model.graph;
    const of = (n: string): Float32Array => initializers.get(n)?.data as Float32Array;
    for (const sample of [0, 1])
      for (let c = 0; c < 10; c++) {
        let sum = of("b")[c] as number;
        for (let p = 0; p < 64; p++) {
          const x = (data.samples[sample * 64 + p] as number) * digits.normalisation.scale;
          const hat = (x - (of("mean")[p] as number)) / Math.sqrt((of("variance")[p] as number) + 1e-5);
          sum += (hat * (of("gamma")[p] as number) + (of("beta")[p] as number)) * (of("w")[p * 10 + c] as number);
        }
        assert.ok(
          Math.abs(sum - (two[sample * 10 + c] as number)) < 1e-4,
          `${sample}, ${c}: ${sum} against ${two[sample * 10 + c]}`,
        );
      }
    await session.dispose();
  });
}

test("distill says it of student and teacher, once, in summary and report", async () => {
  const out = at("run");
  const recipe = {
    name: "said",
    data: { source: "digits" },
    teacher: { file: at("old.onnx"), allow_chance: true },
    student: { kind: "onnx", file: at("modern.onnx") },
    training: { steps: 2, batch: 64 },
    seeds: 2,
  } as const;
  const { summary, report } = await distill(recipe, { out, threads: 1 });
  const said = summary.notes.filter((n) => /BatchNormalization layer was exported in training mode/.test(n));
  assert.deepEqual(said.map((n) => n.split(":")[0]).sort(), ["modern.onnx", "old.onnx"]);
  assert.match(readFileSync(report, "utf8"), /exported in training mode/);
});

async function saveBytes(bytes: Uint8Array, name: string): Promise<void> {
  const { writeFile } = await import("node:fs/promises");
  await writeFile(at(name), bytes);
}
