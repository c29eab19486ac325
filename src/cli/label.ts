/** `limbeck label recipe.yaml`. */
import { type Command, Option } from "commander";
import { noun } from "../base/noun.js";
import { loadRecipe } from "../run/recipe/load.js";
import { formatBytes } from "../learn/report/terminal.js";
import { type LabelDataResult, labelData } from "../app/commands/label.js";
import { aligned, atTerminal, dataCommand, overridesOf } from "./command.js";
import { type CommonFlags, deviceFlag, jsonFlag, quietFlag, seedFlag, setFlag, threadsFlag } from "./flags.js";

export function addLabel(program: Command): void {
  program
    .command("label")
    .description("store a teacher's answers for every sample of a recipe's data, to reuse in later runs")
    .argument("<recipe>", "recipe file; its teacher must be an ONNX file or a model to train")
    .addOption(setFlag())
    .addOption(new Option("-o, --out <dir>", "folder for the answers (default: label-stores/<name>)"))
    .option(
      "-f, --features <names...>",
      "also store these intermediate values of the teacher: tensor or node names, * matches any text",
    )
    .addOption(seedFlag())
    .option("-r, --resume [dir]", "finish an interrupted labelling run")
    .addOption(deviceFlag())
    .addOption(threadsFlag())
    .addOption(jsonFlag())
    .addOption(quietFlag())
    .addHelpText(
      "after",
      `
Hashes tie the folder to teacher, data and preprocessing, so a store that does not match is rejected.
In a recipe, the store replaces the teacher: teacher: { label_store: <dir> }. The teacher itself is then not needed.

Examples:
  limbeck label recipe.yaml --out answers                       label every sample once
  limbeck label recipe.yaml --out answers --resume              continue after Ctrl-C or a crash
  limbeck label recipe.yaml --set teacher.precision=float16     half the size
  limbeck label recipe.yaml --features 'layer*/relu'            with intermediate values, for feature losses
  limbeck distill recipe.yaml --set 'teacher={label_store: answers}'`,
    )
    .action((file: string, flags: LabelFlags) => runLabel(file, flags));
}

interface LabelFlags extends CommonFlags {
  readonly features?: readonly string[];
}

function runLabel(file: string, flags: LabelFlags): Promise<void> {
  const { recipe, folder } = loadRecipe(file, overridesOf(flags));
  const { out, resume, threads, device, features } = flags;
  return atTerminal({ ...flags, dataCommand: dataCommand(file) }, async (terminal, signal) => {
    const onEvent = terminal.event.bind(terminal);
    const result = await labelData(recipe, { out, resume, folder, threads, device, features, signal, onEvent });
    for (const warning of result.warnings) terminal.warn(warning);
    terminal.result(describe(result), result);
  });
}

function describe(result: LabelDataResult): string {
  const share = (value: number | null): string => (value === null ? "-" : `${(100 * value).toFixed(1)} %`);
  const { train, validation } = result.accuracy;
  const right =
    train === null && validation === null
      ? "unknown: the data has no labels"
      : `${share(train)} of the labelled training samples, ${share(validation)} of the validation samples`;
  const rows = aligned([
    ["teacher", result.teacher],
    ["trained on", result.trainedOn],
    ["samples", `${result.samples.toLocaleString("en-US")}, ${noun(result.classes.length, "class")}`],
    ["answers", `${result.kind}, ${result.precision}`],
    ...result.features.map((f) => ["feature", `${f.name} [${f.shape.join(", ")}]`] as [string, string]),
    ["right", right],
    ["size", formatBytes(result.bytes)],
    ["store", result.store],
  ]);
  return [rows, ...result.notes, `Use it: teacher: { label_store: ${result.store} }`].join("\n");
}
