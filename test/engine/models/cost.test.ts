import assert from "node:assert/strict";
import { test } from "node:test";
import { countMacs } from "../../../src/engine/models/cost.js";
import { buildModel } from "../../../src/engine/models/model.js";
import type { ModelSpec } from "../../../src/engine/models/registry.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";

const macs = (spec: ModelSpec, inputShape: number[], classes = 10): number =>
  buildModel(spec, { inputShape, classes, seed: 0, initialiser: "zeros" }).macs;

test("a dense network costs its weights", () => {
  assert.equal(macs({ kind: "mlp", hidden: [30, 30] }, [1, 28, 28]), 784 * 30 + 30 * 30 + 30 * 10);
  assert.equal(macs({ kind: "mlp", hidden: [] }, [64]), 640);
});

test("a convolution costs its weights at every output position; groups divide it", () => {
  assert.equal(
    macs({ kind: "preset", name: "keras-student" }, [1, 28, 28]),
    14 * 14 * 16 * 9 + 7 * 7 * 32 * 16 * 9 + 1568 * 10,
  );
  const grouped: ModelSpec = { kind: "cnn", layers: [{ conv: 8, groups: 4, kernel: 3 }, { globalPool: "average" }] };
  assert.equal(macs(grouped, [4, 6, 6], 2), 6 * 6 * 8 * 1 * 9 + 16);
  // ResNet-20 on 32x32: 40.8 M multiply-adds without shortcuts, plus two 1x1 convolutions of 131,072 each.
  const stage = (size: number, from: number, to: number): number => size * size * 9 * (from * to + 5 * to * to);
  const blocks = stage(32, 16, 16) + stage(16, 16, 32) + stage(8, 32, 64);
  const shortcuts = 16 * 16 * 16 * 32 + 8 * 8 * 32 * 64;
  assert.equal(macs({ kind: "resnet", depth: 20 }, [3, 32, 32]), 32 * 32 * 27 * 16 + blocks + shortcuts + 640);
});

test("graphs with a numeric batch are counted per sample, MatMul and ConvTranspose too", () => {
  const b = createBuilder();
  const x = b.input("x", "float32", [5, 3, 4]);
  const w = b.initializer("w", { dtype: "float32", shape: [4, 7], data: new Float32Array(28) });
  b.output(b.op("MatMul", [x, w]), "y");
  assert.equal(countMacs(b.build()), 3 * 4 * 7);
  const c = createBuilder();
  const image = c.input("x", "float32", [2, 3, 4, 4]);
  const kernel = c.initializer("w", { dtype: "float32", shape: [3, 5, 2, 2], data: new Float32Array(60) });
  c.output(c.op("ConvTranspose", [image, kernel]), "y");
  assert.equal(countMacs(c.build()), 3 * 4 * 4 * 5 * 4);
});

test("a graph whose shapes nobody declared has no count", () => {
  const { graph } = buildModel({ kind: "mlp", hidden: [4, 4] }, { inputShape: [6], classes: 2, seed: 0 });
  assert.equal(countMacs({ ...graph, valueTypes: undefined }), undefined);
});
