/** A model between student and teacher: what an assistant would be. */
import { InputError } from "../../base/errors.js";
import { isFileModel, modelEntry } from "../../engine/models/registry.js";
import type { ModelPlan } from "../../run/recipe/schema/schema.js";
import { modelSchema } from "../../run/recipe/schema/schema.js";
import { widened } from "../../run/pipeline/widths.js";

/** Widths tried at most: an assistant is at most so much wider than the student. */
const WIDEST = 64;
const HALVINGS = 16;

/**
 * The student's architecture, widened until it has about so many parameters.
 * @param countParameters parameters of a model
 * @returns null for an architecture that has no width
 */
export function assistantOf(
  student: ModelPlan,
  parameters: number,
  countParameters: (model: ModelPlan) => number,
): ModelPlan | null {
  const entry = modelEntry(student.kind);
  const grown = (width: number): ModelPlan | undefined =>
    isFileModel(entry) ? undefined : (entry.grown?.(student, width) as ModelPlan | undefined);
  const wider = (width: number): ModelPlan => grown(width) ?? widened(student, Number(width.toPrecision(3)));
  try {
    let [low, high] = [1, 2];
    while (high < WIDEST && countParameters(wider(high)) < parameters) high *= 2;
    for (let i = 0; i < HALVINGS; i++) {
      const middle = (low + high) / 2;
      if (countParameters(wider(middle)) < parameters) low = middle;
      else high = middle;
    }
    return wider(high);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

/** A model as a recipe would say it: without the fields that are as they are by default. JSON, which is YAML too. */
export function writtenModel(model: ModelPlan): string {
  const whole = JSON.stringify(model);
  let short: Record<string, unknown> = { ...model };
  for (const key of Object.keys(model)) {
    const { [key]: _, ...without } = short;
    const parsed = modelSchema().safeParse(without);
    if (parsed.success && sameFields(parsed.data, model)) short = without;
  }
  const parsed = modelSchema().safeParse(short);
  return parsed.success && sameFields(parsed.data, model) ? JSON.stringify(short) : whole;
}

/** Equal whatever the order of their fields. */
function sameFields(a: object, b: object): boolean {
  const sorted = (o: object): string => JSON.stringify(Object.entries(o).sort(([x], [y]) => x.localeCompare(y)));
  return sorted(a) === sorted(b);
}
