/** Charts as SVG: Observable Plot over linkedom's document, both loaded when the first chart is drawn. */
import type { PlotOptions } from "@observablehq/plot";
import { maxOf } from "../../base/extremes.js";
import { type Markup, markup, raw } from "./markup.js";

type Plot = typeof import("@observablehq/plot");

/** Colours are the page's CSS variables, so charts follow light, dark and print. */
export const COLOR = {
  teacher: "var(--teacher)",
  student: "var(--student)",
  baseline: "var(--baseline)",
  heat: "var(--heat)",
  muted: "var(--muted)",
  line: "var(--line)",
  ink: "var(--ink)",
} as const;

export interface Chart {
  readonly title: string;
  /** One sentence for those who cannot see it. */
  readonly description: string;
  /** Natural width in pixels; default 480. Wider charts scroll sideways on a small screen instead of shrinking. */
  readonly width?: number;
  readonly height: number;
  readonly options: (plot: Plot) => Omit<PlotOptions, "width" | "height" | "document">;
  /** Shown above, next to the title: name -> colour. */
  readonly legend?: Readonly<Record<string, string>>;
}

/** Plot's own type of a document: the compiler has no DOM types here. */
type PlotDocument = NonNullable<PlotOptions["document"]>;

let loaded: Promise<{ plot: Plot; document: PlotDocument }> | undefined;

function load(): Promise<{ plot: Plot; document: PlotDocument }> {
  loaded ??= Promise.all([import("@observablehq/plot"), import("linkedom")]).then(([plot, { parseHTML }]) => ({
    plot,
    document: parseHTML("<!doctype html><html><body></body></html>").document as unknown as PlotDocument,
  }));
  return loaded;
}

/** What is used of an SVG element. */
interface SvgElement {
  readonly outerHTML: string;
  querySelector(selector: string): { remove(): void } | null;
  removeAttribute(name: string): void;
  setAttribute(name: string, value: string): void;
}

/** A figure with its title, legend and drawing. */
export async function figure(chart: Chart): Promise<Markup> {
  const { plot, document } = await load();
  const { width = 480, height, title, description, legend = {} } = chart;
  const svg = plot.plot({ ...chart.options(plot), width, height, document }) as unknown as SvgElement;
  svg.querySelector("style")?.remove();
  svg.removeAttribute("class");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${title}. ${description}`);
  svg.setAttribute("font-size", "12");
  svg.setAttribute("font-family", "inherit");
  const keys = Object.entries(legend).map(
    ([name, color]) => markup`<span><i style="background:${color}"></i>${name}</span>`,
  );
  // Never larger than drawn; wide ones scroll instead of shrinking.
  const wide = ` style="--natural:${width}px${width > 560 ? `;min-width:${Math.min(width, 1000)}px` : ""}"`;
  return markup`<figure><figcaption><strong>${title}</strong>${keys.length > 0 && markup`<span class="legend">${keys}</span>`}</figcaption>
<div class="scroll"${width > 560 && markup` tabindex="0"`}><div${raw(wide)}>${raw(svg.outerHTML)}</div></div></figure>`;
}

export interface HeatCell {
  readonly row: number;
  readonly column: number;
  /** Opacity of the heat colour, 0 to 1; null draws a muted cell (the diagonal). */
  readonly strength: number | null;
  /** In the cell, when there is room. */
  readonly text: string;
  readonly tip: string;
}

export interface HeatMap {
  readonly title: string;
  readonly description: string;
  readonly classes: readonly string[];
  readonly rowLabel: string;
  readonly columnLabel: string;
  readonly cells: readonly HeatCell[];
}

/** Classes up to which cells carry their number. */
export const MOST_NUMBERED = 16;

/** A square heat map over classes: rows down, columns across, names on both sides. */
export function heatMap(map: HeatMap): Promise<Markup> {
  const { classes, cells } = map;
  const n = classes.length;
  const side = n <= 12 ? 36 : n <= MOST_NUMBERED ? 32 : n <= 30 ? 25 : n <= 60 ? 16 : 11;
  const label = (i: number): string => shorten(classes[i] ?? "", 14);
  const longest = maxOf(classes.map((_, i) => label(i).length));
  const upright = longest <= 3 && n <= 30;
  const marginLeft = 40 + 7 * longest;
  const marginTop = upright ? 42 : 30 + Math.round(5.4 * longest);
  const marginRight = upright ? 8 : 20 + Math.round(3 * longest);
  const every = n > 60 ? 2 : 1;
  const ticks = classes.map((_, i) => i).filter((i) => i % every === 0);
  const numbered = n <= MOST_NUMBERED;
  const margins = { marginLeft, marginTop, marginRight, marginBottom: 8 };
  const axis = {
    domain: classes.map((_, i) => i),
    labelAnchor: "center",
    labelArrow: "none",
    ticks,
    tickFormat: label,
    tickSize: 0,
    padding: 0.04,
  } as const;
  return figure({
    title: map.title,
    description: map.description,
    width: marginLeft + side * n + marginRight,
    height: marginTop + side * n + 8,
    options: (plot) => ({
      ...margins,
      x: { ...axis, axis: "top", label: map.columnLabel, tickRotate: upright ? 0 : -50 },
      y: { ...axis, label: map.rowLabel },
      marks: [
        plot.cell(cells, {
          x: "column",
          y: "row",
          fill: (c: HeatCell) => (c.strength === null ? "var(--cell-muted)" : "var(--heat)"),
          fillOpacity: (c: HeatCell) => c.strength ?? 1,
          rx: side > 20 ? 2 : 0,
          title: n <= 30 ? "tip" : undefined,
        }),
        plot.text(numbered ? cells : [], {
          x: "column",
          y: "row",
          text: "text",
          fontSize: 10,
          fill: (c: HeatCell) => ((c.strength ?? 0) > 0.55 ? "var(--on-heat)" : "var(--ink)"),
          pointerEvents: "none",
        }),
      ],
      color: { type: "identity" },
      opacity: { type: "identity" },
    }),
  });
}

/** Cuts long names in their middle: shorten("Trouser or something", 12) -> "Trouser …ing". */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  // Names that differ at all often differ at their end: "class 1", "class 2".
  const tail = Math.floor((most - 1) / 3);
  return `${text.slice(0, most - 1 - tail)}…${text.slice(-tail)}`;
}
