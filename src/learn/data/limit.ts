/** `data.limit`: a draw of the training part, which keeps its order and its classes. */
import { InputError } from "../../base/errors.js";
import { noun } from "../../base/noun.js";
import type { DataFinding } from "./findings.js";
import { countOf, drawPart } from "./made.js";
import type { RawPart } from "./source.js";
import { drawLimited } from "./stratify.js";

export interface LimitOptions {
  readonly limit?: number;
  readonly seed: number;
}

/** The samples that a limit leaves; null when it leaves all. @throws InputError when it is smaller than the number of classes */
export function limitedIndices(
  labels: readonly string[] | null,
  count: number,
  { limit, seed }: LimitOptions,
): Uint32Array | null {
  if (limit === undefined || limit >= count) return null;
  const kept = drawLimited(labels, count, limit, seed);
  if (kept) return kept;
  const classes = new Set(labels?.map((text) => text.trim()).filter(Boolean)).size;
  throw new InputError({
    code: "budget-invalid",
    where: "data.limit",
    found: `${noun(limit, "sample")} cannot hold one of each of ${noun(classes, "class")}`,
    expected: `at least ${classes}`,
    cure: "Raise it",
  });
}

export const limitFinding = (kept: number, count: number): DataFinding => ({
  code: "limit-drawn",
  level: "note",
  where: "data.limit",
  text: `${kept.toLocaleString("en-US")} of ${noun(count, "training sample")} are used, drawn by data.split.seed; ${(count - kept).toLocaleString("en-US")} are left out.`,
  count: count - kept,
});

/** A part within the limit. */
export function limitPart(
  part: RawPart,
  size: number,
  options: LimitOptions,
): { part: RawPart; findings: readonly DataFinding[] } {
  const count = countOf(part, size);
  const kept = limitedIndices(part.labels, count, options);
  return kept
    ? { part: drawPart(part, kept, size), findings: [limitFinding(kept.length, count)] }
    : { part, findings: [] };
}
