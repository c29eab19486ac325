/** Sections of a report on more classes than a matrix or a list can show: the classes that matter, and what is left out. */
import type { ConfusedPairs } from "../evaluate/class-counts.js";
import type { ClassRow, DarkKnowledge, ListedClasses, ModelRow, Summary } from "../evaluate/summary.js";
import { shorten } from "./charts.js";
import { count, NONE } from "./format.js";
import { type Markup, markup } from "./markup.js";
import { noun } from "./wording.js";

/** Lines of a table. */
const LINES = 10;
const PAIRS = 20;
/** Letters of a class name. */
const NAME = 40;

/** Which classes a section is about, and where the others are. */
export function leftOutSaid({ indices, of, tested, file }: ListedClasses): Markup {
  const untested = of - tested;
  const without = untested > 0 ? `${count(untested)} of them have no test samples. ` : "";
  return markup`<p class="lead">The data has ${count(of)} classes. ${without}The report shows those with the largest gains and losses, the lowest recall, the most test samples and the most errors.
<strong>${count(of - indices.length)} of ${count(of)} classes are left out</strong> of this report; <code>${file}</code> next to it has the scores of every class.</p>`;
}

interface Models {
  readonly student: ModelRow;
  readonly baseline: ModelRow | null;
  readonly teacher: ModelRow | null;
}

/** The classes with the lowest recall, and those with the most test samples. */
export function extremeTables(models: Models, title: string): Markup {
  const rows = models.student.perClass;
  const tested = [...rows.keys()].filter((i) => (rows[i] as ClassRow).support > 0);
  const by = (score: (c: ClassRow) => number): number[] =>
    [...tested]
      .sort((a, b) => {
        const [x, y] = [rows[a] as ClassRow, rows[b] as ClassRow];
        return score(x) - score(y) || y.support - x.support || a - b;
      })
      .slice(0, LINES);
  const suffix = title && `: ${title}`;
  const supports = new Set(tested.map((i) => (rows[i] as ClassRow).support));
  const lowest = by((c) => c.recall);
  const largest = by((c) => -c.support);
  return markup`<div class="charts">${recallTable(`Lowest recall${suffix}`, models, lowest)}${supports.size > 1 && recallTable(`Most test samples${suffix}`, models, largest)}</div>`;
}

function recallTable(caption: string, { student, baseline, teacher }: Models, places: readonly number[]): Markup {
  const recall = (of: ModelRow | null, i: number): string => {
    const share = of?.perClass[i]?.recall;
    return share === undefined ? NONE : (100 * share).toFixed(1);
  };
  const others = [baseline, teacher].filter((m): m is ModelRow => m !== null && m.perClass.length > 0);
  const head = (m: ModelRow): Markup => markup`<th scope="col">${m.role} <small>%</small></th>`;
  const line = (i: number): Markup => {
    const c = student.perClass[i] as ClassRow;
    return markup`<tr><th scope="row">${shorten(c.class, NAME)}</th><td>${count(c.support)}</td>${[student, ...others].map((m) => markup`<td>${recall(m, i)}</td>`)}</tr>`;
  };
  return markup`<div><h3>${caption}</h3><div class="scroll" tabindex="0"><table class="narrow"><thead><tr><th scope="col">Class</th><th scope="col">Test samples</th>${[student, ...others].map(head)}</tr></thead>
<tbody>${places.map(line)}</tbody></table></div></div>`;
}

/** The most frequent errors of a model. */
export function confusedTable(
  confused: ConfusedPairs,
  classes: readonly string[],
  seeds: number,
  title: string,
): Markup {
  if (confused.errors === 0) return markup`<p>The student makes no errors.</p>`;
  const shown = confused.pairs.slice(0, PAIRS);
  const covered = shown.reduce((sum, p) => sum + p.count, 0);
  const name = (c: number): string => shorten(classes[c] ?? String(c), NAME);
  const over = seeds > 1 ? `, over ${noun(seeds, "seed")}` : "";
  return markup`<h3>Most frequent errors${title && `: ${title}`}</h3>
<div class="scroll" tabindex="0"><table class="narrow pairs"><thead><tr><th scope="col">True class</th><th scope="col" class="text">Predicted class</th><th scope="col">Errors</th><th scope="col">Share of the class <small>%</small></th></tr></thead>
<tbody>${shown.map((p) => markup`<tr><th scope="row">${name(p.label)}</th><td class="text">${name(p.answer)}</td><td>${count(p.count)}</td><td>${((100 * p.count) / p.of).toFixed(1)}</td></tr>`)}</tbody></table></div>
<p class="note">These ${noun(shown.length, "pair")} of classes cover ${count(covered)} of ${noun(confused.errors, "error")}${over}. ${count(confused.kinds - shown.length)} other pairs are not shown.</p>`;
}

/** Which other class the teacher gives the most to, in place of a matrix. */
export function likeliestTable(dark: DarkKnowledge, classes: readonly string[], labelled: boolean): Markup | null {
  const shown = (dark.likeliest ?? []).slice(0, PAIRS);
  if (shown.length === 0) return null;
  const name = (c: number): string => shorten(classes[c] ?? String(c), NAME);
  return markup`<h3>Classes that the teacher considers similar</h3>
<p>The largest shares of other classes in the teacher's mean answer at temperature ${dark.temperature}, over the test samples of a class.</p>
<div class="scroll" tabindex="0"><table class="narrow pairs"><thead><tr><th scope="col">${labelled ? "True class" : "Teacher's class"}</th><th scope="col" class="text">Other class</th><th scope="col">Share <small>%</small></th></tr></thead>
<tbody>${shown.map((p) => markup`<tr><th scope="row">${name(p.class)}</th><td class="text">${name(p.other)}</td><td>${(100 * p.share).toFixed(1)}</td></tr>`)}</tbody></table></div>
<p class="note">The matrix of ${count(classes.length)} x ${count(classes.length)} classes is not shown.</p>`;
}

/** Names of a class list, the first of many. */
export function fewClasses(summary: Summary, most: number): string {
  const { classes } = summary.data;
  const more = classes.length - most;
  return `${count(classes.length)}: ${classes
    .slice(0, most)
    .map((c) => shorten(c, NAME))
    .join(", ")}${more > 0 ? ` and ${count(more)} more` : ""}`;
}
