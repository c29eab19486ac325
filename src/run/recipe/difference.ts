/** Where two recipes differ, field by field, in words. Nothing here is Node's. */
import { noun } from "../../base/noun.js";

/** Fields named at most. */
const NAMED = 4;
/** Characters of a value shown at most. */
const SHOWN = 60;

/** A field that differs; undefined: the recipe does not have it. */
export interface Difference {
  readonly field: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** The fields in which plain data differs: innermost ones, but lists of other lengths as a whole. In the order of `after`. */
export function differences(before: unknown, after: unknown, field = ""): Difference[] {
  if (same(before, after)) return [];
  const [old, now] = [childrenOf(before), childrenOf(after)];
  if (!old || !now || (Array.isArray(before) && (!Array.isArray(after) || before.length !== after.length)))
    return [{ field, before, after }];
  const keys = [...new Set([...Object.keys(now), ...Object.keys(old)])];
  return keys.flatMap((key) => differences(old[key], now[key], field === "" ? key : `${field}.${key}`));
}

/** "training.steps: 1500 in the run, 2000 in the recipe", the first few of them, a line each. */
export function differencesSaid(found: readonly Difference[], before = "the run", after = "the recipe"): string {
  const lines = found
    .slice(0, NAMED)
    .map((d) => `  ${d.field}: ${shown(d.before)} in ${before}, ${shown(d.after)} in ${after}`);
  const more = found.length - lines.length;
  return [...lines, ...(more > 0 ? [`  and ${noun(more, "more field")}`] : [])].join("\n");
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function childrenOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
}

function shown(value: unknown): string {
  if (value === undefined) return "not given";
  const text = JSON.stringify(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 3)}...` : text;
}
