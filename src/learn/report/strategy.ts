/** What a strategy of several runs did: its hops, and for students of different sizes what accuracy costs. */
import { signed } from "../evaluate/sentence.js";
import type { HopSummary, ModelRow, Summary } from "../evaluate/summary.js";
import { maxOf, minOf } from "../../base/extremes.js";
import { noun } from "../../base/noun.js";
import { COLOR, figure } from "./charts.js";
import { count, duration, milliseconds, NONE, percentValue } from "./format.js";
import { type Markup, markup } from "./markup.js";

/** Its hops in order, each with its own report; null for a single run. */
export async function strategySection(summary: Summary, comparesSizes: boolean): Promise<Markup | null> {
  const { strategy } = summary;
  if (!strategy) return null;
  const charts = comparesSizes ? await fronts(summary, strategy.hops) : [];
  return markup`<section id="strategy"><h2>Strategy: ${strategy.kind}</h2>
<p class="lead">${noun(strategy.hops.length, "run")} in sequence, each with its own folder and report.
student.onnx is the student of <strong>${strategy.delivered.hop}</strong>: ${strategy.delivered.reason}.</p>
${charts.length > 0 && markup`<div class="charts">${charts}</div>`}
<div class="scroll" tabindex="0"><table class="stack"><thead><tr><th scope="col">hop</th><th scope="col">taught by</th>
<th scope="col">parameters</th><th scope="col">accuracy (%)</th><th scope="col">difference from baseline</th>
<th scope="col">time</th></tr></thead><tbody>${strategy.hops.map((hop) => hopLine(summary, hop))}</tbody></table></div></section>`;
}

function hopLine(summary: Summary, hop: HopSummary): Markup {
  const row = rowOf(summary, hop.student);
  const difference = hop.verdict === null || hop.points === null ? NONE : `${signed(hop.points)} (${hop.verdict})`;
  const report = `${encodeURI(hop.folder)}/report.html`;
  return markup`<tr><th scope="row"><a href="${report}">${hop.title}</a></th><td data-label="taught by">${hop.teacher ?? "labels alone"}</td>
<td data-label="parameters">${count(row?.parameters)}</td><td data-label="accuracy (%)">${percentValue(row?.accuracy ?? null)}</td>
<td data-label="difference from baseline">${difference}</td><td data-label="time">${duration(hop.seconds)}</td></tr>`;
}

const rowOf = (summary: Summary, id: string | null): ModelRow | undefined => summary.models.find((m) => m.id === id);

interface Step {
  readonly title: string;
  readonly role: "student" | "baseline" | "teacher";
  readonly cost: number;
  readonly accuracy: number;
  readonly low: number;
  readonly high: number;
}

/** Accuracy over size and over latency, students beside their baselines; the teacher is a line. */
async function fronts(summary: Summary, hops: readonly HopSummary[]): Promise<Markup[]> {
  const axes = [
    {
      title: "Accuracy by size",
      label: "parameters",
      of: (m: ModelRow) => m.parameters,
      say: count,
      ticks: "~s",
      joined: true,
    },
    {
      title: "Accuracy by latency",
      label: "latency at batch size 1 (ms)",
      of: (m: ModelRow) => m.latency?.medianMs ?? null,
      say: (ms: number) => milliseconds(ms),
      ticks: "~g",
      joined: false,
    },
  ];
  const charts: Markup[] = [];
  for (const axis of axes) {
    const steps = hops.flatMap((hop) => [
      ...stepOf(hop.title, "student", rowOf(summary, hop.student), axis.of),
      ...stepOf(hop.title, "baseline", rowOf(summary, hop.baseline), axis.of),
    ]);
    const teacher = summary.models.find((m) => m.role === "teacher")?.accuracy?.mean;
    if (steps.length > 1) charts.push(await front(axis, steps, teacher === undefined ? null : 100 * teacher));
  }
  return charts;
}

function stepOf(
  title: string,
  role: Step["role"],
  row: ModelRow | undefined,
  cost: (m: ModelRow) => number | null,
): Step[] {
  const value = row && cost(row);
  if (!row?.accuracy || !value) return [];
  const { mean, low, high } = row.accuracy;
  return [{ title, role, cost: value, accuracy: 100 * mean, low: 100 * (low ?? mean), high: 100 * (high ?? mean) }];
}

function front(
  axis: {
    readonly title: string;
    readonly label: string;
    readonly say: (cost: number) => string;
    /** As d3 formats numbers. */
    readonly ticks: string;
    readonly joined: boolean;
  },
  steps: readonly Step[],
  teacher: number | null,
): Promise<Markup> {
  const of = (role: Step["role"]): Step[] => steps.filter((s) => s.role === role).sort((a, b) => a.cost - b.cost);
  const [students, baselines] = [of("student"), of("baseline")];
  const told = (s: Step): string => `${s.title}, ${s.role}: ${s.accuracy.toFixed(1)} % at ${axis.say(s.cost)}`;
  const costs = steps.map((s) => s.cost);
  // Latencies of small models differ by noise: a line between them would say more than was measured.
  const [least, most] = [minOf(costs), maxOf(costs)];
  const wide = most > 3 * least;
  const legend: Record<string, string> = { student: COLOR.student };
  if (baselines.length > 0) legend["baseline (dashed)"] = COLOR.baseline;
  if (teacher !== null) legend["teacher (dotted)"] = COLOR.teacher;
  return figure({
    title: axis.title,
    description: steps.map(told).join("; "),
    height: 300,
    legend,
    options: (plot) => ({
      marginLeft: 48,
      marginRight: 32,
      marginBottom: 44,
      x: {
        type: wide ? "log" : "linear",
        inset: 16,
        label: axis.label,
        labelAnchor: "center",
        labelArrow: "none",
        ticks: 4,
        ...(wide ? { tickFormat: axis.ticks } : {}),
      },
      y: { label: "test accuracy (%)", labelArrow: "none", grid: true, nice: true, ticks: 6 },
      marks: [
        ...(teacher === null
          ? []
          : [plot.ruleY([teacher], { stroke: COLOR.teacher, strokeDasharray: "1 3", strokeWidth: 2 })]),
        ...(axis.joined
          ? [
              plot.line(baselines, { x: "cost", y: "accuracy", stroke: COLOR.baseline, strokeDasharray: "5 4" }),
              plot.line(students, { x: "cost", y: "accuracy", stroke: COLOR.student, strokeWidth: 2 }),
            ]
          : []),
        plot.ruleX(steps, { x: "cost", y1: "low", y2: "high", stroke: COLOR.muted }),
        plot.dot(baselines, { x: "cost", y: "accuracy", stroke: COLOR.baseline, r: 4, symbol: "square", title: told }),
        plot.dot(students, { x: "cost", y: "accuracy", fill: COLOR.student, r: 5, title: told }),
        plot.text(students, { x: "cost", y: "accuracy", text: "title", dy: -12, fill: COLOR.ink, fontSize: 10 }),
      ],
    }),
  });
}
