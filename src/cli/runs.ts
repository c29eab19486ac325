/** `limbeck runs [dir]`. */
import type { Command } from "commander";
import { noun } from "../base/noun.js";
import { listRuns, type RunInfo } from "../run/folder/runs.js";
import { columns } from "./command.js";
import { jsonFlag, quietFlag } from "./flags.js";
import { Terminal } from "./terminal.js";

export function addRuns(program: Command): void {
  program
    .command("runs")
    .description("list runs: state, date, accuracy, verdict")
    .argument("[dir]", "folder that contains the runs", "runs")
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
A run is running while a process of this computer writes to its folder. To continue an unfinished run, repeat its command
with --resume. A folder whose state cannot be read is listed as damaged, with the reason below the table.

Examples:
  limbeck runs
  limbeck runs experiments --json`,
    )
    .action((folder: string, flags: { json: boolean }) => {
      const runs = listRuns(folder);
      new Terminal({ json: flags.json, quiet: false }).result(describe(runs, folder), runs);
    });
}

function describe(runs: readonly RunInfo[], folder: string): string {
  if (runs.length === 0) return `no runs in ${folder}`;
  const rows = runs.map((r) => [
    r.name,
    r.strategy?.kind ?? r.kind ?? "-",
    r.strategy && (r.state === "unfinished" || r.state === "running")
      ? `${r.state === "running" ? "running, " : ""}${r.strategy.done} of ${noun(r.strategy.hops, "hop")}`
      : r.state,
    r.date.slice(0, 16).replace("T", " ") || "-",
    r.accuracy === null ? "-" : `${(100 * r.accuracy).toFixed(1)} %`,
    r.verdict ?? "-",
    r.path,
  ]);
  const problems = runs.flatMap((r) => (r.problem === null ? [] : [`${r.path}: ${r.problem}`]));
  const table = columns([["name", "kind", "state", "last written (UTC)", "accuracy", "verdict", "path"], ...rows]);
  return [table, ...(problems.length > 0 ? ["", ...problems] : [])].join("\n");
}
