/** Whole training steps of small models, and values to feed them. */
import { withNormalisation } from "../../src/engine/compile/normalise.js";
import { buildStep, type StepOptions } from "../../src/engine/compile/step.js";
import { sizeOf, tensor } from "../../src/engine/graph/tensor.js";
import type { Graph, Tensor } from "../../src/engine/graph/types.js";
import { buildModel, trainableModel } from "../../src/engine/models/model.js";
import type { ModelSpec } from "../../src/engine/models/registry.js";
import type { ObjectiveConfig } from "../../src/engine/objective/objective.js";
import { Random } from "../../src/engine/random/random.js";

/** A whole step of a model, before lowering. */
export function stepOf(
  spec: ModelSpec,
  inputShape: readonly number[],
  batch: number,
  further: Partial<Pick<StepOptions, "teacherFeatures">> & Pick<ObjectiveConfig, "terms"> = {},
): Graph {
  const model = trainableModel(buildModel(spec, { inputShape, classes: 5, seed: 3 }));
  const graph = withNormalisation(model.graph, model.inputs[0] as string, null, "float32");
  return buildStep({
    model: { ...model, graph },
    batch,
    inputs: [{ shape: inputShape, dtype: "float32" }],
    classes: 5,
    objective: {
      alpha: 0.5,
      studentLoss: { kind: "cross-entropy" },
      distillationLoss: { kind: "kd", temperature: 2 },
      terms: further.terms,
    },
    teacherKind: "logits",
    teacherFeatures: further.teacherFeatures,
  }).step;
}

export function feedsOf(graph: Graph): Map<string, Tensor> {
  return new Map(
    graph.inputs.map(({ name, dtype, shape }) => {
      const dims = shape as number[];
      const random = new Random(5, name);
      const values = Array.from({ length: sizeOf(dims) }, (_, i) => {
        const u = random.uniform(i);
        if (dtype === "int64") return Math.floor(5 * u);
        if (name.includes("variance") || name.startsWith("step/scalar")) return 0.5 + u;
        return name === "step/samples" || name === "step/teacher" ? 2 * u - 1 : (2 * u - 1) * 0.4;
      });
      return [name, tensor(dtype, values, dims)];
    }),
  );
}
