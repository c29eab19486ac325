/** The comparison as a table for the terminal. */
import pc from "picocolors";
import type { ModelRow, Summary } from "../evaluate/summary.js";
import { maxOf } from "../../base/extremes.js";
import { shorten } from "./charts.js";
import { count, decimal, formatBytes, milliseconds, NONE, percent, spreadsSaid } from "./format.js";
import { omittedLines } from "./omitted.js";
import { robustnessLines } from "./robustness-text.js";
import { isUneven, needsTitle, noun, titleOf } from "./wording.js";

export { formatBytes } from "./format.js";

export interface TableOptions {
  readonly color: boolean;
}

interface Column {
  readonly head: string;
  readonly cell: (row: ModelRow) => string;
}

const GAP = 2;

/** Table, explanation of the spreads, training data of each model, and a verdict for every student. */
export function formatTable(summary: Summary, options: TableOptions): string {
  const colors = pc.createColors(options.color);
  const columns = columnsOf(summary);
  const rows = [columns.map((c) => c.head), ...summary.models.map((m) => columns.map((c) => c.cell(m)))];
  const widths = columns.map((_, c) => maxOf(rows.map((r) => (r[c] as string).length)));
  const line = (r: readonly string[]): string =>
    r
      .map((cell, c) => (c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number)))
      .join(" ".repeat(GAP));
  const paint = { teacher: colors.dim, student: colors.bold, baseline: (text: string) => text };
  const table = rows.map((r, i) => (i === 0 ? colors.bold : paint[summary.models[i - 1]?.role ?? "baseline"])(line(r)));
  const seen = summary.models.map((m) => `  ${m.name}: ${m.trainedOn}`);
  return [
    ...table,
    "",
    foot(summary),
    ...section(isUneven(summary) ? recallLines(summary) : []),
    "",
    "Training data:",
    ...seen,
    ...section(summary.robustness ? robustnessLines(summary.robustness) : []),
    ...section(summary.notes),
    ...section(omittedLines(summary)),
    ...section(verdicts(summary, colors)),
  ].join("\n");
}

function section(lines: readonly string[]): string[] {
  return lines.length > 0 ? ["", ...lines] : [];
}

function columnsOf(summary: Summary): Column[] {
  const some = (of: (row: ModelRow) => unknown): boolean => summary.models.some((m) => of(m) !== null);
  const columns: (Column | false)[] = [
    { head: "model", cell: (m) => m.name },
    { head: "parameters", cell: (m) => count(m.parameters) },
    { head: "file", cell: (m) => (m.fileBytes ? formatBytes(m.fileBytes) : NONE) },
    some((m) => m.accuracy) && { head: "accuracy", cell: (m) => percent(m.accuracy) },
    isUneven(summary) && { head: "balanced", cell: (m) => percent(m.balancedAccuracy ?? null) },
    ...(summary.models.some((m) => m.cosine)
      ? [{ head: "cosine", cell: (m: ModelRow) => decimal(m.cosine ?? null) }]
      : [
          { head: "agreement", cell: (m: ModelRow) => percent(m.agreement) },
          { head: "soft KL", cell: (m: ModelRow) => decimal(m.softKL) },
        ]),
    some((m) => m.ece) && { head: "ECE", cell: (m) => decimal(m.ece) },
    { head: "latency", cell: (m) => (m.latency ? milliseconds(m.latency.medianMs) : NONE) },
  ];
  return columns.filter((c): c is Column => c !== false);
}

/** Classes whose recall the terminal shows; of more, those with the fewest test samples. */
const MOST_RECALLS = 8;

/** Recall by class of every model, where accuracy alone misleads. */
function recallLines({ models, data, listedClasses }: Summary): string[] {
  const scored = models.filter((m) => m.perClass.length > 0);
  const rows = scored[0]?.perClass ?? [];
  const tested = [...rows.keys()].filter((c) => (rows[c]?.support ?? 0) > 0);
  const support = (c: number): number => rows[c]?.support ?? 0;
  const shown =
    tested.length <= MOST_RECALLS
      ? tested
      : [...tested].sort((a, b) => support(a) - support(b) || a - b).slice(0, MOST_RECALLS);
  const share = (m: ModelRow, c: number): string => `${(100 * (m.perClass[c]?.recall ?? 0)).toFixed(1)} %`;
  const table = [
    ["class", "samples", ...scored.map((m) => m.name)],
    ...shown.map((c) => [shorten(rows[c]?.class ?? "", 24), count(support(c)), ...scored.map((m) => share(m, c))]),
  ];
  const widths = (table[0] as string[]).map((_, c) => maxOf(table.map((r) => (r[c] as string).length)));
  const line = (r: readonly string[]): string =>
    `  ${r.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number))).join(" ".repeat(GAP))}`;
  const left = (listedClasses?.tested ?? tested.length) - shown.length;
  const where = listedClasses ? `${listedClasses.file} has all of them` : "summary.json has all of them";
  return [
    "Recall by class (balanced accuracy is its mean):",
    ...table.map(line),
    ...(left > 0 ? [`  ${count(left)} of ${count(data.classes.length)} classes are not shown; ${where}.`] : []),
  ];
}

function foot(summary: Summary): string {
  const spreads = spreadsSaid(summary.models.map((m) => m.seeds.length));
  const evaluated = `Evaluated once on ${noun(summary.data.counts.test, "test sample")}.`;
  return [evaluated, spreads, "Latency is the median at batch size 1."].filter(Boolean).join(" ");
}

function verdicts(summary: Summary, colors: ReturnType<typeof pc.createColors>): string[] {
  const paint = { helped: colors.green, harmed: colors.red, "no measurable difference": colors.yellow };
  return summary.comparisons.flatMap((c) => {
    const title = summary.strategy ? titleOf(summary, c) : c.variant;
    const prefix = title && needsTitle(c) ? `${title}: ` : "";
    const sentence = c.verdict ? paint[c.verdict](c.sentence) : c.sentence;
    return [`${prefix}${sentence}`, ...(c.advice ? [`  ${c.advice}`] : [])];
  });
}
