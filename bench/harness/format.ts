/** How numbers are written in tables. */
import type { Spread } from "./statistics.js";

/** "12.3 (12.1 to 13.0)". */
export function spread({ median: middle, low, high }: Spread, digits: number): string {
  const text = (v: number): string => v.toPrecision(Math.max(digits, Math.ceil(Math.log10(Math.max(v, 1)))));
  return low === high ? text(middle) : `${text(middle)} (${text(low)} to ${text(high)})`;
}
