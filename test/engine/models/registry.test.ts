/** A model that is registered from outside is one like the others, until it is taken away. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { buildModel } from "../../../src/engine/models/model.js";
import { modelFile, modelWithoutNoise, shortModelName } from "../../../src/engine/models/registry.js";
import { type BuiltModelEntry, Distiller, fromArrays, layers, parseRecipe, registerModel } from "../../../src/index.js";
import { widened } from "../../../src/run/pipeline/widths.js";
import { planOf } from "../../../src/run/recipe/load.js";

const schema = z.strictObject({
  kind: z.literal("bottleneck").describe("One narrow layer"),
  innerUnits: z.number().int().min(1).default(3).describe("Units of the narrow layer"),
  dropout: z.number().min(0).lt(1).default(0),
});

const bottleneck: BuiltModelEntry<typeof schema> = {
  kind: "bottleneck",
  schema,
  build(scope, input, classes, { innerUnits, dropout }) {
    const narrow = scope.within("narrow", () => layers.dense(scope, layers.flatten(scope, input), innerUnits));
    const kept = layers.dropout(scope, narrow, dropout);
    return scope.within("classifier", () => layers.dense(scope, kept, classes));
  },
  shortName: ({ innerUnits }) => `bottleneck-${innerUnits}`,
  widened: (settings, factor) => ({ ...settings, innerUnits: settings.innerUnits * factor }),
};

const recipe = (student: object): object => ({
  data: { source: "digits" },
  teacher: { file: "teacher.onnx" },
  student,
  training: { epochs: 1 },
});

test("a registered model is parsed, built and trained; taken away, it is unknown", async () => {
  const remove = registerModel(bottleneck);
  try {
    const written = parseRecipe(recipe({ kind: "bottleneck", inner_units: 5 }));
    assert.deepEqual(written.student, { kind: "bottleneck", inner_units: 5, dropout: 0 });
    const built = buildModel({ kind: "bottleneck" } as never, { inputShape: [1, 2, 4], classes: 2, seed: 0 });
    // 8 values to 3 units, 3 units to 2 classes, each layer with its biases.
    assert.equal(built.parameterCount, 8 * 3 + 3 + 3 * 2 + 2);
    assert.equal(built.describe, "bottleneck");
    const { student } = planOf(recipe({ kind: "bottleneck", inner_units: 5 }));
    assert.equal(shortModelName(student), "bottleneck-5");
    assert.deepEqual(widened(student, 2), { kind: "bottleneck", innerUnits: 10, dropout: 0 });
    assert.equal(modelFile(student), null);
    const distiller = new Distiller({ teacher: "none.onnx", student: { kind: "bottleneck" } as never, threads: 1 });
    distiller.compile({ alpha: 0, learningRate: 0.01 });
    const samples = Float32Array.from({ length: 64 * 4 }, (_, i) => ((i % 7) - 3) / 3);
    const labels = Array.from({ length: 64 }, (_, i) => i % 2);
    await distiller.fit(fromArrays({ samples, sampleShape: [4], labels }), { steps: 2, batchSize: 16 });
    assert.equal(distiller.student.parameters, 4 * 3 + 3 + 3 * 2 + 2);
    await distiller.dispose();
    assert.throws(() => registerModel(bottleneck), { code: "option-conflict", where: 'model "bottleneck"' });
  } finally {
    remove();
  }
  const unknown = { where: "student.kind", expected: /^mlp, cnn, .* or onnx$/ };
  assert.throws(
    () => parseRecipe(recipe({ kind: "bottleneck" })),
    (error: { details?: readonly { where: string; expected: string }[] }) => {
      assert.equal(error.details?.length, 1);
      assert.equal(error.details[0]?.where, unknown.where);
      assert.match(error.details[0].expected, unknown.expected);
      return true;
    },
  );
});

test("what a recipe says of a registered model is checked by its schema", () => {
  const remove = registerModel(bottleneck);
  try {
    assert.throws(() => parseRecipe(recipe({ kind: "bottleneck", inner_units: 0 })), /inner_units/);
    assert.throws(() => parseRecipe(recipe({ kind: "bottleneck", inner_unit: 4 })), /inner_units/);
  } finally {
    remove();
  }
});

test("a model without its noise has no dropout and no stochastic depth", () => {
  const calm = (student: object): unknown => modelWithoutNoise(planOf(recipe(student)).student);
  const resnet = { kind: "resnet", depth: 8, width: 1, initialiser: "pytorch" };
  assert.deepEqual(calm({ kind: "resnet", depth: 8, drop_path: 0.2 }), { ...resnet, dropout: 0, dropPath: 0 });
  assert.deepEqual(calm({ kind: "resnet", depth: 8, dropout: 0.2 }), { ...resnet, dropout: 0, dropPath: 0 });
  assert.equal(calm({ kind: "resnet", depth: 8 }), null);
  const layer = { dense: 4, bias: true, batchNorm: false, activation: "none" };
  assert.deepEqual(calm({ kind: "cnn", layers: [{ dropout: 0.5 }, { dense: 4 }] }), {
    kind: "cnn",
    layers: [layer],
    leakySlope: 0.2,
    initialiser: "pytorch",
  });
  assert.equal(calm({ kind: "cnn", layers: [{ dense: 4 }] }), null);
  assert.equal(calm({ kind: "onnx", file: "student.onnx" }), null);
});
