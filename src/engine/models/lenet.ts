/** LeNet-5. LeCun et al., Proceedings of the IEEE 1998, figure 2. */
import { z } from "zod";
import { rate } from "../../base/schema-fields.js";
import type { Value } from "../graph/builder.js";
import type { ModelScope } from "../nn/scope.js";
import { cnn, type LayerList } from "./cnn.js";
import { builtModelEntry } from "./entry.js";
import { initialiser } from "./fields.js";
import { samplesMisfit } from "./misfit.js";

const schema = z.strictObject({
  kind: z.literal("lenet").describe("LeNet-5 (LeCun 1998) with ReLU"),
  dropout: rate.default(0).describe("After each hidden dense layer"),
  initialiser,
});

export const lenetModel = builtModelEntry({ kind: "lenet", schema, build: lenet });

/**
 * conv 6 5x5, pool, conv 16 5x5, pool, dense 120, dense 84, dense to the classes. As in today's common form: ReLU for
 * tanh, max pooling for trained subsampling, every feature map connected to every other. The original takes 32x32;
 * images under 32 pixels get two pixels of padding in the first convolution, which makes 28x28 the same from there on.
 * 61,706 parameters for one channel and ten classes.
 */
function lenet(scope: ModelScope, input: Value, classes: number, { dropout }: z.output<typeof schema>): Value {
  const [height = 0, width = 0] = input.shape.slice(2);
  const padding = Math.min(height, width) < 32 ? 2 : 0;
  if (input.shape.length !== 4 || Math.min(height, width) < 12) {
    throw samplesMisfit(input.shape, "images of at least 12x12 pixels for lenet", "Use cnn or mlp");
  }
  const list: LayerList = {
    layers: [
      { conv: 6, kernel: 5, padding, activation: "relu" },
      { maxPool: 2 },
      { conv: 16, kernel: 5, padding: "valid", activation: "relu" },
      { maxPool: 2 },
      { dense: 120, activation: "relu" },
      { dropout },
      { dense: 84, activation: "relu" },
      { dropout },
    ],
  };
  return cnn(scope, input, classes, list);
}
