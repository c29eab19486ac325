/** The comparison as a table for the terminal. */
import pc from "picocolors";
import type { ModelRow, Summary } from "../evaluate/summary.js";
import { count, decimal, formatBytes, milliseconds, NONE, percent } from "./format.js";
import { noun, topKLabel } from "./wording.js";

export { formatBytes } from "./format.js";

export interface TableOptions {
  readonly color: boolean;
  /** Columns of the terminal; columns that do not fit are left out, the least important first. Default: unlimited. */
  readonly width?: number;
}

interface Column {
  readonly head: string;
  readonly cell: (row: ModelRow) => string;
  /** The lowest leaves first. */
  readonly importance: number;
}

const GAP = 2;

/** Table, what the intervals are, what each model had seen, and a verdict sentence for every student. */
export function formatTable(summary: Summary, options: TableOptions): string {
  const colors = pc.createColors(options.color);
  const columns = fitting(columnsOf(summary), summary.models, options.width ?? Number.POSITIVE_INFINITY);
  const rows = [columns.map((c) => c.head), ...summary.models.map((m) => columns.map((c) => c.cell(m)))];
  const widths = columns.map((_, c) => Math.max(...rows.map((r) => (r[c] as string).length)));
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
    "What each had seen:",
    ...seen,
    ...section(summary.notes),
    ...section(verdicts(summary, colors)),
  ].join("\n");
}

function section(lines: readonly string[]): string[] {
  return lines.length > 0 ? ["", ...lines] : [];
}

function columnsOf(summary: Summary): Column[] {
  const some = (of: (row: ModelRow) => unknown): boolean => summary.models.some((m) => of(m) !== null);
  const columns: (Column | false)[] = [
    { head: "model", cell: (m) => m.name, importance: 10 },
    { head: "parameters", cell: (m) => count(m.parameters), importance: 8 },
    { head: "file", cell: (m) => (m.fileBytes ? formatBytes(m.fileBytes) : NONE), importance: 4 },
    some((m) => m.accuracy) && { head: "accuracy", cell: (m) => percent(m.accuracy), importance: 9 },
    some((m) => m.topK) && { head: topKLabel(summary), cell: (m) => percent(m.topK), importance: 1 },
    { head: "agreement", cell: (m) => percent(m.agreement), importance: 6 },
    { head: "soft KL", cell: (m) => decimal(m.softKL), importance: 3 },
    some((m) => m.ece) && { head: "ECE", cell: (m) => decimal(m.ece), importance: 2 },
    { head: "latency", cell: (m) => (m.latency ? milliseconds(m.latency.medianMs) : NONE), importance: 5 },
  ];
  return columns.filter((c): c is Column => c !== false);
}

function fitting(columns: readonly Column[], models: readonly ModelRow[], width: number): Column[] {
  const size = (c: Column): number => Math.max(c.head.length, ...models.map((m) => c.cell(m).length)) + GAP;
  const kept = [...columns];
  while (kept.length > 2 && kept.reduce((sum, c) => sum + size(c), -GAP) > width) {
    const least = kept.reduce((a, b) => (b.importance < a.importance ? b : a));
    kept.splice(kept.indexOf(least), 1);
  }
  return kept;
}

function foot(summary: Summary): string {
  const seeds = Math.max(1, ...summary.models.map((m) => m.seeds.length));
  const intervals = seeds > 1 ? `; mean ± half of the 95 % interval over ${noun(seeds, "seed")}` : "";
  return `Test set of ${noun(summary.data.counts.test, "sample")}, read once${intervals}; latency at batch 1, median.`;
}

function verdicts(summary: Summary, colors: ReturnType<typeof pc.createColors>): string[] {
  const paint = { helped: colors.green, harmed: colors.red, "no measurable difference": colors.yellow };
  return summary.comparisons.flatMap((c) => {
    const prefix = c.variant ? `${c.variant}: ` : "";
    const sentence = c.verdict ? paint[c.verdict](c.sentence) : c.sentence;
    return [`${prefix}${sentence}`, ...(c.advice ? [`  ${c.advice}`] : [])];
  });
}
