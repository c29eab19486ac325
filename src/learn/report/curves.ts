/** Learning curves: a thin line for each seed, a thick one for their mean; and the terms' shares of the gradient. */
import type { CurvePoint, ModelRow, Summary } from "../evaluate/summary.js";
import { appendTo } from "../../base/extremes.js";
import { COLOR, figure } from "./charts.js";
import { type Markup, markup } from "./markup.js";
import { modelsOf, titleOf } from "./wording.js";

interface Point {
  readonly step: number;
  readonly value: number;
  readonly line: string;
  readonly color: string;
}

/** Validation score and training loss of each student with its baseline, then of the teachers trained here. */
export async function curvesSection(summary: Summary): Promise<Markup | null> {
  const charts: Markup[] = [];
  for (const comparison of summary.comparisons) {
    const { student, baseline } = modelsOf(summary, comparison);
    const title = titleOf(summary, comparison);
    appendTo(charts, await chartsOf([student, baseline], title));
  }
  const teachers = summary.models.filter((m) => m.role === "teacher");
  for (const teacher of teachers)
    appendTo(charts, await chartsOf([teacher], teachers.length > 1 ? teacher.name : "teacher"));
  if (charts.length === 0) return null;
  const once = summary.models.filter((m) => m.curves.some((c) => c.points.length > 0) && !hasCurve(m));
  return markup`<section id="curves"><h2>Learning curves</h2>
<p class="lead">Scores on the validation samples, which are not used for training. Thin lines are single seeds; the thick line is their mean.
Student and baseline minimise different losses, so compare the shapes of their training losses, not the values.${once.length > 0 && ` Not shown, because validated only once: ${once.map((m) => m.name).join(", ")}.`}</p>
<div class="charts">${charts}</div></section>`;
}

/** One point is no curve. */
const hasCurve = (model: ModelRow): boolean => model.curves.some((c) => c.points.length > 1);

async function chartsOf(rows: readonly (ModelRow | null)[], title: string): Promise<Markup[]> {
  const models = rows.filter((m): m is ModelRow => m !== null && hasCurve(m));
  if (models.length === 0) return [];
  const labelled = models.every((m) => m.curves.every((c) => c.points.every((p) => p.accuracy !== null)));
  const directed = models.some((m) => m.curves.some((c) => c.points.some((p) => p.cosine !== undefined)));
  const score = labelled ? "accuracy" : directed ? "cosine" : "agreement";
  const suffix = title ? `: ${title}` : "";
  const out = [];
  const scored = models.flatMap((m, i) =>
    lines(m, colorOf(models, i), (p) => {
      const value = p[score] ?? null;
      return value === null ? null : 100 * value;
    }),
  );
  if (scored.length > 0)
    out.push(
      await lineChart(
        `Validation ${score}${suffix}`,
        `validation ${score} (${directed && !labelled ? "× 100" : "%"})`,
        scored,
        models,
        clipTo(scored),
      ),
    );
  const losses = models.flatMap((m, i) => lines(m, colorOf(models, i), (p) => p.loss));
  // A student's loss and its baseline's are different functions: each is its own curve, not a contest.
  out.push(await lineChart(`Training loss${suffix}`, "training loss", losses, models));
  return out;
}

/** Curves start low: what happens near the top is what matters, so the axis leaves the first climb out. */
function clipTo(points: readonly Point[]): [number, number] {
  const sorted = points.map((p) => p.value).sort((a, b) => a - b);
  const top = sorted[sorted.length - 1] as number;
  const low = sorted[Math.floor(sorted.length * 0.06)] as number;
  const bottom = Math.max(0, Math.floor((low - 0.15 * (top - low) - 0.5) / 1));
  return [bottom, Math.min(100, Math.ceil(top + 0.5))];
}

const MEAN = "mean";

/** A student beside another student has a colour and a name of its own. */
const rival = (models: readonly ModelRow[], i: number): boolean => i > 0 && models[i]?.role === models[0]?.role;
const colorOf = (models: readonly ModelRow[], i: number): string =>
  rival(models, i) ? "var(--third)" : COLOR[(models[i] as ModelRow).role];
const nameOf = (models: readonly ModelRow[], i: number): string => {
  const model = models[i] as ModelRow;
  return models.some((_, j) => rival(models, j)) ? model.name : model.role;
};

function lines(model: ModelRow, color: string, of: (point: CurvePoint) => number | null): Point[] {
  const seeds = model.curves.filter((c) => c.points.length > 0);
  const points = seeds.flatMap((curve) =>
    curve.points.flatMap((p) => {
      const value = of(p);
      return value === null || !Number.isFinite(value)
        ? []
        : [{ step: p.step, value, line: `${model.id}/${curve.seed}`, color }];
    }),
  );
  // The mean where every seed has a point: seeds that stopped early would bend it.
  const mean = [...groupBySteps(points)]
    .filter(([, at]) => at.length === seeds.length)
    .map(([step, at]) => ({
      step,
      value: at.reduce((a, p) => a + p.value, 0) / at.length,
      line: `${model.id}/${MEAN}`,
      color,
    }));
  return [...points, ...mean];
}

function groupBySteps(points: readonly Point[]): Map<number, Point[]> {
  const groups = new Map<number, Point[]>();
  for (const p of points) groups.set(p.step, [...(groups.get(p.step) ?? []), p]);
  return groups;
}

function lineChart(
  title: string,
  label: string,
  points: readonly Point[],
  models: readonly ModelRow[],
  domain?: [number, number],
): Promise<Markup> {
  const mean = points.filter((p) => p.line.endsWith(`/${MEAN}`));
  const seeds = points.filter((p) => !p.line.endsWith(`/${MEAN}`));
  const last = models.map((m, i) => {
    const of = mean.filter((p) => p.line === `${m.id}/${MEAN}`);
    return `${nameOf(models, i)} ends at ${of[of.length - 1]?.value.toPrecision(3) ?? "no value"}`;
  });
  return figure({
    title,
    description: `${label} over training steps; ${last.join(", ")}.`,
    height: 250,
    legend: Object.fromEntries(models.map((_, i) => [nameOf(models, i), colorOf(models, i)])),
    options: (plot) => ({
      marginLeft: 46,
      marginBottom: 38,
      marginTop: 26,
      marginRight: 24,
      x: { label: "step", labelArrow: "none", ticks: 6, nice: false },
      y: { label, labelArrow: "none", ticks: 5, grid: true, domain, clamp: false, nice: !domain },
      marks: [
        plot.line(seeds, {
          x: "step",
          y: "value",
          z: "line",
          stroke: "color",
          strokeWidth: 1,
          strokeOpacity: 0.35,
          clip: true,
        }),
        plot.line(mean, { x: "step", y: "value", z: "line", stroke: "color", strokeWidth: 2.5, clip: true }),
        plot.dot(mean.length <= models.length * 3 ? mean : [], { x: "step", y: "value", fill: "color", r: 3 }),
      ],
      color: { type: "identity" },
    }),
  });
}

const TERM_COLORS = ["var(--student)", "var(--baseline)", "var(--third)", "var(--fourth)", "var(--teacher)"];

/** Each term's share of the gradient: a term with 1 % has no effect. */
export async function sharesSection(summary: Summary): Promise<Markup | null> {
  const students = summary.models.filter((m) => m.gradientShares.length > 0 && m.role === "student");
  const mixed = students.filter((m) => termsOf(m).length > 1);
  if (students.length === 0) return null;
  const charts = await Promise.all(mixed.map((m) => sharesChart(m, mixed.length > 1 ? m.name : "")));
  const single = students.filter((m) => !mixed.includes(m)).map((m) => `${m.name} (${termsOf(m).join()})`);
  return markup`<section id="shares"><h2>Gradient shares</h2>
<p class="lead">Each term's share of the gradient norm shows its influence. Loss values do not, because a term can be large and flat.
A term that stays below 1 % has practically no effect: raise its weight.${single.length > 0 && ` Not shown, because they have only one term: ${single.join(", ")}.`}</p>
<div class="charts">${charts}</div></section>`;
}

function termsOf(model: ModelRow): string[] {
  return [...new Set(model.gradientShares.flatMap((p) => Object.keys(p.shares)))];
}

function sharesChart(model: ModelRow, name: string): Promise<Markup> {
  const terms = termsOf(model);
  const points = model.gradientShares.flatMap((p) =>
    terms.map((term) => ({ step: p.step, share: 100 * (p.shares[term] ?? 0), term })),
  );
  const colors = Object.fromEntries(terms.map((t, i) => [t, TERM_COLORS[i % TERM_COLORS.length] as string]));
  const mean = terms.map((t) => {
    const of = points.filter((p) => p.term === t);
    return `${t} ${(of.reduce((a, p) => a + p.share, 0) / of.length).toFixed(0)} %`;
  });
  return figure({
    title: name ? `Gradient shares: ${name}` : "Gradient shares",
    description: `Mean over the training: ${mean.join(", ")}.`,
    height: 220,
    legend: colors,
    options: (plot) => ({
      marginLeft: 46,
      marginBottom: 38,
      marginTop: 26,
      marginRight: 24,
      x: { label: "step", labelArrow: "none", ticks: 6 },
      y: { label: "share of the gradient (%)", labelArrow: "none", ticks: 5, grid: true, domain: [0, 100] },
      marks: [
        plot.line(points, {
          x: "step",
          y: "share",
          z: "term",
          stroke: (p: { term: string }) => colors[p.term] as string,
          strokeWidth: 2.5,
        }),
        plot.dot(points.length <= 40 ? points : [], {
          x: "step",
          y: "share",
          fill: (p: { term: string }) => colors[p.term] as string,
          r: 3,
        }),
      ],
      color: { type: "identity" },
    }),
  });
}
