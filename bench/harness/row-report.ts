/** Rows of docs/performance.md that are not training steps. */
import type { Curve, Measurement, RowCase, RowResult } from "../rows/row.js";
import { figure, spread } from "./format.js";
import { pairedRatio, type Spread, spreadOf } from "./statistics.js";

/** A row's part of the page. */
export function rowSection(row: RowResult): string[] {
  const { machine: m } = row;
  const versions = [
    ...new Set([
      ...row.cases.flatMap((c) => c.measurements.map((x) => x.version)),
      ...(row.curves ?? []).map((c) => c.version),
    ]),
  ];
  return [
    `## ${row.row}`,
    "",
    `${row.title}.`,
    "",
    ...row.about,
    "",
    `- measured: ${row.date.slice(0, 10)} at commit ${row.commit ?? "unknown"}, ${row.rounds} ${row.rounds === 1 ? "round" : "rounds"}, ${row.threads} threads; \`${row.command}\``,
    `- machine: ${m.processor}, ${m.cores} cores, ${(m.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${m.system}`,
    `- versions: ${versions.join("; ")}`,
    "",
    ...row.cases.flatMap(caseTable),
    ...(row.curves ? [`![${row.title}](images/${row.row}.svg)`, "", ...curveTables(row.curves)] : []),
  ];
}

/** A table a chart: a line for every x, a column for every system. */
function curveTables(curves: readonly Curve[]): string[] {
  return [...new Set(curves.map((c) => c.chart))].flatMap((chart) => {
    const own = curves.filter((c) => c.chart === chart);
    const [first] = own as [Curve];
    const xs = [...new Set(own.flatMap((c) => c.points.map((p) => p.x)))].sort((a, b) => a - b);
    const value = (c: Curve, x: number): string => {
      const y = c.points.find((p) => p.x === x)?.y;
      return y === undefined ? "" : figure(y, 3);
    };
    return [
      `### ${chart}`,
      "",
      `| ${first.x} | ${own.map((c) => `${c.system}, ${first.y}`).join(" | ")} |`,
      `|---|${own.map(() => "---|").join("")}`,
      ...xs.map((x) => `| ${x.toLocaleString("en")} | ${own.map((c) => value(c, x)).join(" | ")} |`),
      "",
    ];
  });
}

function caseTable(part: RowCase): string[] {
  const parts = [...new Set(part.measurements.flatMap((m) => Object.keys(m.parts ?? {})))];
  const { compared } = part;
  const against = part.measurements.some((m) => m.system === "limbeck") && part.measurements.length > 1;
  const memory = part.measurements.some((m) => m.peakBytes !== null);
  const head = [
    "system",
    part.unit,
    ...(against ? ["speedup of limbeck"] : []),
    ...parts,
    ...(memory ? ["peak memory"] : []),
    ...(compared ? [`${compared.what} differ by`] : []),
  ];
  const line = (m: Measurement): string[] => [
    m.title,
    spread(spreadOf(m.values), 3),
    ...(against ? [ratioText(part, m)] : []),
    ...parts.map((p) => (m.parts?.[p] ? spread(spreadOf(m.parts[p] as number[]), 3) : "")),
    ...(memory ? [m.peakBytes === null ? "unknown" : `${(m.peakBytes / 2 ** 20).toFixed(0)} MiB`] : []),
    ...(compared ? [differenceText(m, compared.tolerance)] : []),
  ];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    `### ${part.name}`,
    "",
    `${part.title}.`,
    "",
    row(head),
    `|${head.map(() => "---|").join("")}`,
    ...part.measurements.map((m) => row(line(m))),
    "",
    ...howLines(part),
    ...part.absences.flatMap((a) => [`${a.title}: ${a.reason.split("\n").pop()}`, ""]),
  ];
}

/** What every system ran with; said once where it is the same for all. */
function howLines({ measurements }: RowCase): string[] {
  const details = new Set(measurements.map((m) => m.detail));
  if (details.size === 0) return [];
  if (details.size === 1) return [`With ${[...details][0]}.`, ""];
  return [...measurements.map((m) => `- ${m.title}: ${m.detail}`), ""];
}

/** How many times as fast limbeck is, round by round; null for limbeck, or without it. */
export function rowRatio(part: RowCase, other: Measurement): Spread | null {
  const ours = part.measurements.find((m) => m.system === "limbeck");
  if (!ours || ours === other || ours.values.length !== other.values.length) return null;
  return part.higher ? pairedRatio(ours.values, other.values) : pairedRatio(other.values, ours.values);
}

function ratioText(part: RowCase, m: Measurement): string {
  const ratio = rowRatio(part, m);
  if (ratio) return spread(ratio, 2);
  return m.system === "limbeck" ? "1" : "";
}

function differenceText({ difference }: Measurement, tolerance: number): string {
  if (difference === null) return "";
  return `${difference.toExponential(1)}${difference <= tolerance ? "" : " (**too much**)"}`;
}

/** Lines for the terminal. */
export function rowLines(row: RowResult): string[] {
  return row.cases.flatMap((part) => [
    `  ${row.row}, ${part.name}, ${part.unit}:`,
    ...part.measurements.map((m) => {
      const ratio = rowRatio(part, m);
      const parts = Object.entries(m.parts ?? {}).map(([name, values]) => `, ${name} ${spread(spreadOf(values), 3)}`);
      const against = ratio ? `, limbeck is faster by ${spread(ratio, 2)}` : "";
      const far = part.compared && m.difference !== null ? `, differs by ${m.difference.toExponential(1)}` : "";
      return `    ${m.title.padEnd(28)} ${spread(spreadOf(m.values), 3)}${against}${parts.join("")}${far}`;
    }),
    ...part.absences.map((a) => `    ${a.title}: ${a.reason.split("\n").pop()}`),
  ]);
}
