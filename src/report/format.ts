/** Numbers for people, the same in the terminal and in the report. */
import type { Aggregate } from "../evaluate/interval.js";

/** Where there is no figure. */
export const NONE = "-";

/** 0.9432 -> "94.3", with the half interval: "94.3 ± 0.4". */
export function percentValue(share: Aggregate | null): string {
  return share ? `${(100 * share.mean).toFixed(1)}${halfInterval(share, 100, 1)}` : NONE;
}

/** As `percentValue`, with the unit. */
export function percent(share: Aggregate | null): string {
  return share ? `${percentValue(share)} %` : NONE;
}

/** 0.1234 -> "0.123". */
export function decimal(value: Aggregate | null, digits = 3): string {
  return value ? value.mean.toFixed(digits) : NONE;
}

/** " ± 0.4", or "" with one seed. */
export function halfInterval({ low, high }: Aggregate, scale: number, digits: number): string {
  return low === null || high === null ? "" : ` ± ${((scale * (high - low)) / 2).toFixed(digits)}`;
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
