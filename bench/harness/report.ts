/** docs/performance.md from the results. */
import type { RowResult } from "../rows/row.js";
import { spread } from "./format.js";
import type { StepResult } from "./results.js";
import type { Outcome } from "./rounds.js";
import { rowSection } from "./row-report.js";
import { geometricMean, lossDifference, pairedRatio, type Spread, spreadOf } from "./statistics.js";
import { SYSTEMS } from "./systems.js";

/** Losses of the compared steps may differ by so much: float32 sums in another order, grown over the steps. */
export const LOSS_TOLERANCE = 1e-3;

/** One system against limbeck on one workload. */
export interface Comparison {
  readonly workload: string;
  readonly system: string;
  readonly title: string;
  readonly milliseconds: Spread;
  /** Its time over limbeck's; null for limbeck itself, or without limbeck. */
  readonly ratio: Spread | null;
  readonly lossDifference: number;
  readonly peakBytes: number | null;
}

/** Every outcome beside limbeck's, in the order of the results. */
export function compareResults(results: readonly StepResult[]): Comparison[] {
  return results.flatMap((result) => {
    const ours = result.outcomes.find((o) => o.system === "limbeck");
    return result.outcomes.map((o) => compare(result.workload, o, ours));
  });
}

function compare(workload: string, outcome: Outcome, ours: Outcome | undefined): Comparison {
  return {
    workload,
    system: outcome.system,
    title: titleOf(outcome.system),
    milliseconds: spreadOf(outcome.milliseconds),
    ratio: ours && ours !== outcome ? pairedRatio(outcome.milliseconds, ours.milliseconds) : null,
    lossDifference: ours ? lossDifference(outcome.losses, ours.losses) : Number.NaN,
    peakBytes: outcome.peakBytes,
  };
}

/** The fastest eager PyTorch of every workload: what limbeck is measured by. */
export function bestTorch(comparisons: readonly Comparison[]): Comparison[] {
  const best = new Map<string, Comparison>();
  for (const c of comparisons) {
    if (c.system !== "torch" && c.system !== "torch-channels-last") continue;
    const known = best.get(c.workload);
    if (!known || c.milliseconds.median < known.milliseconds.median) best.set(c.workload, c);
  }
  return [...best.values()];
}

/** The page. Only what was measured is said; what is missing is named. */
export function performancePage(
  results: readonly StepResult[],
  names: readonly string[],
  rows: readonly RowResult[] = [],
): string {
  const comparisons = compareResults(results);
  const measured = new Set([...results.map((r) => r.workload), ...rows.map((r) => r.row)]);
  const missing = names.filter((n) => !measured.has(n));
  return [
    "# Performance",
    "",
    "Generated from bench/results by `npm run bench:report`; `npm run bench` measures (bench/README.md).",
    "",
    "Every system does the same work: the same initial weights, the same batches in the same order and the same",
    "objective (unless stated otherwise: cached teacher logits, T 4, alpha 0.9). Losses of the first steps must",
    `agree within ${LOSS_TOLERANCE}. Systems take turns. Times are medians over the turns, with the smallest and the largest`,
    "in parentheses; ratios are computed turn by turn. Memory is the peak resident set of the whole process.",
    "limbeck's step is its real training loop, including worker and batch transfer.",
    "",
    ...conditions(results),
    ...headline(comparisons),
    "![Step time of other systems relative to limbeck, by workload](images/performance.svg)",
    "",
    ...results.flatMap((r) => section(r, comparisons)),
    ...rows.flatMap(rowSection),
    ...(missing.length > 0 ? [`Not measured yet: ${missing.join(", ")}.`, ""] : []),
  ].join("\n");
}

/** Machine, versions and settings, each said once. */
function conditions(results: readonly StepResult[]): string[] {
  const lines = (values: string[]): string => [...new Set(values)].join("; ");
  if (results.length === 0) return ["Nothing has been measured yet.", ""];
  const versions = results.flatMap((r) => r.outcomes.map((o) => o.ready.version));
  return [
    `- machine: ${lines(results.map(({ machine: m }) => `${m.processor}, ${m.cores} cores, ${gib(m.memoryBytes)}, ${m.system}`))}`,
    `- versions: ${lines(versions)}; ${lines(results.flatMap((r) => r.outcomes.filter((o) => o.system === "limbeck").map((o) => o.ready.detail)))}`,
    `- threads per system: ${lines(results.map((r) => String(r.threads)))}`,
    `- turns: ${lines(results.map((r) => `${r.rounds} of ${r.seconds} s each`))}`,
    `- measured: ${lines(results.map((r) => `${r.date.slice(0, 10)} at commit ${r.commit ?? "unknown"}`))}`,
    "",
  ];
}

function headline(comparisons: readonly Comparison[]): string[] {
  const best = bestTorch(comparisons).filter((c) => c.ratio !== null);
  if (best.length === 0) return [];
  const ratios = best.map((c) => (c.ratio as Spread).median);
  const ahead = ratios.filter((r) => r >= 1).length;
  return [
    `Compared with the faster of PyTorch's memory formats, limbeck's step is ${geometricMean(ratios).toFixed(2)} times as`,
    `fast in geometric mean. It is at least as fast on ${ahead} of ${ratios.length} workloads.`,
    "",
  ];
}

function section(result: StepResult, comparisons: readonly Comparison[]): string[] {
  const rows = comparisons.filter((c) => c.workload === result.workload);
  return [
    `## ${result.workload}`,
    "",
    `${result.title}: ${result.describe}, ${result.parameters.toLocaleString("en")} parameters.`,
    "",
    "| system | ms per step | relative to limbeck | peak memory | losses differ by |",
    "|---|---|---|---|---|",
    ...rows.map(row),
    "",
    ...result.failures.flatMap((f) => [`${titleOf(f.system)} failed: ${f.error.split("\n").pop()}`, ""]),
  ];
}

function row(c: Comparison): string {
  const ratio = c.ratio ? spread(c.ratio, 2) : "1";
  const memory = c.peakBytes === null ? "unknown" : `${(c.peakBytes / 2 ** 20).toFixed(0)} MiB`;
  const alike = c.lossDifference <= LOSS_TOLERANCE;
  const loss = `${c.lossDifference.toExponential(1)}${alike ? "" : " (**too much**)"}`;
  return `| ${c.title} | ${spread(c.milliseconds, 3)} | ${ratio} | ${memory} | ${c.system === "limbeck" ? "" : loss} |`;
}

function titleOf(system: string): string {
  return SYSTEMS.find((s) => s.name === system)?.title ?? system;
}

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(0)} GiB`;

/** One line of a result for the terminal. */
export function resultLines(result: StepResult): string[] {
  return compareResults([result]).map((c) => {
    const ratio = c.ratio ? `, ${spread(c.ratio, 2)} times limbeck's` : "";
    const alike = c.lossDifference <= LOSS_TOLERANCE ? "" : ", WHICH IS NOT THE SAME WORK";
    return `  ${c.system.padEnd(20)} ${spread(c.milliseconds, 3)} ms${ratio}; losses differ by ${c.lossDifference.toExponential(1)}${alike}; ${((c.peakBytes ?? 0) / 2 ** 20).toFixed(0)} MiB`;
  });
}
