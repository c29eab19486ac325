/** The chart of docs/performance.md: a dot for every system and workload, at its time over limbeck's. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Comparison } from "./report.js";

/** Readable on light and on dark pages. */
export const COLORS = ["#d9622b", "#b03a9b", "#3a7bd5", "#2b9a66", "#8a6d1d", "#777777"];
export const INK = "#888888";

/** A stand-alone SVG. */
export function performancePlot(comparisons: readonly Comparison[]): string {
  const dots = comparisons.flatMap((c) =>
    c.ratio
      ? [{ workload: c.workload, title: c.title, ratio: c.ratio.median, low: c.ratio.low, high: c.ratio.high }]
      : [],
  );
  const workloads = [...new Set(comparisons.map((c) => c.workload))];
  const titles = [...new Set(dots.map((d) => d.title))];
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = Plot.plot({
    document: document as unknown as Document,
    width: 760,
    height: 70 + 30 * workloads.length,
    marginLeft: 130,
    marginTop: 30 + 16 * Math.ceil(titles.length / 3),
    marginRight: 30,
    x: {
      type: "log",
      label: "step time relative to limbeck (right of 1: limbeck is faster)",
      grid: true,
      tickFormat: ".2~r",
    },
    y: { type: "band", domain: workloads, label: null },
    color: { domain: titles, range: COLORS.slice(0, titles.length) },
    marks: [
      Plot.ruleX([1], { stroke: INK, strokeWidth: 2 }),
      Plot.ruleY(dots, { y: "workload", x1: "low", x2: "high", stroke: "title" }),
      Plot.dot(dots, { y: "workload", x: "ratio", fill: "title", r: 5 }),
    ],
  }) as unknown as { outerHTML: string; setAttribute(name: string, value: string): void };
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  svg.setAttribute("color", INK);
  svg.setAttribute("font-family", "sans-serif");
  svg.setAttribute("font-size", "12");
  const keys = titles.map((title, i) => {
    const [x, y] = [10 + 250 * (i % 3), 14 + 16 * Math.floor(i / 3)];
    return `<circle cx="${x}" cy="${y - 4}" r="5" fill="${COLORS[i % COLORS.length]}"/><text x="${x + 10}" y="${y}" fill="${INK}">${title}</text>`;
  });
  return `${svg.outerHTML.replace(/<\/svg>$/, `${keys.join("")}</svg>`)}\n`;
}
