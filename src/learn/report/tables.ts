/** The head of the report: verdicts, key figures, the comparison and what each model had seen. */

import type { Aggregate } from "../evaluate/interval.js";
import { signed } from "../evaluate/sentence.js";
import type { Comparison, ModelRow, Summary } from "../evaluate/summary.js";
import { maxOf, minOf } from "../../base/extremes.js";
import { COLOR, figure, shorten } from "./charts.js";
import { count, duration, formatBytes, milliseconds, NONE, spread, spreadsSaid, times } from "./format.js";
import { type Markup, markup } from "./markup.js";
import { isUneven, modelsOf, noun, titleOf, topKLabel } from "./wording.js";

const SIGNS = { helped: "▲", harmed: "▼", "no measurable difference": "=" } as const;
const CLASS = { helped: "helped", harmed: "harmed", "no measurable difference": "neither" } as const;

/** One verdict for each student, and, with several, their intervals side by side. */
export async function verdictSection(summary: Summary): Promise<Markup> {
  const measured = summary.comparisons.filter((c) => typeof c.points === "number");
  const chart = measured.length > 0 ? await forest(summary, measured) : null;
  const n = summary.comparisons.length;
  return markup`<section id="verdict" class="verdicts${n === 1 ? " single" : n > 3 && " many"}">
<div>${summary.comparisons.map((c) => verdictItem(summary, c))}</div>${chart}</section>`;
}

function verdictItem(summary: Summary, comparison: Comparison): Markup {
  const { verdict, points, sentence, advice } = comparison;
  const title = titleOf(summary, comparison);
  const badge = verdict
    ? markup`<span class="badge ${CLASS[verdict]}"><span aria-hidden="true">${SIGNS[verdict]}</span> ${verdict}</span>`
    : markup`<span class="badge neither">${comparison.baseline === null ? "no baseline" : "cannot be judged"}</span>`;
  const figure =
    typeof points === "number" &&
    markup`<p class="points">${signed(points)} <small>points of test accuracy</small></p>`;
  return markup`<article class="verdict">${title && markup`<h2>${title}</h2>`}${badge}${figure}<p class="sentence">${sentence}</p>${advice && markup`<p class="advice">${advice}</p>`}</article>`;
}

/** Difference and 95 % interval of every comparison, around zero; its title stands above its line. */
function forest(summary: Summary, comparisons: readonly Comparison[]): Promise<Markup> {
  const rows = comparisons.map((c) => ({
    label: titleOf(summary, c),
    points: c.points ?? 0,
    low: c.low ?? c.points ?? 0,
    high: c.high ?? c.points ?? 0,
    color: c.verdict === "helped" ? "var(--helped)" : c.verdict === "harmed" ? "var(--harmed)" : "var(--muted)",
  }));
  const single = rows.length === 1;
  const label = (i: number): string => (single ? "" : shorten(rows[i]?.label ?? "", 60));
  const index = (_: unknown, i: number): number => i;
  const own = comparisons.every((c) => modelsOf(summary, c).baseline?.role === "baseline");
  const [lows, highs] = [rows.map((r) => r.low), rows.map((r) => r.high)];
  const [low, high] = [minOf(lows, 0), maxOf(highs, 0)];
  return figure({
    title: own ? "Student minus baseline" : "Difference within each comparison (first minus second)",
    description: rows
      .map(
        (r) =>
          `${r.label || "student"}: ${signed(r.points)} points, 95 % confidence interval ${signed(r.low)} to ${signed(r.high)}`,
      )
      .join("; "),
    height: 66 + (single ? 30 : 40) * rows.length,
    options: (plot) => ({
      marginLeft: 16,
      marginRight: 20,
      marginTop: 8,
      marginBottom: 40,
      x: {
        label: "points of test accuracy, 95 % confidence interval",
        labelAnchor: "center",
        labelArrow: "none",
        grid: true,
        nice: true,
        ticks: 6,
        domain: low === 0 && high === 0 ? [-1, 1] : [low, Math.max(0.001, high)],
        tickFormat: (v: number) => signed(v, Number.isInteger(v) ? 0 : 1),
      },
      y: { type: "point", padding: 0.5, domain: rows.map((_, i) => i), axis: null },
      marks: [
        plot.ruleX([0], { stroke: COLOR.ink, strokeWidth: 1.5 }),
        plot.ruleY(rows, { x1: "low", x2: "high", y: index, stroke: "color", strokeWidth: 3 }),
        plot.dot(rows, { x: "points", y: index, fill: "color", r: 5.5 }),
        plot.text(single ? [] : rows, {
          frameAnchor: "left",
          y: index,
          dy: -15,
          text: (_: unknown, i: number) => label(i),
          fill: COLOR.ink,
          stroke: "var(--bg)",
          strokeWidth: 4,
        }),
      ],
      color: { type: "identity" },
    }),
  });
}

/** The exported student and its teacher: the one that the strategy selected, or the first. */
function delivered(summary: Summary): { student: ModelRow | null; teacher: ModelRow | null } {
  const [comparison] = summary.comparisons;
  const hop = summary.strategy?.hops.find((h) => h.title === summary.strategy?.delivered.hop);
  if (!hop) return comparison ? modelsOf(summary, comparison) : { student: null, teacher: null };
  const find = (id: string | null): ModelRow | null => summary.models.find((m) => m.id === id) ?? null;
  return { student: find(hop.student), teacher: find(hop.teacher) };
}

/** Size and speed of the exported student, compared with its teacher. */
export function keyFigures(summary: Summary): Markup | null {
  const { student, teacher } = delivered(summary);
  if (!student) return null;
  const figures: [string, string][] = [];
  const vs = (label: string): string => (teacher ? `${label} (${teacher.name} ` : label);
  if (student.accuracy)
    figures.push([
      `${(100 * student.accuracy.mean).toFixed(1)} %`,
      `${vs(summary.strategy ? `test accuracy of ${student.name}` : "test accuracy")}${teacher?.accuracy ? `${(100 * teacher.accuracy.mean).toFixed(1)} %)` : teacher ? "unknown)" : ""}`,
    ]);
  else if (student.cosine)
    figures.push([student.cosine.mean.toFixed(3), "mean cosine with the teacher's outputs on the test samples"]);
  else if (student.agreement)
    figures.push([`${(100 * student.agreement.mean).toFixed(1)} %`, "agreement with the teacher on the test samples"]);
  if (student.parameters)
    figures.push(
      teacher?.parameters && teacher.parameters > student.parameters
        ? [
            `${times(teacher.parameters / student.parameters)}×`,
            `fewer parameters: ${count(student.parameters)} vs. ${count(teacher.parameters)}`,
          ]
        : [count(student.parameters), `${vs("parameters")}${teacher ? `${count(teacher.parameters)})` : ""}`],
    );
  if (student.fileBytes)
    figures.push([
      formatBytes(student.fileBytes),
      `${vs("ONNX file")}${teacher ? `${teacher.fileBytes ? formatBytes(teacher.fileBytes) : "unknown"})` : ""}`,
    ]);
  if (student.latency)
    figures.push([
      milliseconds(student.latency.medianMs),
      `${vs("median latency at batch size 1")}${teacher ? `${teacher.latency ? milliseconds(teacher.latency.medianMs) : "unknown"})` : ""}`,
    ]);
  return markup`<dl class="key">${figures.map(([value, label]) => markup`<div><dt>${label}</dt><dd>${value}</dd></div>`)}</dl>`;
}

interface Column {
  readonly head: string;
  readonly unit?: string;
  readonly cell: (m: ModelRow) => string | Markup;
}

/** Every model in one table. */
export function comparisonSection(summary: Summary): Markup {
  const columns = columnsOf(summary);
  const spreads = spreadsSaid(summary.models.map((m) => m.seeds.length));
  const k = topKLabel(summary);
  return markup`<section id="comparison"><h2>Comparison</h2>
<div class="scroll" tabindex="0"><table class="models stack"><thead><tr><th scope="col">Model</th>${columns.map((c) => markup`<th scope="col">${c.head}${c.unit && markup` <small>${c.unit}</small>`}</th>`)}</tr></thead>
<tbody>${summary.models.map((m) => markup`<tr class="${m.role}"><th scope="row"><i class="dot" style="background:${COLOR[m.role]}"></i>${m.name}<small>${m.architecture}</small></th>${columns.map((c) => markup`<td data-label="${c.unit ? `${c.head}, ${c.unit}` : c.head}">${c.cell(m)}</td>`)}</tr>`)}</tbody></table></div>
<p class="note">Evaluated once, at the end, on ${noun(summary.data.counts.test, "test sample")}.
${spreads ? `${spreads} ` : "With one seed, intervals are not available. "}${columns.some((c) => c.head === "Cosine") ? "Cosine: mean cosine between the outputs of the model and of the teacher." : "Agreement: share of test samples for which the model predicts the teacher's class."} ${isUneven(summary) && "Balanced accuracy: mean recall of the classes. "}Soft KL: KL(teacher ‖ model) at temperature 1. NLL: negative log-likelihood. ECE: expected calibration error, 15 bins. ${columns.some((c) => c.head === k) && `${capital(k)} accuracy: the label is among the ${likeliest(k)} most likely classes. `}Latency: median and 95th percentile at batch size 1.</p></section>`;
}

function columnsOf(summary: Summary): Column[] {
  const some = (of: (m: ModelRow) => unknown): boolean => summary.models.some((m) => of(m) !== null);
  const directed = some((m) => m.cosine ?? null);
  const columns: (Column | false)[] = [
    { head: "Parameters", cell: (m) => count(m.parameters) },
    { head: "File", cell: (m) => (m.fileBytes ? formatBytes(m.fileBytes) : NONE) },
    some((m) => m.accuracy) && { head: "Accuracy", unit: "%", cell: (m) => withSpread(m.accuracy, 100, 1) },
    isUneven(summary) && {
      head: "Balanced accuracy",
      unit: "%",
      cell: (m) => withSpread(m.balancedAccuracy ?? null, 100, 1),
    },
    some((m) => m.topK) && { head: topKLabel(summary), unit: "%", cell: (m) => withSpread(m.topK, 100, 1) },
    directed && { head: "Cosine", cell: (m) => withSpread(m.cosine ?? null, 1, 3) },
    !directed && { head: "Agreement", unit: "%", cell: (m) => withSpread(m.agreement, 100, 1) },
    !directed && { head: "Soft KL", unit: "nats", cell: (m) => withSpread(m.softKL, 1, 3) },
    some((m) => m.nll) && { head: "NLL", unit: "nats", cell: (m) => withSpread(m.nll, 1, 3) },
    some((m) => m.ece) && { head: "ECE", cell: (m) => withSpread(m.ece, 1, 3) },
    {
      head: "Latency",
      cell: (m) =>
        m.latency
          ? markup`${milliseconds(m.latency.medianMs)}<small>p95 ${milliseconds(m.latency.p95Ms)}</small>`
          : NONE,
    },
  ];
  return columns.filter((c): c is Column => c !== false);
}

/** "94.3 ± 0.4", with the spread in small print. */
function withSpread(value: Aggregate | null, scale: number, digits: number): Markup | string {
  if (!value) return NONE;
  const said = spread(value, scale, digits);
  return markup`${(scale * value.mean).toFixed(digits)}${said !== "" && markup`<small>${said}</small>`}`;
}

const WORDS: Readonly<Record<string, string>> = { "2": "two", "3": "three", "4": "four", "5": "five" };

/** "top-5" -> "five". */
const likeliest = (label: string): string => WORDS[label.slice(4)] ?? label.slice(4);

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** Training data of each model, how its weights were selected, and its training time. */
export function seenSection(summary: Summary): Markup {
  const row = (m: ModelRow): Markup => {
    const steps = [...new Set(m.seeds.map((s) => s.steps))];
    const trained = steps.some((s) => s > 0);
    const mean = m.seeds.reduce((a, s) => a + s.seconds, 0) / Math.max(1, m.seeds.length);
    const selections = [...new Set(m.seeds.map((s) => s.selection))];
    const each = selections.length > 1;
    return markup`<tr><th scope="row"><i class="dot" style="background:${COLOR[m.role]}"></i>${m.name}</th><td class="text" data-label="Trained on">${m.trainedOn}${m.objective && markup`<small>${m.objective}</small>`}</td><td class="text" data-label="Weights selected">${
      each
        ? markup`<details><summary>${selections[0]}, …</summary><ul>${m.seeds.map((s) => markup`<li>seed ${s.seed}: ${s.selection}</li>`)}</ul></details>`
        : (selections[0] ?? NONE)
    }</td><td data-label="Seeds">${m.seeds.map((s) => s.seed).join(", ")}</td><td data-label="Steps">${trained ? steps.map((s) => count(s)).join(", ") : NONE}</td><td data-label="Training time, mean">${trained ? duration(mean) : NONE}</td></tr>`;
  };
  return markup`<section id="seen"><h2>Training data</h2>
<div class="scroll" tabindex="0"><table class="stack"><thead><tr><th scope="col">Model</th><th scope="col" class="text">Trained on</th><th scope="col" class="text">Weights selected</th><th scope="col">Seeds</th><th scope="col">Steps</th><th scope="col">Training time <small>mean</small></th></tr></thead>
<tbody>${summary.models.map(row)}</tbody></table></div></section>`;
}
