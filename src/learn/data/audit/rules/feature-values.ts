/** Features that say nothing, or whose values are out of all proportion. */
import { noun } from "../../../../base/noun.js";
import type { DataFinding } from "../../findings.js";
import { readColumns } from "../read-columns.js";
import { type AuditFacts, type AuditRule, fewOf, quotedList, valueText } from "../rule.js";
import { featureName } from "../survey.js";

/** Share of one value from which a feature says next to nothing, and the rows it takes to know. */
const NEARLY_ALL = 0.999;
const LEAST_ROWS = 1000;
/** Of the variance of a column: one value alone makes up this much. */
const ONE_VALUE = 0.9;
const LEAST_OUTLIER_ROWS = 20;
/** Steps of float32 (2^-24 of the size) that the standard deviation has at least. */
const STEPS = 128;

const names = ({ loaded }: AuditFacts, columns: readonly number[]): string[] =>
  columns.map((c) => featureName(loaded.data, c));

const allColumns = ({ columns }: AuditFacts): number[] => Array.from({ length: columns?.width ?? 0 }, (_, c) => c);

const isConstant = ({ columns }: AuditFacts, c: number): boolean =>
  columns !== null && columns.low[c] === columns.high[c] && columns.missing[c] === 0;

/** A yes or no, as the levels of a text column are. */
const isFlag = ({ columns }: AuditFacts, c: number): boolean =>
  columns !== null && columns.whole[c] === 1 && columns.low[c] === 0 && columns.high[c] === 1;

export const constantFeatures: AuditRule = (facts) => {
  const found = facts.examined.length > 1 ? allColumns(facts).filter((c) => isConstant(facts, c)) : [];
  if (found.length === 0) return [];
  const called = names(facts, found);
  const width = facts.columns?.width ?? 0;
  return [
    {
      code: "feature-constant",
      // Pixels of flat images, for instance, may well be constant at the border.
      level: facts.loaded.data.features ? "warning" : "note",
      where: "data.features",
      text:
        found.length === 1
          ? `The feature ${quotedList(called)} has the same value in all samples.`
          : `${found.length.toLocaleString("en-US")} of ${noun(width, "feature")} have the same value in all samples: ${quotedList(called)}.`,
      cure: `Leave ${found.length === 1 ? "it" : "them"} out with data.ignore, or check how ${found.length === 1 ? "it was" : "they were"} exported.`,
      count: found.length,
      examples: fewOf(called),
    },
  ];
};

/** The share of the most frequent value among sorted ones. */
function modeShare(sorted: Float32Array): number {
  let [run, longest] = [0, 0];
  for (let i = 0; i < sorted.length; i++) {
    run = i > 0 && sorted[i] === sorted[i - 1] ? run + 1 : 1;
    if (run > longest) longest = run;
  }
  return longest / Math.max(1, sorted.length);
}

export const nearlyConstantFeatures: AuditRule = (facts) => {
  const { profiles, loaded } = facts;
  if (!profiles || !loaded.data.features || profiles.rows.length < LEAST_ROWS) return [];
  const found = allColumns(facts).filter(
    (c) => !isConstant(facts, c) && !isFlag(facts, c) && modeShare(profiles.sorted(c)) >= NEARLY_ALL,
  );
  if (found.length === 0) return [];
  const called = names(facts, found);
  return [
    {
      code: "feature-nearly-constant",
      level: "note",
      where: "data.features",
      text: `${found.length === 1 ? `The feature ${quotedList(called)} has` : `${noun(found.length, "feature")} have`} one and the same value in at least 99.9 % of the samples${found.length === 1 ? "" : `: ${quotedList(called)}`}.`,
      count: found.length,
      examples: fewOf(called),
    },
  ];
};

/** One value that is so far away that all others are nearly equal beside it. */
export const outliers: AuditRule = (facts) => {
  const { columns, profiles, loaded } = facts;
  if (!columns || !profiles || columns.rows < LEAST_OUTLIER_ROWS) return [];
  const found = allColumns(facts).filter((c) => {
    const n = columns.known(c);
    const mean = columns.mean(c);
    const far = Math.max((columns.high[c] as number) - mean, mean - (columns.low[c] as number));
    const variance = columns.variance(c);
    if (n < LEAST_OUTLIER_ROWS || variance === 0 || isFlag(facts, c)) return false;
    return far * far >= ONE_VALUE * n * variance && modeShare(profiles.sorted(c)) < 0.9;
  });
  const held = readColumns(loaded.data, facts.examined, found.slice(0, 3));
  return found.slice(0, 3).map((c): DataFinding => {
    const mean = columns.mean(c);
    const high = (columns.high[c] as number) - mean > mean - (columns.low[c] as number);
    const value = (high ? columns.high[c] : columns.low[c]) as number;
    const row = held.get(c)?.indexOf(value) ?? -1;
    const sample = row < 0 ? [] : [[facts.examined[row] as number]];
    return {
      code: "feature-outlier",
      level: "warning",
      where: "data.features",
      text: `One value of ${quotedList(names(facts, [c]))}, ${valueText(value)}, is so far from the others that these are nearly equal beside it.`,
      cure: "Check this row, and correct or remove it.",
      count: found.length,
      examples: fewOf(names(facts, found)),
      samples: sample,
    };
  });
};

/** Values that float32 hardly tells apart: dates as seconds, large ids. */
export const lostPrecision: AuditRule = (facts) => {
  const { columns } = facts;
  if (!columns) return [];
  const found = allColumns(facts).filter((c) => {
    const size = Math.max(Math.abs(columns.low[c] as number), Math.abs(columns.high[c] as number));
    return !isConstant(facts, c) && size > 1 && Math.sqrt(columns.variance(c)) < STEPS * size * 2 ** -24;
  });
  if (found.length === 0) return [];
  const called = names(facts, found);
  const [c] = found as [number];
  return [
    {
      code: "feature-precision",
      level: "warning",
      where: "data.features",
      text: `The values of ${quotedList(called)} are large (${valueText(columns.low[c] as number)} and above) and differ little. Kept as float32, they lose most of their differences.`,
      cure: "Subtract a fixed value in the table first, such as the smallest.",
      count: found.length,
      examples: fewOf(called),
    },
  ];
};
