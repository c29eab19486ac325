/** Models against PyTorch with the same weights, in float64 (test/fixtures/models/models.py), and known sizes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lowerGraph } from "../../../src/engine/compile/lower.js";
import { withNormalisation } from "../../../src/engine/compile/normalise.js";
import { buildStep, LABELS, SAMPLES } from "../../../src/engine/compile/step.js";
import { scalar, tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../../src/engine/graph/types.js";
import { type BuiltModel, buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { assertInferredShapes, runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { evaluateReference } from "../ops/support/reference.js";
import { formulaInput, formulaState, noise, withFormula } from "./formula.js";

interface Fixture {
  readonly name: string;
  readonly spec: ModelSpec;
  readonly inputShape: number[];
  readonly classes: number;
  readonly state: string[];
  readonly parameters: number;
  readonly logits: number[][];
  /** Token ids, for models that take them; images are the formula's. */
  readonly tokens?: number[][];
  /** In training mode, batch 4, labels 0, 1, ...: the mean cross-entropy. */
  readonly loss?: number;
  /** Of each parameter: norm, and product with the formula's numbers. */
  readonly gradients?: Readonly<Record<string, [number, number]>>;
}

const fixture = JSON.parse(readFileSync("test/fixtures/models/models.json", "utf8")) as {
  readonly models: readonly Fixture[];
  readonly known: readonly Pick<Fixture, "spec" | "inputShape" | "classes" | "parameters">[];
  readonly resnets: readonly { depth: 8; width: number; classes: number; parameters: number }[];
};

const stateOf = (model: BuiltModel): string[] => [...model.parameters, ...model.buffers].map((p) => p.name);

for (const f of fixture.models) {
  test(`${f.name} gives PyTorch's logits for the same weights`, async () => {
    const model = buildModel(f.spec, { inputShape: f.inputShape, classes: f.classes, seed: 0 });
    assert.equal(model.parameterCount, f.parameters);
    assert.deepEqual(stateOf(model).sort(), f.state, "names and number of parameters and buffers");
    const graph = forBatch(withFormula(model.graph, stateOf(model)), 2);
    await assertInferredShapes(graph);
    const feeds = new Map([["input", inputOf(f, 2)]]);
    close((await runInOnnxRuntime(graph, feeds)).get("logits")?.data, f.logits, 2e-5);
    // In float64 only rounding may differ, and epsilon, which ONNX holds in float32; the larger ones would take seconds.
    if (model.macs < 500_000)
      close(evaluateReference(graph, feeds).get("logits")?.data, f.logits, f.gradients ? 1e-7 : 1e-9);
  });
}

for (const f of fixture.models.filter((m) => m.gradients)) {
  test(`${f.name} gives PyTorch's gradients for the same weights`, async () => {
    const model = buildModel(f.spec, { inputShape: f.inputShape, classes: f.classes, seed: 0 });
    const trainable = trainableModel(model);
    const sampleType = f.tokens ? "int32" : "float32";
    const step = buildStep({
      model: {
        ...trainable,
        graph: withNormalisation(withFormula(model.graph, stateOf(model)), model.input, null, sampleType),
      },
      batch: 4,
      inputs: [{ shape: f.inputShape, dtype: sampleType }],
      classes: f.classes,
      objective: { alpha: 0, studentLoss: { kind: "cross-entropy" } },
    });
    const graph = lowerGraph(step.step);
    const feeds = new Map<string, Tensor>(
      [...step.parameters, ...step.buffers].map((p) => [p.name, formulaState(p.name, p.shape)]),
    );
    feeds.set(SAMPLES, inputOf(f, 4, "int32"));
    feeds.set(
      LABELS,
      tensor(
        "int64",
        [0, 1, 2, 3].map((i) => i % f.classes),
      ),
    );
    for (const s of step.scalars) feeds.set(s.name, scalar(s.initial));
    const check = (values: ReadonlyMap<string, { data: Float64Array }>, tolerance: number): void => {
      near(values.get("step/loss")?.data[0], f.loss as number, tolerance, "loss");
      assert.deepEqual(step.parameters.map((p) => p.name).sort(), Object.keys(f.gradients ?? {}).sort());
      for (const p of step.parameters) {
        const [norm, product] = f.gradients?.[p.name] as [number, number];
        const g = values.get(p.gradient)?.data as Float64Array;
        const probe = noise(p.name, g.length);
        near(Math.sqrt(g.reduce((sum, v) => sum + v * v, 0)), norm, tolerance, `norm of ${p.name}`);
        near(
          g.reduce((sum, v, i) => sum + v * (probe[i] as number), 0),
          product,
          tolerance,
          `product of ${p.name}`,
        );
      }
    };
    // Dozens of batch norms over four samples and the kinks of ReLU6 magnify float32's rounding: there float64 must do.
    if (f.spec.kind !== "mobilenet") check(await runInOnnxRuntime(graph, feeds), 2e-4);
    // In float64 what differs is that ONNX holds epsilon and the constants of Gelu in float32.
    check(evaluateReference(graph, feeds), 1e-6);
  });
}

test("parameter counts of published networks", () => {
  const count = (spec: ModelSpec, inputShape: number[], classes = 10): number =>
    buildModel(spec, { inputShape, classes, seed: 0, initialiser: "zeros" }).parameterCount;
  const mnist = [1, 28, 28];
  assert.equal(count({ kind: "preset", name: "keras-teacher" }, mnist), 1_433_610);
  assert.equal(count({ kind: "preset", name: "keras-student" }, mnist), 20_490);
  assert.equal(count({ kind: "preset", name: "fashion-teacher" }, mnist), 140_458);
  assert.equal(count({ kind: "mlp", hidden: [30, 30] }, mnist), 24_790);
  assert.equal(count({ kind: "mlp", hidden: [800, 800] }, [784]), 1_276_810);
  assert.equal(count({ kind: "lenet" }, mnist), 61_706);
  // RepDistiller's resnet8x4 and He's 0.27 M (272,474 with 1x1 convolutions as shortcuts).
  assert.equal(count({ kind: "resnet", depth: 8, width: 4 }, [3, 32, 32], 100), 1_233_540);
  assert.equal(count({ kind: "resnet", depth: 20 }, [3, 32, 32]), 272_474);
  // torchvision's mobilenet_v2 and vit_b_16.
  assert.equal(count({ kind: "mobilenet" }, [3, 224, 224], 1000), 3_504_872);
  const base = { kind: "vit", patch: 16, dim: 768, depth: 12, heads: 12 } as const;
  assert.equal(count(base, [3, 224, 224], 1000), 86_567_656);
  for (const { spec, inputShape, classes, parameters } of fixture.known)
    assert.equal(count(spec, inputShape, classes), parameters, JSON.stringify(spec));
  for (const { depth, width, classes, parameters } of fixture.resnets)
    assert.equal(count({ kind: "resnet", depth, width }, [3, 32, 32], classes), parameters, `resnet${depth}x${width}`);
});

/** The formula's images, or the fixture's token ids over and over. */
function inputOf(f: Fixture, batch: number, dtype: "int32" | "int64" = "int64"): Tensor {
  const shape = [batch, ...f.inputShape];
  if (!f.tokens) return formulaInput(shape);
  const rows = f.tokens;
  return tensor(dtype, Array.from({ length: batch }, (_, i) => rows[i % rows.length] as number[]).flat(), shape);
}

function near(actual: number | undefined, expected: number, tolerance: number, what: string): void {
  const difference = Math.abs((actual ?? Number.NaN) - expected) / Math.max(1, Math.abs(expected));
  assert.ok(difference <= tolerance, `${what}: ${actual}, PyTorch gives ${expected}`);
}

/** The graph with the free batch fixed and its types inferred again by the builder. */
function forBatch(graph: Graph, batch: number): Graph {
  const b = createBuilder(graph.name);
  const input = graph.inputs[0];
  assert.ok(input?.shape);
  assert.equal(input.shape[0], "batch");
  const x = b.input(input.name, input.dtype, [batch, ...(input.shape.slice(1) as number[])]);
  const values = b.inline(graph, new Map([[input.name, x]]));
  for (const o of graph.outputs) {
    const value = values.get(o.name);
    assert.ok(value);
    b.output(value, o.name);
  }
  return b.build();
}

function close(actual: Float64Array | undefined, expected: readonly number[][], tolerance: number): void {
  expected.flat().forEach((e, k) => {
    const a = actual?.[k] ?? Number.NaN;
    assert.ok(Math.abs(a - e) <= tolerance * Math.max(1, Math.abs(e)), `logit ${k}: ${a}, PyTorch gives ${e}`);
  });
}
