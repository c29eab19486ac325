/** The report of a sweep: its best combination, a heat map of two fields, the score along each number, and every row. */
import { stringify } from "yaml";
import type { SweepField, SweepRow, SweepSummary } from "../evaluate/sweep.js";
import { maxOf, minOf } from "../../base/extremes.js";
import { noun } from "../../base/noun.js";
import { COLOR, figure, shorten } from "./charts.js";
import { auditSection } from "./data.js";
import { count, duration, NONE, percentValue, said } from "./format.js";
import { type Markup, markup, raw } from "./markup.js";
import { policy } from "./policy.js";
import { STYLE } from "./style.js";

/** @returns an HTML document without any external reference and without scripts */
export async function renderSweep(summary: SweepSummary): Promise<string> {
  const { name, limbeck, description } = summary;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy("")}">
<title>${name}: sweep report</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<div class="page">
<header><p class="kicker">limbeck sweep report</p><h1>${name}</h1>${description && markup`<p class="description">${description}</p>`}</header>
<main>${warnings(summary)}${best(summary)}${await maps(summary)}${await alongNumbers(summary)}${table(summary)}${summary.audit && auditSection(summary.audit)}${recipe(summary)}</main>
<footer>Made by limbeck ${limbeck} in ${duration(summary.durationSeconds)}: ${summary.command}. All figures are in sweep.json next to this file.</footer>
</div>
</body>
</html>
`.text;
}

function warnings({ warnings: list }: SweepSummary): Markup | null {
  if (list.length === 0) return null;
  return markup`<div class="warnings" role="note"><h2>Warnings</h2><ul>${list.map((w) => markup`<li>${w}</li>`)}</ul></div>`;
}

function best({ rows, metric, validationSamples, seeds, rungs, teacher }: SweepSummary): Markup {
  const [first] = rows as [SweepRow];
  const halving =
    rungs.length > 1
      ? ` Successive halving in ${noun(rungs.length, "rung")}: ${rungs.map((r) => `${r.combinations} with ${share(r.budget)} of the budget`).join(", then ")}.`
      : "";
  return markup`<section id="best"><h2>Best combination</h2>
<p class="points">${percentValue(first.score)} % <small>validation ${metric}</small></p>
<pre>${first.set.map((s) => `--set ${s}`).join("\n")}</pre>
<p class="lead">Best of ${noun(rows.length, "combination")} on ${noun(validationSamples, "validation sample")} from the training data, as a mean
over ${noun(seeds.length, "seed")}. Teacher: ${teacher}.${halving} The best score of many is optimistic. For a fair figure, run
<code>limbeck distill best.yaml</code>: it evaluates on the test samples, which this sweep did not use.</p></section>`;
}

const share = (budget: number): string => (budget === 1 ? "all" : `1/${Math.round(1 / budget)}`);

interface Cell {
  readonly x: string;
  readonly y: string;
  readonly row: SweepRow;
}

/** The first two grid fields with more than one value; of what else was varied, the best. */
async function maps(summary: SweepSummary): Promise<Markup | null> {
  const [across, down, ...rest] = summary.fields
    .filter((f) => f.kind === "grid" && f.values.length > 1)
    // The longer one goes across.
    .sort((a, b) => b.values.length - a.values.length);
  if (!across || !down) return null;
  const cells = new Map<string, Cell>();
  for (const row of summary.rows) {
    const [x, y] = [said(row.values[across.path]), said(row.values[down.path])];
    const key = JSON.stringify([x, y]);
    // Rows come best first.
    if (!cells.has(key)) cells.set(key, { x, y, row });
  }
  const others = [...rest, ...summary.fields.filter((f) => f.kind === "random")];
  const note = `Validation ${summary.metric} in %. The best cell is framed.${others.length > 0 ? ` Each cell is the best over ${others.map((f) => f.path).join(", ")}.` : ""}${summary.rungs.length > 1 ? " Figures in italics were measured with part of the budget." : ""}`;
  return markup`<section id="map"><h2>${across.path} and ${down.path}</h2><p class="lead">${note}</p>
${await heat(summary, across, down, [...cells.values()])}</section>`;
}

/** Opacity by score: of one hue, so that it reads without colour, and every cell carries its figure. */
function strengthOf(scores: readonly number[]): (score: number) => number {
  const sorted = [...scores].sort((a, b) => a - b);
  const top = sorted[sorted.length - 1] as number;
  const middle = sorted[Math.floor(sorted.length / 2)] as number;
  // One hopeless value must not make all the others look alike.
  const bottom = Math.max(sorted[0] as number, top - 4 * (top - middle || top - (sorted[0] as number)));
  return (score) => (top > bottom ? 0.06 + 0.94 * Math.max(0, (score - bottom) / (top - bottom)) : 0.5);
}

function heat(
  { metric, rungs }: SweepSummary,
  across: SweepField,
  down: SweepField,
  cells: readonly Cell[],
): Promise<Markup> {
  const scores = cells.flatMap((c) => (c.row.score ? [c.row.score.mean] : []));
  const strength = strengthOf(scores);
  const of = (c: Cell): number => (c.row.score ? strength(c.row.score.mean) : 0);
  const whole = (c: Cell): boolean => c.row.rung === rungs.length;
  const text = (c: Cell): string => (c.row.score ? (100 * c.row.score.mean).toFixed(1) : "failed");
  const say = (c: Cell): string => `${across.path} ${c.x}, ${down.path} ${c.y}: ${text(c)}`;
  const winner = cells.find((c) => c.row.rank === 1);
  const [xs, ys] = [across.values.map(said), down.values.map(said)];
  const longest = maxOf(ys.map((y) => Math.min(y.length, 24)));
  const marginLeft = 48 + 7 * longest;
  const cellWidth = Math.max(64, Math.min(150, 16 + 7 * maxOf(xs.map((x) => x.length))));
  const axis = { type: "band", labelArrow: "none", tickSize: 0, padding: 0.04 } as const;
  const styles = [
    { list: cells.filter(whole), fontStyle: "normal" },
    { list: cells.filter((c) => !whole(c)), fontStyle: "italic" },
  ];
  return figure({
    title: `Validation ${metric} (%)`,
    description: cells.map(say).join("; "),
    width: marginLeft + cellWidth * xs.length + 20,
    height: 76 + 38 * ys.length,
    options: (plot) => ({
      marginLeft,
      marginBottom: 44,
      marginTop: 30,
      x: { ...axis, domain: xs, label: across.path, labelAnchor: "center", tickFormat: (x: string) => shorten(x, 20) },
      y: { ...axis, domain: ys, label: down.path, labelAnchor: "top", tickFormat: (y: string) => shorten(y, 24) },
      marks: [
        plot.cell(cells, {
          x: "x",
          y: "y",
          fill: (c: Cell) => (c.row.score ? "var(--heat)" : "var(--cell-muted)"),
          fillOpacity: (c: Cell) => (c.row.score ? of(c) : 1),
          rx: 2,
          title: say,
        }),
        plot.cell(winner ? [winner] : [], { x: "x", y: "y", fill: "none", stroke: COLOR.ink, strokeWidth: 2.5, rx: 2 }),
        ...styles.map(({ list, fontStyle }) =>
          plot.text(list, {
            x: "x",
            y: "y",
            text,
            fontSize: 12,
            fontStyle,
            fill: (c: Cell) => (of(c) > 0.75 ? "var(--on-heat)" : "var(--ink)"),
            pointerEvents: "none",
          }),
        ),
      ],
      color: { type: "identity" },
      opacity: { type: "identity" },
    }),
  });
}

/** For each field of numbers the scores over its values. */
async function alongNumbers(summary: SweepSummary): Promise<Markup | null> {
  const fields = summary.fields.filter(
    (f) => new Set(f.values).size > 1 && f.values.every((v) => typeof v === "number"),
  );
  if (fields.length === 0) return null;
  const charts = await Promise.all(fields.map((field) => along(summary, field)));
  return markup`<section id="fields"><h2>Field by field</h2>
<p class="lead">Each dot is one combination; the other fields vary. The filled dot is the best.</p>
<div class="charts">${charts}</div></section>`;
}

function along(summary: SweepSummary, { path, values, range }: SweepField): Promise<Markup> {
  const points = summary.rows.flatMap(({ values: own, score, rank, set }) =>
    score
      ? [{ x: own[path] as number, y: 100 * score.mean, rank, title: `${set.join(" ")}: ${percentValue(score)} %` }]
      : [],
  );
  const numbers = values as readonly number[];
  const [least, most] = [minOf(numbers), maxOf(numbers)];
  const distinct = [...new Set(numbers)];
  const wide = least > 0 && (most >= 8 * least || Boolean(range?.startsWith("log")));
  return figure({
    title: path,
    description: `validation ${summary.metric} over ${path}; best at ${points.find((p) => p.rank === 1)?.x}`,
    height: 240,
    options: (plot) => ({
      marginLeft: 48,
      marginBottom: 42,
      marginTop: 26,
      marginRight: 24,
      x: {
        type: wide ? "log" : "linear",
        inset: 12,
        label: path,
        labelAnchor: "center",
        labelArrow: "none",
        ticks: !range && distinct.length <= 8 ? distinct : 5,
        tickFormat: "~g",
      },
      y: { label: `validation ${summary.metric} (%)`, labelArrow: "none", ticks: 5, grid: true, nice: true },
      marks: [
        plot.dot(
          points.filter((p) => p.rank > 1),
          { x: "x", y: "y", stroke: COLOR.student, strokeWidth: 1.5, r: 4, title: "title" },
        ),
        plot.dot(
          points.filter((p) => p.rank === 1),
          { x: "x", y: "y", fill: COLOR.student, r: 6, title: "title" },
        ),
      ],
    }),
  });
}

function table({ fields, rows, metric, seeds, rungs }: SweepSummary): Markup {
  const head = ["rank", ...fields.map((f) => f.path), `${metric} (%)`];
  const line = (
    row: SweepRow,
  ): Markup => markup`<tr${row.rank === 1 && markup` class="student"`}><th scope="row">${row.rank}</th>
${fields.map((f) => markup`<td>${said(row.values[f.path])}</td>`)}<td>${percentValue(row.score)}${row.error && markup`<small>${shorten(row.error, 120)}</small>`}</td>
${seeds.length > 1 && row.seeds.map((s) => markup`<td>${s.score === null ? NONE : (100 * s.score).toFixed(1)}</td>`)}
<td>${count(row.parameters)}</td><td>${count(row.seeds[0]?.steps)}</td>${rungs.length > 1 && markup`<td>${row.rung}</td>`}</tr>`;
  return markup`<section id="table"><h2>All combinations</h2><p class="lead">With several seeds, scores have the 95 % confidence interval of the mean.</p>
<div class="scroll" tabindex="0"><table><thead><tr>${head.map((h) => markup`<th scope="col">${h}</th>`)}
${seeds.length > 1 && seeds.map((s) => markup`<th scope="col">seed ${s}</th>`)}<th scope="col">parameters</th><th scope="col">steps</th>
${rungs.length > 1 && markup`<th scope="col">rung</th>`}</tr></thead><tbody>${rows.map(line)}</tbody></table></div></section>`;
}

function recipe({ recipe: swept }: SweepSummary): Markup {
  return markup`<section id="recipe"><h2>Recipe</h2><details><summary>The recipe of this sweep, with all defaults</summary>
<pre>${stringify(swept, { lineWidth: 120 })}</pre></details></section>`;
}
