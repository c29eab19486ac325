/** The verifier in full: silent on every graph that compiling makes, loud when a pass breaks a type, a shape or a name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileTraining } from "../../../src/engine/compile/compile.js";
import { lowerGraph, type Target } from "../../../src/engine/compile/lower.js";
import { defaultPasses, runPasses } from "../../../src/engine/compile/passes/index.js";
import { buildStep, type StepOptions } from "../../../src/engine/compile/step.js";
import { verifyTypedGraph } from "../../../src/engine/compile/verify.js";
import type { Graph, Node, ValueType } from "../../../src/engine/graph/types.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";

const specs: readonly ModelSpec[] = [
  { kind: "mlp", hidden: [8], batchNorm: true, dropout: 0.3 },
  { kind: "lenet" },
  { kind: "resnet", depth: 8, width: 0.25 },
  { kind: "preset", name: "keras-student" },
  {
    kind: "cnn",
    layers: [
      { conv: 4, kernel: 3, stride: 2, padding: "same", activation: "gelu" },
      { averagePool: 2 },
      { flatten: true },
      { layerNorm: true },
      { dense: 5, activation: "silu" },
    ],
  },
];

function optionsFor(spec: ModelSpec, alpha: number): StepOptions {
  const built = buildModel(spec, { inputShape: [1, 28, 28], classes: 4, seed: 1 });
  return {
    model: trainableModel(built),
    batch: 3,
    inputs: [{ shape: [1, 28, 28], dtype: "float32" }],
    classes: 4,
    objective: {
      alpha,
      studentLoss: { kind: "cross-entropy", labelSmoothing: alpha < 1 ? 0.1 : 0 },
      distillationLoss: { kind: "kd", temperature: 4 },
    },
    teacherKind: "probabilities",
  };
}

const targets: readonly Target[] = ["plain", "webgpu", { blocked: 8 }, { blocked: 16 }];

for (const spec of specs) {
  test(`every graph of a training verifies, after every pass: ${JSON.stringify(spec).slice(0, 50)}`, () => {
    for (const target of targets) {
      for (const alpha of target === "plain" ? [0, 0.5, 1] : [0.5]) {
        const options = { ...optionsFor(spec, alpha), target };
        const checked = compileTraining({ ...options, verify: true });
        assert.deepEqual(checked.step.graph, compileTraining(options).step.graph, "verifying changes nothing");
      }
    }
  });
}

const whole: Graph = runPasses(buildStep(optionsFor(specs[0] as ModelSpec, 0.5)).step, defaultPasses, { verify: true });
const lowered = lowerGraph(whole);
const product = lowered.nodes.find((n) => n.op === "MatMul" || n.op === "Gemm");
const name = product?.outputs[0] as string;
const typed = (change: (type: ValueType) => ValueType | undefined): Graph => {
  const valueTypes = new Map(lowered.valueTypes);
  const changed = change(valueTypes.get(name) as ValueType);
  if (changed) valueTypes.set(name, changed);
  else valueTypes.delete(name);
  return { ...lowered, valueTypes };
};

const edited = (change: Partial<Node>): Node[] => lowered.nodes.map((n) => (n === product ? { ...n, ...change } : n));

const broken: readonly [string, Graph, RegExp][] = [
  [
    "a wrong shape",
    typed((t) => ({ ...t, shape: [3, 9] })),
    /gives float32 \[3,8\], but ".*" is declared float32 \[3,9\]/,
  ],
  ["a wrong type", typed((t) => ({ ...t, dtype: "float64" })), /gives float32 \[3,8\], but ".*" is declared float64/],
  ["a value without a type", typed(() => undefined), /has no type/],
  ["a shape that is not static", typed((t) => ({ ...t, shape: [null, 8] })), /has no static shape/],
  [
    "inputs that do not fit the op",
    {
      ...lowered,
      nodes: edited({ inputs: ["step/labels", ...(product as Node).inputs.slice(1)] }),
    },
    /does not fit/,
  ],
  [
    "an output declared otherwise than computed",
    { ...lowered, outputs: lowered.outputs.map((o, i) => (i === 0 ? { ...o, shape: [1] } : o)) },
    /output "step\/loss" is declared float32 \[1\], but is float32 \[\]/,
  ],
  [
    "a value assigned twice",
    { ...lowered, nodes: [...lowered.nodes, { ...(product as Node), name: "again" }] },
    /".*" is assigned twice \(output of node "again"\)/,
  ],
  [
    "an input overwritten",
    { ...lowered, nodes: edited({ outputs: ["step/labels"] }) },
    /"step\/labels" is assigned twice/,
  ],
  ["an op nobody knows", { ...lowered, nodes: edited({ op: "Matmull" }) }, /\(Matmull\) does not fit: .*Matmull/],
  [
    "an output the op does not have",
    {
      ...lowered,
      nodes: edited({ outputs: [name, "more"] }),
      valueTypes: new Map(lowered.valueTypes).set("more", { dtype: "float32", shape: [3, 8] }),
    },
    /has no output 1/,
  ],
  [
    "a constant whose data is not its shape's",
    {
      ...lowered,
      initializers: new Map(lowered.initializers).set("cut", {
        dtype: "float32",
        shape: [4],
        data: new Float32Array(3),
      }),
    },
    /initialiser "cut" of shape \[4\] holds 3 elements/,
  ],
  ["a name nobody defines", { ...lowered, nodes: lowered.nodes.filter((n) => n !== product) }, /not defined/],
];
for (const [what, graph, message] of broken) {
  test(`a pass that leaves ${what} is named`, () => {
    assert.throws(() => verifyTypedGraph(graph), message);
    const pass = { name: "vandal", run: () => graph };
    assert.throws(
      () => runPasses(lowered, [pass], { verify: true }),
      (e: Error) => e.message.startsWith("pass vandal broke the graph") && message.test(e.message),
    );
    assert.equal(runPasses(lowered, [pass], { verify: false }), graph);
  });
}
