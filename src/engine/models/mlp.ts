/** Multi-layer perceptrons. */
import type { Value } from "../graph/builder.js";
import { activate } from "../nn/activations.js";
import { batchNorm, dense, dropout, flatten } from "../nn/layers.js";
import type { ModelScope } from "../nn/scope.js";
import type { MlpSpec } from "./spec.js";

/** input -> [dense, batch norm?, activation, dropout?] for each hidden layer -> dense to the classes. */
export function mlp(scope: ModelScope, input: Value, classes: number, spec: MlpSpec): Value {
  let x = flatten(scope, input);
  for (const units of spec.hidden) {
    x = scope.layer("hidden", () => {
      let y = dense(scope, x, units, { bias: !spec.batchNorm });
      if (spec.batchNorm) y = scope.within("norm", () => batchNorm(scope, y));
      y = activate(scope.builder, y, spec.activation ?? "relu", spec.leakySlope);
      return dropout(scope, y, spec.dropout ?? 0);
    });
  }
  return scope.within("classifier", () => dense(scope, x, classes));
}

/** "mlp 784-30-30-10, relu". */
export function describeMlp(spec: MlpSpec, features: number, classes: number): string {
  const extras = [
    spec.activation ?? "relu",
    ...(spec.batchNorm ? ["batch norm"] : []),
    ...(spec.dropout ? [`dropout ${spec.dropout}`] : []),
  ];
  return [`mlp ${[features, ...spec.hidden, classes].join("-")}`, ...(spec.hidden.length > 0 ? extras : [])].join(", ");
}
