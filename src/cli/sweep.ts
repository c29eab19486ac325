/** `limbeck sweep recipe.yaml`. */
import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import type { SweepRow, SweepSummary } from "../learn/evaluate/sweep.js";
import { loadRecipe, readYaml, withOverrides } from "../run/recipe/load.js";
import type { RecipeInput } from "../run/recipe/schema/schema.js";
import { withSweepFlags } from "../run/recipe/sweep-flags.js";
import { count, percent, said } from "../learn/report/format.js";
import { sweep } from "../app/sweep/sweep.js";
import { aligned, atTerminal, columns, dataCommand, overridesOf, typedCommand } from "./command.js";
import { addRunFlags, type CommonFlags, wholeNumber } from "./flags.js";

interface Flags extends CommonFlags {
  readonly grid: readonly string[];
  readonly random: readonly string[];
  readonly draws?: number;
  readonly halving?: number;
}

export function addSweep(program: Command): void {
  const collect = (v: string, all: string[] = []): string[] => [...all, v];
  addRunFlags(
    program
      .command("sweep")
      .description("search for the best values of recipe fields, using only validation samples of the training data")
      .argument("<recipe>", "recipe file")
      .option(
        "--grid <path=values>",
        "values to try in every combination, e.g. --grid objective.alpha=0.5,0.9; can be repeated",
        collect,
        [],
      )
      .option(
        "--random <path=range>",
        "values to draw at random: low..high, log:low..high, int:low..high, log-int:low..high, or a list; can be repeated",
        collect,
        [],
      )
      .option(
        "--draws <n>",
        "number of random draws; each is tried at every grid point (default: 20)",
        wholeNumber("--draws", 1),
      )
      .option(
        "--halving <n>",
        "successive halving: the best 1/n of the combinations continue with n times the budget, up to the recipe's",
        wholeNumber("--halving", 2),
      ),
  )
    .addHelpText(
      "after",
      `
Every combination is trained once per seed, exactly as in \`limbeck distill\`. The teacher is trained once and labels once.
Scores come from the validation samples; test samples are not used. The run's folder contains sweep.json, sweep.csv,
report.html (with a heat map of two grid fields) and best.yaml, ready for \`limbeck distill\`. The recipe's sweep section
is equivalent to the flags.

Examples:
  limbeck sweep recipe.yaml --grid objective.distillation_loss.temperature=1,2,4,8 --grid objective.alpha=0.5,0.9
  limbeck sweep recipe.yaml --random training.schedule.lr=log:1e-4..1e-2 --draws 20 --set seeds=3
  limbeck sweep recipe.yaml --random training.schedule.lr=log:1e-4..1e-1 --draws 27 --halving 3
  limbeck sweep recipe.yaml --grid 'student.hidden=[10],[20,20]' --jobs 2
  limbeck sweep recipe.yaml --resume              continue after Ctrl-C, with the same flags`,
    )
    .action((file: string, flags: Flags) => runSweep(file, flags));
}

function runSweep(file: string, flags: Flags): Promise<void> {
  const overrides = overridesOf(flags);
  // Checked first as a whole, so that errors name the file; then as written, without the defaults of other kinds.
  const { folder } = loadRecipe(file, overrides);
  const written = withOverrides(readYaml(file) as object, overrides, dirname(resolve(file)));
  const recipe = withSweepFlags(written, flags, folder) as unknown as RecipeInput;
  const { out, resume, threads, jobs, device } = flags;
  return atTerminal({ ...flags, dataCommand: dataCommand(file) }, async (terminal, signal) => {
    const result = await sweep(recipe, {
      out,
      resume,
      folder,
      threads,
      jobs,
      device,
      signal,
      onEvent: (event) => terminal.event(event),
      command: typedCommand(),
    });
    for (const warning of result.summary.warnings) terminal.warn(warning);
    const files = aligned([
      ["best recipe", result.bestRecipe],
      ["report", result.report],
      ["table", result.table],
      ["summary", result.summaryFile],
    ]);
    const best = `best: ${result.best.set.map((s) => `--set ${quoted(s)}`).join(" ")}`;
    const next = `limbeck distill ${quoted(result.bestRecipe)}   evaluates it on the test samples`;
    terminal.result(`${tableOf(result.summary)}\n\n${best}\n\n${files}\n\n${next}`, result.summary);
  });
}

/** Rows in the terminal; all of them are in sweep.csv. */
const MOST_ROWS = 30;

function tableOf({ fields, rows, metric, rungs }: SweepSummary): string {
  const sized = new Set(rows.map((r) => r.parameters)).size > 1;
  const head = [
    "rank",
    ...fields.map((f) => f.path),
    `validation ${metric}`,
    ...(sized ? ["parameters"] : []),
    ...(rungs.length > 1 ? ["rung"] : []),
  ];
  const line = (row: SweepRow): string[] => [
    String(row.rank),
    ...fields.map((f) => said(row.values[f.path])),
    row.error ? "failed" : percent(row.score),
    ...(sized ? [count(row.parameters)] : []),
    ...(rungs.length > 1 ? [String(row.rung)] : []),
  ];
  const more = rows.length > MOST_ROWS ? `\n... and ${rows.length - MOST_ROWS} more in sweep.csv` : "";
  return columns([head, ...rows.slice(0, MOST_ROWS).map(line)]) + more;
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[\w.,=:+/@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
