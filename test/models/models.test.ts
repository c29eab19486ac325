/** Models against PyTorch with the same weights, in float64 (test/fixtures/models/models.py), and known sizes. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Graph } from "../../src/graph/types.js";
import { type BuiltModel, buildModel } from "../../src/models/model.js";
import type { ModelSpec } from "../../src/models/spec.js";
import { createBuilder } from "../../src/ops/registry.js";
import { assertInferredShapes, runInOnnxRuntime } from "../ops/support/onnxruntime.js";
import { evaluateReference } from "../ops/support/reference.js";
import { formulaInput, withFormula } from "./formula.js";

interface Fixture {
  readonly name: string;
  readonly spec: ModelSpec;
  readonly inputShape: number[];
  readonly classes: number;
  readonly state: string[];
  readonly parameters: number;
  readonly logits: number[][];
}

const fixture = JSON.parse(readFileSync("test/fixtures/models/models.json", "utf8")) as {
  readonly models: readonly Fixture[];
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
    const feeds = new Map([["input", formulaInput([2, ...f.inputShape])]]);
    close((await runInOnnxRuntime(graph, feeds)).get("logits")?.data, f.logits, 2e-5);
    // In float64 only rounding in the last places may differ; the larger ones would take seconds.
    if (model.macs < 500_000) close(evaluateReference(graph, feeds).get("logits")?.data, f.logits, 1e-9);
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
  for (const { depth, width, classes, parameters } of fixture.resnets)
    assert.equal(count({ kind: "resnet", depth, width }, [3, 32, 32], classes), parameters, `resnet${depth}x${width}`);
});

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
