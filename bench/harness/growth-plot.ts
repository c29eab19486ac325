/** The curves of a row, one small chart beside the other. */
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import type { Curve } from "../rows/row.js";
import { COLORS, INK } from "./plot.js";

const [WIDTH, HEIGHT, COLUMNS] = [380, 230, 2];
const TOP = 30;

/** A stand-alone SVG; both axes logarithmic, so that a straight line of slope one is cost in proportion. */
export function growthPlot(curves: readonly Curve[]): string {
  const charts = [...new Set(curves.map((c) => c.chart))];
  const systems = [...new Set(curves.map((c) => c.system))];
  const height = TOP + HEIGHT * Math.ceil(charts.length / COLUMNS);
  const parts = charts.map((chart, i) =>
    smallChart(
      curves.filter((c) => c.chart === chart),
      systems,
      (i % COLUMNS) * WIDTH,
      TOP + HEIGHT * Math.floor(i / COLUMNS),
    ),
  );
  const keys = systems.map((title, i) => {
    const x = 10 + 190 * i;
    return `<circle cx="${x}" cy="12" r="5" fill="${COLORS[i % COLORS.length]}"/><text x="${x + 10}" y="16" fill="${INK}">${title}</text>`;
  });
  const size = `width="${WIDTH * COLUMNS}" height="${height}" viewBox="0 0 ${WIDTH * COLUMNS} ${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="sans-serif" font-size="12" color="${INK}">${keys.join("")}${parts.join("")}</svg>\n`;
}

function smallChart(curves: readonly Curve[], systems: readonly string[], x: number, y: number): string {
  const [first] = curves as [Curve];
  const points = curves.flatMap((c) => c.points.map((p) => ({ ...p, system: c.system })));
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = Plot.plot({
    document: document as unknown as Document,
    width: WIDTH,
    height: HEIGHT,
    marginTop: 30,
    marginLeft: 55,
    marginBottom: 42,
    x: { type: "log", label: first.x, tickFormat: "~s", ticks: 5 },
    y: { type: "log", label: `${first.chart}: ${first.y}`, grid: true, tickFormat: "~s", ticks: 5 },
    color: { domain: [...systems], range: COLORS.slice(0, systems.length) },
    marks: [
      Plot.lineY(points, { x: "x", y: "y", stroke: "system" }),
      Plot.dot(points, { x: "x", y: "y", fill: "system", r: 3 }),
    ],
  }) as unknown as { outerHTML: string; setAttribute(name: string, value: string): void };
  svg.setAttribute("x", String(x));
  svg.setAttribute("y", String(y));
  return svg.outerHTML;
}
