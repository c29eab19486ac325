/** Errors under corruptions in words and tables for the terminal. */
import type { RobustnessSummary } from "../evaluate/robustness/types.js";
import { maxOf } from "../../base/extremes.js";
import { NONE, percent } from "./format.js";
import { noun } from "./wording.js";

/** "15 corruptions at severities 1 to 5". */
export function whatWasMeasured({ corruptions, severities }: RobustnessSummary): string {
  const [first, last] = [severities[0], severities[severities.length - 1]];
  const whole = severities.length === 5;
  const listed = severities.length === 1 ? `severity ${first}` : `severities ${severities.join(", ")}`;
  return `${noun(corruptions.length, "corruption")} at ${whole ? `severities ${first} to ${last}` : listed}`;
}

/** What mCE is relative to, and which corruptions it excludes; null without a reference. */
export function referenceSentence({ reference, leftOut }: RobustnessSummary): string | null {
  if (reference === null) return null;
  const without = leftOut.length > 0 ? `; ${leftOut.join(", ")} excluded, because it makes no errors there` : "";
  return `mCE is the error under corruptions relative to that of "${reference}"${without}.`;
}

/** One line per model, for the comparison after a run. */
export function robustnessLines(robustness: RobustnessSummary): string[] {
  const rows = robustness.models.map((m) => [
    `  ${m.id}:`,
    `error ${percent(m.clean)} clean, ${percent(m.meanError)} corrupted${m.mCE ? `, mCE ${percent(m.mCE)}` : ""}`,
  ]);
  const width = maxOf(rows.map(([name]) => (name as string).length));
  const sentence = referenceSentence(robustness);
  return [
    `Under ${whatWasMeasured(robustness)} (${noun(robustness.samples, "sample")}):`,
    ...rows.map(([name, text]) => `${(name as string).padEnd(width)} ${text}`),
    ...(sentence ? [`  ${sentence}`] : []),
    ...robustness.notes.map((note) => `  ${note}`),
  ];
}

/** Rows of a table with one column per model: clean, each corruption, their mean, mCE. The first row is the header. */
export function robustnessRows(robustness: RobustnessSummary): string[][] {
  const { models, corruptions } = robustness;
  return [
    ["error under", ...models.map((m) => m.id)],
    ["none (clean)", ...models.map((m) => percent(m.clean))],
    ...corruptions.map((name, c) => [name, ...models.map((m) => percent(m.errors[c] ?? null))]),
    ["mean", ...models.map((m) => percent(m.meanError))],
    ...(robustness.reference === null ? [] : [["mCE", ...models.map((m) => (m.mCE ? percent(m.mCE) : NONE))]]),
  ];
}
