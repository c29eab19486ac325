/** Constants added to a classifier's outputs, as ONNX Runtime sees them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withOutputBias } from "../../../src/engine/compile/output-bias.js";
import { float } from "../../../src/engine/graph/attributes.js";
import { sizeOf, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Model, Node, Tensor } from "../../../src/engine/graph/types.js";
import { writeModel } from "../../../src/engine/graph/write.js";
import { buildModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { Random } from "../../../src/engine/random/random.js";
import { runOnce } from "../../../src/node/session.js";

const SHIFTS = Float32Array.from([0, 3.5, 0, -7.6]);
const random = new Random(1, "output-bias");
const noise = (...shape: number[]): Tensor =>
  tensor(
    "float32",
    Float32Array.from({ length: sizeOf(shape) }, (_, i) => random.uniform(i + 100 * shape.length)),
    shape,
  );

async function outputs(model: Model, sample: readonly number[]): Promise<Float32Array> {
  const [input, output] = [model.graph.inputs[0]?.name as string, model.graph.outputs[0]?.name as string];
  const found = await runOnce(writeModel(model), { [input]: noise(3, ...sample) });
  return found[output]?.data as Float32Array;
}

/** Before plus the shifts is what comes after. */
async function check(model: Model, sample: readonly number[]): Promise<Model> {
  const changed = withOutputBias(model, SHIFTS);
  const [a, b] = [await outputs(model, sample), await outputs(changed, sample)];
  assert.equal(a.length, 12);
  for (const [i, v] of a.entries())
    assert.ok(Math.abs((b[i] as number) - v - (SHIFTS[i % 4] as number)) < 1e-5, `${i}: ${v} -> ${b[i]}`);
  return changed;
}

const wrapped = (graph: Graph): Model => ({ graph, opsets: { "": 17 }, irVersion: 8, metadata: {} });

function graphOf(nodes: readonly Node[], initializers: Record<string, Tensor>): Model {
  return wrapped({
    name: "g",
    inputs: [{ name: "x", dtype: "float32", shape: ["batch", 5] }],
    outputs: [{ name: "y", dtype: "float32", shape: ["batch", 4] }],
    nodes,
    initializers: new Map(Object.entries(initializers)),
  });
}

const node = (op: string, inputs: string[], out: string, attributes: Node["attributes"] = {}): Node => ({
  ...{ name: `${op}-${out}`, op, domain: "", inputs, outputs: [out], attributes },
});

const specs: Record<string, ModelSpec> = {
  mlp: { kind: "mlp", hidden: [6] },
  resnet: { kind: "resnet", depth: 8, width: 0.25 },
  vit: { kind: "vit", dim: 8, depth: 1, patch: 4, heads: 2 },
};

for (const [name, spec] of Object.entries(specs))
  test(`${name}: in the bias that is there`, async () => {
    const sample = [1, 8, 8];
    const { graph } = buildModel(spec, { inputShape: sample, classes: 4, seed: 2 });
    const model: Model = { ...wrapped(graph), opsets: { "": 21 }, irVersion: 10 };
    const changed = await check(model, sample);
    assert.equal(changed.graph.nodes.length, graph.nodes.length, "no node more");
  });

test("a row of its own, [1, classes], on either side of an Add", async () => {
  const made = graphOf([node("MatMul", ["x", "w"], "m"), node("Add", ["b", "m"], "y")], {
    w: noise(5, 4),
    b: noise(1, 4),
  });
  assert.equal((await check(made, [5])).graph.nodes.length, 2);
});

test("where there is no bias to change, an Add is put behind and the output keeps its name", async () => {
  const without = graphOf([node("MatMul", ["x", "w"], "y")], { w: noise(5, 4) });
  const changed = await check(without, [5]);
  assert.deepEqual(
    changed.graph.nodes.map((n) => n.op),
    ["MatMul", "Add"],
  );
  assert.equal(changed.graph.outputs[0]?.name, "y");
  // A scalar bias, a scaled one, and one that another node reads too.
  const scaled = node("Gemm", ["x", "w", "b"], "y", { beta: float(2) });
  await check(graphOf([scaled], { w: noise(5, 4), b: noise(4) }), [5]);
  await check(
    graphOf([node("MatMul", ["x", "w"], "m"), node("Add", ["m", "b"], "y")], { w: noise(5, 4), b: noise() }),
    [5],
  );
  const shared = [node("MatMul", ["x", "w"], "m"), node("Mul", ["m", "b"], "n"), node("Add", ["n", "b"], "y")];
  await check(graphOf(shared, { w: noise(5, 4), b: noise(4) }), [5]);
});

test("a second output that is made of the logits has the shifts too", async () => {
  const made = graphOf([node("MatMul", ["x", "w"], "y"), node("Mul", ["y", "two"], "z")], {
    w: noise(5, 4),
    two: tensor("float32", Float32Array.from([2]), [1]),
  });
  const changed = withOutputBias(made, SHIFTS);
  const z = { name: "z", dtype: "float32", shape: ["batch", 4] } as const;
  const both = { ...changed, graph: { ...changed.graph, outputs: [...changed.graph.outputs, z] } };
  const found = await runOnce(writeModel(both), { x: noise(2, 5) });
  assert.deepEqual(
    [...(found.z?.data as Float32Array)],
    [...(found.y?.data as Float32Array)].map((v) => Math.fround(2 * v)),
  );
});

test("probabilities and other numbers of classes are refused", () => {
  const soft = graphOf([node("MatMul", ["x", "w"], "m"), node("Softmax", ["m"], "y")], { w: noise(5, 4) });
  assert.throws(() => withOutputBias(soft, SHIFTS), { code: "model-output", where: 'output "y"', cure: /Softmax/ });
  const plain = graphOf([node("MatMul", ["x", "w"], "y")], { w: noise(5, 4) });
  assert.throws(() => withOutputBias(plain, new Float32Array(3)), {
    code: "model-output",
    found: /4 classes/,
    expected: /3 classes/,
  });
});
