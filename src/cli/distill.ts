/** `limbeck distill [recipe]`. */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { packageRoot } from "../node/package-root.js";
import { loadRecipe } from "../run/recipe/load.js";
import { strategies } from "../run/recipe/registries.js";
import { formatTable } from "../learn/report/terminal.js";
import { distill } from "../run/strategies/distill.js";
import { dataCommand, overridesOf, typedCommand } from "./command.js";
import { addRunFlags, type CommonFlags } from "./flags.js";
import { interruptible, Terminal } from "./terminal.js";

interface DistillFlags extends CommonFlags {
  readonly strategy?: string;
}

export function addDistill(program: Command): void {
  addRunFlags(
    program
      .command("distill")
      .description("run a recipe: prepare the teacher, label the data, train student and baseline, compare and export")
      .argument("[recipe]", "recipe file (default: the embedded digits)"),
  )
    .addOption(
      new Option(
        "--strategy <kind>",
        "the schedule of training runs (docs/strategies.md); same as --set strategy.kind=...",
      ).choices(strategies.entries.map(({ kind }) => kind)),
    )
    .addHelpText(
      "after",
      `
The run's folder contains student.onnx, report.html, summary.json, code that runs the student, and everything needed to
resume. Each student is compared with a baseline: the same network, trained on labels alone with the same number of updates.

Examples:
  limbeck distill                                        the embedded digits, in less than two minutes
  limbeck distill recipe.yaml --out runs/first           a recipe, for example from limbeck init
  limbeck distill recipe.yaml --set objective.alpha=0.5 --set training.epochs=20
  limbeck distill recipe.yaml --strategy born-again      generations of students, each taught by the previous one
  limbeck distill recipe.yaml --resume                   continue after Ctrl-C or a crash
  limbeck distill recipe.yaml --json > summary.json`,
    )
    .action((file: string | undefined, flags: DistillFlags) => runDistill(file, flags));
}

async function runDistill(file: string | undefined, flags: DistillFlags): Promise<void> {
  const strategy = flags.strategy === undefined ? [] : [`strategy.kind=${flags.strategy}`];
  const overrides = [...strategy, ...overridesOf(flags)];
  const { recipe, folder } = loadRecipe(file ?? join(packageRoot(), "recipes", "digits.yaml"), overrides);
  const terminal = await new Terminal({ ...flags, dataCommand: dataCommand(file) }).ready();
  const { signal, release } = interruptible(terminal);
  try {
    const result = await distill(recipe, {
      out: flags.out,
      resume: flags.resume,
      folder,
      threads: flags.threads,
      jobs: flags.jobs,
      device: flags.device,
      signal,
      onEvent: (event) => terminal.event(event),
      command: typedCommand(),
    });
    for (const warning of result.summary.warnings) terminal.warn(warning);
    const text = [
      formatTable(result.summary, { color: terminal.colored }),
      "",
      `student  ${result.student}`,
      `report   ${result.report}`,
      `summary  ${result.summaryFile}`,
    ].join("\n");
    terminal.result(text, result.summary);
  } finally {
    release();
    terminal.close();
  }
}
