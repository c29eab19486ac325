/** Numbers for people, the same in the terminal and in the report. */
import { type Aggregate, rangeOfTwo } from "../evaluate/interval.js";

/** Shown if a figure is missing. */
export const NONE = "-";

/** 0.9432 -> "94.3", with its spread over seeds: "94.3 ± 0.4", or for two seeds "94.3 (94.1–94.5)". */
export function percentValue(share: Aggregate | null): string {
  return share ? `${(100 * share.mean).toFixed(1)}${spaced(spread(share, 100, 1))}` : NONE;
}

/** As `percentValue`, with the unit: "94.3 ± 0.4 %", "94.3 % (94.1–94.5)". */
export function percent(share: Aggregate | null): string {
  if (!share) return NONE;
  const said = spread(share, 100, 1);
  const mean = (100 * share.mean).toFixed(1);
  return said.startsWith("(") ? `${mean} % ${said}` : `${mean}${spaced(said)} %`;
}

/** 0.1234 -> "0.123". */
export function decimal(value: Aggregate | null, digits = 3): string {
  return value ? value.mean.toFixed(digits) : NONE;
}

/**
 * The spread of a mean over seeds: half its 95 % confidence interval for three or more ("± 0.4"), both values for two
 * ("(84.1–84.9)"), nothing for one. Two values have an interval too, but it is too wide to be useful (t = 12.7).
 */
export function spread(figure: Aggregate, scale: number, digits: number): string {
  const { low, high } = figure;
  if (low === null || high === null) return "";
  const range = rangeOfTwo(figure);
  const shown = (v: number): string => (scale * v).toFixed(digits);
  return range ? `(${range.map(shown).join("–")})` : `± ${shown((high - low) / 2)}`;
}

const spaced = (text: string): string => (text === "" ? "" : ` ${text}`);

/** Sentences that explain the spreads in a table; "" if all models have one seed. @param seeds of each model */
export function spreadsSaid(seeds: readonly number[]): string {
  const two = seeds.includes(2);
  const parts = [
    ...(seeds.some((n) => n > 2)
      ? [`${two ? "With three or more seeds, " : ""}± is half the 95 % confidence interval of the mean (Student's t)`]
      : []),
    ...(two ? ["With two seeds, both values are shown; intervals need three"] : []),
  ];
  return parts.map((part) => `${part}.`).join(" ");
}

/** 12345 -> "12.1 KB". */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const [value, unit] =
    bytes < 1024 ** 2
      ? [bytes / 1024, "KB"]
      : bytes < 1024 ** 3
        ? [bytes / 1024 ** 2, "MB"]
        : [bytes / 1024 ** 3, "GB"];
  return `${value.toFixed(1)} ${unit}`;
}

/** 1433610 -> "1,433,610". */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? NONE : n.toLocaleString("en-US");
}

/** 0.0432 -> "0.043 ms", 12.34 -> "12.3 ms". */
export function milliseconds(ms: number): string {
  return `${ms.toFixed(ms < 1 ? 3 : ms < 10 ? 2 : 1)} ms`;
}

/** 75 -> "1 min 15 s". */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  return h > 0 ? `${h} h ${m} min` : m > 0 ? `${m} min ${s} s` : `${s} s`;
}

/** How many times smaller: 35.2 -> "35", 2.34 -> "2.3". */
export function times(ratio: number): string {
  return ratio >= 10 ? Math.round(ratio).toLocaleString("en-US") : ratio.toFixed(1);
}

/** A value for people: numbers as they are, lists and mappings as JSON. */
export function said(value: unknown): string {
  if (value === null || value === undefined) return "none";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
