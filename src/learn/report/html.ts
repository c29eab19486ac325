/** report.html: one self-contained file that a colleague can open, print or mail. Nothing in it is fetched. */
import { stringify } from "yaml";
import type { Summary } from "../evaluate/summary.js";
import { noun } from "../../base/noun.js";
import { classesSection, confusionSection } from "./classes.js";
import { curvesSection, sharesSection } from "./curves.js";
import { darkSection } from "./dark.js";
import { dataSection, type Fact, facts } from "./data.js";
import { count, duration } from "./format.js";
import { type Markup, markup, raw } from "./markup.js";
import { omittedSection } from "./omitted.js";
import { policy } from "./policy.js";
import { robustnessSection } from "./robustness.js";
import { SLIDER_SCRIPT } from "./slider.js";
import { strategySection } from "./strategy.js";
import { STYLE } from "./style.js";
import { comparisonSection, keyFigures, seenSection, verdictSection } from "./tables.js";

/**
 * The report of a run.
 * @param summary every figure of it; what is missing (baseline, labels, teacher's answers) is left out or said
 * @param comparesSizes whether its students are of different sizes, so that charts show what accuracy costs
 * @returns an HTML document without any external reference; scripts other than its own are refused by its own policy
 */
export async function renderReport(summary: Summary, comparesSizes = false): Promise<string> {
  const body = [
    await verdictSection(summary),
    keyFigures(summary),
    await strategySection(summary, comparesSizes),
    comparisonSection(summary),
    omittedSection(summary),
    seenSection(summary),
    await darkSection(summary),
    await classesSection(summary),
    await confusionSection(summary),
    await robustnessSection(summary),
    await curvesSection(summary),
    await sharesSection(summary),
    dataSection(summary),
    environmentSection(summary),
    recipeSection(summary),
  ].filter((s): s is Markup => s !== null);
  const script = summary.darkKnowledge ? SLIDER_SCRIPT : "";
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy(script)}">
<title>${summary.name}: distillation report</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<div class="page">
${head(summary)}
<main>${warnings(summary)}${body}</main>
<footer>Made by limbeck ${summary.limbeck}. All figures are in summary.json next to this file.</footer>
</div>
${script && markup`<script>${raw(script)}</script>`}
</body>
</html>
`.text;
}

function head(summary: Summary): Markup {
  const links: [string, string, boolean][] = [
    ["strategy", "Strategy", summary.strategy !== undefined],
    ["comparison", "Comparison", true],
    ["omitted", "Omitted classes", summary.models.some((m) => m.omitted)],
    ["seen", "Training data", true],
    ["dark", "Dark knowledge", summary.darkKnowledge !== null],
    ["classes", "Classes", summary.models.some((m) => m.role === "student" && m.perClass.length > 0)],
    ["robustness", "Robustness", summary.robustness !== undefined],
    ["curves", "Learning curves", summary.models.some((m) => m.curves.some((c) => c.points.length > 0))],
    ["data", "Data", true],
    ["recipe", "Recipe", true],
  ];
  return markup`<header><p class="kicker">limbeck distillation report${summary.startedAt && `, ${summary.startedAt.slice(0, 10)}`}</p>
<h1>${summary.name}</h1>${summary.description && markup`<p class="description">${summary.description}</p>`}
<nav aria-label="Sections">${links.filter(([, , there]) => there).map(([id, text]) => markup`<a href="#${id}">${text}</a>`)}</nav></header>`;
}

function warnings(summary: Summary): Markup | null {
  const ofData = summary.data.audit?.findings.filter((f) => f.level === "warning").length ?? 0;
  const items = [
    ...summary.warnings.map((w) => markup`<li>${w}</li>`),
    ...(ofData > 0
      ? [
          markup`<li>${ofData === 1 ? "Something looks" : `${ofData} things look`} wrong with the data: see <a href="#data">Data</a>.</li>`,
        ]
      : []),
  ];
  if (items.length === 0) return null;
  return markup`<div class="warnings" role="note"><h2>${items.length === 1 ? "Warning" : "Warnings"}</h2><ul>${items}</ul></div>`;
}

function environmentSection(summary: Summary): Markup {
  const { environment: env } = summary;
  const envFacts: Fact[] = [
    ["limbeck", summary.limbeck],
    ["Node", env.node],
    ["ONNX Runtime", env["onnxruntime-node"]],
    ["platform", env.platform],
    ["processor", `${env.cpu}, ${noun(env.cores, "core")}`],
    ["threads", env.threads > 0 ? String(env.threads) : "chosen by ONNX Runtime"],
    ["device", env.device],
    ["duration", duration(summary.durationSeconds)],
  ];
  return markup`<section id="environment"><h2>Environment</h2>${facts(envFacts)}</section>`;
}

function recipeSection(summary: Summary): Markup {
  const recipe = withShortLists(summary.recipe);
  const yaml = stringify(recipe, { lineWidth: 100, aliasDuplicateObjects: false });
  const whole = JSON.stringify(recipe) === JSON.stringify(summary.recipe);
  const files = Object.entries(summary.files);
  return markup`<section id="recipe"><h2>Recipe and reproduction</h2>
<p>To repeat the run, ${whole ? "save the recipe below (or use recipe.yaml next to this report)" : "use recipe.yaml next to this report (long lists are cut below)"} and run limbeck ${summary.limbeck} on it.
Relative paths start at the folder of the recipe. The same recipe, seed, machine, Node and ONNX Runtime give the same bytes; otherwise the last digits may differ. The run was started with:</p>
<pre>${summary.command}</pre>
${files.length > 0 && markup`<h3>Files of the run</h3>${facts(files.map(([what, path]) => [what, markup`<code>${path}</code>`]))}`}
<details open><summary>The recipe with all defaults filled in</summary><pre>${yaml}</pre></details></section>`;
}

/** Entries of a list of the recipe that the report shows: of a list of ten thousand class names, the first few. */
const MOST_ENTRIES = 100;
const FIRST = 10;

function withShortLists(value: unknown): unknown {
  if (Array.isArray(value))
    return value.length > MOST_ENTRIES
      ? [...value.slice(0, FIRST), `... and ${count(value.length - FIRST)} more`]
      : value.map(withShortLists);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, withShortLists(own)]));
}
