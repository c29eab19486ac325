/** Students that end in their teacher's classifier, against PyTorch in float64 (test/fixtures/objective/simkd.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { exportModel } from "../../../src/engine/compile/export.js";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { buildStep } from "../../../src/engine/compile/step.js";
import { type ReusableClassifier, weightCount, withClassifier } from "../../../src/engine/compile/transfer.js";
import type { TrainableModel } from "../../../src/engine/graph/trainable-model.js";
import { float, int } from "../../../src/engine/graph/attributes.js";
import type { GraphBuilder, Value } from "../../../src/engine/graph/builder.js";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import { CANONICAL_OPSET, type Graph, type Tensor } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import type { SimkdConfig } from "../../../src/engine/objective/losses/simkd.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { openSession } from "../../../src/node/session.js";
import { runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { evaluateReference } from "../ops/support/reference.js";

interface Given {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface Case {
  readonly samples: Given;
  readonly feature: Given;
  readonly state: Readonly<Record<string, Given>>;
  readonly teacher: Readonly<Record<string, Given>>;
  readonly loss: number;
  readonly gradients: Readonly<Record<string, Given>>;
  readonly fresh: Readonly<Record<string, Given>>;
  readonly logits: Given;
}

const cases = JSON.parse(readFileSync("test/fixtures/objective/simkd.json", "utf8")) as Record<string, Case>;
const { images, vectors } = cases as { images: Case; vectors: Case };

const given = ({ shape, values }: Given): Tensor => tensor("float32", [...values], shape);
const weight = (b: GraphBuilder, name: string, shape: number[]): Value =>
  b.initializer(
    name,
    tensor(
      "float32",
      Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i + 1)),
      shape,
    ),
  );

/** relu, pooling, classifier: what is kept of it is the relu. */
function studentOf([, channels = 1, height = 1, width = 1]: readonly number[], classes: number): TrainableModel {
  const b = createBuilder("student");
  const x = b.input("input", "float32", [1, channels, height, width]);
  const relu = b.op("Relu", [x], {}, { name: "trunk/relu" });
  const flat = b.op("Flatten", [b.op("GlobalAveragePool", [relu])], { axis: int(1) });
  const logits = b.op("Gemm", [flat, weight(b, "head/weight", [classes, channels])], { transB: int(1) });
  b.output(logits, "logits");
  return { graph: b.build(), parameters: ["head/weight"], buffers: [], inputs: ["input"], output: "logits" };
}

const opsets = { "": CANONICAL_OPSET };

/** conv, relu, [batch norm, dropout, pooling, classifier]: a batch of one is nowhere in it. */
function imageTeacher(t: Readonly<Record<string, Given>>): ReusableClassifier {
  const b = createBuilder("teacher");
  const x = b.input("image", "float32", [1, 2, 3, 2]);
  const relu = b.op("Relu", [b.op("Conv", [x, weight(b, "front", [4, 2, 1, 1])])], {}, { name: "layer4/relu" });
  const state = (name: string): Value => b.initializer(`t/${name}`, given(t[name] as Given));
  const norm = b.op("BatchNormalization", [relu, ...["scale", "bias", "mean", "variance"].map(state)], {
    epsilon: float(1e-5),
  });
  const dropped = b.op("Dropout", [norm, b.constant(tensor("float32", [0.5], []))]);
  const flat = b.op("Flatten", [b.op("GlobalAveragePool", [dropped])], { axis: int(1) });
  b.output(b.op("Gemm", [flat, state("weight"), state("out")], { transB: int(1) }), "scores");
  const model = { graph: b.build(), opsets, irVersion: 10, metadata: {} };
  return { model, where: "teacher.onnx", output: "scores", kind: "logits", order: null };
}

/** tanh, classifier, softmax, with classes in another order than the data's. */
function vectorTeacher(t: Readonly<Record<string, Given>>): ReusableClassifier {
  const b = createBuilder("teacher");
  const x = b.input("vector", "float32", [1, 6]);
  const state = (name: string): Value => b.initializer(`t/${name}`, given(t[name] as Given));
  const tanh = b.op("Tanh", [x], {}, { name: "embedding" });
  const scores = b.op("Gemm", [tanh, state("weight"), state("out")], { transB: int(1) });
  b.output(b.op("Softmax", [scores], { axis: int(-1) }), "probabilities");
  const model = { graph: b.build(), opsets, irVersion: 10, metadata: {} };
  return { model, where: "teacher.onnx", output: "probabilities", kind: "probabilities", order: [2, 0, 1] };
}

const configOf = (teacher: string): SimkdConfig => ({
  kind: "simkd",
  factor: teacher === "embedding" ? 3 : 2,
  layers: [{ student: "trunk/relu", teacher }],
});

function compose(c: Case, teacher: ReusableClassifier, layer: string): TrainableModel {
  const classes = c.logits.shape[1] as number;
  return withClassifier({
    student: studentOf(c.samples.shape, classes),
    sampleShapes: [c.samples.shape.slice(1)],
    classes,
    teacher,
    featureShape: c.feature.shape.slice(1),
    reuse: { layer: { student: "trunk/relu", teacher: layer }, factor: configOf(layer).factor ?? 2 },
    seed: 0,
  });
}

function close(found: ArrayLike<unknown> | undefined, expected: readonly number[], tolerance: number, what: string) {
  assert.equal(found?.length, expected.length, what);
  const size = expected.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-3);
  expected.forEach((v, i) => {
    assert.ok(Math.abs(Number(found?.[i]) - v) <= tolerance * size, `${what}[${i}]: ${found?.[i]}, PyTorch gives ${v}`);
  });
}

/** A training step of the student that reads the feature as the teacher's. */
function stepOf(c: Case, model: TrainableModel, layer: string) {
  return buildStep({
    model,
    batch: c.samples.shape[0] as number,
    inputs: [{ shape: c.samples.shape.slice(1), dtype: "float32" }],
    classes: c.logits.shape[1] as number,
    objective: {
      weights: { student: 0, distillation: 0 },
      studentLoss: { kind: "cross-entropy" },
      terms: [configOf(layer)],
    },
    teacherFeatures: [{ name: layer, node: "", shape: c.feature.shape.slice(1) }],
  });
}

for (const [name, c, layer, teacherOf] of [
  ["images", images, "layer4/relu", imageTeacher],
  ["vectors", vectors, "embedding", vectorTeacher],
] as const) {
  test(`${name}: loss, gradients, statistics and logits are PyTorch's`, async () => {
    const teacher = teacherOf(c.teacher);
    const model = compose(c, teacher, layer);
    assert.deepEqual([...model.parameters, ...model.buffers].sort(), Object.keys(c.state).sort());
    const weights = new Map(Object.entries(c.state).map(([n, v]) => [n, Float32Array.from(v.values)]));

    const step = stepOf(c, model, layer);
    const graph = lowerGraph(step.step);
    const feeds = new Map<string, Tensor>();
    for (const { name: input } of graph.inputs) {
      if (input === "step/samples") feeds.set(input, given(c.samples));
      else if (input.startsWith("step/feature/")) feeds.set(input, given(c.feature));
      else if (input.startsWith("step/scalar/")) feeds.set(input, tensor("float32", [1], []));
      else feeds.set(input, given(c.state[input] as Given));
    }
    for (const [found, tolerance] of [
      [evaluateReference(graph, feeds), 1e-6],
      [await runInOnnxRuntime(graph, feeds), 5e-5],
    ] as const) {
      close(found.get("step/loss")?.data, [c.loss], tolerance, "loss");
      for (const [n, g] of Object.entries(c.gradients))
        close(found.get(`step/gradient/${n}`)?.data, g.values, tolerance, `gradient of ${n}`);
      for (const [n, v] of Object.entries(c.fresh))
        close(found.get(`step/update/${n}`)?.data, v.values, tolerance, `update of ${n}`);
    }

    const options = { normalisation: null, classes: [], producerVersion: "0" };
    const exported = exportModel(model, weights, options).graph;
    assert.deepEqual(exported.outputs[0]?.shape, ["batch", c.logits.shape[1]]);
    const session = await openSession(writeModel({ ...exportModel(model, weights, options) }), {});
    const answers = await session.run({ input: given(c.samples) });
    await session.dispose();
    close(answers.logits?.data as Float32Array, c.logits.values, 2e-5, "logits");
    assert.ok(!exported.initializers.has("head/weight"), "the student's own classifier is gone");
    for (const [n, v] of Object.entries(c.teacher))
      assert.deepEqual(exported.initializers.get(`simkd/teacher/t/${n}`)?.data, Float32Array.from(v.values));
    const sizes = [...Object.keys(c.gradients).map((n) => c.state[n] as Given), ...Object.values(c.teacher)];
    assert.equal(
      weightCount(model),
      sizes.reduce((sum, v) => sum + v.values.length, 0),
    );
  });
}

test("what cannot be reused is told", () => {
  const refused = (teacher: ReusableClassifier, layer: string, code: string, rest: object): void =>
    assert.throws(() => compose(images, teacher, layer), {
      name: "InputError",
      code,
      where: /teacher\.onnx$/,
      ...rest,
    });
  const teacher = imageTeacher(images.teacher);
  const changed = (change: (graph: Graph) => Partial<Graph>): ReusableClassifier => ({
    ...teacher,
    model: { ...teacher.model, graph: { ...teacher.model.graph, ...change(teacher.model.graph) } },
  });
  refused(teacher, "layer4/rleu", "layer-missing", {
    where: "teacher teacher.onnx",
    found: /"layer4\/rleu"/,
    cure: /"layer4\/relu"/,
  });
  refused(teacher, "*", "layer-missing", { found: /"\*" matches \d+ layers/, expected: /one layer/ });
  refused({ ...teacher, kind: "probabilities" }, "layer4/relu", "model-unsupported", { found: /softmax/ });
  refused(teacher, "scores", "layer-missing", { found: /"scores"/, cure: /layer/ });
  // A skip connection past the layer.
  const skip = changed(({ nodes }) => ({
    nodes: nodes.map((n) => (n.op === "Dropout" ? { ...n, op: "Add", inputs: [n.inputs[0] as string, "conv"] } : n)),
  }));
  refused(skip, "layer4/relu", "model-unsupported", { found: /on ("conv|its input "image").* past "layer4\/relu"/ });
  const odd = changed(({ initializers }) => ({
    initializers: new Map(initializers).set("t/out", tensor("float64", [1, 2, 3, 4, 5])),
  }));
  refused(odd, "layer4/relu", "model-unsupported", { found: /"t\/out" has the type float64/, expected: "float32" });
  const strange = changed(({ nodes }) => ({
    nodes: nodes.map((n) => (n.op === "GlobalAveragePool" ? { ...n, op: "GlobalLpPool" } : n)),
  }));
  refused(strange, "layer4/relu", "model-unsupported", { found: /GlobalLpPool/ });
});
