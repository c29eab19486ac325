/** What a rule of the audit is, and how rules put names and shares into words. */
import type { DataFinding } from "../findings.js";
import type { Duplicates } from "./duplicates.js";
import type { Survey } from "./survey.js";

export interface AuditFacts extends Survey {
  readonly duplicates: Duplicates;
}

/** A rule: adding one means writing its file and one line in rules/index.ts. None of them changes anything. */
export type AuditRule = (facts: AuditFacts) => readonly DataFinding[];

/** Names in a sentence, and examples of a finding. */
const NAMED = 5;
const LONGEST = 60;

/** A few of many, for `DataFinding.examples`. */
export const fewOf = (names: readonly string[]): string[] => names.slice(0, NAMED).map(shortened);

/** `"a", "b" and 12 more`. @param total how many there are, if not all are given */
export function quotedList(names: readonly string[], total: number = names.length): string {
  const shown = fewOf(names).map((name) => `"${name}"`);
  const rest = total - shown.length;
  if (rest > 0) return `${shown.join(", ")} and ${rest.toLocaleString("en-US")} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
}

/** Cut in the middle: of a path, the end says most. */
export function shortened(name: string): string {
  const letters = [...name];
  if (letters.length <= LONGEST) return name;
  return `${letters.slice(0, LONGEST / 2 - 3).join("")}...${letters.slice(-LONGEST / 2).join("")}`;
}

/** 0.9134 -> "91.3 %"; what is not quite all or nothing is not rounded to it. */
export function shareOf(part: number, whole: number): string {
  const percent = (100 * part) / whole;
  const digits = percent > 99 || percent < 1 ? 2 : 1;
  const text = percent.toFixed(digits);
  return `${Number(text) === 100 && part < whole ? "more than 99.99" : text} %`;
}

/** A value of the data: "84,000", "0.125", "1.7e+9"; "-" without one. */
export function valueText(value: number | null): string {
  if (value === null) return "-";
  const size = Math.abs(value);
  // float32 has about seven digits.
  if (Number.isInteger(value) && size < 1e12) return Number(value.toPrecision(7)).toLocaleString("en-US");
  return size >= 1e-3 && size < 1e6
    ? Number(value.toPrecision(4)).toLocaleString("en-US", { maximumSignificantDigits: 4 })
    : value.toPrecision(3);
}
