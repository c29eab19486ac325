/** Layers and activations against PyTorch in float64 (test/fixtures/nn/layers.py). */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Value } from "../../../src/engine/graph/builder.js";
import { tensor } from "../../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../../src/engine/graph/types.js";
import { ACTIVATION_NAMES, activate } from "../../../src/engine/nn/activations.js";
import {
  averagePool,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePool,
  layerNorm,
  maxPool,
} from "../../../src/engine/nn/layers.js";
import { ModelScope } from "../../../src/engine/nn/scope.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { formulaInput, withFormula } from "../models/formula.js";
import { assertInferredShapes, runInOnnxRuntime } from "../ops/support/onnxruntime.js";

const LAYERS = {
  averagePool,
  batchNorm,
  conv2d,
  dense,
  dropout,
  flatten,
  globalAveragePool,
  layerNorm,
  maxPool,
} as const;

interface Case {
  readonly layer: keyof typeof LAYERS;
  readonly inputShape: number[];
  readonly first: number | null;
  readonly options: object;
  readonly shape: number[];
  readonly output: number[];
}

const fixture = JSON.parse(readFileSync("test/fixtures/nn/layers.json", "utf8")) as {
  readonly cases: readonly Case[];
  readonly points: number[];
  readonly activations: Readonly<Record<string, number[]>>;
};

/** Start values are overwritten by the formula's. */
const scopeOf = (): ModelScope => new ModelScope(createBuilder("layer"), { seed: 0, initialiser: "pytorch" });

for (const { layer, inputShape, first, options, shape, output } of fixture.cases) {
  test(`${layer} ${first ?? ""} ${JSON.stringify(options)} of [${inputShape}]`, async () => {
    const scope = scopeOf();
    const x = scope.builder.input("x", "float32", inputShape);
    const build = LAYERS[layer] as (s: ModelScope, x: Value, ...rest: unknown[]) => Value;
    const y = scope.within("layer", () => build(scope, x, ...(first === null ? [] : [first]), options));
    assert.deepEqual([...y.shape], shape);
    scope.builder.output(y, "y");
    const state = [...scope.parameters, ...scope.buffers].map((p) => p.name);
    const graph = withFormula(scope.builder.build(), state);
    await assertInferredShapes(graph);
    close(await run(graph, formulaInput(inputShape)), output, 3e-6);
  });
}

test("every activation is PyTorch's", async () => {
  assert.deepEqual([...ACTIVATION_NAMES].sort(), Object.keys(fixture.activations).sort());
  for (const name of ACTIVATION_NAMES) {
    const scope = scopeOf();
    const x = scope.builder.input("x", "float32", [fixture.points.length]);
    scope.builder.output(activate(scope.builder, x, name, 0.2), "y");
    close(await run(scope.builder.build(), tensor("float32", fixture.points)), fixture.activations[name] ?? [], 1e-6);
  }
});

async function run(graph: Graph, x: Tensor): Promise<Float64Array> {
  const y = (await runInOnnxRuntime(graph, new Map([["x", x]]))).get("y");
  assert.ok(y);
  return y.data;
}

function close(actual: Float64Array, expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((e, k) => {
    const a = actual[k] as number;
    assert.ok(Math.abs(a - e) <= tolerance * Math.max(1, Math.abs(e)), `element ${k}: ${a}, PyTorch gives ${e}`);
  });
}

test("what a layer cannot take is refused by name", () => {
  const scope = scopeOf();
  const flat = scope.builder.input("flat", "float32", [1, 8]);
  const image = scope.builder.input("image", "float32", [1, 3, 4, 4]);
  assert.throws(() => conv2d(scope, flat, 4), { code: "option-invalid", found: /\[batch, 8\]/, expected: /images/ });
  assert.throws(() => dense(scope, image, 4), { code: "option-invalid", found: /\[batch, 3, 4, 4\]/, cure: /latten/ });
  assert.throws(() => maxPool(scope, flat, 2), { code: "option-invalid", found: /pooling/, expected: /images/ });
  assert.throws(() => globalAveragePool(scope, flat), { code: "option-invalid", expected: /images/ });
  assert.throws(() => conv2d(scope, image, 4, { groups: 2 }), {
    code: "option-invalid",
    where: 'layer at "image"',
    found: /2 groups .* 3 /,
  });
  assert.throws(() => dropout(scope, flat, 1), { code: "option-invalid", where: "dropout", found: /rate of 1/ });
});
