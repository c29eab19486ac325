/** The comparison as a table for the terminal. */
import pc from "picocolors";
import type { ModelRow, Summary } from "../evaluate/summary.js";
import { maxOf } from "../extremes.js";
import { count, decimal, formatBytes, milliseconds, NONE, percent, spreadsSaid } from "./format.js";
import { omittedLines } from "./omitted.js";
import { robustnessLines } from "./robustness-text.js";
import { needsTitle, noun, titleOf } from "./wording.js";

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
    { head: "agreement", cell: (m) => percent(m.agreement) },
    { head: "soft KL", cell: (m) => decimal(m.softKL) },
    some((m) => m.ece) && { head: "ECE", cell: (m) => decimal(m.ece) },
    { head: "latency", cell: (m) => (m.latency ? milliseconds(m.latency.medianMs) : NONE) },
  ];
  return columns.filter((c): c is Column => c !== false);
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
