/** The comparison as a table for the terminal. */
import pc from "picocolors";
import type { ModelRow, Summary } from "../evaluate/summary.js";
import type { Aggregate } from "../evaluate/interval.js";

const HEAD = ["model", "parameters", "file", "accuracy", "agreement", "soft KL", "ECE", "latency"];

const percent = (i: Aggregate | null): string =>
  i
    ? `${(100 * i.mean).toFixed(1)}${i.low !== null && i.high !== null ? ` ± ${(50 * (i.high - i.low)).toFixed(1)}` : ""} %`
    : "-";
const plain = (i: Aggregate | null, digits: number): string => (i ? i.mean.toFixed(digits) : "-");

/** 12345 -> "12.1 KB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] = bytes < 1024 ** 2 ? [bytes / 1024, "KB"] : [bytes / 1024 ** 2, "MB"];
  return `${value.toFixed(1)} ${unit}`;
}

function cells(row: ModelRow): string[] {
  return [
    row.name,
    row.parameters === null ? "-" : row.parameters.toLocaleString("en-US"),
    row.fileBytes ? formatBytes(row.fileBytes) : "-",
    percent(row.accuracy),
    percent(row.agreement),
    plain(row.softKL, 3),
    plain(row.ece, 3),
    row.latency ? `${row.latency.medianMs.toFixed(2)} ms` : "-",
  ];
}

/** Table, what the intervals are, and a verdict sentence for every student. */
export function formatTable(summary: Summary, options: { readonly color: boolean }): string {
  const colors = pc.createColors(options.color);
  const rows = [HEAD, ...summary.models.map(cells)];
  const widths = HEAD.map((_, c) => Math.max(...rows.map((r) => (r[c] as string).length)));
  const line = (r: readonly string[]): string =>
    r.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] as number) : cell.padStart(widths[c] as number))).join("  ");
  const table = rows.map((r, i) => (i === 0 ? colors.bold(line(r)) : line(r)));
  const seeds = Math.max(...summary.models.map((m) => m.seeds.length));
  const foot = `Test set of ${summary.data.counts.test} samples, read once${seeds > 1 ? `; mean ± 95 % interval over ${seeds} seeds` : ""}; latency at batch 1, median.`;
  const paint = { helped: colors.green, harmed: colors.red, "no measurable difference": colors.yellow };
  const verdicts = summary.comparisons.map(
    (c) => `${c.variant ? `${c.variant}: ` : ""}${c.verdict ? paint[c.verdict](c.sentence) : c.sentence}`,
  );
  const seen = summary.models.map((m) => `  ${m.name}: ${m.trainedOn}`);
  return [...table, "", foot, "", "What each had seen:", ...seen, "", ...summary.notes, ...verdicts].join("\n");
}
