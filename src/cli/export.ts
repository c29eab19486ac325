/** `limbeck export <run>`. */
import { type Command, Option } from "commander";
import { formatBytes } from "../report/terminal.js";
import { type ExportRunOptions, exportRun } from "../strategy/export-run.js";
import { aligned, atTerminal } from "./command.js";
import { jsonFlag, quietFlag, wholeNumber } from "./flags.js";

interface ExportFlags extends ExportRunOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

export function addExport(program: Command): void {
  program
    .command("export")
    .description("write a model of a run as ONNX once more: another seed or variant, raw, or with float16 weights")
    .argument("<run>", "folder of a finished run, or of one training in its trainings/")
    .addOption(
      new Option("--role <role>", "which model (default: the student, or the one model of a training run)").choices([
        "student",
        "baseline",
        "teacher",
      ]),
    )
    .addOption(new Option("--variant <name>", "of this variant of the recipe"))
    .addOption(
      new Option("--seed <n>", "of this seed (default: the one best on the validation samples)").argParser(
        wholeNumber("--seed", 0),
      ),
    )
    .addOption(new Option("--raw", "leave the normalisation out; the numbers go into the metadata and the snippets"))
    .addOption(new Option("--half", "weights as float16: about half the file, computed in float32 all the same"))
    .addOption(new Option("-o, --out <file>", "file to write (default: export/<name>.onnx in the run)"))
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
The new model's outputs are compared with the original's before it is written; nothing is ever overwritten. Snippets for
Node and the browser are written beside it.

Examples:
  limbeck export runs/digits --half                       half the download
  limbeck export runs/digits --raw --out raw.onnx         normalisation is the caller's
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
          ["input", result.normalised ? "raw samples, normalisation is inside" : "normalised samples"],
          ["outputs", `differ by at most ${result.difference.toExponential(1)} (largest ${result.largest.toFixed(1)})`],
          ["snippets", result.snippets.join(", ")],
        ]);
        terminal.result(rows, result);
      }),
    );
}
