/** The same architecture, wider or narrower. */
import { InputError } from "../../base/errors.js";
import { isFileModel, modelEntry } from "../../engine/models/registry.js";
import type { ModelPlan } from "../recipe/schema/schema.js";

/**
 * Multiplies units, filters or the width of a model.
 * @throws InputError for a model that has no width
 */
export function widened(model: ModelPlan, width: number): ModelPlan {
  const entry = modelEntry(model.kind);
  const wider = isFileModel(entry) ? undefined : entry.widened?.(model, width);
  if (typeof wider === "object") return wider as ModelPlan;
  throw new InputError({
    code: "option-conflict",
    where: "strategy.widths",
    found: wider ?? `a student of the kind ${model.kind} has no width to multiply`,
    cure: "List the students in strategy.models",
  });
}
