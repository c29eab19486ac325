/** The same architecture, wider or narrower. */
import { InputError } from "../../base/errors.js";
import type { ModelPlan } from "../recipe/schema/schema.js";

/**
 * Multiplies units, filters or the width of a model.
 * @throws InputError for a model that has no width
 */
export function widened(model: ModelPlan, width: number): ModelPlan {
  const times = (n: number): number => Math.max(1, Math.round(n * width));
  switch (model.kind) {
    case "mlp":
      if (model.hidden.length === 0) break;
      return { ...model, hidden: model.hidden.map(times) };
    case "cnn":
      return {
        ...model,
        layers: model.layers.map((layer) => {
          if ("dense" in layer) return { ...layer, dense: times(layer.dense) };
          if (!("conv" in layer)) return layer;
          if (layer.groups > 1)
            throw new InputError({
              code: "option-conflict",
              where: "strategy.widths",
              found: "a grouped convolution has no width of its own",
              cure: "List the students in strategy.models",
            });
          return { ...layer, conv: times(layer.conv) };
        }),
      };
    case "resnet":
    case "mobilenet":
      return { ...model, width: model.width * width };
    case "vit":
    case "text-encoder":
      // The width stays a multiple of the heads.
      return { ...model, dim: model.heads * Math.max(1, Math.round((model.dim * width) / model.heads)) };
  }
  throw new InputError({
    code: "option-conflict",
    where: "strategy.widths",
    found: `a student of the kind ${model.kind} has no width to multiply`,
    cure: "List the students in strategy.models",
  });
}
