import assert from "node:assert/strict";
import { test } from "node:test";
import { batchNorm, conv2d, dense, flatten } from "../../../src/engine/nn/layers.js";
import { ModelScope, type ScopeOptions } from "../../../src/engine/nn/scope.js";
import { createBuilder } from "../../../src/engine/ops/registry.js";
import { Random } from "../../../src/engine/random/random.js";

function small(options: Partial<ScopeOptions> = {}): ModelScope {
  const scope = new ModelScope(createBuilder(), { seed: 3, initialiser: "pytorch", ...options });
  let x = scope.builder.input("x", "float32", [1, 2, 4, 4]);
  for (let i = 0; i < 2; i++) {
    x = scope.layer("conv", () => {
      const y = conv2d(scope, x, 2, { bias: i === 1 });
      return scope.within("norm", () => batchNorm(scope, y));
    });
  }
  scope.within("head", () => dense(scope, flatten(scope, x), 3));
  return scope;
}

test("parameters and buffers are named by where they stand, in the order of creation", () => {
  const scope = small();
  assert.deepEqual(
    scope.parameters.map((p) => [p.name, p.shape, p.size]),
    [
      ["conv1/weight", [2, 2, 3, 3], 36],
      ["conv1/norm/scale", [2], 2],
      ["conv1/norm/bias", [2], 2],
      ["conv2/weight", [2, 2, 3, 3], 36],
      ["conv2/bias", [2], 2],
      ["conv2/norm/scale", [2], 2],
      ["conv2/norm/bias", [2], 2],
      ["head/weight", [3, 32], 96],
      ["head/bias", [3], 3],
    ],
  );
  assert.deepEqual(
    scope.buffers.map((b) => b.name),
    ["conv1/norm/mean", "conv1/norm/variance", "conv2/norm/mean", "conv2/norm/variance"],
  );
  assert.ok(scope.parameters.every((p) => p.trainable));
});

test("everything decays by default, as in PyTorch; the switch spares biases and norms", () => {
  assert.ok(small().parameters.every((p) => p.decay));
  assert.deepEqual(
    small({ decayAll: false })
      .parameters.filter((p) => p.decay)
      .map((p) => p.name),
    ["conv1/weight", "conv2/weight", "head/weight"],
  );
});

test("a start weight is a function of seed and name alone", () => {
  const scope = small();
  const start = (s: ModelScope, name: string): number[] => {
    const value = s.builder.find(name);
    assert.ok(value);
    return Array.from(s.builder.constantOf(value)?.data as Float32Array);
  };
  const random = new Random(3, "conv2/weight");
  const bound = 1 / Math.sqrt(18);
  start(scope, "conv2/weight").forEach((v, i) => {
    assert.equal(v, Math.fround(-bound + 2 * bound * random.uniform(i)));
  });
  assert.notDeepEqual(start(small({ seed: 4 }), "head/weight"), start(scope, "head/weight"));
  assert.notDeepEqual(start(scope, "conv1/weight"), start(scope, "conv2/weight"));
  assert.deepEqual(start(scope, "conv1/norm/variance"), [1, 1]);
  assert.deepEqual(start(scope, "conv1/norm/mean"), [0, 0]);
});
