/** Losses of one's own in the objective of a `Distiller`. Nothing here is Node's. */
import { type ObjectiveConfig, objectiveNeeds, type TermConfig } from "../../engine/objective/objective.js";
import type { CustomLoss } from "../../engine/objective/custom.js";
import type { CompileOptions } from "./options.js";

/** Puts losses of one's own where the checked objective cannot have them. */
export function withCustomLosses(
  objective: ObjectiveConfig,
  distillation: CustomLoss | undefined,
  terms: NonNullable<CompileOptions["terms"]>,
): ObjectiveConfig {
  const checked = [...(objective.terms ?? [])];
  const merged = terms.map((t): TermConfig => {
    if (!("loss" in t)) return checked.shift() as TermConfig;
    const { loss, ...settings } = t;
    return { ...settings, kind: "custom", definition: loss };
  });
  const built: ObjectiveConfig = {
    ...objective,
    ...(distillation ? { distillationLoss: { kind: "custom", definition: distillation } } : {}),
    ...(merged.length > 0 ? { terms: merged } : {}),
  };
  objectiveNeeds(built);
  return built;
}

/** The objective as plain data, for a fingerprint: a loss of one's own counts by its source and version. */
export function identityOf(objective: ObjectiveConfig): unknown {
  return JSON.parse(
    JSON.stringify(objective, (_, value: unknown) => (typeof value === "function" ? String(value) : value)),
  );
}
