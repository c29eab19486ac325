/** noun(1, "seed") -> "1 seed", noun(360, "sample") -> "360 samples", noun(2, "class") -> "2 classes". */
export function noun(n: number, what: string): string {
  return `${n.toLocaleString("en-US")} ${what}${n === 1 ? "" : /(s|tch|nch)$/.test(what) ? "es" : "s"}`;
}
