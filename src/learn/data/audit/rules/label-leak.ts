/** A feature that alone tells the class: the label under another name, or what is known only after it. */
import { noun } from "../../../../base/noun.js";
import type { DataFinding } from "../../findings.js";
import type { ColumnProfiles } from "../profiles.js";
import { type AuditRule, fewOf, quotedList, shareOf } from "../rule.js";
import { featureName } from "../survey.js";

/** Fewer labelled rows, or fewer of them beside the largest class, say nothing. */
const LEAST_ROWS = 50;
const LEAST_OTHERS = 10;
/** Rows that may be told wrong, as a share, and of the rows beside the largest class. */
const WRONG = 0.01;
const WRONG_OF_OTHERS = 0.1;
/** Rows for a first look, with this much patience. */
const GLANCE = 200;
const PATIENCE = 4;

interface Telling {
  /** The column, and the rows that it tells wrong. */
  readonly c: number;
  readonly wrong: number;
}

export const labelLeak: AuditRule = ({ profiles, loaded: { data } }) => {
  if (!profiles || !data.labels) return [];
  const labels = data.labels;
  const known = Array.from(profiles.rows, (_, place) => place).filter(
    (p) => (labels[profiles.rows[p] as number] ?? -1) >= 0,
  );
  const labelAt = Int32Array.from(profiles.rows, (sample) => labels[sample] ?? -1);
  const others = known.length - largestClass(known, labelAt);
  if (known.length < LEAST_ROWS || others < LEAST_OTHERS) return [];
  const allowed = Math.min(WRONG * known.length, WRONG_OF_OTHERS * others);
  const first = known.filter((_, i) => i % Math.max(1, Math.floor(known.length / GLANCE)) === 0);
  const telling: Telling[] = [];
  for (let c = 0; c < profiles.width; c++) {
    if (wrongRows(profiles, c, first, labelAt) > (allowed * first.length) / known.length + PATIENCE) continue;
    const wrong = wrongRows(profiles, c, known, labelAt);
    if (wrong <= allowed) telling.push({ c, wrong });
  }
  return telling.length === 0 ? [] : [finding(telling, known.length, (c) => featureName(data, c))];
};

function finding(telling: readonly Telling[], rows: number, nameOf: (c: number) => string): DataFinding {
  const names = telling.map(({ c }) => nameOf(c));
  const wrong = telling.reduce((most, t) => Math.max(most, t.wrong), 0);
  const one = names.length === 1;
  const right = wrong === 0 ? `all ${noun(rows, "row")}` : `${shareOf(rows - wrong, rows)} of ${noun(rows, "row")}`;
  return {
    code: "label-leak",
    level: "warning",
    where: "data.features",
    text: one
      ? `The feature ${quotedList(names)} alone determines the class of ${right} that were examined.`
      : `Each of ${noun(names.length, "feature")} alone determines the class of ${right} that were examined: ${quotedList(names)}.`,
    cure: `Leave ${one ? "it" : "them"} out with data.ignore if new samples get ${one ? "it" : "them"} only after their class is known.`,
    count: names.length,
    examples: fewOf(names),
  };
}

function largestClass(places: readonly number[], labelAt: Int32Array): number {
  const counts = new Map<number, number>();
  let most = 0;
  for (const p of places) {
    const n = (counts.get(labelAt[p] as number) ?? 0) + 1;
    counts.set(labelAt[p] as number, n);
    if (n > most) most = n;
  }
  return most;
}

/**
 * How many rows one column alone tells wrong, at best: rows with the same value get the most frequent label among them. A
 * column with many values must have intervals, one for each class: in sorted order, each further change of the label means a
 * row in the wrong place, before and behind which it changes.
 */
function wrongRows(profiles: ColumnProfiles, c: number, places: readonly number[], labelAt: Int32Array): number {
  const values = profiles.values(c);
  const order = places.toSorted(
    (a, b) => (values[a] as number) - (values[b] as number) || (labelAt[a] as number) - (labelAt[b] as number) || a - b,
  );
  const told = new Set<number>();
  let [distinct, changes, mixed, last] = [0, 0, 0, -1];
  for (let from = 0; from < order.length; ) {
    const value = values[order[from] as number];
    let [to, run, longest, label] = [from, 0, 0, -1];
    for (; to < order.length && Object.is(values[order[to] as number], value); to++) {
      const own = labelAt[order[to] as number] as number;
      run = to > from && own === labelAt[order[to - 1] as number] ? run + 1 : 1;
      if (run > longest) [longest, label] = [run, own];
    }
    mixed += to - from - longest;
    if (from > 0 && label !== last) changes++;
    told.add(label);
    last = label;
    distinct++;
    from = to;
  }
  if (distinct < 2) return order.length;
  return distinct * 10 <= order.length ? mixed : mixed + Math.max(0, changes - (told.size - 1)) / 2;
}
