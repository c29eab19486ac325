/** The page that `limbeck data --page` writes: the audit with pictures or rows. Self-contained, without scripts. */
import type { DataAudit } from "../data/audit/types.js";
import type { DataFinding } from "../data/findings.js";
import { noun } from "../../base/noun.js";
import { dataLine, valueText } from "./audit-text.js";
import { auditFacts, classesTable, facts, findingList, partsTable } from "./data.js";
import type { ClassExamples, DataExamples, ShownSample } from "./data-examples.js";
import { count } from "./format.js";
import { type Markup, markup, raw } from "./markup.js";
import { policy } from "./policy.js";
import { STYLE } from "./style.js";

/** An image that was stretched: as it was, and as the models see it. */
export interface StretchedImage {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** PNGs as data URIs. */
  readonly before: string;
  readonly after: string;
}

export interface DataPage {
  readonly audit: DataAudit;
  readonly examples: DataExamples;
  readonly stretched: readonly StretchedImage[];
  /** Version of limbeck. */
  readonly limbeck: string;
  /** The command that wrote it. */
  readonly command: string;
}

/** @returns an HTML document without any external reference and without scripts */
export function renderDataPage(page: DataPage): string {
  const { audit, examples, limbeck, command } = page;
  const warnings = audit.findings.filter((f) => f.level === "warning").length;
  const notes = audit.findings.length - warnings;
  const found = [
    noun(audit.samples, "sample"),
    ...(warnings > 0 ? [noun(warnings, "warning")] : []),
    ...(notes > 0 ? [noun(notes, "note")] : []),
  ];
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy("")}">
<title>${audit.name}: data audit</title>
<style>${raw(STYLE)}</style>
</head>
<body>
<div class="page">
<header><p class="kicker">limbeck data audit</p><h1>${audit.name}</h1><p class="description">${found.join(", ")}</p></header>
<main>
<section id="findings"><h2>Findings</h2>${findingList(audit.findings, (finding) => shownFor(finding, page)) ?? markup`<p>Nothing looks wrong.</p>`}</section>
<section id="data"><h2>Data</h2><div class="columns tight"><div>${facts(auditFacts(audit))}</div><div>${partsTable(audit.parts)}</div></div></section>
${audit.classes && markup`<section id="classes"><h2>Classes</h2>${classesTable(audit.classes)}</section>`}
${featuresSection(audit)}
${examplesSection(audit, examples)}
</main>
<footer>Made by limbeck ${limbeck}: ${command}. ${dataLine(audit)}.</footer>
</div>
</body>
</html>
`.text;
}

/** Groups of rows that show a finding. */
const GROUPS = 3;

/** The samples that show a finding. */
function shownFor(finding: DataFinding, { examples, stretched }: DataPage): Markup | null {
  if (finding.code === "images-stretched" && stretched.length > 0)
    return markup`<div class="pictures">${stretched.map((image) => markup`<figure class="pair">${picture(image.before, `${image.name} as it is`)}${picture(image.after, `${image.name} stretched`)}<figcaption>${image.name}: ${count(image.width)} wide, ${count(image.height)} high; right: stretched</figcaption></figure>`)}</div>`;
  const groups = finding.samples ?? [];
  if (groups.length === 0) return null;
  const shown = groups.map((group) => group.map((index) => examples.show(index)));
  if (examples.images)
    return markup`<div class="pictures">${shown.map((group) => markup`<figure class="pair">${group.map((s) => picture(s.picture, s.name))}<figcaption>${group.map((s) => captionOf(s)).join(" and ")}</figcaption></figure>`)}</div>`;
  return rowsTable(examples, shown.slice(0, GROUPS).flat());
}

const picture = (source: string | null, name: string): Markup | null =>
  source === null ? null : markup`<img src="${source}" alt="${name}">`;

const captionOf = ({ name, label }: ShownSample): string => (label === null ? name : `${name} (${label})`);

function featuresSection({ features }: DataAudit): Markup | null {
  if (!features) return null;
  const rows = features.shown.map(
    (f) =>
      markup`<tr><th scope="row">${f.name}</th><td>${valueText(f.low)}</td><td>${valueText(f.mean)}</td><td>${valueText(f.high)}</td><td>${count(f.missing)}</td></tr>`,
  );
  return markup`<section id="features"><h2>Features</h2><div class="scroll" tabindex="0"><table class="narrow"><thead><tr><th scope="col">Feature</th><th scope="col">Lowest</th><th scope="col">Mean</th><th scope="col">Highest</th><th scope="col">Missing</th></tr></thead><tbody>${rows}</tbody></table></div>
${features.omitted > 0 && markup`<p class="note">${noun(features.omitted, "more feature")} not shown.</p>`}</section>`;
}

const PART_TITLES = { train: "Training", validation: "Validation", test: "Test" } as const;

function examplesSection(audit: DataAudit, examples: DataExamples): Markup {
  const left = (audit.classes?.total ?? examples.classes.length) - examples.classes.length;
  const note = left > 0 ? markup`<p class="note">${noun(left, "more class")} not shown.</p>` : null;
  const body = examples.images
    ? pictureTable(examples.classes)
    : rowsTable(
        examples,
        examples.classes.flatMap((c) => c.parts.flatMap(({ samples }) => samples.slice(0, 1))),
      );
  return markup`<section id="examples"><h2>Examples</h2><p class="lead">The first samples ${examples.images ? "of each class in each part, as the models see them before normalisation" : "of each class in each part, with raw values"}.</p>${body}${note}</section>`;
}

function pictureTable(classes: readonly ClassExamples[]): Markup {
  const cell = ({ part, samples }: ClassExamples["parts"][number]): Markup =>
    markup`<td data-label="${PART_TITLES[part]}"><div class="pictures">${samples.length === 0 ? markup`<span class="lead">none</span>` : samples.map((s) => picture(s.picture, captionOf(s)))}</div></td>`;
  return markup`<table class="examples stack"><thead><tr><th scope="col">Class</th>${Object.values(PART_TITLES).map((t) => markup`<th scope="col" class="text">${t}</th>`)}</tr></thead>
<tbody>${classes.map((c) => markup`<tr><th scope="row">${c.name ?? "all"}</th>${c.parts.map(cell)}</tr>`)}</tbody></table>`;
}

function rowsTable({ columns, hidden }: DataExamples, rows: readonly ShownSample[]): Markup {
  const head = columns.map((name) => markup`<th scope="col">${name}</th>`);
  const row = (s: ShownSample): Markup =>
    markup`<tr><th scope="row">${s.name}</th><td class="label">${s.label ?? "no label"}</td>${s.values.map((v) => markup`<td>${Number(v.toPrecision(7))}</td>`)}</tr>`;
  return markup`<div class="scroll" tabindex="0"><table class="narrow rows"><thead><tr><th scope="col">Sample</th><th scope="col" class="label">Label</th>${head}</tr></thead><tbody>${rows.map(row)}</tbody></table></div>${hidden > 0 && markup`<p class="note">${noun(hidden, "more value")} of each sample not shown.</p>`}`;
}
