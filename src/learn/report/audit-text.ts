/** The data audit as lines for the terminal: one where all is well, else one screen, or all of it. */

import { valueText } from "../data/audit/rule.js";
import type { ClassAudit, DataAudit, PartName } from "../data/audit/types.js";
import type { DataFinding } from "../data/findings.js";
import { appendTo } from "../../base/extremes.js";
import { noun } from "../../base/noun.js";

export { valueText } from "../data/audit/rule.js";

export interface AuditTextOptions {
  /** Columns of a line; default 100. */
  readonly width?: number;
  /** Lines at most; default 24. */
  readonly lines?: number;
  /** Leaves out everything but warnings. */
  readonly warningsOnly?: boolean;
  /** What shows the rest; default "limbeck data RECIPE". */
  readonly command?: string;
}

const number = (n: number): string => n.toLocaleString("en-US");

/** "images photos, 4,800 samples of 3x64x64 (3,264 train, 576 validation, 960 test), 12 classes". */
export function dataLine(audit: DataAudit): string {
  const { name, samples, classes, parts } = audit;
  const unlabelled = parts.reduce((sum, p) => sum + p.samples - p.labelled, 0);
  const labels = classes === null ? "no labels" : noun(classes.total, "class");
  const without = classes !== null && unlabelled > 0 ? `, ${noun(unlabelled, "sample")} without a label` : "";
  const held = parts.map((p) => `${number(p.samples)} ${partText(p.part)}`).join(", ");
  return `${name}, ${noun(samples, "sample")} of ${shapeText(audit)} (${held}), ${labels}${without}`;
}

const partText = (part: PartName): string => (part === "unused" ? "in no part" : part);

/** "1x8x8", "13 features". */
export function shapeText({ sampleShape, features }: DataAudit): string {
  return features ? noun(features.total, "feature") : sampleShape.join("x");
}

/** Lines to print before a run. */
export function auditLines(audit: DataAudit, options: AuditTextOptions = {}): string[] {
  const { width = 100, lines: most = 24, command = "limbeck data RECIPE" } = options;
  const { warningsOnly = false } = options;
  const findings = audit.findings.filter((f) => !f.quiet && (!warningsOnly || f.level === "warning"));
  const head = warningsOnly ? [] : [`data: ${dataLine(audit)}`];
  if (findings.length === 0) return head;
  const lines = warningsOnly ? [] : [...head, ...about(audit, width)];
  for (const [i, finding] of findings.entries()) {
    const own = findingLines(finding, width, warningsOnly ? "" : "  ");
    const left = findings.length - i;
    if (lines.length + own.length > most - (left > 1 ? 1 : 0)) {
      lines.push(`${warningsOnly ? "" : "  "}and ${left} more: ${command}`);
      break;
    }
    appendTo(lines, own);
  }
  return lines;
}

/** What the classes and values are, where there is something to say about them. */
function about(audit: DataAudit, width: number): string[] {
  const { classes, elementType } = audit;
  return [
    ...(classes ? wrapped(`classes in the training part: ${classesText(classes)}`, width, "  ", "    ") : []),
    `  values: ${elementType}, ${valuesText(audit)}${missingText(audit)}`,
  ];
}

/** ", 12 missing values", or nothing. */
export function missingText({ values: { missing } }: DataAudit): string {
  return missing > 0 ? `, ${noun(missing, "missing value")}` : "";
}

/** "10, each with 104 to 109 training samples". */
export function classCountText({ classes }: DataAudit): string {
  if (!classes) return "no labels";
  const { least, most } = classes.train;
  return `${number(classes.total)}, each with ${least === most ? noun(most, "training sample") : `${number(least)} to ${noun(most, "training sample")}`}`;
}

/** Samples that occur more than once: "2 test samples occur in the training or validation part". */
export function repeatedText({ duplicates: { test, validation, train } }: DataAudit): string {
  const occurs = (n: number): string => (n === 1 ? "occurs" : "occur");
  const parts = [
    ...(test > 0 ? [`${noun(test, "test sample")} ${occurs(test)} in the training or validation part`] : []),
    ...(validation > 0 ? [`${noun(validation, "validation sample")} ${occurs(validation)} in the training part`] : []),
    ...(train > 0 ? [`${noun(train, "training sample")} ${train === 1 ? "repeats" : "repeat"} an earlier one`] : []),
  ];
  return parts.length === 0 ? "no sample occurs twice" : parts.join("; ");
}

/** How large images were; null for anything else. */
export function imageSizesText({ imageSizes, sampleShape }: DataAudit): string | null {
  if (!imageSizes) return null;
  const range = ([low, high]: readonly [number, number]): string =>
    low === high ? number(low) : `${number(low)} to ${number(high)}`;
  const [, height, width] = sampleShape;
  return `${range(imageSizes.height)} pixels high and ${range(imageSizes.width)} wide, resized to ${height}x${width}`;
}

export function valuesText({ values: { low, high } }: DataAudit): string {
  return low === null || high === null ? "none" : `${valueText(low)} to ${valueText(high)}`;
}

/** Classes of a line. */
const CLASSES = 6;

/** Largest first: `cat 400, dog 390 ... fox 2`. */
function classesText({ shown, total, omitted }: ClassAudit): string {
  const order = shown.toSorted((a, b) => b.train - a.train);
  const text = (of: typeof shown): string => of.map((c) => `${c.name} ${number(c.train)}`).join(", ");
  if (omitted === 0 && total <= CLASSES) return text(order);
  return `${text(order.slice(0, CLASSES / 2))} ... ${text(order.slice(-CLASSES / 2))}`;
}

/** A finding with what to do about it; a warning says so first. */
export function findingLines({ level, text, cure }: DataFinding, width: number, indent = "  "): string[] {
  return wrapped(
    `${level === "warning" ? "warning: " : "note: "}${text}${cure ? ` ${sentence(cure)}` : ""}`,
    width,
    indent,
    `${indent}  `,
  );
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Words in lines of at most `width` columns. */
export function wrapped(text: string, width: number, first: string, other: string): string[] {
  const lines: string[] = [];
  let line = first;
  let bare = true;
  for (const word of text.split(" ")) {
    if (!bare && line.length + 1 + word.length > width) {
      lines.push(line);
      line = other;
      bare = true;
    }
    line += bare ? word : ` ${word}`;
    bare = false;
  }
  return [...lines, line];
}
