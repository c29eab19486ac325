/** The report's section on the data: parts, classes, values, and what the audit found. */
import type { ClassAudit, DataAudit, PartCounts } from "../data/audit/types.js";
import type { DataFinding } from "../data/findings.js";
import type { Summary } from "../evaluate/summary.js";
import { noun } from "../../base/noun.js";
import { classCountText, imageSizesText, missingText, repeatedText, shapeText, valuesText } from "./audit-text.js";
import { count } from "./format.js";
import { fewClasses } from "./many-classes.js";
import { type Markup, markup } from "./markup.js";

/** Up to so many classes stand open; a longer table folds. */
const OPEN_CLASSES = 12;

export type Fact = readonly [string, string | Markup | null | undefined];

/** Names with what they are, one below the other. */
export function facts(list: readonly Fact[]): Markup {
  return markup`<dl class="facts">${list.map(([name, value]) => value && markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** Everything about the data of a run. */
export function dataSection(summary: Summary): Markup {
  const { data } = summary;
  const { audit } = data;
  const notes = [...(data.notes ?? []), ...summary.notes];
  const { train, labelled } = data.counts;
  return markup`<section id="data"><h2>Data</h2>
${audit && findingList(audit.findings)}
<div class="columns tight"><div>${facts([
    ["source", data.name],
    ["origin", data.origin],
    ...(audit ? auditFacts(audit) : plainFacts(summary)),
    [
      "labels for the student",
      labelled === undefined || labelled === train ? null : `${count(labelled)} of ${count(train)}`,
    ],
    ["SHA-256", markup`<code>${data.hash}</code>`],
  ])}</div>${audit && markup`<div>${partsTable(audit.parts)}</div>`}</div>
${audit?.classes && classesTable(audit.classes)}
${notes.length > 0 && markup`<ul class="notes">${notes.map((n) => markup`<li>${n}</li>`)}</ul>`}</section>`;
}

/** What an audit found, for a page that says nothing else about the data. */
export function auditSection(audit: DataAudit): Markup {
  return markup`<section id="data"><h2>Data</h2>${findingList(audit.findings)}
<div class="columns tight"><div>${facts([["source", audit.name], ...auditFacts(audit)])}</div><div>${partsTable(audit.parts)}</div></div>
${audit.classes && classesTable(audit.classes)}</section>`;
}

/** Of a summary that is older than the audit. */
function plainFacts(summary: Summary): Fact[] {
  const { data } = summary;
  const { train, validation, test } = data.counts;
  return [
    ["sample", `[${data.sampleShape.join(", ")}]`],
    ["classes", fewClasses(summary, 40)],
    ["training", count(train)],
    ["validation", count(validation)],
    ["test", count(test)],
  ];
}

/** What an audit says in one word each. */
export function auditFacts(audit: DataAudit): Fact[] {
  const { samples, elementType, examined } = audit;
  return [
    ["samples", count(samples)],
    ["one sample", shapeText(audit)],
    ["values", `${elementType}, ${valuesText(audit)}${missingText(audit)}`],
    ["classes", classCountText(audit)],
    ["images", imageSizesText(audit)],
    ["repeated", repeatedText(audit)],
    ["looked at", examined < samples ? `${count(examined)} samples, an even share of each part` : null],
  ];
}

const PART_TITLES = { train: "training", validation: "validation", test: "test", unused: "in no part" } as const;

export function partsTable(parts: readonly PartCounts[]): Markup {
  const row = ({ part, samples, labelled }: PartCounts): Markup =>
    markup`<tr><th scope="row">${PART_TITLES[part]}</th><td>${count(samples)}</td><td>${count(labelled)}</td></tr>`;
  return markup`<table class="narrow"><thead><tr><th scope="col">Part</th><th scope="col">Samples</th><th scope="col">With a label</th></tr></thead><tbody>${parts.map(row)}</tbody></table>`;
}

/** Counts of the classes, each with a bar as long as its share of the largest. */
export function classesTable({ shown, total, omitted, train }: ClassAudit): Markup {
  const bar = (n: number): Markup =>
    markup`<span class="track"><i class="of-student" style="width:${((100 * n) / Math.max(1, train.most)).toFixed(1)}%"></i></span>`;
  const table = markup`<div class="scroll" tabindex="0"><table class="narrow counts"><thead><tr><th scope="col">Class</th><th scope="col" class="wide"><span class="hidden">Share of the largest</span></th><th scope="col">Training</th><th scope="col">Validation</th><th scope="col">Test</th></tr></thead>
<tbody>${shown.map((c) => markup`<tr><th scope="row">${c.name}</th><td class="wide">${bar(c.train)}</td><td>${count(c.train)}</td><td>${count(c.validation)}</td><td>${count(c.test)}</td></tr>`)}</tbody></table></div>`;
  const left =
    omitted > 0
      ? markup`<p class="note">The largest and the smallest classes; ${noun(omitted, "class")} in between ${omitted === 1 ? "is" : "are"} not shown.</p>`
      : null;
  if (total <= OPEN_CLASSES) return table;
  return markup`<details><summary>Samples of ${omitted > 0 ? `the largest and smallest of ${noun(total, "class")}` : `all ${noun(total, "class")}`}</summary>${table}${left}</details>`;
}

/** Warnings and notes, each with what to do. @param more what belongs to a finding: pictures */
export function findingList(
  findings: readonly DataFinding[],
  more: (finding: DataFinding) => Markup | null = () => null,
): Markup | null {
  if (findings.length === 0) return null;
  const item = (finding: DataFinding): Markup => {
    const { code, level, text, cure } = finding;
    return markup`<li class="${level}"><p><strong>${level === "warning" ? "Warning" : "Note"}:</strong> ${text}${cure && markup` <span class="cure">${cure}${/[.!?]$/.test(cure) ? "" : "."}</span>`} <code>${code}</code></p>${more(finding)}</li>`;
  };
  return markup`<ul class="findings">${findings.map(item)}</ul>`;
}
