/** Words that the terminal and the report share. */
import { isImbalanced } from "../evaluate/chance.js";
import type { Comparison, ModelRow, Summary } from "../evaluate/summary.js";

export { noun } from "../../base/noun.js";

/** "top-5", or "top-k" if the summary does not record k. */
export function topKLabel(summary: Summary): string {
  const known = summary.models.find((m) => m.topK?.k !== undefined)?.topK?.k;
  return `top-${known ?? "k"}`;
}

/** The models of a comparison; null for ids that the summary does not contain. */
export function modelsOf(
  summary: Summary,
  comparison: Comparison,
): { student: ModelRow | null; baseline: ModelRow | null; teacher: ModelRow | null } {
  const find = (id: string | null): ModelRow | null => summary.models.find((m) => m.id === id) ?? null;
  return {
    student: find(comparison.student),
    baseline: find(comparison.baseline),
    teacher: find(comparison.teacher),
  };
}

/** The title of a comparison if a summary has several. */
export function titleOf(summary: Summary, comparison: Comparison): string {
  if (comparison.variant) return comparison.variant;
  if (summary.comparisons.length === 1) return "";
  return summary.strategy ? `${comparison.student} vs. its baseline` : summary.name;
}

/** Whether the test samples are spread so unevenly over the classes that accuracy alone misleads. */
export function isUneven({ models }: Summary): boolean {
  const scored = models.find((m) => m.perClass.length > 0);
  return scored !== undefined && isImbalanced(scored.perClass.map((c) => c.support));
}

/** Whether its sentence only mentions "distillation", so that a title must name the student. */
export function needsTitle({ sentence }: Comparison): boolean {
  return /^(Distillation|No baseline)\b/.test(sentence);
}
