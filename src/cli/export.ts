/** `limbeck export <run>`. */
import { type Command, Option } from "commander";
import { formatBytes } from "../learn/report/terminal.js";
import { type ExportRunOptions, exportRun } from "../app/commands/export-run.js";
import { aligned, atTerminal } from "./command.js";
import { jsonFlag, quietFlag, wholeNumber } from "./flags.js";

interface ExportFlags extends ExportRunOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

export function addExport(program: Command): void {
  program
    .command("export")
    .description(
      "re-export a model from a run: another seed or variant, without built-in normalisation (--raw), or with float16 weights (--half)",
    )
    .argument("<run>", "folder of a finished run, or one folder in its trainings/")
    .addOption(
      new Option(
        "--role <role>",
        "which model to export (default: the student, or the only model of a training run)",
      ).choices(["student", "baseline", "teacher"]),
    )
    .addOption(new Option("--variant <name>", "export the model of this variant"))
    .addOption(
      new Option(
        "--seed <n>",
        "export the model of this seed (default: the seed with the best validation score)",
      ).argParser(wholeNumber("--seed", 0)),
    )
    .addOption(
      new Option("--raw", "export without the normalisation; its numbers are written to the metadata and the snippets"),
    )
    .addOption(new Option("--half", "store weights as float16: about half the file size; computation stays in float32"))
    .addOption(new Option("-o, --out <file>", "file to write (default: export/<name>.onnx in the run)"))
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Before the new model is written, its outputs are compared with the original's. Existing files are never overwritten.
Snippets for Node and the browser are written next to the model.

Examples:
  limbeck export runs/digits --half                       half the file size
  limbeck export runs/digits --raw --out raw.onnx         the caller normalises the input
  limbeck export runs/digits --variant every-label --seed 3
  limbeck export runs/digits --role baseline --seed 0
  limbeck export runs/digits/trainings/teacher-1a2b3c4d5e-seed0`,
    )
    .action((directory: string, flags: ExportFlags) =>
      atTerminal(flags, async (terminal) => {
        const result = await exportRun(directory, flags);
        const rows = aligned([
          ["model", result.model],
          ["from", result.source],
          ["size", formatBytes(result.bytes)],
          ["input", result.normalised ? "raw samples (the model normalises them)" : "normalised samples"],
          ["outputs", `differ by at most ${result.difference.toExponential(1)} (largest ${result.largest.toFixed(1)})`],
          ["snippets", result.snippets.join(", ")],
        ]);
        terminal.result(rows, result);
      }),
    );
}
