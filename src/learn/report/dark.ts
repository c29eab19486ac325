/** The dark-knowledge view: what the teacher says beside the right answer, and how a temperature brings it out. */
import type { DarkKnowledge, DarkSample, LogitTail, Summary } from "../evaluate/summary.js";
import { maxOf } from "../../base/extremes.js";
import { noun } from "../../base/noun.js";
import { type HeatCell, heatMap, shorten } from "./charts.js";
import { pngDataUri } from "./image.js";
import { likeliestTable } from "./many-classes.js";
import { type Markup, markup, raw, scriptJson } from "./markup.js";

/** Bars of a sample; with more classes, the teacher's best and one for the rest. */
const MOST_BARS = 10;
/** Features of a table's sample that are shown. */
const MOST_FEATURES = 8;

export async function darkSection(summary: Summary): Promise<Markup | null> {
  const dark = summary.darkKnowledge;
  if (!dark) return null;
  const { classes } = summary.data;
  const labelled = dark.samples.every((s) => s.label !== null);
  return markup`<section id="dark"><h2>Dark knowledge</h2>
<p class="lead">A label names one class. The teacher's answer also ranks the other classes, from plausible to absurd. A student learns this
ranking from soft targets; it cannot learn it from labels.</p>
${dark.matrix.length > 0 ? await distributionMap(dark, classes, labelled) : likeliestTable(dark, classes, labelled)}
${dark.samples.length > 0 && samplesView(dark, classes)}</section>`;
}

function distributionMap(dark: DarkKnowledge, classes: readonly string[], labelled: boolean): Promise<Markup> {
  const rows = dark.matrix.map((row) => (row && row.some((p) => p > 0) ? row : null));
  const others = rows.flatMap((row, r) => (row ?? []).filter((p, c) => c !== r && p > 0));
  const high = maxOf(others, 1e-12);
  // Three decades below the largest; the log scale keeps a class's third and fourth choice visible.
  const low = high / 1000;
  const strength = (p: number): number => Math.min(1, Math.max(0, Math.log(p / low) / Math.log(high / low)));
  const cells: HeatCell[] = rows.flatMap((row, r) =>
    classes.map((name, c) => {
      const p = row?.[c] ?? 0;
      const who = labelled ? classes[r] : `samples that the teacher classifies as ${classes[r]}`;
      return {
        row: r,
        column: c,
        strength: r === c ? null : row && p > 0 ? strength(p) : 0,
        text: row ? cellText(p) : "",
        tip: row ? `${who}: the teacher gives ${name} ${cellText(p)} %` : `${who}: no test sample`,
      };
    }),
  );
  const strongest = cells.filter((c) => c.strength !== null).sort((a, b) => (b.strength ?? 0) - (a.strength ?? 0))[0];
  return heatMap({
    title: `Mean answer of the teacher at temperature ${dark.temperature}, in % (logarithmic colour scale)`,
    description: strongest ? `The strongest second choice: ${strongest.tip}.` : "Only one class.",
    classes,
    rowLabel: labelled ? "true class" : "teacher's class",
    columnLabel: "the teacher's mean probability of",
    cells: classes.length > 30 ? cells.filter((c) => c.strength === null || c.strength > 0.05) : cells,
  });
}

/** 0.123 -> "12", 0.0123 -> "1.2", 0.00123 -> ".12". */
function cellText(p: number): string {
  const percent = 100 * p;
  if (percent >= 9.95) return percent.toFixed(0);
  if (percent >= 0.995) return percent.toFixed(1);
  return percent >= 0.005 ? percent.toFixed(2).replace(/^0/, "") : "0";
}

function samplesView(dark: DarkKnowledge, classes: readonly string[]): Markup {
  const orders = dark.samples.map((s) => orderOf(s, classes.length));
  const data = {
    temperature: dark.temperature,
    samples: dark.samples.map((s, i) => ({
      teacher: s.teacherLogits,
      student: s.studentLogits,
      order: orders[i],
      ...(s.rest ? { rest: [s.rest.teacher, s.rest.student] } : {}),
    })),
  };
  const presets = [...new Set([1, dark.temperature, 20])].sort((a, b) => a - b);
  return markup`<h3>Real test samples, softened</h3>
<p>The thick bar is the teacher, the thin bar is the student (first seed), both at the same temperature. The number is the teacher's.
Low temperatures leave only the most likely class; higher ones flatten the answer until all classes are equal. Half of the samples are those on which the teacher is least certain.${dark.samples.some((s) => s.rest) && " With so many classes, a bar's length is relative to the longest of its sample."}</p>
<div id="temperature-controls" class="controls" hidden>
<label for="temperature">Temperature <output id="temperature-value" for="temperature">${dark.temperature}</output></label>
<input id="temperature" type="range" min="0" max="100" step="0.5" value="0">
<span class="presets">${presets.map((t) => markup`<button type="button" data-temperature="${t}" aria-pressed="false">T ${t}${t === dark.temperature && t !== 1 && " (this run)"}</button>`)}</span>
<span class="entropy">mean entropy of the teacher <b id="entropy-value">-</b> of ${Math.log(classes.length).toFixed(2)} nats</span>
</div>
<p class="legend"><span><i style="background:var(--teacher)"></i>teacher</span><span><i style="background:var(--student)"></i>student</span><span class="print-only">temperature ${dark.temperature}</span></p>
<div class="samples">${dark.samples.map((s, i) => sampleCard(s, orders[i] as number[], dark.temperature, classes))}</div>
<script type="application/json" id="dark-data">${scriptJson(data)}</script>`;
}

/** Places among the sample's logits: all classes in their own order when they are few, else the teacher's best. */
function orderOf(sample: DarkSample, classes: number): number[] {
  if (sample.classes) return sample.classes.map((_, k) => k);
  const all = Array.from({ length: classes }, (_, c) => c);
  if (classes <= MOST_BARS + 2) return all;
  const z = sample.teacherLogits;
  return all.sort((a, b) => (z[b] ?? 0) - (z[a] ?? 0) || a - b).slice(0, MOST_BARS);
}

function sampleCard(
  sample: DarkSample,
  order: readonly number[],
  temperature: number,
  classes: readonly string[],
): Markup {
  const bars = (z: readonly number[], rest: LogitTail | undefined): number[] => {
    const p = softened(z, temperature, rest);
    const own = order.map((c) => p[c] as number);
    return order.length < classes.length ? [...own, Math.max(0, 1 - own.reduce((a, v) => a + v, 0))] : own;
  };
  const teacher = bars(sample.teacherLogits, sample.rest?.teacher);
  const student = bars(sample.studentLogits, sample.rest?.student);
  const nameAt = (k: number): string => {
    const c = sample.classes?.[k] ?? k;
    return classes[c] ?? String(c);
  };
  const names = order.map(nameAt);
  if (order.length < classes.length) names.push(noun(classes.length - order.length, "other"));
  const [long, short] = lengths(teacher, student, sample.rest ? order.length : null);
  const lines = names.map((name, k) => {
    const truth = k < order.length && sample.label !== null && name === sample.label;
    return markup`<div class="bar${truth && " truth"}" data-bar><span class="name" title="${name}">${shorten(name, 12)}</span><span class="track"><i class="of-teacher" style="width:${width(long[k])}"></i><i class="of-student" style="width:${width(short[k])}"></i></span><span class="share">${percentText(teacher[k] ?? 0)}</span></div>`;
  });
  const said = nameAt(best(sample.teacherLogits));
  const caption =
    sample.label === null
      ? markup`teacher: <b>${said}</b>`
      : said === sample.label
        ? markup`labelled <b>${sample.label}</b>`
        : markup`labelled <b>${sample.label}</b>, teacher: <b>${said}</b>`;
  return markup`<div class="sample" data-sample><div class="head">${content(sample)}<p>${caption}<br><small>sample ${sample.index}</small></p></div><div class="bars">${lines}</div></div>`;
}

/** Lengths of the bars: the shares, or of many classes those of the named ones by the largest of them. As the slider's script. */
function lengths(
  teacher: readonly number[],
  student: readonly number[],
  named: number | null,
): [readonly number[], readonly number[]] {
  if (named === null) return [teacher, student];
  const most = maxOf([...teacher.slice(0, named), ...student.slice(0, named)]);
  const of = (shares: readonly number[]): number[] => shares.map((p, k) => (k < named ? p / most : 0));
  return [of(teacher), of(student)];
}

/** Probabilities of these logits, with a rest of others beside them, of which only means and numbers are known. */
export function softened(logits: readonly number[], temperature: number, rest: LogitTail = []): number[] {
  const most = maxOf([...logits, ...rest.map(([z]) => z)]);
  const e = (z: number): number => Math.exp((z - most) / temperature);
  const sum = logits.reduce((a, z) => a + e(z), 0) + rest.reduce((a, [z, n]) => a + n * e(z), 0);
  return logits.map((z) => e(z) / sum);
}

function best(logits: readonly number[]): number {
  return logits.reduce((at, v, c) => (v > (logits[at] as number) ? c : at), 0);
}

function width(share: number | undefined): string {
  return `${(100 * (share ?? 0)).toFixed(2)}%`;
}

/** As the slider's script says it. */
function percentText(share: number): string {
  const p = 100 * share;
  if (p > 0 && p < 0.01) return "<0.01 %";
  return `${p.toFixed(p >= 9.95 ? 0 : p >= 0.095 ? 1 : 2)} %`;
}

function content(sample: DarkSample): Markup {
  const [channels, height = 0, width = 0] = sample.shape;
  if (sample.shape.length === 3 && (channels === 1 || channels === 3)) {
    const alt = sample.label === null ? `sample ${sample.index}` : `sample ${sample.index}, labelled ${sample.label}`;
    return markup`<img alt="${alt}" width="${width}" height="${height}" src="${raw(pngDataUri(sample.shape, sample.values))}">`;
  }
  const names = sample.features ?? [];
  const shown = sample.values
    .slice(0, MOST_FEATURES)
    .map((v, i) => markup`<dt>${shorten(names[i] ?? `feature ${i + 1}`, 16)}</dt><dd>${Number(v.toPrecision(4))}</dd>`);
  const more = sample.values.length - shown.length;
  return markup`<dl class="features">${shown}${more > 0 && markup`<dt>and ${more} more</dt><dd></dd>`}</dl>`;
}
