/** Writes what a run found out: summary.json, the report, and the scores of every class where there are many. */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../../node/atomic.js";
import { CLASSES_FILE, type ClassTable, listClasses, withAllClasses } from "../../learn/evaluate/listed-classes.js";
import type { Summary } from "../../learn/evaluate/summary.js";
import { strategies } from "../recipe/registries.js";

/**
 * @param found with the scores of every class
 * @returns the summary as it was written
 */
export async function writeSummary(directory: string, found: Summary): Promise<Summary> {
  const { summary, table } = listClasses(found);
  const classes = join(directory, CLASSES_FILE);
  if (table) await writeFileAtomic(classes, `${JSON.stringify(table)}\n`);
  else rmSync(classes, { force: true });
  await writeFileAtomic(join(directory, "summary.json"), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

/** Writes report.html beside summary.json. */
export async function writeReport(directory: string, summary: Summary): Promise<void> {
  const { kind = "" } = summary.strategy ?? {};
  const comparesSizes = strategies.find(kind)?.comparesSizes;
  const { renderReport } = await import("../../learn/report/html.js");
  await writeFileAtomic(join(directory, "report.html"), await renderReport(summary, comparesSizes));
}

/** A run's summary with the scores of every class, as the run had them. */
export function allClasses(directory: string, summary: Summary): Summary {
  const file = join(directory, CLASSES_FILE);
  if (!summary.listedClasses || !existsSync(file)) return summary;
  return withAllClasses(summary, JSON.parse(readFileSync(file, "utf8")) as ClassTable);
}
