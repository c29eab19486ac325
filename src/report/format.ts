/** Numbers for people, the same in the terminal and in the report. */
import { type Aggregate, rangeOfTwo } from "../evaluate/interval.js";

/** Where there is no figure. */
export const NONE = "-";

/** 0.9432 -> "94.3", with what the seeds say of it: "94.3 ± 0.4", of two seeds "94.3 (94.1–94.5)". */
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
 * What seeds say of a mean: half of its 95 % interval from three on ("± 0.4"), of two their range ("(84.1–84.9)"), nothing
 * of one. Two values have an interval too, but one so wide (t = 12.7) that it says nothing.
 */
export function spread(figure: Aggregate, scale: number, digits: number): string {
  const { low, high } = figure;
  if (low === null || high === null) return "";
  const range = rangeOfTwo(figure);
  const shown = (v: number): string => (scale * v).toFixed(digits);
  return range ? `(${range.map(shown).join("–")})` : `± ${shown((high - low) / 2)}`;
}

const spaced = (text: string): string => (text === "" ? "" : ` ${text}`);

/** What the spreads in a table are, for its note; "" where all models have one seed. @param seeds of each model */
export function spreadsSaid(seeds: readonly number[]): string {
  const parts = [
    ...(seeds.some((n) => n > 2)
      ? ["± is half of the 95 % interval of the mean over seeds (Student's t), for this one test set"]
      : []),
    ...(seeds.includes(2)
      ? ["of two seeds, too few for an interval, the lower and the higher value stand in brackets"]
      : []),
  ];
  return parts.join("; ");
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
