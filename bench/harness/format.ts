/** How numbers are written in tables. */
import type { Spread } from "./statistics.js";

/** So many digits, more where the whole number has more. */
export function figure(value: number, digits: number): string {
  const text = value.toPrecision(Math.max(digits, Math.ceil(Math.log10(Math.max(value, 1)))));
  // Rounded up to a power of ten it would have an exponent.
  return text.includes("e+") ? value.toFixed(0) : text;
}

/** "12.3 (12.1 to 13.0)". */
export function spread({ median: middle, low, high }: Spread, digits: number): string {
  const text = (v: number): string => figure(v, digits);
  return low === high ? text(middle) : `${text(middle)} (${text(low)} to ${text(high)})`;
}
