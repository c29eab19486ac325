/** An exported model is counted as it was when it was built: weights here, batch norm's statistics there. */
import "../../../src/run/entries.js";
import assert from "node:assert/strict";
import { test } from "node:test";
import { exportModel } from "../../../src/engine/compile/export.js";
import { modelSize } from "../../../src/engine/compile/parameters.js";
import { planOf } from "../../../src/run/recipe/load.js";
import { buildModel, trainableModel } from "../../../src/engine/models/model.js";
import type { ModelInput, ModelPlan } from "../../../src/run/recipe/schema/schema.js";

const models: ModelInput[] = [
  { kind: "mlp", hidden: [16, 8], batch_norm: true, dropout: 0.2 },
  {
    kind: "cnn",
    layers: [
      { conv: 8, batch_norm: true, activation: "leaky-relu" },
      { max_pool: 2 },
      { flatten: true },
      { layer_norm: true },
    ],
  },
  { kind: "lenet" },
  { kind: "resnet", depth: 8, drop_path: 0.1 },
  { kind: "mobilenet", width: 0.5 },
  { kind: "vit", dim: 12, depth: 2, heads: 3 },
];

for (const student of models)
  test(`${student.kind}: parameters as built, statistics apart, the normalisation in front not at all`, () => {
    const recipe = planOf({
      data: { source: "digits" },
      student,
      training: { epochs: 1 },
      strategy: { kind: "teacher-free", distilled: false },
    } as never);
    const shape = { inputShape: [3, 32, 32], classes: 10, seed: 0, initialiser: "pytorch" } as const;
    const built = buildModel(recipe.student as Exclude<ModelPlan, { kind: "onnx" }>, shape);
    const normalisation = { scale: 1 / 255, mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.1] };
    const { graph } = exportModel(trainableModel(built), new Map(), {
      normalisation,
      classes: [],
      producerVersion: "",
    });
    const statistics = built.buffers.reduce((sum, b) => sum + b.size, 0);
    assert.deepEqual(modelSize(graph), { parameters: built.parameterCount, statistics });
  });

test("a convolution with batch norm, by hand", () => {
  const shape = { inputShape: [1, 8, 8], classes: 10, seed: 0, initialiser: "pytorch" } as const;
  const built = buildModel(
    {
      kind: "cnn",
      layers: [
        {
          conv: 4,
          kernel: 3,
          stride: 1,
          padding: "same",
          dilation: 1,
          groups: 1,
          bias: false,
          batchNorm: true,
          activation: "none",
        },
        { flatten: true },
      ],
      leakySlope: 0.2,
      initialiser: "pytorch",
    },
    shape,
  );
  const { graph } = exportModel(trainableModel(built), new Map(), {
    normalisation: null,
    classes: [],
    producerVersion: "",
  });
  // Filters, scale and shift, the dense layer; a mean and a variance a channel.
  assert.deepEqual(modelSize(graph), { parameters: 4 * 9 + 2 * 4 + 256 * 10 + 10, statistics: 2 * 4 });
});
