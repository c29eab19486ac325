/** Errors under corruptions: which corruptions hurt which model, and how quickly. */
import type { RobustnessRow, RobustnessSummary } from "../evaluate/robustness/types.js";
import type { Summary } from "../evaluate/summary.js";
import { maxOf, minOf } from "../../base/extremes.js";
import { COLOR, figure } from "./charts.js";
import { percentValue } from "./format.js";
import { type Markup, markup } from "./markup.js";
import { referenceSentence, robustnessRows, whatWasMeasured } from "./robustness-text.js";
import { noun } from "./wording.js";

export async function robustnessSection(summary: Summary): Promise<Markup | null> {
  const { robustness } = summary;
  if (!robustness || robustness.models.length === 0) return null;
  const shown = inCharts(robustness);
  const sentence = referenceSentence(robustness);
  return markup`<section id="robustness"><h2>Robustness</h2>
<p class="lead">Share of wrong answers when the test images are corrupted: ${whatWasMeasured(robustness)}, ${noun(robustness.samples, "sample")}
each, identical for every model (Hendrycks and Dietterich 2019; formulas in docs/robustness.md). ${sentence}</p>
<div class="charts">${await byCorruption(robustness, shown)}${robustness.severities.length > 1 && (await bySeverity(robustness, shown))}</div>
${table(robustness)}${robustness.notes.map((note) => markup`<p class="note">${note}</p>`)}</section>`;
}

/** One model per role: a chart of all variants would be unreadable. */
function inCharts({ models, reference }: RobustnessSummary): RobustnessRow[] {
  const first = (role: RobustnessRow["role"]): RobustnessRow | undefined =>
    models.find((m) => m.role === role && m.id === reference) ?? models.find((m) => m.role === role);
  return [first("teacher"), first("baseline"), first("student")].filter((m) => m !== undefined);
}

const legendOf = (models: readonly RobustnessRow[]): Record<string, string> =>
  Object.fromEntries(models.map((m) => [m.id, COLOR[m.role]]));

/** One row per corruption and one dot per model, sorted by the error of the last model (the student). */
function byCorruption({ corruptions }: RobustnessSummary, models: readonly RobustnessRow[]): Promise<Markup> {
  const worst = models[models.length - 1] as RobustnessRow;
  const error = (m: RobustnessRow, c: number): number => 100 * (m.errors[c]?.mean ?? 0);
  const order = corruptions.map((_, c) => c).sort((a, b) => error(worst, b) - error(worst, a));
  const dots = models.flatMap((m) =>
    corruptions.map((name, c) => ({ name, error: error(m, c), color: COLOR[m.role], tip: tip(m, name, error(m, c)) })),
  );
  const spans = corruptions.map((name, c) => {
    const all = models.map((m) => error(m, c));
    return { name, low: minOf(all), high: maxOf(all) };
  });
  const [hardest, mildest] = [order[0] as number, order[order.length - 1] as number];
  return figure({
    title: "Error by corruption, in %",
    description: `Mean over the severities. Most harmful for ${worst.id}: ${tip(worst, corruptions[hardest] as string, error(worst, hardest))}; least harmful: ${tip(worst, corruptions[mildest] as string, error(worst, mildest))}.`,
    height: 56 + 21 * corruptions.length,
    legend: legendOf(models),
    options: (plot) => ({
      marginLeft: 108,
      marginRight: 16,
      marginTop: 8,
      marginBottom: 40,
      x: { label: "wrong answers (%)", labelAnchor: "center", labelArrow: "none", grid: true, zero: true, nice: true },
      y: { type: "point", padding: 0.6, domain: order.map((c) => corruptions[c]), tickSize: 0, label: null },
      marks: [
        plot.ruleY(spans, { x1: "low", x2: "high", y: "name", stroke: COLOR.line, strokeWidth: 2 }),
        plot.dot(dots, { x: "error", y: "name", fill: "color", r: 4.5, title: "tip" }),
      ],
      color: { type: "identity" },
    }),
  });
}

const tip = (m: RobustnessRow, name: string, error: number): string => `${m.id}, ${name}: ${error.toFixed(1)} %`;

/** Mean error over the corruptions from clean images to the worst. */
function bySeverity({ severities }: RobustnessSummary, models: readonly RobustnessRow[]): Promise<Markup> {
  const points = models.flatMap((m) =>
    [0, ...severities].map((severity, s) => ({
      severity,
      error: 100 * (s === 0 ? m.clean.mean : meanAt(m, s - 1)),
      id: m.id,
      color: COLOR[m.role],
    })),
  );
  const end = (m: RobustnessRow): string =>
    `${m.id} from ${percentValue(m.clean)} to ${(100 * meanAt(m, severities.length - 1)).toFixed(1)} %`;
  return figure({
    title: "Mean error by severity, in %",
    description: `${models.map(end).join("; ")}.`,
    height: 300,
    legend: legendOf(models),
    options: (plot) => ({
      marginLeft: 44,
      marginRight: 16,
      marginTop: 12,
      marginBottom: 40,
      x: {
        label: "severity",
        labelAnchor: "center",
        labelArrow: "none",
        ticks: [0, ...severities],
        tickFormat: (v: number) => (v === 0 ? "clean" : String(v)),
        nice: false,
      },
      y: { label: null, grid: true, zero: true, nice: true },
      marks: [
        plot.lineY(points, { x: "severity", y: "error", z: "id", stroke: "color", strokeWidth: 2 }),
        plot.dot(points, { x: "severity", y: "error", fill: "color", r: 3.5 }),
      ],
      color: { type: "identity" },
    }),
  });
}

/** Mean over corruptions and seeds at one severity. */
function meanAt({ seeds }: RobustnessRow, severity: number): number {
  const all = seeds.flatMap(({ errors }) => errors.map((row) => row[severity] as number));
  return all.reduce((a, v) => a + v, 0) / all.length;
}

function table(robustness: RobustnessSummary): Markup {
  const [head = [], ...rows] = robustnessRows(robustness);
  const dots = robustness.models.map((m) => markup`<i class="dot" style="background:${COLOR[m.role]}"></i>`);
  return markup`<details open><summary>Every corruption</summary><div class="scroll" tabindex="0"><table class="errors"><thead><tr>${head.map((text, c) => markup`<th scope="col">${c > 0 && dots[c - 1]}${text}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => markup`<tr${["mean", "mCE"].includes(name ?? "") && markup` class="student"`}><th scope="row">${name}</th>${cells.map(cell)}</tr>`)}</tbody></table></div></details>`;
}

/** "12.3 ± 0.4 %", "12.3 % (12.1–12.5)": what the seeds say of it goes small. */
function cell(text: string): Markup {
  const [, value, said] = /^(\S+) (?:% )?(±.*|\(.*)$/.exec(text) ?? [];
  return markup`<td>${said === undefined ? text : markup`${value} %<small>${said}</small>`}</td>`;
}
