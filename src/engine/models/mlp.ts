/** Multi-layer perceptrons. */
import { z } from "zod";
import { count, rate } from "../../base/schema-fields.js";
import { sizeOf } from "../graph/tensor.js";
import type { Value } from "../graph/builder.js";
import { activate } from "../nn/activations.js";
import { batchNorm, dense, dropout, flatten } from "../nn/layers.js";
import type { ModelScope } from "../nn/scope.js";
import { builtModelEntry } from "./entry.js";
import { activation, initialiser, leakySlope } from "./fields.js";

const schema = z.strictObject({
  kind: z.literal("mlp").describe("Dense layers"),
  hidden: z.array(count).describe("Units of each hidden layer; [] is a linear model"),
  activation: activation.default("relu"),
  leakySlope,
  batchNorm: z.boolean().default(false),
  dropout: rate.default(0),
  initialiser,
});
type MlpSettings = z.output<typeof schema>;

export const mlpModel = builtModelEntry({
  kind: "mlp",
  schema,
  build: mlp,
  describe: (settings, inputShape, classes) => describeMlp(settings, sizeOf(inputShape), classes),
  shortName: ({ hidden }) => (hidden.length > 0 ? `mlp-${hidden.join("-")}` : "linear"),
  widened: (settings, factor) =>
    settings.hidden.length === 0
      ? undefined
      : { ...settings, hidden: settings.hidden.map((units) => Math.max(1, Math.round(units * factor))) },
  grown: (settings, factor) =>
    settings.hidden.length === 0 ? { ...settings, hidden: [Math.max(1, Math.round(factor * factor))] } : undefined,
});

/** input -> [dense, batch norm?, activation, dropout?] for each hidden layer -> dense to the classes. */
function mlp(scope: ModelScope, input: Value, classes: number, spec: MlpSettings): Value {
  let x = flatten(scope, input);
  for (const units of spec.hidden) {
    x = scope.layer("hidden", () => {
      let y = dense(scope, x, units, { bias: !spec.batchNorm });
      if (spec.batchNorm) y = scope.within("norm", () => batchNorm(scope, y));
      y = activate(scope.builder, y, spec.activation, spec.leakySlope);
      return dropout(scope, y, spec.dropout);
    });
  }
  return scope.within("classifier", () => dense(scope, x, classes));
}

/** "mlp 784-30-30-10, relu". */
function describeMlp(spec: MlpSettings, features: number, classes: number): string {
  const extras = [
    spec.activation,
    ...(spec.batchNorm ? ["batch norm"] : []),
    ...(spec.dropout ? [`dropout ${spec.dropout}`] : []),
  ];
  return [`mlp ${[features, ...spec.hidden, classes].join("-")}`, ...(spec.hidden.length > 0 ? extras : [])].join(", ");
}
