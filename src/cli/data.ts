/** `limbeck data [recipe]`. */
import { join } from "node:path";
import { type Command, Option } from "commander";
import type { DataAudit } from "../learn/data/audit/types.js";
import type { DataFinding } from "../learn/data/findings.js";
import { noun } from "../base/noun.js";
import { packageRoot } from "../node/package-root.js";
import { loadDataFile } from "../run/recipe/data.js";
import {
  classCountText,
  findingLines,
  imageSizesText,
  missingText,
  repeatedText,
  shapeText,
  valuesText,
  valueText,
} from "../learn/report/audit-text.js";
import { count } from "../learn/report/format.js";
import { writeDataPage } from "../app/commands/data-page.js";
import { loadAudited } from "../run/folder/load-audited.js";
import { refuseOverwrite } from "../run/folder/output.js";
import { aligned, atTerminal, columns, typedCommand } from "./command.js";
import { jsonFlag, quietFlag, setFlag } from "./flags.js";

interface DataFlags {
  readonly set: readonly string[];
  readonly page?: string;
  readonly json: boolean;
  readonly quiet: boolean;
}

export function addData(program: Command): void {
  program
    .command("data")
    .description("audit a recipe's data: what it contains and what looks wrong, without training")
    .argument("[recipe]", "recipe file; only its data section is read (default: the embedded digits)")
    .addOption(setFlag())
    .addOption(
      new Option("--page <file>", "also write a page with pictures or rows; existing files are never overwritten"),
    )
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Every run makes this audit before training and prints at most one screen of it. docs/data.md explains each finding.
Exit codes: 0 the data can be used (warnings are allowed), 2 it cannot be used.

Examples:
  limbeck data recipe.yaml
  limbeck data recipe.yaml --page data.html              with example pictures or rows, for a browser
  limbeck data recipe.yaml --set data.limit=1000 --json
  limbeck data recipe.yaml --json | jq '.findings[].code'`,
    )
    .action((file: string | undefined, flags: DataFlags) => runData(file, flags));
}

function runData(file: string | undefined, flags: DataFlags): Promise<void> {
  const { page } = flags;
  if (page !== undefined) refuseOverwrite(page);
  const { data, folder } = loadDataFile(file ?? join(packageRoot(), "recipes", "digits.yaml"), flags.set);
  return atTerminal(
    flags,
    async (terminal) => {
      const loaded = await loadAudited(data, { folder });
      if (page !== undefined) await writeDataPage(loaded, page, typedCommand());
      const text = describe(loaded.audit);
      terminal.result(page === undefined ? text : `${text}\n\npage      ${page}`, loaded.audit);
    },
    "stopping; nothing is kept (press Ctrl-C again to exit immediately)",
  );
}

/** Columns of a line, classes and features of a table. */
const WIDTH = 100;
const MOST_CLASSES = 20;
const MOST_FEATURES = 20;

function describe(audit: DataAudit): string {
  const blocks = [overview(audit), partsTable(audit), classTable(audit), featureTable(audit), findingsText(audit)];
  return blocks.filter((block) => block !== "").join("\n\n");
}

function overview(audit: DataAudit): string {
  const { name, samples, elementType, examined } = audit;
  const sizes = imageSizesText(audit);
  const rows: [string, string][] = [
    ["data", name],
    ["samples", `${count(samples)} of ${shapeText(audit)}`],
    ["values", `${elementType}, ${valuesText(audit)}${missingText(audit)}`],
    ["classes", classCountText(audit)],
    ...(sizes ? ([["images", sizes]] as [string, string][]) : []),
    ["repeated", repeatedText(audit)],
    ...(examined < samples
      ? ([["looked at", `${count(examined)} samples, an even share of each part`]] as [string, string][])
      : []),
  ];
  return aligned(rows);
}

function partsTable({ parts }: DataAudit): string {
  const rows = parts.map((p) => [p.part === "unused" ? "in no part" : p.part, count(p.samples), count(p.labelled)]);
  return columns([["part", "samples", "with a label"], ...rows]);
}

function classTable({ classes }: DataAudit): string {
  if (!classes) return "";
  const { shown, total } = classes;
  const order = shown.toSorted((a, b) => b.train - a.train);
  const some = total <= MOST_CLASSES ? shown : [...order.slice(0, MOST_CLASSES / 2), ...order.slice(-MOST_CLASSES / 2)];
  const rows = some.map((c) => [c.name, count(c.train), count(c.validation), count(c.test)]);
  const left = total > some.length ? `\n${noun(total - some.length, "class")} of medium size not shown` : "";
  return columns([["class", "train", "validation", "test"], ...rows]) + left;
}

function featureTable({ features }: DataAudit): string {
  if (!features) return "";
  const rows = features.shown
    .slice(0, MOST_FEATURES)
    .map((f) => [f.name, valueText(f.low), valueText(f.mean), valueText(f.high), count(f.missing)]);
  const left = features.total - rows.length;
  const more = left > 0 ? `\n${noun(left, "more feature")} not shown` : "";
  return columns([["feature", "lowest", "mean", "highest", "missing"], ...rows]) + more;
}

function findingsText({ findings }: DataAudit): string {
  if (findings.length === 0) return "Nothing looks wrong.";
  const lines = (finding: DataFinding): string[] => [
    ...findingLines(finding, WIDTH, ""),
    ...(finding.examples && finding.examples.length > 0 ? [`    examples: ${finding.examples.join(", ")}`] : []),
    `    code: ${finding.code}`,
  ];
  return findings.map((finding) => lines(finding).join("\n")).join("\n");
}
