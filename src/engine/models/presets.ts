/** Networks of known experiments, as layer lists. */
import { z } from "zod";
import { cnn, describeCnn, type LayerList, type LayerSpec } from "./cnn.js";
import { builtModelEntry } from "./entry.js";
import { initialiser } from "./fields.js";
import { modelOption } from "./misfit.js";

const schema = z.strictObject({
  kind: z.literal("preset"),
  name: z
    .enum(["keras-teacher", "keras-student", "fashion-teacher"])
    .describe("The models of Keras's distillation tutorial, or the Fashion-MNIST teacher of docs/results.md"),
  initialiser,
});
type PresetName = z.output<typeof schema>["name"];

export const presetModel = builtModelEntry({
  kind: "preset",
  schema,
  build: (scope, input, classes, { name }) => cnn(scope, input, classes, preset(name)),
  describe: ({ name }, _, classes) => `${name}: ${describeCnn(preset(name), classes)}`,
  graphName: ({ name }) => name,
  shortName: ({ name }) => name,
});

/**
 * The pair of Keras's distillation tutorial (keras.io/examples/vision/knowledge_distillation): conv 3x3 stride 2 same,
 * LeakyReLU 0.2, max pool 2x2 stride 1 same, conv 3x3 stride 2 same, flatten, dense.
 */
const keras = (first: number, second: number): LayerList => ({
  leakySlope: 0.2,
  layers: [
    { conv: first, kernel: 3, stride: 2, padding: "same", activation: "leaky-relu" },
    { maxPool: 2, stride: 1, padding: "same" },
    { conv: second, kernel: 3, stride: 2, padding: "same" },
    { flatten: true },
  ],
});

const block = (conv: number): LayerSpec => ({ conv, kernel: 3, padding: 1, batchNorm: true, activation: "relu" });

/** conv-BN-ReLU 32-32-pool-64-64-pool-128, global pooling, dense; convolutions before a batch norm have no bias. */
const fashionTeacher: LayerList = {
  layers: [
    block(32),
    block(32),
    { maxPool: 2 },
    block(64),
    block(64),
    { maxPool: 2 },
    block(128),
    { globalPool: "average" },
  ],
};

const PRESETS: Readonly<Record<PresetName, LayerList>> = {
  /** 1,433,610 parameters on 1x28x28, ten classes. */
  "keras-teacher": keras(256, 512),
  /** 20,490 parameters on 1x28x28, ten classes. */
  "keras-student": keras(16, 32),
  /** 140,458 parameters on one channel, ten classes. */
  "fashion-teacher": fashionTeacher,
};

/** The layer list behind a preset's name. */
function preset(name: PresetName): LayerList {
  const found: LayerList | undefined = PRESETS[name];
  if (!found) {
    throw modelOption("name", name, `one of ${Object.keys(PRESETS).join(", ")}`);
  }
  return found;
}
