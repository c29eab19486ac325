/** Delivers the chosen student of several, with the report over all of them. */
import type { Summary } from "../../learn/evaluate/summary.js";
import type { RunContext } from "../folder/context.js";
import { type DeliveredModel, deliverWithReport } from "../folder/deliver.js";
import type { DistillResult } from "../pipeline/one-shot.js";

/** @param chosen the exported model that becomes student.onnx */
export async function deliverChosen(
  context: RunContext,
  chosen: string,
  found: Summary,
  others: readonly DeliveredModel[] = [],
): Promise<DistillResult> {
  const { plan, loaded } = context;
  const { model, ...delivered } = await deliverWithReport(context, {
    models: [{ name: "student.onnx", file: chosen }, ...others],
    expects: plan.export.raw ? loaded.normalisation : null,
    summary: found,
  });
  return { ...delivered, student: model };
}
