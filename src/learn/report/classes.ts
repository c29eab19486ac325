/** Class by class: where the student gained over its baseline, and what it takes for what. */

import { type ConfusedPairs, pairsOf } from "../evaluate/class-counts.js";
import { signed } from "../evaluate/sentence.js";
import type { ClassRow, Comparison, ListedClasses, ModelRow, Summary } from "../evaluate/summary.js";
import { maxOf, minOf } from "../../base/extremes.js";
import { COLOR, figure, type HeatCell, heatMap, shorten } from "./charts.js";
import { NONE } from "./format.js";
import { confusedTable, extremeTables, leftOutSaid } from "./many-classes.js";
import { type Markup, markup } from "./markup.js";
import { modelsOf, noun, titleOf } from "./wording.js";

/** Classes that a bar chart shows; of more, the best and the worst. */
const MOST_BARS = 30;
/** Confusions that stand open; the others fold. */
const OPEN = 1;
/** Cells of all matrices together; the confusions beyond are tables of the most frequent errors. */
const MOST_CELLS = 25_000;

/** Per-class gains (or recalls, without a baseline) and the table behind them. */
export async function classesSection(summary: Summary): Promise<Markup | null> {
  const { listedClasses: listed } = summary;
  const charts: Markup[] = [];
  const tables: Markup[] = [];
  for (const comparison of summary.comparisons) {
    const { student, baseline, teacher } = modelsOf(summary, comparison);
    if (!student || student.perClass.length === 0) continue;
    const title = titleOf(summary, comparison);
    charts.push(
      baseline && baseline.perClass.length > 0
        ? await gainsChart(student, baseline, title, listed)
        : await recallChart(student, teacher, title, listed),
    );
    if (listed) tables.push(extremeTables({ student, baseline, teacher }, title));
    tables.push(perClassTable({ student, baseline, teacher }, title, listed));
  }
  if (charts.length === 0) return null;
  return markup`<section id="classes"><h2>Class by class</h2>
<p class="lead">Recall is the share of a class's test samples that the model classifies correctly, as a mean over the seeds. Single classes
have few samples, so differences of one or two points are noise.</p>${listed && leftOutSaid(listed)}
<div class="charts">${charts}</div>${tables}</section>`;
}

interface Bar {
  readonly name: string;
  readonly points: number;
  readonly tip: string;
}

/** What a student's recall gained over its baseline's, class by class, the best first. */
function gainsOf(student: ModelRow, baseline: ModelRow, listed: ListedClasses | undefined): Bar[] {
  return student.perClass
    .filter((c) => !listed || c.support > 0)
    .map((c) => {
      const i = student.perClass.indexOf(c);
      const before = baseline.perClass[i]?.recall ?? 0;
      const points = 100 * (c.recall - before);
      const tip = `${c.class}: ${signed(points)} points (${percent(before)} to ${percent(c.recall)})`;
      return { name: c.class, points, tip };
    })
    .sort((a, b) => b.points - a.points);
}

/** From the lowest to the highest bar or zero, with room for their figures. */
function domainOf(bars: readonly Bar[]): [number, number] {
  const points = bars.map((b) => b.points);
  const [low, high] = [minOf(points, 0), maxOf(points, 0)];
  const room = 0.16 * Math.max(high - low, 1);
  return [low < 0 ? low - room : 0, high > 0 ? high + room : 0.001];
}

/** Class names may repeat once cut short: bars are placed by index, not by name. */
function gainsChart(
  student: ModelRow,
  baseline: ModelRow,
  title: string,
  listed: ListedClasses | undefined,
): Promise<Markup> {
  const all = gainsOf(student, baseline, listed);
  const bars = extremes(all);
  const left = (listed?.tested ?? all.length) - bars.length;
  const label = (i: number): string => shorten(bars[i]?.name ?? "", 18);
  const index = (_: Bar, i: number): number => i;
  const longest = maxOf(bars.map((_, i) => label(i).length));
  // Another student in the baseline's place: nothing was gained by distillation there.
  const own = baseline.role === "baseline";
  const [first, second] = own ? ["student", "baseline"] : [student.name, baseline.name];
  return figure({
    title: `${own ? "Recall gained by distillation" : "Difference in recall"}${title && `: ${title}`}`,
    description: `From ${bars[0]?.tip} down to ${bars[bars.length - 1]?.tip}.${left > 0 ? ` ${noun(left, "class")} in between are not shown.` : ""}`,
    height: 52 + 20 * bars.length,
    legend: { [`${first} better`]: COLOR.student, [`${second} better`]: COLOR.baseline },
    options: (plot) => ({
      marginLeft: 14 + 7 * longest,
      marginTop: 8,
      marginBottom: 40,
      marginRight: 14,
      x: {
        label: `${first} minus ${second} (points)${left > 0 ? `, ${noun(left, "class")} in between not shown` : ""}`,
        labelArrow: "none",
        labelAnchor: "center",
        domain: domainOf(bars),
        grid: true,
        ticks: 6,
        tickFormat: (v: number) => signed(v, Number.isInteger(v) ? 0 : 1),
      },
      y: { domain: bars.map((_, i) => i), tickFormat: label, tickSize: 0, label: null, padding: 0.25 },
      marks: [
        plot.barX(bars, {
          x: "points",
          y: index,
          fill: (b: Bar) => (b.points >= 0 ? COLOR.student : COLOR.baseline),
          title: "tip",
        }),
        ...[1, -1].map((side) =>
          plot.text(bars, {
            x: "points",
            y: index,
            text: (b: Bar) => (b.points >= 0 === side > 0 ? signed(b.points) : ""),
            textAnchor: side > 0 ? "start" : "end",
            dx: 4 * side,
            fontSize: 10.5,
            fill: COLOR.muted,
          }),
        ),
        plot.ruleX([0], { stroke: COLOR.muted }),
      ],
      color: { type: "identity" },
    }),
  });
}

function recallChart(
  student: ModelRow,
  teacher: ModelRow | null,
  title: string,
  listed: ListedClasses | undefined,
): Promise<Markup> {
  const all = student.perClass
    .map((c, i) => ({
      name: c.class,
      student: 100 * c.recall,
      teacher: 100 * (teacher?.perClass[i]?.recall ?? Number.NaN),
      support: c.support,
    }))
    .filter((c) => !listed || c.support > 0)
    .sort((a, b) => b.student - a.student);
  // Of classes that are not all listed, those with the lowest recall and the largest ones are.
  const rows = listed ? all.slice(-MOST_BARS / 2) : extremes(all);
  const left = (listed?.tested ?? all.length) - rows.length;
  const label = (i: number): string => shorten(rows[i]?.name ?? "", 18);
  const index = (_: unknown, i: number): number => i;
  const withTeacher = rows.every((r) => Number.isFinite(r.teacher));
  return figure({
    title: `Recall by class${title && `: ${title}`}`,
    description: `Student: from ${rows[0]?.student.toFixed(1)} % (${rows[0]?.name}) down to ${rows[rows.length - 1]?.student.toFixed(1)} % (${rows[rows.length - 1]?.name}).`,
    height: 52 + 20 * rows.length,
    legend: withTeacher ? { student: COLOR.student, teacher: COLOR.teacher } : { student: COLOR.student },
    options: (plot) => ({
      marginLeft: 14 + 7 * maxOf(rows.map((_, i) => label(i).length)),
      marginTop: 8,
      marginBottom: 40,
      marginRight: 16,
      x: {
        label: `recall (%)${left > 0 ? `, ${noun(left, "class")} ${listed ? "with more recall" : "in between"} not shown` : ""}`,
        labelArrow: "none",
        labelAnchor: "center",
        grid: true,
        nice: true,
        ticks: 6,
      },
      y: { domain: rows.map((_, i) => i), tickFormat: label, tickSize: 0, label: null },
      marks: [
        plot.ruleY(withTeacher ? rows : [], {
          x1: "student",
          x2: "teacher",
          y: index,
          stroke: COLOR.line,
          strokeWidth: 3,
        }),
        plot.dot(withTeacher ? rows : [], { x: "teacher", y: index, fill: COLOR.teacher, r: 4 }),
        plot.dot(rows, { x: "student", y: index, fill: COLOR.student, r: 4.5 }),
      ],
    }),
  });
}

function extremes<T>(sorted: readonly T[]): readonly T[] {
  if (sorted.length <= MOST_BARS) return sorted;
  return [...sorted.slice(0, MOST_BARS / 2), ...sorted.slice(-MOST_BARS / 2)];
}

function percent(share: number | undefined): string {
  return share === undefined ? "-" : `${(100 * share).toFixed(1)} %`;
}

function perClassTable(
  { student, baseline, teacher }: { student: ModelRow; baseline: ModelRow | null; teacher: ModelRow | null },
  title: string,
  listed: ListedClasses | undefined,
): Markup {
  const whose = listed ? `the ${noun(listed.indices.length, "class")} that matter most` : "every class";
  const value = (share: number | undefined): string => (share === undefined ? NONE : (100 * share).toFixed(1));
  const f1 = (of: ModelRow | null, i: number): string => value(of?.perClass[i]?.f1);
  const row = (c: ClassRow, i: number): Markup =>
    markup`<tr><th scope="row">${c.class}</th><td>${c.support}</td><td>${value(c.precision)}</td><td>${value(c.recall)}</td><td>${value(c.f1)}</td>${baseline && markup`<td>${f1(baseline, i)}</td>`}${teacher && markup`<td>${f1(teacher, i)}</td>`}</tr>`;
  return markup`<details><summary>Precision, recall and F1 of ${whose}${title && `: ${title}`}</summary><div class="scroll" tabindex="0"><table class="narrow">
<thead><tr><th scope="col">Class</th><th scope="col">Test samples</th><th scope="col">Precision <small>%</small></th><th scope="col">Recall <small>%</small></th><th scope="col">F1 <small>%</small></th>${baseline && markup`<th scope="col">F1, baseline <small>%</small></th>`}${teacher && markup`<th scope="col">F1, teacher <small>%</small></th>`}</tr></thead>
<tbody>${student.perClass.map(row)}</tbody></table></div></details>`;
}

/** Confusion of each student. */
export async function confusionSection(summary: Summary): Promise<Markup | null> {
  const maps: Markup[] = [];
  let cells = summary.darkKnowledge?.matrix.length ? summary.darkKnowledge.matrix.length ** 2 : 0;
  for (const comparison of summary.comparisons) {
    const { student } = modelsOf(summary, comparison);
    if (!student || (student.confusion.length === 0 && !student.confused)) continue;
    cells += student.confusion.length ** 2;
    const confused = student.confused ?? (cells > MOST_CELLS ? pairsOf(student.confusion) : null);
    const map = confused
      ? errorsTable(summary, comparison, student, confused)
      : await confusionMap(summary, comparison, student);
    maps.push(
      maps.length < OPEN
        ? map
        : markup`<details><summary>Confusion: ${titleOf(summary, comparison)}</summary>${map}</details>`,
    );
  }
  if (maps.length === 0) return null;
  if (summary.listedClasses) return markup`<section id="confusion"><h2>Confusion</h2>${maps}</section>`;
  return markup`<section id="confusion"><h2>Confusion</h2>
<p class="lead">Rows are labels, columns are the student's predictions. Correct predictions on the diagonal are grey. A deeper colour means
a larger share of the class is misclassified.</p>${maps}</section>`;
}

function errorsTable(summary: Summary, comparison: Comparison, student: ModelRow, confused: ConfusedPairs): Markup {
  return confusedTable(confused, summary.data.classes, student.seeds.length, titleOf(summary, comparison));
}

function confusionMap(summary: Summary, comparison: Comparison, student: ModelRow): Promise<Markup> {
  const { classes } = summary.data;
  const sums = student.confusion.map((row) => row.reduce((a, v) => a + v, 0));
  const share = (r: number, c: number): number => (student.confusion[r]?.[c] ?? 0) / Math.max(1, sums[r] ?? 0);
  const errors = student.confusion.flatMap((row, r) =>
    row.map((n, c) => ({ r, c, n, share: share(r, c) })).filter((e) => e.r !== e.c),
  );
  const most = maxOf(
    errors.map((e) => e.share),
    1e-9,
  );
  const worst = errors.reduce((a, b) => (b.n > a.n ? b : a), { r: 0, c: 0, n: 0, share: 0 });
  const cells: HeatCell[] = student.confusion.flatMap((row, r) =>
    row.map((n, c) => ({
      row: r,
      column: c,
      strength: r === c ? null : share(r, c) / most,
      text: n > 0 ? String(n) : "",
      tip: `${classes[r]} predicted as ${classes[c]}: ${n} of ${sums[r]} (${percent(share(r, c))})`,
    })),
  );
  const title = titleOf(summary, comparison);
  return heatMap({
    title: `Confusion, counts over ${noun(student.seeds.length, "seed")}${title && `: ${title}`}`,
    description:
      worst.n > 0
        ? `The most frequent error: ${classes[worst.r]} predicted as ${classes[worst.c]}, ${worst.n} of ${sums[worst.r]}.`
        : "The student makes no errors.",
    classes,
    rowLabel: "true class",
    columnLabel: "student says",
    cells: classes.length > 30 ? cells.filter((c) => c.strength === null || c.strength > 0.01) : cells,
  });
}
