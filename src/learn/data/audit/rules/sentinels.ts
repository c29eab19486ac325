/** Numbers that stand for a missing value: 999, -99, 1e30 and the like, far from all other values of their column. */
import type { DataFinding } from "../../findings.js";
import { readColumns } from "../read-columns.js";
import { type AuditRule, fewOf, quotedList, valueText } from "../rule.js";
import { featureName } from "../survey.js";

/** Rows with the number in the profile, at least. */
const LEAST = 3;
/** Columns that are named one by one. */
const NAMED = 3;

const isSentinel = (value: number): boolean =>
  /^(-9{1,7}|9{2,7})$/.test(String(value)) || Math.abs(value) >= 1e30 || value === 2 ** 31 || value === -(2 ** 31);

interface Found {
  readonly c: number;
  readonly value: number;
  /** Lowest and highest of the others. */
  readonly others: readonly [number, number];
}

export const sentinels: AuditRule = ({ columns, profiles, loaded: { data }, examined }) => {
  if (!columns || !profiles) return [];
  const found: Found[] = [];
  for (let c = 0; c < columns.width; c++) {
    for (const value of [columns.low[c] as number, columns.high[c] as number]) {
      const others = isSentinel(value) ? othersOf(profiles.sorted(c), value) : null;
      if (others) found.push({ c, value, others });
    }
  }
  const shown = found.slice(0, NAMED);
  const held = readColumns(data, examined, [...new Set(shown.map(({ c }) => c))]);
  return shown.map(({ c, value, others }): DataFinding => {
    const name = featureName(data, c);
    const count = held.get(c)?.reduce((n, v) => n + Number(v === value), 0) ?? 0;
    return {
      code: "feature-sentinel",
      level: "warning",
      where: "data.features",
      text: `${quotedList([name])} is ${valueText(value)} in ${count.toLocaleString("en-US")} rows and between ${valueText(others[0])} and ${valueText(others[1])} in all others. It looks like a mark for a missing value.`,
      cure: "Leave these cells empty in the table if it is one.",
      count,
      examples: fewOf([name]),
    };
  });
};

/** The range of the other values, where it is nearer to itself than to this one; null otherwise. */
function othersOf(sorted: Float32Array, value: number): readonly [number, number] | null {
  const rest = sorted.filter((v) => v !== value);
  const [low, high] = [rest[0], rest[rest.length - 1]];
  if (low === undefined || high === undefined || sorted.length - rest.length < LEAST) return null;
  const gap = value > high ? value - high : low - value;
  return gap > 0 && gap >= high - low && rest.length > 1 ? [low, high] : null;
}
